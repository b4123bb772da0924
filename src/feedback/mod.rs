//! What a person says about sessions, and what follows from it: ratings with issues, comments and
//! corrected answers, when to retrain, and what to retrain on. Owns these rules; knows nothing of how
//! training works, and leaves files and the index to the store.

mod better;
mod corrective;
mod error;
mod rating;
mod replay;
mod settings;
#[cfg(test)]
mod tests;
mod trigger;

pub use better::choose_better;
pub use corrective::{Contradiction, Corrective, Correctives, OWN_WORK, corrective};
pub use error::{Error, Result};
pub use rating::{
    Rated, Rating, StepRating, checked_correction, rate, save_rating, save_step_rating,
};
pub use replay::{Replay, replay};
pub use settings::Settings;
pub use trigger::{Trigger, trigger};

//! Running a person's task and recording it as a session. Owns what is asked of the model and what is
//! written down of it; knows nothing of ratings or of how arms are chosen.

mod ask;
mod error;

pub use ask::{Answer, Arm, AskRequest, any_seed, ask};
pub use error::{Error, Result};

//! Running a person's task and recording it as a session: answered (ask mode) or carried out (act mode).
//! Owns what is asked of the model, which actions there are and what is written down; knows nothing of
//! ratings or of how arms are chosen.

pub mod act;
mod action;
mod ask;
pub mod checked;
mod error;
pub mod tools;

pub use action::Action;
pub use ask::{Answer, Arm, AskRequest, any_seed, ask};
pub use error::{Error, Result};

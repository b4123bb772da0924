//! The model thread: one thread and its pool own all computing; everyone else hands in jobs and reads
//! events. Owns priorities, cancellation, the shared weights and what is still known of conversations;
//! knows nothing of what a job is for.

mod alternatives;
mod conversations;
mod error;
mod generate;
mod score;
mod thread;

pub use alternatives::{Alternatives, Expected};
pub use conversations::Conversations;
pub use error::{Error, Result};
pub use generate::{
    Generate, GenerateEvent, GenerateRequest, Generation, READ_TOKENS, Stop, Until,
};
pub use score::{Score, ScoreItem, SharedBeginning, score_slice};
pub use thread::{Ending, Job, Priority, Running, Runtime, Step, Update};

//! What can go wrong with a piece of work.

use crate::{adapters, config, eval, feedback, model, runtime, store, tasks, train};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Source(#[from] model::source::Error),
    #[error(transparent)]
    Model(#[from] model::Error),
    #[error(transparent)]
    ModelName(#[from] model::library::NameError),
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    #[error(transparent)]
    Eval(#[from] eval::Error),
    #[error(transparent)]
    Train(#[from] train::Error),
    #[error(transparent)]
    Feedback(#[from] feedback::Error),
    #[error(transparent)]
    Adapters(#[from] adapters::Error),
    #[error(transparent)]
    Tasks(#[from] tasks::Error),

    /// A model that is there and of no use.
    #[error("{name} cannot be used: {why}")]
    UnusableModel { name: String, why: String },

    /// No area of a set is weak enough to do anything for.
    #[error("nothing to improve: {0}")]
    NothingToImprove(String),

    /// An adapter cannot be judged by the person's own work yet.
    #[error(
        "your own work cannot judge yet: there are {corrections} corrections and it takes {needed}, of which one in four is held back; until then the adapter is unproven (it can be compared and tried, not promoted by itself)"
    )]
    Unproven { corrections: usize, needed: usize },

    /// The arguments do not go together.
    #[error("{0}")]
    Usage(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

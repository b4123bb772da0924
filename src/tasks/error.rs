//! What can go wrong with a task.

use crate::{model, runtime, store};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(#[from] model::Error),
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    #[error(transparent)]
    Store(#[from] store::Error),

    #[error(
        "the prompt is empty; say what is to be done, as in `kaizen run \"Name three rivers\"`"
    )]
    EmptyPrompt,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

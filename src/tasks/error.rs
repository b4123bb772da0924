//! What can go wrong with a task.

use crate::{model, runtime, sandbox, store};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(#[from] model::Error),
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    #[error(transparent)]
    Store(#[from] store::Error),

    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    #[error(transparent)]
    Workspace(#[from] super::tools::WorkspaceError),

    #[error("cannot use the tasks of {name}: {why}")]
    TaskFile { name: String, why: String },

    #[error("the folder of task {task} cannot be made: {why}")]
    SetUp { task: String, why: String },

    #[error("the model's action cannot be read: {why}")]
    Action { why: String },

    #[error(
        "the prompt is empty; say what is to be done, as in `kaizen run \"Name three rivers\"`"
    )]
    EmptyPrompt,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

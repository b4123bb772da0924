//! What can go wrong on the model thread.

use crate::model;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(#[from] model::Error),

    #[error(
        "the prompt has {tokens} tokens, the model's context holds {context} and the answer needs room too; shorten the prompt"
    )]
    PromptTooLong { tokens: usize, context: usize },

    #[error("the prompt is empty; give the model something to do")]
    EmptyPrompt,

    #[error(transparent)]
    Grammar(#[from] model::GrammarError),

    #[error("it was cancelled")]
    Cancelled,

    #[error(
        "the model thread stopped unexpectedly ({0}); start kaizen again, nothing saved is lost"
    )]
    Stopped(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

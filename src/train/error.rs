//! What can go wrong in training.

use crate::{eval, model, runtime, store};
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(#[from] model::Error),
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    #[error(transparent)]
    Eval(#[from] eval::Error),
    #[error(transparent)]
    Store(#[from] store::Error),

    #[error("there is nothing to train on: {0}")]
    NothingToTrainOn(String),

    #[error(
        "the loss became {loss} at step {step} (examples: {examples}); what was saved before is kept in {run}. Try a lower --lr, or look at those examples"
    )]
    LossNotFinite { loss: f64, step: usize, examples: String, run: String },

    #[error("training would need about {needed} MiB and {free} MiB are free; try {advice}")]
    WouldNotFit { needed: usize, free: usize, advice: String },

    #[error("cannot read {path}: {reason}")]
    RunFile { path: PathBuf, reason: String },

    #[error("cannot go on with {run}: {reason}")]
    CannotResume { run: String, reason: String },

    #[error("{}", unknown_run(.0))]
    UnknownRun(String),
}

fn unknown_run(name: &str) -> String {
    match name {
        "last" => "there are no runs in this home yet; `kaizen train --from failed` or `--from FILE` begins one"
            .into(),
        name => format!(
            "there is no run `{name}`; `kaizen train --resume last` takes the newest, runs are in the home's \
             runs/ folder"
        ),
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

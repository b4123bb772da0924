//! What can go wrong with the registry.

use crate::{model, store};
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(#[from] model::Error),
    #[error(transparent)]
    Store(#[from] store::Error),

    #[error("there is no adapter `{name}`{known}; `kaizen adapters list` shows all")]
    Unknown { name: String, known: String },

    #[error("{} is not an adapter folder: it has no adapter_config.json", .0.display())]
    NotAnAdapter(PathBuf),

    #[error("{} is there already; choose a folder that does not exist yet", .0.display())]
    Exists(PathBuf),

    /// The person stopped it; nothing of it is left.
    #[error("cancelled")]
    Cancelled,

    #[error("the adapter in {} changes nothing: applied to the model, every logit stays the same", .0.display())]
    NoEffect(PathBuf),

    #[error("{} is damaged in line {line}: {why}; move the file away to start again with base answering everything", path.display())]
    HistoryDamaged { path: PathBuf, line: usize, why: String },

    #[error("{0} answers everything already")]
    ActiveAlready(String),

    #[error(
        "{0} gets no traffic, so there is nothing to roll back; `kaizen adapters list` shows who does"
    )]
    NoTraffic(String),

    #[error(
        "there is nothing before this to roll back to: base answers everything, as at the beginning"
    )]
    NothingBefore,

    #[error(
        "a canary gets a part of the traffic, above 0 and below 100 %, not {percent} %; `kaizen adapters promote` gives all of it"
    )]
    CanaryShare { percent: f64 },

    #[error(
        "{adapter} cannot get {percent} % of the traffic; a share is above 0 and at most 100 %"
    )]
    Share { adapter: String, percent: f64 },

    #[error("{0} is named twice; give each arm one share")]
    ArmTwice(String),

    #[error(
        "the shares sum to {percent:.1} %; give 100 % or less (what is left goes to the active arm)"
    )]
    SharesOverTheWhole { percent: f64 },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What was asked for makes no sense, whatever the home holds.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::CanaryShare { .. }
                | Self::Share { .. }
                | Self::ArmTwice(_)
                | Self::SharesOverTheWhole { .. }
        )
    }
}

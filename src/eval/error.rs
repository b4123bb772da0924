//! What can go wrong while reading sets, splitting them, or deciding: one clear line each.

use std::io::ErrorKind;
use std::path::PathBuf;

/// Result of the evaluation room.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the evaluation room; its message says what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A set or training file could not be opened or read.
    #[error("cannot read {name}: {source}; check the path and its permissions")]
    Read { name: String, source: std::io::Error },

    /// One line of a set is not an example. Nothing of the file is used.
    #[error("{name}, line {line}: {reason}")]
    BadLine { name: String, line: usize, reason: String },

    /// A set without a single example.
    #[error(
        "{name} holds no examples; each line should be like \
         {{\"id\":\"a1\",\"area\":\"shell\",\"prompt\":\"…\",\"answer\":\"…\"}}"
    )]
    Empty { name: String },

    /// `--map` could not be understood.
    #[error("--map: {reason}; write it like prompt=question,answer=output")]
    FieldMap { reason: String },

    /// The file of splits and decisions could not be read or written.
    #[error(
        "cannot use {}: {source}; splits and decisions must be kept there{}",
        path.display(),
        elsewhere(source)
    )]
    Ledger { path: PathBuf, source: std::io::Error },

    /// The file of splits and decisions is damaged in its middle.
    #[error(
        "{}, line {line} is damaged ({reason}); restore the file from a backup, for without it \
         earlier decisions on the held-out items cannot be counted", path.display()
    )]
    LedgerDamaged { path: PathBuf, line: usize, reason: String },

    /// Two models were not scored on the same items, so their scores cannot be paired.
    #[error("item {id:?} was scored for {present} only; score both models on the same items")]
    Unpaired { id: String, present: &'static str },

    /// An item was scored twice by the same model.
    #[error("item {id:?} was scored twice; every item counts once")]
    ScoredTwice { id: String },

    /// An item has no group, so its neighbours are not known.
    #[error("item {id:?} has no group; split the whole set before comparing a part of it")]
    NoGroup { id: String },

    /// A score that is not a number would silently decide for or against an adapter.
    #[error(
        "the score of item {id:?} is {nll}, not a finite number; the model or the adapter is broken"
    )]
    NotFinite { id: String, nll: f64 },

    /// The gate was asked about areas with no held-out item at all.
    #[error("no held-out item belongs to the targeted areas ({areas}); name areas of the set")]
    NothingTargeted { areas: String },

    /// A decision needs at least two arms' worth of held-out items.
    #[error("the set has no held-out items; a set of about 40 items or more has some")]
    NothingHeldOut,

    /// Weaknesses are looked for among find items alone.
    #[error(
        "the set has no find items, so there is nothing to look for weaknesses in; a set of about 40 \
         items or more has some"
    )]
    NothingToFind,

    /// What is kept about base's sentinels could not be written as JSON.
    #[error("cannot keep what base passes: {0}")]
    Kept(String),

    #[error(transparent)]
    Model(#[from] crate::model::Error),

    #[error(transparent)]
    Runtime(#[from] crate::runtime::Error),

    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

/// What to do about a home that cannot be written.
fn elsewhere(source: &std::io::Error) -> &'static str {
    match source.kind() {
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "; choose another folder with --home"
        }
        _ => "",
    }
}

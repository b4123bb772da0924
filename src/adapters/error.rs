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
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

//! What can go wrong while writing down what was found, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this room; its message says what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no.
    #[error(transparent)]
    Store(#[from] crate::store::Error),

    /// A chart of nothing would look like a finding.
    #[error("{experiment} has no arm with results yet; let it go on before it is charted")]
    NoArms { experiment: String },

    /// What is to be written down could not be read.
    #[error(transparent)]
    Work(#[from] crate::workplace::Error),

    /// The drawing library gave up.
    #[error("cannot draw {chart}: {reason}")]
    Draw { chart: String, reason: String },

    /// A table could not be written down.
    #[error("cannot make the table {table}: {source}")]
    Table { table: &'static str, source: csv::Error },

    /// A file's ending says what it is.
    #[error("{path} cannot be written: a file of this ends in {formats}")]
    Format { path: String, formats: String },

    /// The name goes into paths and into lines that are found again.
    #[error(
        "{name:?} cannot be an experiment's name; one looks like experiment_20260102_030405, and \
         holds letters, digits, - and _ only"
    )]
    BadName { name: String },
}

impl Error {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Store(crate::store::Error::io(action, path, source))
    }
}

/// Makes `folder` with all that is above it.
pub(super) fn make_folder(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)
        .map_err(|source| Error::io("make the folder", folder, source))?;
    Ok(folder.to_path_buf())
}

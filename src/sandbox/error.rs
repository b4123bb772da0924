//! Why a command could not be run at all: one clear line each.

use std::path::PathBuf;

/// Result of the sandbox.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the sandbox; its message says what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command is obviously destructive, whatever was approved.
    #[error("this command is refused: {0}")]
    Refused(String),

    /// A command that no shell would take.
    #[error("this command cannot be run: {0}")]
    Command(String),

    /// The workspace or the temporary folder cannot be used.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },

    /// The workspace would leave nothing to protect.
    #[error(
        "{} holds your whole home or the whole machine; choose a folder within your home as workspace",
        path.display()
    )]
    TooWide { path: PathBuf },

    /// Where this program lies is not known.
    #[error("cannot find Kaizen's own program, which watches over commands: {source}")]
    Program { source: std::io::Error },

    /// The helper did not start, or did not do its work.
    #[error("the helper that watches over commands failed: {0}")]
    Helper(String),

    /// No Unix.
    #[error("commands can only be run on Linux and macOS")]
    NotHere,
}

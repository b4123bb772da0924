//! Why there is no model file, in one line that says what to do.

use std::path::{Path, PathBuf};

/// A model file that could not be found, fetched or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no source of the model worked: {}; see `sources` under [model] in config.toml, or give a file with --model PATH", reasons.join("; "))]
    NoSource { reasons: Vec<String> },
    #[error(
        "no model: `sources` under [model] in config.toml is empty; fill it, or give a file with --model PATH"
    )]
    NoSources,
    #[error(
        "{what} is neither a file nor a name on the hub; write a path to a .gguf file, owner/repo, owner/repo:file.gguf, or ollama:name:tag; `kaizen models list` shows what is here"
    )]
    NotAName { what: String },
    #[error("no file {}; check the path given as the model", path.display())]
    Missing { path: PathBuf },
    #[error("{} is neither a file nor a folder with a config.json; name the .gguf file or the model's folder itself", path.display())]
    NotAFile { path: PathBuf },
    #[error("{repo} has several model files and none of the usual kind; name one as {repo}:FILE: {}", files.join(", "))]
    Ambiguous { repo: String, files: Vec<String> },
    #[error(
        "{repo} has no .gguf file and no config.json with model.safetensors; choose a repository with one of them"
    )]
    NoModelFile { repo: String },
    #[error("the disk of {} is full{}; free space there, or set XDG_CACHE_HOME (or HF_HOME, for the hub's cache) to a larger disk", path.display(), needed(*bytes))]
    DiskFull { path: PathBuf, bytes: Option<u64> },
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the model ollama:{name} cannot be used: {reason}")]
    Ollama { name: String, reason: String },
    #[error("no cache folder for this user; set XDG_CACHE_HOME")]
    NoCache,
}

fn needed(bytes: Option<u64>) -> String {
    bytes.map_or_else(String::new, |bytes| {
        format!(
            " (the model takes {} MB, and as much again while it is fetched)",
            bytes.div_ceil(1_000_000)
        )
    })
}

/// The room's own result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the file system: a full disk is told from all others.
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Error::DiskFull { path: path.to_path_buf(), bytes: None }
            }
            _ => Error::Io { action, path: path.to_path_buf(), source },
        }
    }
}

/// Why one source did not give the file.
#[derive(Debug)]
pub(super) enum Failure {
    /// Said no, did not answer, stalled: the next source is tried.
    PassedOver(String),
    /// Gave a file that is not the right one: it is asked once more, then passed over.
    Altered(String),
    /// The transfer ended half-way: it is gone on with once, then passed over.
    BrokenOff(String),
    /// No other source would do better: a full disk, a folder that may not be written.
    Fatal(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Fatal(error)
    }
}

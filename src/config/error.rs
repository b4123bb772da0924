//! What can be wrong with the configuration, each said in one line that names the file and the key.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// A configuration that cannot be used, or a home folder that cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}: {}", path.display(), why_unreadable(source))]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{place}: not valid TOML: {problem}")]
    Syntax { place: Place, problem: String },
    #[error("{place}: unknown key `{key}`; known here: {known}")]
    UnknownKey { place: Place, key: String, known: String },
    #[error("{place}: {key} is {found}; allowed: {allowed}")]
    NotAllowed { place: Place, key: String, found: String, allowed: String },
    #[error("{place}: {key} {problem}")]
    Invalid { place: Place, key: String, problem: String },
    #[error("no home folder for this user; name one with --home or KAIZEN_HOME")]
    NoHome,
}

/// Why a configuration cannot be read, and what to do; the file may be the home's own or one that was named.
fn why_unreadable(source: &io::Error) -> String {
    match source.kind() {
        ErrorKind::InvalidData => "it is not UTF-8 text; write it anew, or move it away".into(),
        ErrorKind::PermissionDenied => {
            "permission denied; make it accessible to you, or choose another home with --home"
                .into()
        }
        _ => format!("{source}; check the path, or name another with --config"),
    }
}

/// What a room above finds wrong with a setting, of which it knows more than its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// As in `keys.send`.
    pub key: String,
    /// What is wrong and what to do, as the end of a sentence that the key begins.
    pub problem: String,
}

/// The configuration's own result.
pub type Result<T> = std::result::Result<T, Error>;

/// Where a setting stands: a line of a file, or nowhere yet (it came from a flag).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Line { file: PathBuf, line: usize },
    Settings,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Line { file, line } => write!(f, "{}, line {line}", file.display()),
            Place::Settings => f.write_str("settings"),
        }
    }
}

//! What can go wrong with files and the index, in words that say what to do.

use super::process_lock::Holder;
use std::io;
use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {}: the disk is full; free some space and try again (what was there before is unchanged)", path.display())]
    DiskFull { action: &'static str, path: PathBuf },

    #[error("cannot {action} {}: it is on a read-only disk; choose another folder with --home", path.display())]
    ReadOnly { action: &'static str, path: PathBuf },

    #[error("cannot {action} {}: permission denied; make it accessible to you, or choose another folder with --home", path.display())]
    Denied { action: &'static str, path: PathBuf },

    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },

    #[error("a line to append to {} must not contain a line break", path.display())]
    LineBreak { path: PathBuf },

    #[error("{id:?} cannot be a session id: {why}; run `kaizen sessions list` to see the ids")]
    BadSessionId { id: String, why: &'static str },

    #[error("no session {id:?} in {}; run `kaizen sessions list` to see the ids", logs.display())]
    NoSession { id: String, logs: PathBuf },

    #[error("{id:?} could be {}; give more of the id", ids.join(" or "))]
    AmbiguousSession { id: String, ids: Vec<String> },

    #[error("the session file {} is damaged: {why}; repair it or move its folder away", path.display())]
    DamagedSession { path: PathBuf, why: String },

    #[error("{} is damaged: {why}; move it away to do that part again", path.display())]
    Damaged { path: PathBuf, why: String },

    #[error("{name} is being worked on by another Kaizen{}", holder.in_brackets())]
    Busy { name: String, holder: Holder },

    #[error("the session {id} cannot be written as JSON: {source}")]
    Encode { id: String, source: serde_json::Error },

    #[error("{} is not a Kaizen database ({why}); it is only an index, so move it away and run `kaizen sessions reindex`: nothing is lost", path.display())]
    NotTheIndex { path: PathBuf, why: String },

    #[error("{} was written by a newer Kaizen (index version {found}, this one knows {known}); update Kaizen, or move the file away and run `kaizen sessions reindex`: it is only an index, nothing is lost", path.display())]
    NewerIndex { path: PathBuf, found: i64, known: i64 },

    #[error("the index {} stayed locked by another Kaizen for {seconds} s; try again when it is done", path.display())]
    IndexBusy { path: PathBuf, seconds: u64 },

    #[error("cannot open the index {}: {why}; check that the folder can be written to", path.display())]
    IndexClosed { path: PathBuf, why: String },

    #[error("the index {} failed: {source}; it is only an index: if this repeats, move it away and run `kaizen sessions reindex`", path.display())]
    Index { path: PathBuf, source: rusqlite::Error },

    #[error("cannot import {}: {why}", path.display())]
    Import { path: PathBuf, why: String },
}

impl Error {
    /// An input/output failure, with the everyday causes told apart. `action` is a verb phrase
    /// such as "write".
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path }
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { action, path },
            io::ErrorKind::PermissionDenied => Self::Denied { action, path },
            _ => Self::Io { action, path, source },
        }
    }
}

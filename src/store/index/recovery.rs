//! When the index cannot be opened: one that is damaged, newer or no database at all is kept aside under
//! another name and made anew from the files; where nothing can be written, the index is in memory alone.

use super::Index;
use crate::store::clock;
use crate::store::database;
use crate::store::error::{Error, Result};
use crate::store::home::Home;
use rusqlite::ErrorCode;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// An index that was made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptAside {
    /// Where the old one is now.
    to: PathBuf,
    why: String,
}

impl KeptAside {
    /// What happened, in words, with how many sessions were read again.
    pub(super) fn words(&self, sessions: usize) -> String {
        format!(
            "the index kaizen.db could not be used ({}): it is kept as {}, and a new one was made from the \
             files of {sessions} session{}; nothing is lost",
            self.why,
            self.to.file_name().unwrap_or(self.to.as_os_str()).to_string_lossy(),
            if sessions == 1 { "" } else { "s" },
        )
    }
}

/// Opens the index of `home`, whatever is in its place.
pub(super) fn open(home: &Home) -> Result<Index> {
    let path = home.database();
    match database::open(&path) {
        Ok(connection) => Ok(Index::over(connection, home, None)),
        Err(Error::IndexBusy { path, seconds }) => Err(Error::IndexBusy { path, seconds }),
        Err(error) if makes_no_sense(&error) && can_write(home) => anew(home, &path, error),
        // Reading goes on where nothing can be written: a read-only or a full disk.
        Err(Error::DiskFull { .. }) => in_memory(home),
        Err(_) if home.root().is_dir() && !can_write(home) => in_memory(home),
        Err(error) => Err(error),
    }
}

/// What is there is no index that this Kaizen can use, whatever the disk does.
fn makes_no_sense(error: &Error) -> bool {
    match error {
        Error::NotTheIndex { .. } | Error::NewerIndex { .. } => true,
        // Such as a header that names a layout which SQLite does not know, or tables that are not ours.
        Error::Index { source, .. } => source.sqlite_error_code() == Some(ErrorCode::Unknown),
        _ => false,
    }
}

fn in_memory(home: &Home) -> Result<Index> {
    Ok(Index::over(database::open_in_memory()?, home, None))
}

/// Moves what is at `path` out of the way and opens an empty index. Of two processes that see the same
/// damage one does so, and the other finds a good index.
fn anew(home: &Home, path: &Path, error: Error) -> Result<Index> {
    let guard = home.root().join(".kaizen.db.lock");
    let failed = |source| Error::io("lock", &guard, source);
    let held = File::create(&guard).map_err(failed)?;
    match held.lock() {
        Err(error) if error.kind() != std::io::ErrorKind::Unsupported => return Err(failed(error)),
        _ => {}
    }
    if let Ok(connection) = database::open(path) {
        return Ok(Index::over(connection, home, None));
    }
    let why = match error {
        Error::NewerIndex { .. } => "it is of a newer Kaizen".to_owned(),
        Error::NotTheIndex { why, .. } => why,
        Error::Index { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    let to = free_name(path);
    std::fs::rename(path, &to).map_err(|source| Error::io("move away", path, source))?;
    // What belongs to it goes with it.
    for end in ["-wal", "-shm"] {
        let _ = std::fs::rename(with_end(path, end), with_end(&to, end));
    }
    let connection = database::open(path)?;
    tracing::warn!("{} is kept as {} ({why})", path.display(), to.display());
    Ok(Index::over(connection, home, Some(KeptAside { to, why })))
}

fn free_name(path: &Path) -> PathBuf {
    let aside = with_end(path, &format!(".aside-{}", clock::folder_time()));
    let numbered = (2..).map(|nth| with_end(&aside, &format!("_{nth}")));
    let mut names = std::iter::once(aside.clone()).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or(aside)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// More than an empty file can be made in the home.
fn can_write(home: &Home) -> bool {
    let probe = tempfile::tempfile_in(home.root());
    probe.and_then(|mut file| file.write_all(&[0; 65_536])).is_ok()
}

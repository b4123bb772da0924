//! Brings session files from elsewhere into a home. What is damaged or makes no sense is named and
//! left untouched; what is already here is left alone. Few sessions are in memory at a time, however
//! many there are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::atomic;
use super::error::{Error, Result};
use super::home::Home;
use super::index::{Index, IndexRow};
use super::logs::{self, Skipped};
use super::record::ImportedFrom;
use super::session::Session;
use super::terminal_text::plain_line;

/// What an import did with each entry of the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Sessions that were not here before.
    pub imported: usize,
    /// Sessions that are here already, from an earlier import of the very same file or with the same
    /// content: neither imported nor skipped.
    pub already_here: usize,
    /// What was passed over, with the reason, in the order of the folder.
    pub skipped: Vec<Skipped>,
}

/// So many sessions are entered in the index with one commit.
const BATCH: usize = 256;

/// So many sessions are written at once: a disk that waits for each file to be safe takes several in
/// hardly more time than one.
const AT_ONCE: usize = 16;

/// Of session files above this size (bytes) only one is in memory at a time.
const LARGE: u64 = 1 << 20;

/// Imports every `*/session.json` of `folder`. Entries whose name begins with a dot are not looked
/// at. `progress` is told entries done and in all. When this returns, what it counts as imported is
/// safe on disk; when it is cut off, a second import goes on where it was.
pub fn import(
    home: &Home,
    index: &mut Index,
    folder: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ImportReport> {
    let refuse = |why: &str| Error::Import { path: folder.to_path_buf(), why: why.into() };
    if !folder.is_dir() {
        return Err(refuse(
            "there is no such folder; give the folder that holds the session folders",
        ));
    }
    if folder.join("session.json").exists() {
        return Err(refuse("it is a single session's folder; give the folder above it"));
    }
    let names = logs::names(folder)?;
    let mut report = ImportReport::default();
    progress(0, names.len());
    for (nth, batch) in names.chunks(BATCH).enumerate() {
        let done = nth * BATCH;
        let mut tell = |more: usize| progress(done + more, names.len());
        let outcomes = import_batch(home, folder, batch, &mut tell)?;
        let mut fresh = Vec::new();
        let mut stopped = None;
        for outcome in outcomes {
            match outcome {
                Ok(Some(row)) => fresh.push(row),
                Ok(None) => report.already_here += 1,
                Err(Refusal::Skip(path, why)) => {
                    report.skipped.push(Skipped { path, why: plain_line(&why) });
                }
                Err(Refusal::Stop(error)) => stopped = stopped.or(Some(error)),
            }
        }
        index.enter(&fresh)?;
        report.imported += fresh.len();
        if let Some(error) = stopped {
            return Err(error);
        }
    }
    Ok(report)
}

/// The row of a session that was imported, or none when it was here already.
type Imported = Result<Option<IndexRow>, Refusal>;

/// Imports these entries of `folder`, several at once; the outcomes are in their order.
fn import_batch(
    home: &Home,
    folder: &Path,
    names: &[OsString],
    tell: &mut dyn FnMut(usize),
) -> Result<Vec<Imported>> {
    let _guard = logs::lock(home)?;
    let next = AtomicUsize::new(0);
    let (done, outcomes) = mpsc::channel();
    let mut ended: Vec<(usize, Imported)> = std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(names.len()) {
            let (done, next) = (done.clone(), &next);
            scope.spawn(move || {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = names.get(place) else { break };
                    let entry = folder.join(name);
                    let outcome = (!is_large(&entry)).then(|| import_one(home, &entry));
                    if matches!(outcome, Some(Err(Refusal::Stop(_)))) {
                        next.store(names.len(), Ordering::Relaxed);
                    }
                    let _ = done.send((place, outcome));
                }
            });
        }
        drop(done);
        let mut ended = Vec::with_capacity(names.len());
        for (place, outcome) in outcomes {
            let outcome = match (outcome, names.get(place)) {
                (Some(outcome), _) => outcome,
                // On this thread alone: each thread keeps memory that it once had for its next use.
                (None, Some(name)) => import_one(home, &folder.join(name)),
                (None, None) => continue,
            };
            ended.push((place, outcome));
            tell(ended.len());
        }
        ended
    });
    // The new folders themselves.
    atomic::sync_folder(&home.logs())?;
    ended.sort_unstable_by_key(|(place, _)| *place);
    Ok(ended.into_iter().map(|(_, outcome)| outcome).collect())
}

enum Refusal {
    /// This entry cannot be taken: the others may.
    Skip(PathBuf, String),
    /// The home cannot be written to: no entry can be taken.
    Stop(Error),
}

fn is_large(entry: &Path) -> bool {
    std::fs::metadata(entry.join("session.json")).is_ok_and(|metadata| metadata.len() > LARGE)
}

/// Imports one entry; no other process may write sessions meanwhile.
fn import_one(home: &Home, entry: &Path) -> Imported {
    let skip = |path: &Path, why: &str| Refusal::Skip(path.to_path_buf(), why.to_owned());
    if !entry.is_dir() {
        return Err(skip(entry, "it is a file, not a session's folder"));
    }
    let path = entry.join("session.json");
    if !path.exists() {
        return Err(skip(entry, "there is no session.json in this folder"));
    }
    let bytes = logs::read_bytes(&path).map_err(|error| match error {
        Error::DamagedSession { why, .. } => skip(&path, &why),
        other => skip(&path, &other.to_string()),
    })?;
    let mut session = logs::parse_in_folder(&path, &bytes).map_err(|why| skip(&path, &why))?;
    let sha256 = hex(&Sha256::digest(&bytes));
    drop(bytes);

    if home.session_file(&session.session_id).exists() {
        return match logs::load(home, &session.session_id) {
            Ok(present) if is_same(&present, &session, &sha256) => Ok(None),
            Ok(_) => Err(skip(&path, "another session with this id is here already")),
            Err(error) => Err(skip(&path, &format!("the one with this id here: {error}"))),
        };
    }
    let from = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    session.record_mut().imported_from = Some(ImportedFrom {
        path: from.to_string_lossy().into_owned(),
        sha256,
        at: Timestamp::now(),
    });
    let folder = home.session_folder(&session.session_id);
    std::fs::create_dir_all(&folder)
        .map_err(|source| Refusal::Stop(Error::io("make the folder", &folder, source)))?;
    logs::save(home, &session).map_err(Refusal::Stop)?;
    IndexRow::saved(home, &session).map(Some).map_err(Refusal::Stop)
}

fn is_same(present: &Session, offered: &Session, sha256: &str) -> bool {
    let origin = present.kaizen.as_ref().and_then(|record| record.imported_from.as_ref());
    origin.is_some_and(|origin| origin.sha256 == sha256) || present == offered
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;

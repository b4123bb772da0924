//! Brings session files from elsewhere into a home. What is damaged or makes no sense is named and
//! left untouched; what is already here is left alone; one session at a time is in memory.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::error::{Error, Result};
use super::home::Home;
use super::index::Index;
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

/// Imports every `*/session.json` of `folder`. Entries whose name begins with a dot are not looked
/// at. `progress` is told entries done and in all.
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
    let entries = logs::entries(folder)?;
    let mut report = ImportReport::default();
    let mut fresh = Vec::new();
    for (done, entry) in entries.iter().enumerate() {
        progress(done, entries.len());
        match import_one(home, entry) {
            Ok(Some(session)) => {
                report.imported += 1;
                fresh.push(*session);
            }
            Ok(None) => report.already_here += 1,
            Err(Refusal::Skip(path, why)) => {
                report.skipped.push(Skipped { path, why: plain_line(&why) });
            }
            Err(Refusal::Stop(error)) => {
                index.upsert_all(&fresh)?;
                return Err(error);
            }
        }
        if fresh.len() >= BATCH {
            index.upsert_all(&fresh)?;
            fresh.clear();
        }
    }
    index.upsert_all(&fresh)?;
    progress(entries.len(), entries.len());
    Ok(report)
}

enum Refusal {
    /// This entry cannot be taken: the others may.
    Skip(PathBuf, String),
    /// The home cannot be written to: no entry can be taken.
    Stop(Error),
}

/// The session that was imported, or none when it was here already.
fn import_one(home: &Home, entry: &Path) -> Result<Option<Box<Session>>, Refusal> {
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

    let _guard = logs::lock(home).map_err(Refusal::Stop)?;
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
    Ok(Some(Box::new(session)))
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

//! A folder of JSON documents that grows as a long piece of work goes on: each is there whole or not at
//! all, so that work which was interrupted finds what it had finished. Knows nothing of what they mean.

use super::error::{Error, Result};
use super::process_lock::{Attempt, Holder, ProcessLock};
use super::{atomic, folder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";

/// The folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    path: PathBuf,
}

impl Documents {
    /// Makes `parent/name_TIME`, numbered when it is taken.
    ///
    /// # Errors
    /// When the parent cannot be written.
    pub fn create(parent: &Path, name: &str, time: &str) -> Result<Self> {
        Ok(Self { path: folder::create_numbered(parent, &format!("{name}_{time}"))? })
    }

    /// A folder of a stated name, made when missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        std::fs::create_dir_all(&path).map_err(|e| Error::io("make the folder", &path, e))?;
        Ok(Self { path })
    }

    /// A folder to read from, which may not be there.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Those under `parent` whose name begins with `name_` and that hold `document`, oldest first.
    pub fn all(parent: &Path, name: &str, document: &str) -> Vec<Self> {
        let entries = std::fs::read_dir(parent).into_iter().flatten();
        let prefix = format!("{name}_");
        let mut found: Vec<Self> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let fits = entry.file_name().to_string_lossy().starts_with(&prefix);
                let path = entry.path();
                (fits && path.join(document).is_file()).then_some(Self { path })
            })
            .collect();
        found.sort_by_cached_key(|documents| folder::age_order(&documents.name()));
        found
    }

    /// One of [`all`](Self::all): the newest for `last`, else the one of that name.
    pub fn find(parent: &Path, name: &str, document: &str, which: &str) -> Option<Self> {
        let mut all = Self::all(parent, name, document);
        match which {
            "last" => all.pop(),
            which => all.into_iter().find(|documents| documents.name() == which),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn name(&self) -> String {
        self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Keeps other processes off for as long as the lock is held; a process that dies lets go.
    ///
    /// # Errors
    /// When another process holds it, or the lock cannot be used.
    pub fn lock(&self) -> Result<ProcessLock> {
        match ProcessLock::take(&self.path.join(LOCK))? {
            Attempt::Taken(lock) => Ok(lock),
            Attempt::Held(holder) => Err(Error::Busy { name: self.name(), holder }),
        }
    }

    /// Who works in it now.
    pub fn holder(&self) -> Option<Holder> {
        ProcessLock::holder(&self.path.join(LOCK))
    }

    /// One document; none when it is not there yet.
    ///
    /// # Errors
    /// A file that cannot be read or is not what it should be.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.path.join(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        let damaged = |why: serde_json::Error| Error::Damaged { path, why: why.to_string() };
        serde_json::from_str(&text).map(Some).map_err(damaged)
    }

    /// Writes a document; when this returns, it survives a crash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<T: Serialize>(&self, name: &str, document: &T) -> Result<()> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(document)
            .map_err(|why| Error::Damaged { path: path.clone(), why: why.to_string() })?;
        atomic::write(&path, text.as_bytes())
    }

    /// The documents of a file of lines. A line that a crash cut short is passed over: whoever wrote it
    /// was never told that it was kept.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let path = self.path.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes)
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::io("read", &path, error)),
        }
    }

    /// Adds a line; when this returns, it survives a crash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append<T: Serialize>(&self, name: &str, document: &T) -> Result<()> {
        let path = self.path.join(name);
        let line = serde_json::to_string(document)
            .map_err(|why| Error::Damaged { path: path.clone(), why: why.to_string() })?;
        atomic::append_line(&path, &line)
    }

    /// Writes a file of lines as a whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_lines<T: Serialize>(&self, name: &str, documents: &[T]) -> Result<()> {
        let path = self.path.join(name);
        let mut text = String::new();
        for document in documents {
            text += &serde_json::to_string(document)
                .map_err(|why| Error::Damaged { path: path.clone(), why: why.to_string() })?;
            text.push('\n');
        }
        atomic::write(&path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, a piece of work that was interrupted begins again, or goes on from half a file.
    #[test]
    fn what_was_written_is_found_again_and_a_cut_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let documents = Documents::create(folder.path(), "round", "20260102_030405").unwrap();
        assert_eq!(documents.read::<Vec<u8>>("a.json").unwrap(), None);
        documents.write("a.json", &vec![1u8, 2]).unwrap();
        assert_eq!(documents.read::<Vec<u8>>("a.json").unwrap(), Some(vec![1, 2]));
        documents.append("b.jsonl", &1).unwrap();
        let lines = documents.path().join("b.jsonl");
        let mut text = std::fs::read_to_string(&lines).unwrap();
        text.push_str("[\"cut");
        std::fs::write(&lines, text).unwrap();
        documents.append("b.jsonl", &2).unwrap();
        assert_eq!(documents.lines::<u8>("b.jsonl").unwrap(), [1, 2]);
        std::fs::write(documents.path().join("a.json"), "{").unwrap();
        let told = documents.read::<Vec<u8>>("a.json").unwrap_err().to_string();
        assert!(told.contains("a.json") && told.contains("damaged"), "{told}");
    }

    #[test]
    fn folders_are_found_by_what_they_hold_and_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = Documents::create(folder.path(), "round", "20260102_030405").unwrap();
        let second = Documents::create(folder.path(), "round", "20260102_030405").unwrap();
        first.write("round.json", &1).unwrap();
        assert_eq!(
            Documents::all(folder.path(), "round", "round.json"),
            std::slice::from_ref(&first)
        );
        second.write("round.json", &1).unwrap();
        let all = Documents::all(folder.path(), "round", "round.json");
        assert_eq!(all, [first.clone(), second]);
        let find = |which| Documents::find(folder.path(), "round", "round.json", which);
        assert_eq!(find("last").unwrap().name(), "round_20260102_030405_2");
        assert_eq!(find("round_20260102_030405"), Some(first.clone()));
        assert_eq!(find("round_20260102"), None);
        assert_eq!(first.holder(), None);
        let held = first.lock().unwrap();
        let refused = first.lock().unwrap_err();
        assert!(matches!(refused, Error::Busy { holder, .. } if holder.is_here()));
        assert!(first.holder().is_some_and(Holder::is_here));
        drop(held);
        assert_eq!(first.holder(), None);
    }
}

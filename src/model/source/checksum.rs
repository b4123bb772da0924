//! SHA-256 of model files, computed once: a small record beside the stored models remembers a file's
//! checksum with its size and time, and holds until one of them changes.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::{Error, Result};
use super::progress::{Event, Progress};

const BUFFER: usize = 1 << 20;

/// What was computed, and of which state of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    path: PathBuf,
    bytes: u64,
    /// Nanoseconds since 1970, as text: JSON's numbers do not hold them.
    modified: String,
    pub sha256: String,
}

/// The records of one user.
#[derive(Debug, Clone)]
pub(super) struct Checksums {
    pub folder: PathBuf,
}

impl Checksums {
    /// SHA-256 of a file in lower-case hex, from its record when size and time are still the same,
    /// else computed and remembered.
    pub fn sha256(&self, path: &Path, progress: &dyn Progress) -> Result<String> {
        self.sha256_if(path, |_| true, progress)
    }

    /// As [`Checksums::sha256`], but what is computed replaces the record only when it is `right`.
    pub fn sha256_if(
        &self,
        path: &Path,
        right: impl Fn(&str) -> bool,
        progress: &dyn Progress,
    ) -> Result<String> {
        let path = std::path::absolute(path).map_err(|error| Error::io("find", path, error))?;
        let before = metadata(&path)?;
        if let Some(record) = self.recorded(&path)
            && record.bytes == before.len()
            && record.modified == modified(&before)
        {
            return Ok(record.sha256);
        }
        progress.event(&Event::Checking { path: path.clone() });
        let sha256 = compute(&path)?;
        // A file that changes meanwhile is computed again next time.
        let unchanged = metadata(&path).is_ok_and(|now| modified(&now) == modified(&before));
        if unchanged && right(&sha256) {
            self.remember(&path, &before, &sha256);
        }
        Ok(sha256)
    }

    /// The recorded checksum of a file that has not changed since; nothing is computed.
    pub fn known(&self, path: &Path) -> Option<String> {
        let path = std::path::absolute(path).ok()?;
        let now = metadata(&path).ok()?;
        let record = self.recorded(&path)?;
        (record.bytes == now.len() && record.modified == modified(&now)).then_some(record.sha256)
    }

    /// The record of a file, whether or not the file has changed since.
    pub fn recorded(&self, path: &Path) -> Option<Record> {
        let text = std::fs::read(self.record_path(path)).ok()?;
        serde_json::from_slice::<Record>(&text).ok().filter(|record| record.path == path)
    }

    /// Remembers the checksum of a file that has just been computed under another name.
    pub fn record(&self, path: &Path, sha256: &str) {
        if let (Ok(path), Ok(now)) = (std::path::absolute(path), metadata(path)) {
            self.remember(&path, &now, sha256);
        }
    }

    /// Without a record the checksum is merely computed again, so failing to write one is no error.
    fn remember(&self, path: &Path, of: &Metadata, sha256: &str) {
        let record = Record {
            path: path.to_path_buf(),
            bytes: of.len(),
            modified: modified(of),
            sha256: sha256.to_owned(),
        };
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| tempfile::NamedTempFile::new_in(&self.folder))
            .and_then(|mut file| {
                file.write_all(&serde_json::to_vec(&record)?)?;
                Ok(file.persist(self.record_path(path))?)
            });
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "the checksum is not remembered");
        }
    }

    fn record_path(&self, path: &Path) -> PathBuf {
        let name = hex(&Sha256::digest(path.as_os_str().as_encoded_bytes()));
        self.folder.join(format!("{}.json", name.get(..16).unwrap_or(&name)))
    }
}

/// Size and time of a regular file.
pub(super) fn metadata(path: &Path) -> Result<Metadata> {
    let found = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::Missing { path: path.to_path_buf() },
        _ => Error::io("read", path, error),
    })?;
    if found.is_file() { Ok(found) } else { Err(Error::NotAFile { path: path.to_path_buf() }) }
}

fn modified(of: &Metadata) -> String {
    let since = of.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or_else(|| "unknown".to_owned(), |since| since.as_nanos().to_string())
}

/// SHA-256 of a file's present content in lower-case hex.
pub(super) fn compute(path: &Path) -> Result<String> {
    let failed = |error| Error::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

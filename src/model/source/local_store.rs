//! The user's folder of model files: what is kept there is checked, and a new file appears in it
//! whole or not at all, however many processes want it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::checksum::{Checksums, compute, metadata};
use super::error::{Error, Failure, Result};
use super::name::is_gguf;
use super::progress::{Event, Progress};

/// What a file must be, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub sha256: Option<String>,
    pub bytes: Option<u64>,
}

impl Expected {
    fn size_problem(&self, bytes: u64) -> Option<String> {
        let right = self.bytes.filter(|right| *right != bytes)?;
        let how = if bytes < right { "is truncated" } else { "is too long" };
        Some(format!("{how}: {bytes} of {right} bytes"))
    }

    fn content_problem(&self, sha256: &str) -> Option<String> {
        let right = self.sha256.as_deref().filter(|right| *right != sha256)?;
        Some(format!("is altered: its SHA-256 is {sha256}, not {right}"))
    }
}

/// A file that is what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    pub path: PathBuf,
    /// Lower-case hex.
    pub sha256: String,
    pub bytes: u64,
}

/// The folder, usually `~/.cache/kaizen/models`.
#[derive(Debug, Clone)]
pub(super) struct LocalStore {
    pub folder: PathBuf,
}

impl LocalStore {
    pub fn checksums(&self) -> Checksums {
        Checksums { folder: self.folder.join("checksums") }
    }

    /// Where a file is kept: under its own name, with the repository before it where one names it.
    pub fn path(&self, repository: Option<&str>, file: &str) -> PathBuf {
        match repository {
            Some(name) => self.folder.join(name.replace('/', "--")).join(file),
            None => self.folder.join(Path::new(file).file_name().unwrap_or_default()),
        }
    }

    /// The GGUF files kept of a repository, as it names them.
    pub fn files_of(&self, repository: &str) -> Vec<String> {
        let root = self.path(Some(repository), "");
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let unfinished = entry.file_name().to_string_lossy().starts_with('.');
                if unfinished {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if let Some(file) = path.strip_prefix(&root).ok().and_then(Path::to_str)
                    && is_gguf(file)
                {
                    files.push(file.to_owned());
                }
            }
        }
        files.sort();
        files
    }

    /// Checks a file against what it must be; `Err` says in words how it differs.
    pub fn check(
        &self,
        path: &Path,
        expected: &Expected,
        progress: &dyn Progress,
    ) -> Result<std::result::Result<ModelFile, String>> {
        let bytes = metadata(path)?.len();
        if let Some(problem) = expected.size_problem(bytes) {
            return Ok(Err(problem));
        }
        let right = |sha256: &str| expected.content_problem(sha256).is_none();
        let sha256 = self.checksums().sha256_if(path, right, progress)?;
        Ok(match expected.content_problem(&sha256) {
            Some(problem) => Err(problem),
            None => Ok(ModelFile { path: path.to_path_buf(), sha256, bytes }),
        })
    }

    /// The stored file when it is there and right; a wrong one is named and counts as not there.
    pub fn stored(
        &self,
        path: &Path,
        expected: &Expected,
        progress: &dyn Progress,
    ) -> Result<Option<ModelFile>> {
        if !path.exists() {
            return Ok(None);
        }
        let mut expected = expected.clone();
        if expected.sha256.is_none() {
            // Nothing here is ever edited, so it must still be what it was when it came.
            expected.sha256 = self.checksums().recorded(path).map(|record| record.sha256);
        }
        match self.check(path, &expected, progress)? {
            Ok(file) => Ok(Some(file)),
            Err(problem) => {
                let problem = format!("{problem}; it is fetched again");
                progress.event(&Event::Altered { path: path.to_path_buf(), problem });
                Ok(None)
            }
        }
    }

    /// Waits until no other process fetches this file.
    pub fn lock(&self, path: &Path, progress: &dyn Progress) -> Result<Fetching> {
        let (folder, name) = (parent(path), name(path));
        std::fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
        let lock_path = folder.join(format!(".{name}.lock"));
        let failed = |error| Error::io("lock", &lock_path, error);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress.event(&Event::Waiting { path: path.to_path_buf() });
                file.lock().map_err(failed)?;
            }
            // Some network file systems know no locks; a rename still keeps the file whole there.
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let scratch = folder.join(format!(".{name}.fetching"));
        empty(&scratch)?;
        Ok(Fetching { target: path.to_path_buf(), scratch, _lock: file })
    }
}

/// The right to fetch one file, held until dropped, with a folder for unfinished work.
pub(super) struct Fetching {
    pub target: PathBuf,
    /// On the same file system as the target; what an interrupted fetch left is gone.
    pub scratch: PathBuf,
    _lock: File,
}

impl Fetching {
    /// Moves a finished file to its place when it is what it must be.
    pub fn keep(
        &self,
        store: &LocalStore,
        unfinished: &Path,
        expected: &Expected,
        progress: &dyn Progress,
    ) -> std::result::Result<ModelFile, Failure> {
        let bytes = metadata(unfinished)?.len();
        let mut problem = expected.size_problem(bytes);
        let mut sha256 = String::new();
        if problem.is_none() {
            progress.event(&Event::Checking { path: self.target.clone() });
            sha256 = compute(unfinished)?;
            problem = expected.content_problem(&sha256);
        }
        if let Some(problem) = problem {
            std::fs::remove_file(unfinished).ok();
            return Err(Failure::Altered(format!("the file that came {problem}")));
        }
        File::open(unfinished)
            .and_then(|file| file.sync_all())
            .map_err(|error| Error::io("write", unfinished, error))?;
        std::fs::rename(unfinished, &self.target)
            .map_err(|error| Error::io("write", &self.target, error))?;
        store.checksums().record(&self.target, &sha256);
        Ok(ModelFile { path: self.target.clone(), sha256, bytes })
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.scratch).ok();
    }
}

fn empty(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("empty", folder, error));
        }
        _ => {}
    }
    std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

//! The folder that a task is carried out in. Owns which folder that may be, what a path means in it, and
//! that no file tool leaves it: every access goes through an open folder handle that resolves links and
//! `..` beneath itself, so that nobody can swap a link in between. Knows nothing of tools or models.

mod error;
mod listing;
mod replace;
mod snapshot;

pub use error::WorkspaceError;
pub use listing::{Entry, Listing};
pub(super) use listing::{NameKind, names_in};
pub use snapshot::{Changed, How, Snapshot};

use super::started::Started;
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

/// An opened folder, and what belongs to the one task in it: a folder for temporary files and the programs
/// that the task started. Both go when it is dropped.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    /// The folder as the person spelled it, perhaps by way of links.
    spelled: PathBuf,
    dir: Dir,
    /// Ended before the folder that they may write to goes.
    started: Started,
    temporary: tempfile::TempDir,
}

impl Workspace {
    /// The folder at `path`. `kaizen_home` is the folder with Kaizen's own records, which no task may touch.
    ///
    /// # Errors
    /// [`WorkspaceError`] for what is no folder, and for folders that are too much: the whole machine, the
    /// person's home folder or one above it, or one that overlaps `kaizen_home`.
    pub fn open(path: &Path, kaizen_home: Option<&Path>) -> Result<Self, WorkspaceError> {
        Self::open_for(path, std::env::home_dir().as_deref(), kaizen_home)
    }

    fn open_for(
        path: &Path,
        person: Option<&Path>,
        kaizen_home: Option<&Path>,
    ) -> Result<Self, WorkspaceError> {
        let shown = path.to_path_buf();
        let root = match std::fs::canonicalize(path) {
            Ok(root) if root.is_dir() => root,
            Ok(_) => return Err(WorkspaceError::NotAFolder(shown)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(WorkspaceError::Missing(shown));
            }
            Err(source) => return Err(WorkspaceError::Unreadable { path: shown, source }),
        };
        if root.parent().is_none() {
            return Err(WorkspaceError::WholeMachine);
        }
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if person.is_some_and(|person| real(person).starts_with(&root)) {
            return Err(WorkspaceError::PersonsHome(root));
        }
        if let Some(home) = kaizen_home.map(real)
            && (home.starts_with(&root) || root.starts_with(&home))
        {
            return Err(WorkspaceError::KaizenHome { path: root, home });
        }
        let unreadable = |source| WorkspaceError::Unreadable { path: root.clone(), source };
        let dir = Dir::open_ambient_dir(&root, cap_std::ambient_authority()).map_err(unreadable)?;
        let temporary = tempfile::Builder::new()
            .prefix("kaizen-task-")
            .tempdir()
            .map_err(WorkspaceError::Temporary)?;
        let started = Started::marked(temporary.path());
        let spelled = std::path::absolute(path).unwrap_or_else(|_| root.clone());
        Ok(Self { root, spelled, dir, started, temporary })
    }

    /// Absolute and without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder of the task's own outside the workspace; it goes with the workspace.
    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// The folder's handle: the only way by which a tool may touch files in it.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// What was started for the task and is ended with it.
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// The path that a model means by `text`, relative to the workspace; `.` is the workspace itself. Whether
    /// it exists, and where its links lead, shows when it is used.
    ///
    /// # Errors
    /// In plain words, for an empty path and one outside the workspace.
    pub fn relative(&self, text: &str) -> Result<PathBuf, String> {
        // A name may end in a space, but a model that writes one rarely means it.
        let text = match self.dir.symlink_metadata(text) {
            Ok(_) => text,
            Err(_) => text.trim(),
        };
        if text.is_empty() {
            return Err("the path is empty; . is the folder itself".to_owned());
        }
        if text.contains('\0') {
            return Err(format!("{text:?} is no path: it contains a zero byte"));
        }
        let outside = || format!("{text} lies outside {}", self.root.display());
        let own = text.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
        let path = own.as_deref().unwrap_or(Path::new(text));
        let below = match path.has_root() || path.is_absolute() {
            false => path,
            true => path
                .strip_prefix(&self.root)
                .or_else(|_| path.strip_prefix(&self.spelled))
                .map_err(|_| outside())?,
        };
        let mut relative = PathBuf::new();
        for component in below.components() {
            match component {
                Component::CurDir => {}
                Component::Normal(name) => relative.push(name),
                Component::ParentDir if relative.pop() => {}
                _ => return Err(outside()),
            }
        }
        Ok(if relative.as_os_str().is_empty() { PathBuf::from(".") } else { relative })
    }

    /// The regular file at `path`, opened for reading: what could make a reader wait, as a pipe does, is not
    /// opened.
    ///
    /// # Errors
    /// In plain words, for what is not there, no file, or outside.
    pub(super) fn open_file(&self, path: &Path) -> Result<(File, Metadata), String> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt;
            let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
            options.custom_flags(flags.bits().cast_signed());
        }
        let opened = self.dir.open_with(path, &options);
        let (file, metadata) = opened
            .and_then(|file| file.metadata().map(|metadata| (file, metadata)))
            .map_err(|error| self.why(path, &error))?;
        if metadata.is_dir() {
            return Err(format!("{} is a folder", path.display()));
        }
        if !metadata.is_file() {
            return Err(format!("{} is a pipe or a device, not a file", path.display()));
        }
        Ok((file, metadata))
    }

    /// Why something could not be done with `path`, in words that help to choose another one.
    pub(super) fn why(&self, path: &Path, error: &io::Error) -> String {
        let shown = path.display();
        match error.kind() {
            io::ErrorKind::NotFound => format!("{shown} does not exist"),
            // The folder's handle refuses without asking the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                format!("{shown} is a link that leads out of {}", self.root.display())
            }
            io::ErrorKind::PermissionDenied => format!("{shown} may not be used by this user"),
            io::ErrorKind::NotADirectory => format!("{shown} is not a folder, or lies in none"),
            io::ErrorKind::IsADirectory => format!("{shown} is a folder"),
            _ => format!("{shown} cannot be used: {error}"),
        }
    }
}

/// `text` as a part of one line: a name may contain line breaks, and must not look like two entries.
pub(super) fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line
}

#[cfg(test)]
mod tests;

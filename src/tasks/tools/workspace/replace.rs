//! Puts whole files into a workspace: a reader sees the old text or the new one, never half of it, and a
//! link cannot send it elsewhere. Knows nothing of what the text is.

use super::Workspace;
use cap_std::fs::{Dir, OpenOptions, Permissions};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where a file is to be put: the opened folder and the name in it.
struct Place {
    folder: Dir,
    name: PathBuf,
    /// Of the file that is there already.
    permissions: Option<Permissions>,
}

impl Workspace {
    /// Makes `bytes` the content of the file at `path`, with the permissions that it has; missing folders on
    /// the way are made. True when it was there before.
    ///
    /// # Errors
    /// In plain words, for a folder, a pipe, a write-protected file, or a path that leads outside; then
    /// no file is changed.
    pub(in crate::tasks::tools) fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
    ) -> Result<bool, String> {
        let place = self.place(path)?;
        let temporary = PathBuf::from(format!(".kaizen-{}.tmp", any_name()));
        let written = write_new(&place, &temporary, bytes)
            .and_then(|()| place.folder.rename(&temporary, &place.folder, &place.name));
        written.map_err(|error| {
            // It may not have been made at all.
            let _ = place.folder.remove_file(&temporary);
            self.why(path, &error)
        })?;
        Ok(place.permissions.is_some())
    }

    fn place(&self, path: &Path) -> Result<Place, String> {
        let told = |error: io::Error| self.why(path, &error);
        let is_link = self.dir.symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        // A link within the workspace stays: what it leads to is written.
        let target = match is_link {
            true => self.dir.canonicalize(path).map_err(told)?,
            false => path.to_path_buf(),
        };
        let Some(name) = target.file_name().map(OsStr::to_owned) else {
            return Err(format!("{} is a folder", path.display()));
        };
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if parent != Path::new(".") {
            self.dir.create_dir_all(parent).map_err(|error| self.why(parent, &error))?;
        }
        // From here on the folder is held open: swapping the way to it for a link changes nothing.
        let folder = self.dir.open_dir(parent).map_err(|error| self.why(parent, &error))?;
        let name = PathBuf::from(name);
        let permissions = match folder.symlink_metadata(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(told(error)),
            Ok(found) if found.is_dir() => return Err(format!("{} is a folder", path.display())),
            Ok(found) if !found.is_file() => {
                return Err(format!("{} is not an ordinary file", path.display()));
            }
            Ok(found) if found.permissions().readonly() => {
                return Err(format!("{} is write-protected", path.display()));
            }
            Ok(found) => Some(found.permissions()),
        };
        Ok(Place { folder, name, permissions })
    }
}

fn write_new(place: &Place, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let options = OpenOptions::new().write(true).create_new(true).clone();
    let mut file = place.folder.open_with(temporary, &options)?;
    file.write_all(bytes)?;
    if let Some(permissions) = &place.permissions {
        file.set_permissions(permissions.clone())?;
    }
    file.sync_data()
}

fn any_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

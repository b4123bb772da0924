//! Which files an action changed: what a workspace looked like before, compared with what it looks like
//! now. Owns what counts as a change; knows nothing of what is in the files.

use super::Workspace;
use cap_std::fs::Metadata;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

/// Entries looked at, hidden ones too. Beyond it changes go unseen, and none is made up.
const MOST: usize = 5_000;
/// Its insides change with every command of git's and tell a person nothing.
const NOT_ENTERED: &str = ".git";

/// What the nearest entries of a workspace looked like at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    seen: BTreeMap<PathBuf, Look>,
    /// Folders of which every entry is in `seen`.
    whole: HashSet<PathBuf>,
}

#[derive(Debug, Clone, PartialEq)]
enum Look {
    /// Its own times change with its entries, which are told themselves.
    Folder,
    File {
        bytes: u64,
        modified: Option<std::time::Duration>,
        identity: (u64, i64, i64),
    },
}

/// One file or folder that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// From the workspace.
    pub path: PathBuf,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Created,
    Modified,
    Removed,
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Removed => "removed",
        }
    }
}

impl Snapshot {
    /// Every entry of the workspace is in it: nothing that changes goes unseen.
    pub fn is_whole(&self) -> bool {
        let folders = self.seen.iter().filter(|(_, look)| **look == Look::Folder);
        self.whole.contains(Path::new(""))
            && folders
                .filter(|(path, _)| path.file_name() != Some(NOT_ENTERED.as_ref()))
                .all(|(path, _)| self.whole.contains(path))
    }
}

impl Workspace {
    /// What the workspace looks like now.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let mut waiting = VecDeque::from([PathBuf::new()]);
        while let Some(folder) = waiting.pop_front() {
            let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            let Ok(entries) = self.dir.open_dir(here).and_then(|dir| dir.entries()) else {
                continue;
            };
            let mut folders = Vec::new();
            let mut is_whole = true;
            for entry in entries {
                if snapshot.seen.len() == MOST {
                    is_whole = false;
                    break;
                }
                // One that went meanwhile is none.
                let Ok(entry) = entry else { continue };
                let Ok(metadata) = entry.metadata() else { continue };
                let path = folder.join(entry.file_name());
                if metadata.is_dir() && entry.file_name() != NOT_ENTERED {
                    folders.push(path.clone());
                }
                snapshot.seen.insert(path, look(&metadata));
            }
            folders.sort_unstable();
            waiting.extend(folders);
            if is_whole {
                snapshot.whole.insert(folder);
            }
        }
        snapshot
    }

    /// What is otherwise than in `before`, by path.
    pub fn changes_since(&self, before: &Snapshot) -> Vec<Changed> {
        let now = self.snapshot();
        let mut changes = Vec::new();
        let mut created = HashSet::new();
        // A folder comes before what is in it.
        for (path, look) in &now.seen {
            let how = match before.seen.get(path) {
                Some(old) if old == look => continue,
                Some(_) => How::Modified,
                None => {
                    let parent = path.parent().unwrap_or(Path::new(""));
                    // In a folder that was not seen whole it may be old.
                    if !before.whole.contains(parent) && !created.contains(parent) {
                        continue;
                    }
                    created.insert(path.as_path());
                    How::Created
                }
            };
            changes.push(Changed { path: path.clone(), how });
        }
        for path in before.seen.keys().filter(|path| !now.seen.contains_key(*path)) {
            use std::io::ErrorKind::{NotADirectory, NotFound};
            let found = self.dir.symlink_metadata(path);
            if found.is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory)) {
                changes.push(Changed { path: path.clone(), how: How::Removed });
            }
        }
        changes.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        changes
    }
}

fn look(metadata: &Metadata) -> Look {
    if metadata.is_dir() {
        return Look::Folder;
    }
    let modified = metadata.modified().ok();
    let since = |time: cap_std::time::SystemTime| {
        time.into_std().duration_since(std::time::UNIX_EPOCH).ok()
    };
    Look::File {
        bytes: metadata.len(),
        modified: modified.and_then(since),
        identity: identity(metadata),
    }
}

/// Inode and time of the last change of any kind: another mode is a change as well.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, i64, i64) {
    use cap_std::fs::MetadataExt;
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> (u64, i64, i64) {
    (0, 0, 0)
}

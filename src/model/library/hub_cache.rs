//! The cache of the Hugging Face hub: `models--OWNER--NAME` with `snapshots/COMMIT/FILE`, mostly links to
//! `blobs/CHECKSUM`, and `refs/main` with the commit that is meant when none is named.

use std::path::{Path, PathBuf};

use super::walk::{is_gguf, walk};

/// One file or folder of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cached {
    /// `owner/repo:file` or, of a folder, `owner/repo`; with `@COMMIT` in it where the hub's main branch
    /// is now another commit.
    pub name: String,
    pub path: PathBuf,
    /// The name finds this very file again.
    pub is_main: bool,
}

/// Whatever the repositories of a cache hold, and what could not be looked at.
pub(super) fn models(cache: &Path) -> (Vec<Cached>, Vec<String>) {
    let mut found = Vec::new();
    let mut unreadable = Vec::new();
    let entries = match std::fs::read_dir(cache) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                unreadable.push(format!("{}: {error}", cache.display()));
            }
            return (found, unreadable);
        }
    };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(repository) = name.strip_prefix("models--") else { continue };
        let repository = repository.replacen("--", "/", 1);
        let main = std::fs::read_to_string(folder.join("refs").join("main")).unwrap_or_default();
        repository_models(&folder, &repository, main.trim(), &mut found, &mut unreadable);
    }
    (found, unreadable)
}

fn repository_models(
    folder: &Path,
    repository: &str,
    main: &str,
    found: &mut Vec<Cached>,
    unreadable: &mut Vec<String>,
) {
    let snapshots = folder.join("snapshots");
    let mut commits: Vec<PathBuf> = std::fs::read_dir(&snapshots)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    // The one that the name means comes first, so that what others share with it is shown under the name.
    commits.sort_by_key(|path| (!path.ends_with(main), path.clone()));
    for snapshot in commits {
        let commit = snapshot.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_main = commit == main;
        let shown = match is_main {
            true => repository.to_owned(),
            false => {
                let short: String = commit.chars().take(8).collect();
                format!("{repository}@{short}")
            }
        };
        let walked = walk(&snapshot);
        unreadable.extend(walked.unreadable);
        for path in walked.models {
            let inside = path.strip_prefix(&snapshot).unwrap_or(&path).to_string_lossy();
            let name = match (inside.is_empty(), is_gguf(&path)) {
                (true, _) => shown.clone(),
                (false, true) => format!("{shown}:{inside}"),
                (false, false) => format!("{shown}/{inside}"),
            };
            found.push(Cached { name, path: path.clone(), is_main });
        }
    }
    let blobs = std::fs::read_dir(folder.join("blobs")).into_iter().flatten().flatten();
    let mut parts: Vec<PathBuf> = blobs
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "incomplete"))
        .collect();
    parts.sort();
    for path in parts {
        let name = format!("{repository} (half-downloaded)");
        found.push(Cached { name, path, is_main: false });
    }
}

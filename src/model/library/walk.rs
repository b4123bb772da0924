//! Looking through a folder for whatever may be a model, without getting lost: links that lead in circles
//! are entered once, folders very deep down and very many files are left out and named.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::facts::unfinished;
use super::model_folder;

/// Folders below the first one.
const DEEPEST: usize = 6;
/// Files and folders looked at.
const MOST: usize = 50_000;

/// What was found, in the order of the paths.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// GGUF files, half-downloaded files, and folders with safetensors.
    pub models: Vec<PathBuf>,
    /// Folders laid out as the hub's cache is.
    pub caches: Vec<PathBuf>,
    /// What could not be looked at, and why.
    pub unreadable: Vec<String>,
}

/// Looks through `root`; that it is not there is no error.
pub(super) fn walk(root: &Path) -> Walked {
    let mut walked = Walked::default();
    let mut entered = HashSet::new();
    let mut left = MOST;
    enter(root, DEEPEST, &mut entered, &mut left, &mut walked);
    if left == 0 {
        walked.unreadable.push(format!(
            "{}: more than {MOST} files; the rest is not shown, name a folder within it",
            root.display()
        ));
    }
    walked.models.sort();
    walked
}

fn enter(
    folder: &Path,
    deeper: usize,
    entered: &mut HashSet<PathBuf>,
    left: &mut usize,
    walked: &mut Walked,
) {
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    if !entered.insert(real) {
        return;
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            walked.unreadable.push(format!("{}: {error}", folder.display()));
            return;
        }
    };
    if model_folder::is_model(folder) {
        walked.models.push(folder.to_path_buf());
    }
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        *left = left.saturating_sub(1);
        if *left == 0 {
            return;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name.starts_with("models--") {
                let cache = folder.to_path_buf();
                if !walked.caches.contains(&cache) {
                    walked.caches.push(cache);
                }
            } else if deeper > 0 && !name.starts_with('.') {
                enter(&path, deeper - 1, entered, left, walked);
            }
        } else if !name.starts_with('.') && (is_gguf(&path) || is_unfinished_model(&path)) {
            walked.models.push(path);
        }
    }
}

/// A GGUF file by its name, or a link by that name which leads nowhere.
pub(super) fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// A half-downloaded file that is to be a model: other downloads are none of our business.
fn is_unfinished_model(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    unfinished(path).is_some() && (name.contains(".gguf") || name.contains(".safetensors"))
}

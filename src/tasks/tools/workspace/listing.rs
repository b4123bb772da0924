//! What lies in a workspace, for a model to read and for a grammar of paths that exist. Owns what is left
//! out: hidden names, names that are no UTF-8, and all that is too much.

use super::Workspace;
use cap_std::fs::Dir;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Folders in folders that are looked into.
const DEEPEST: usize = 4;
/// Names read at most, listed or not: a folder of a million files must not hold a task up.
const MOST_READ: usize = 20_000;

/// One file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the workspace, with `/` between names.
    pub path: String,
    pub is_folder: bool,
    /// 0 for a folder.
    pub bytes: u64,
}

/// Files and folders, those nearest to the workspace first, in each folder by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// Seen and not listed, without hidden ones.
    pub left_out: usize,
    /// There is more that was not even looked at.
    pub is_cut: bool,
}

impl Listing {
    /// What is missing from it, in one line; none when it is whole.
    pub fn remark(&self) -> Option<String> {
        match (self.left_out, self.is_cut) {
            (0, false) => None,
            (0, true) => Some("there is more in the deeper folders".to_owned()),
            (count, false) => Some(format!("and {count} more")),
            (count, true) => Some(format!("and more than {count} more")),
        }
    }
}

/// What one folder has, before anybody asked for sizes.
pub(in crate::tasks::tools) struct Names {
    /// By name. True for folders, which links to folders are not.
    pub(in crate::tasks::tools) found: Vec<(String, NameKind)>,
    pub(in crate::tasks::tools) hidden: usize,
    /// Those that no JSON can name.
    pub(in crate::tasks::tools) not_utf8: usize,
    pub(in crate::tasks::tools) is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tasks::tools) enum NameKind {
    File,
    Folder,
    Link,
    /// A pipe, a socket or a device.
    Other,
}

/// The names in an open folder, at most `most` of them read.
pub(in crate::tasks::tools) fn names_in(dir: &Dir, most: usize) -> std::io::Result<Names> {
    let mut names = Names { found: Vec::new(), hidden: 0, not_utf8: 0, is_cut: false };
    for (count, entry) in dir.entries()?.enumerate() {
        if count == most {
            names.is_cut = true;
            break;
        }
        // One that went meanwhile is none.
        let Ok(entry) = entry else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            names.hidden += 1;
            continue;
        }
        let kind = match kind {
            kind if kind.is_dir() => NameKind::Folder,
            kind if kind.is_file() => NameKind::File,
            kind if kind.is_symlink() => NameKind::Link,
            _ => NameKind::Other,
        };
        match name.into_string() {
            Ok(name) => names.found.push((name, kind)),
            Err(_) => names.not_utf8 += 1,
        }
    }
    names.found.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    Ok(names)
}

impl Workspace {
    /// At most `limit` files and folders. Links are listed as what they lead to inside the workspace, and
    /// left out where they lead elsewhere; what cannot be looked into is left out.
    pub fn listing(&self, limit: usize) -> Listing {
        let mut listing = Listing::default();
        let mut left_to_read = MOST_READ;
        let mut waiting = VecDeque::from([(PathBuf::from("."), 0)]);
        while let Some((folder, depth)) = waiting.pop_front() {
            if listing.entries.len() >= limit || left_to_read == 0 || depth == DEEPEST {
                listing.is_cut = true;
                continue;
            }
            let opened = self.dir.open_dir(&folder);
            let Ok(names) = opened.and_then(|dir| names_in(&dir, left_to_read)) else { continue };
            let read = names.found.len() + names.hidden + names.not_utf8;
            left_to_read = left_to_read.saturating_sub(read);
            listing.is_cut |= names.is_cut;
            listing.left_out += names.not_utf8;
            for (name, kind) in names.found {
                if listing.entries.len() >= limit {
                    listing.left_out += 1;
                    continue;
                }
                let path = match folder == Path::new(".") {
                    true => PathBuf::from(name),
                    false => folder.join(name),
                };
                match self.entry(&path, kind) {
                    Some(entry) => listing.entries.push(entry),
                    None => listing.left_out += 1,
                }
                // A link to a folder may lead back to one that it lies in.
                if kind == NameKind::Folder {
                    waiting.push_back((path, depth + 1));
                }
            }
        }
        listing
    }

    /// None for what no tool can use.
    pub(in crate::tasks::tools) fn entry(&self, path: &Path, kind: NameKind) -> Option<Entry> {
        let shown = || {
            let names = path.components().filter_map(|name| name.as_os_str().to_str());
            names.collect::<Vec<_>>().join("/")
        };
        match kind {
            NameKind::Folder => Some(Entry { path: shown(), is_folder: true, bytes: 0 }),
            NameKind::Other => None,
            NameKind::File | NameKind::Link => {
                let metadata = self.dir.metadata(path).ok()?;
                let usable = metadata.is_file() || metadata.is_dir();
                let is_folder = metadata.is_dir();
                let bytes = if is_folder { 0 } else { metadata.len() };
                usable.then(|| Entry { path: shown(), is_folder, bytes })
            }
        }
    }
}

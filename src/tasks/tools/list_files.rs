//! Lists a folder of the workspace. Owns how an entry looks in a list; what is in the files is no concern
//! of it.

use super::workspace::{NameKind, names_in, on_one_line};
use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::tasks::Action;
use std::fmt::Write;

/// Entries that are listed; all are counted.
const MOST_LISTED: usize = 200;
/// Names that are read, so that a folder of millions does not hold a task up.
const MOST_READ: usize = 200_000;

/// `list_files`: what is in a folder.
#[derive(Debug)]
pub struct ListFiles;

impl Tool for ListFiles {
    fn name(&self) -> &'static str {
        "list_files"
    }

    fn purpose(&self) -> &'static str {
        "lists a folder"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "path", kind: ArgumentKind::ExistingFolder }]
    }

    fn effect(&self, action: &Action, workspace: &Workspace) -> Effect {
        match workspace.relative(action.text("path")) {
            Ok(_) => Effect::Reads,
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        list(action.text("path"), workspace).map_or_else(ToolResult::failed, ToolResult::of)
    }
}

fn list(path: &str, workspace: &Workspace) -> Result<String, String> {
    let path = workspace.relative(path)?;
    let opened = workspace.dir().open_dir(&path);
    let names = opened
        .and_then(|folder| names_in(&folder, MOST_READ))
        .map_err(|error| workspace.why(&path, &error))?;
    let mut shown = String::new();
    // Writing to a string does not fail.
    for (name, kind) in names.found.iter().take(MOST_LISTED) {
        let name_shown = on_one_line(name);
        let _ = match (kind, workspace.entry(&path.join(name), *kind)) {
            (NameKind::Other, _) => writeln!(shown, "{name_shown} (no file)"),
            (_, None) => writeln!(shown, "{name_shown} (a link that leads nowhere in here)"),
            (_, Some(entry)) if entry.is_folder => writeln!(shown, "{name_shown}/"),
            (_, Some(entry)) => writeln!(shown, "{name_shown} ({} bytes)", entry.bytes),
        };
    }
    let folders = names.found.iter().filter(|(_, kind)| *kind == NameKind::Folder).count();
    let files = names.found.len() - folders;
    let _ = match names.found.len().checked_sub(MOST_LISTED) {
        Some(more) if more > 0 => writeln!(shown, "… and {more} more"),
        _ => Ok(()),
    };
    let at_least = if names.is_cut { "at least " } else { "" };
    let _ = write!(shown, "{at_least}{}, {}", count(files, "file"), count(folders, "folder"));
    if names.hidden > 0 {
        let _ = write!(shown, "; {} hidden", names.hidden);
    }
    if names.not_utf8 > 0 {
        let _ = write!(shown, "; {} with names that are no UTF-8", names.not_utf8);
    }
    Ok(shown)
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::{Duration, Instant};

    fn run(workspace: &Workspace, path: &str) -> ToolResult {
        ListFiles.run(&Action::new("list_files", &[("path", path)]), workspace)
    }

    // If this fails, the model does not see which files there are, or takes a folder for a file.
    #[test]
    fn files_have_sizes_and_folders_a_stroke() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b.txt"), "four").unwrap();
        std::fs::write(folder.path().join("a\nrm.txt"), "").unwrap();
        std::fs::write(folder.path().join(".hidden"), "").unwrap();
        std::fs::create_dir(folder.path().join("docs")).unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        assert_eq!(
            run(&workspace, ".").output,
            "a\\nrm.txt (0 bytes)\nb.txt (4 bytes)\ndocs/\n2 files, 1 folder; 1 hidden"
        );
        assert_eq!(run(&workspace, "docs").output, "0 files, 0 folders");
        let told = run(&workspace, "b.txt").error.unwrap();
        assert_eq!(told, "b.txt is not a folder, or lies in none");
        assert_eq!(run(&workspace, "gone").error.unwrap(), "gone does not exist");
    }

    // If this fails, a name from another system stops the listing of all others, or cannot be seen at all.
    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_no_utf8_are_counted() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
        std::fs::write(folder.path().join(odd), "x").unwrap();
        std::fs::write(folder.path().join("plain"), "x").unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        assert_eq!(
            run(&workspace, ".").output,
            "plain (1 bytes)\n1 file, 0 folders; 1 with names that are no UTF-8"
        );
        let listing = workspace.listing(10);
        assert_eq!((listing.entries.len(), listing.left_out), (1, 1));
        assert_eq!(workspace.changes_since(&workspace.snapshot()), []);
    }

    // If this fails, one step in a folder of photographs takes minutes, or the count is wrong.
    #[test]
    fn a_folder_of_20_000_files_is_listed_at_once_and_counted_wholly() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..20_000 {
            std::fs::File::create(folder.path().join(format!("{number:05}.jpeg"))).unwrap();
        }
        let workspace = Workspace::open(folder.path(), None).unwrap();
        let began = Instant::now();
        let shown = run(&workspace, ".").output;
        assert!(shown.starts_with("00000.jpeg (0 bytes)\n00001"), "{shown}");
        assert!(shown.ends_with("… and 19800 more\n20000 files, 0 folders"), "{shown}");
        let listing = workspace.listing(100);
        assert_eq!((listing.entries.len(), listing.left_out), (100, 19_900));
        let before = workspace.snapshot();
        assert!(!before.is_whole());
        // Beyond what was looked at nothing may be made up.
        assert_eq!(workspace.changes_since(&before), []);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

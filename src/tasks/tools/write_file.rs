//! Writes a file of the workspace: all of it, or nothing.

use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::tasks::Action;

/// `write_file`: makes a file, or puts another text into it.
#[derive(Debug)]
pub struct WriteFile;

impl Tool for WriteFile {
    fn name(&self) -> &'static str {
        "write_file"
    }

    fn purpose(&self) -> &'static str {
        "makes a file"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[
            Argument { name: "path", kind: ArgumentKind::Path },
            Argument { name: "content", kind: ArgumentKind::Text },
        ]
    }

    fn effect(&self, action: &Action, workspace: &Workspace) -> Effect {
        match workspace.relative(action.text("path")) {
            Ok(_) => Effect::Changes { kind: self.name().to_owned() },
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        let content = action.text("content");
        let written = workspace.relative(action.text("path")).and_then(|path| {
            let was_there = workspace.replace(&path, content.as_bytes())?;
            let how = if was_there { "replaced" } else { "made" };
            Ok(format!("{how} {} ({} bytes)", path.display(), content.len()))
        });
        written.map_or_else(ToolResult::failed, ToolResult::of)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(workspace: &Workspace, path: &str, content: &str) -> ToolResult {
        let action = Action::new("write_file", &[("path", path), ("content", content)]);
        WriteFile.run(&action, workspace)
    }

    // If this fails, what the person asked to have written is not in the file.
    #[test]
    fn a_file_and_the_folders_on_the_way_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        let before = workspace.snapshot();
        let result = run(&workspace, "notes/2024/a.txt", "é\n");
        assert_eq!(result, ToolResult::of("made notes/2024/a.txt (3 bytes)"));
        let path = folder.path().join("notes/2024/a.txt");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "é\n");
        assert_eq!(
            run(&workspace, "notes/2024/a.txt", "").output.split(' ').next(),
            Some("replaced")
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        let changed: Vec<_> =
            workspace.changes_since(&before).into_iter().map(|one| one.path).collect();
        let expected = ["notes", "notes/2024", "notes/2024/a.txt"];
        assert_eq!(changed, expected.map(std::path::PathBuf::from));
    }

    // If this fails, somebody who reads the file while it is written sees half of it; or half is all that is
    // left after a crash.
    #[test]
    fn a_reader_sees_the_old_text_or_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        let texts = ["a".repeat(300_000), "b".repeat(300_000)];
        run(&workspace, "file", &texts[0]);
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for round in 0..100 {
                    assert!(run(&workspace, "file", &texts[round % 2]).is_success());
                }
            });
            while !writer.is_finished() {
                let read = std::fs::read_to_string(&path).unwrap();
                assert!(texts.contains(&read), "{} bytes", read.len());
            }
        });
        // Nothing else is left behind.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    // If this fails, a script is no longer executable after it was changed, or a secret is open to all.
    #[cfg(unix)]
    #[test]
    fn permissions_stay_and_a_write_protected_file_is_left_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        let path = folder.path().join("run.sh");
        std::fs::write(&path, "old").unwrap();
        for (mode, is_written) in [(0o750, true), (0o600, true), (0o440, false)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let result = run(&workspace, "run.sh", "new");
            assert_eq!(result.is_success(), is_written, "{result:?}");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    // If this fails, a folder is lost to a file, or the model does not learn why nothing happened.
    #[test]
    fn folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("docs")).unwrap();
        std::fs::write(folder.path().join("a"), "kept").unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        assert_eq!(run(&workspace, "docs", "x").error.unwrap(), "docs is a folder");
        assert_eq!(run(&workspace, ".", "x").error.unwrap(), ". is a folder");
        assert!(run(&workspace, "a/b", "x").error.is_some());
        assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "kept");
    }
}

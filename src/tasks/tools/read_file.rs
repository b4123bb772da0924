//! Reads a file of the workspace. Owns how much of one is read; how much of that a model sees is decided
//! elsewhere.

use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::tasks::Action;
use std::io::Read;

/// Bytes of a file that are read: more fits into no small model's context.
const MOST: u64 = 64 * 1024;

/// `read_file`: the text of a file.
#[derive(Debug)]
pub struct ReadFile;

impl Tool for ReadFile {
    fn name(&self) -> &'static str {
        "read_file"
    }

    fn purpose(&self) -> &'static str {
        "shows a file's text"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "path", kind: ArgumentKind::ExistingFile }]
    }

    fn effect(&self, action: &Action, workspace: &Workspace) -> Effect {
        match workspace.relative(action.text("path")) {
            Ok(_) => Effect::Reads,
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        read(action.text("path"), workspace).map_or_else(ToolResult::failed, ToolResult::of)
    }
}

fn read(path: &str, workspace: &Workspace) -> Result<String, String> {
    let path = workspace.relative(path)?;
    let (file, metadata) = workspace.open_file(&path)?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(|error| workspace.why(&path, &error))?;
    let whole = metadata.len();
    if is_binary(&bytes) {
        return Err(format!("{} is binary, not text ({whole} bytes)", path.display()));
    }
    let read = bytes.len() as u64;
    if read < whole {
        // The last character may be cut in two.
        let end = bytes.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(bytes.len());
        let is_cut = str::from_utf8(&bytes[end..]).is_err();
        bytes.truncate(if is_cut { end } else { bytes.len() });
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if read < whole {
        text.push_str(&format!("\n[only the first {} of {whole} bytes]", bytes.len()));
    }
    Ok(text)
}

/// As `grep` and `git` decide it: text has no zero byte.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8 * 1024).any(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        (folder, workspace)
    }

    fn run(workspace: &Workspace, path: &str) -> ToolResult {
        ReadFile.run(&Action::new("read_file", &[("path", path)]), workspace)
    }

    // If this fails, a person asks for a summary of a file and the model works from something else.
    #[test]
    fn a_text_is_given_as_it_is() {
        let (folder, workspace) = folder();
        std::fs::create_dir(folder.path().join("docs")).unwrap();
        std::fs::write(folder.path().join("docs/a b.txt"), "naïve\r\n好\n").unwrap();
        assert_eq!(run(&workspace, "./docs/../docs/a b.txt"), ToolResult::of("naïve\r\n好\n"));
        let absolute = folder.path().join("docs/a b.txt");
        assert_eq!(run(&workspace, absolute.to_str().unwrap()).output, "naïve\r\n好\n");
        std::fs::write(folder.path().join("latin"), b"caf\xe9").unwrap();
        assert_eq!(run(&workspace, "latin").output, "caf\u{fffd}");
        std::fs::write(folder.path().join("empty"), b"").unwrap();
        assert_eq!(run(&workspace, "empty"), ToolResult::of(""));
    }

    // If this fails, a picture's bytes fill the context and the model invents what it shows.
    #[test]
    fn a_binary_file_is_said_to_be_one() {
        let (folder, workspace) = folder();
        std::fs::write(folder.path().join("a.png"), b"\x89PNG\0\0").unwrap();
        let told = run(&workspace, "a.png").error.unwrap();
        assert_eq!(told, "a.png is binary, not text (6 bytes)");
    }

    // If this fails, one large log takes all memory; or the model believes that it has read all of it.
    #[test]
    fn of_a_huge_file_the_first_part_is_read_and_that_is_said() {
        let (folder, workspace) = folder();
        let file = std::fs::File::create(folder.path().join("log")).unwrap();
        file.set_len(50 << 30).unwrap();
        let told = run(&workspace, "log").error.unwrap();
        assert!(told.contains("binary") && told.contains("53687091200"), "{told}");
        // Cut in the middle of a character.
        let text = format!("x{}", "é".repeat(40_000));
        std::fs::write(folder.path().join("long"), &text).unwrap();
        let shown = run(&workspace, "long").output;
        assert!(shown.ends_with("é\n[only the first 65535 of 80001 bytes]"), "{}", shown.len());
        assert!(!shown.contains('\u{fffd}'));
    }

    // If this fails, a task hangs for ever on a pipe that nobody writes to.
    #[cfg(unix)]
    #[test]
    fn a_pipe_does_not_make_the_task_wait() {
        let (folder, workspace) = folder();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
        assert!(made.unwrap().success());
        let told = run(&workspace, "pipe").error.unwrap();
        assert_eq!(told, "pipe is a pipe or a device, not a file");
    }

    // If this fails, the model is not told why and tries the same again.
    #[test]
    fn what_cannot_be_read_is_told_in_plain_words() {
        let (folder, workspace) = folder();
        std::fs::create_dir(folder.path().join("docs")).unwrap();
        std::fs::write(folder.path().join("a"), "").unwrap();
        for (path, told) in [
            ("gone.txt", "gone.txt does not exist"),
            ("docs", "docs is a folder"),
            (".", ". is a folder"),
            ("a/b", "a/b is not a folder, or lies in none"),
            ("", "the path is empty; . is the folder itself"),
        ] {
            assert_eq!(run(&workspace, path).error.as_deref(), Some(told));
        }
    }
}

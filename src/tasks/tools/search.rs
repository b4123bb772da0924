//! Finds lines of text in the files of a workspace. Owns how far it looks: time, files, lines and bytes are
//! all bounded, and what was not looked at is said.

use super::read_file::is_binary;
use super::workspace::{NameKind, names_in, on_one_line};
use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::tasks::Action;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Lines that are shown.
const MOST_LINES: usize = 100;
/// Of one file, in bytes.
const MOST_READ: u64 = 4 << 20;
/// Names that are looked at.
const MOST_NAMES: usize = 50_000;
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a line that are shown, around what was found.
const LINE: usize = 200;
const DEEPEST: usize = 32;

/// `search`: lines that contain a text.
#[derive(Debug)]
pub struct Search;

impl Tool for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn purpose(&self) -> &'static str {
        "finds lines with a text in a folder's files"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[
            Argument { name: "text", kind: ArgumentKind::Line },
            Argument { name: "path", kind: ArgumentKind::ExistingFolder },
        ]
    }

    fn effect(&self, action: &Action, workspace: &Workspace) -> Effect {
        match folder_of(action, workspace) {
            Ok(_) => Effect::Reads,
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        search(action, workspace).map_or_else(ToolResult::failed, ToolResult::of)
    }
}

/// The whole workspace when none is named.
fn folder_of(action: &Action, workspace: &Workspace) -> Result<PathBuf, String> {
    match action.text("path") {
        "" => Ok(PathBuf::from(".")),
        path => workspace.relative(path),
    }
}

fn search(action: &Action, workspace: &Workspace) -> Result<String, String> {
    let text = action.text("text");
    if text.is_empty() {
        return Err("the text to look for is empty".to_owned());
    }
    let pattern = RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build();
    let pattern = pattern.map_err(|_| "the text to look for is too long".to_owned())?;
    let path = folder_of(action, workspace)?;
    let mut found = Found { began: Some(Instant::now()), ..Found::default() };
    match workspace.dir().metadata(&path) {
        Err(error) => return Err(workspace.why(&path, &error)),
        // A model may well name the file that it means.
        Ok(metadata) if metadata.is_file() => found.look_in(workspace, &path, &pattern),
        Ok(_) => found.walk(workspace, path, &pattern)?,
    }
    Ok(found.told(text))
}

/// What a search found, and how far it came.
#[derive(Default)]
struct Found {
    lines: Vec<String>,
    files: usize,
    binary: usize,
    began: Option<Instant>,
    is_cut: bool,
}

impl Found {
    fn walk(
        &mut self,
        workspace: &Workspace,
        start: PathBuf,
        pattern: &Regex,
    ) -> Result<(), String> {
        let mut left = MOST_NAMES;
        let first = start.clone();
        let mut waiting = VecDeque::from([(start, 0)]);
        while let Some((folder, depth)) = waiting.pop_front() {
            let opened = workspace.dir().open_dir(&folder);
            let names = match opened.and_then(|dir| names_in(&dir, left)) {
                Ok(names) => names,
                Err(error) if folder == first => return Err(workspace.why(&folder, &error)),
                // It went meanwhile, or is not for this user.
                Err(_) => continue,
            };
            left = left.saturating_sub(names.found.len());
            self.is_cut |= names.is_cut;
            for (name, kind) in names.found {
                if self.is_over() {
                    return Ok(());
                }
                let path = match folder == Path::new(".") {
                    true => PathBuf::from(name),
                    false => folder.join(name),
                };
                match kind {
                    NameKind::File => self.look_in(workspace, &path, pattern),
                    NameKind::Folder if depth < DEEPEST => waiting.push_back((path, depth + 1)),
                    NameKind::Folder => self.is_cut = true,
                    // What a link leads to in here is found where it lies.
                    NameKind::Link | NameKind::Other => {}
                }
            }
        }
        Ok(())
    }

    fn is_over(&mut self) -> bool {
        let is_late = self.began.is_some_and(|began| began.elapsed() > PATIENCE);
        let is_over = is_late || self.lines.len() >= MOST_LINES;
        self.is_cut |= is_over;
        is_over
    }

    fn look_in(&mut self, workspace: &Workspace, path: &Path, pattern: &Regex) {
        // It went meanwhile, or is not for this user.
        let Ok((file, metadata)) = workspace.open_file(path) else { return };
        let mut bytes = Vec::new();
        if file.take(MOST_READ).read_to_end(&mut bytes).is_err() {
            return;
        }
        self.is_cut |= metadata.len() > MOST_READ;
        if is_binary(&bytes) {
            self.binary += 1;
            return;
        }
        self.files += 1;
        if !pattern.is_match(&bytes) {
            return;
        }
        let shown = on_one_line(&path.to_string_lossy());
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let Some(place) = pattern.find(line) else { continue };
            if self.lines.len() == MOST_LINES {
                self.is_cut = true;
                return;
            }
            let line = around(line, place.start());
            self.lines.push(format!("{shown}:{}: {line}", number + 1));
        }
    }

    fn told(&self, text: &str) -> String {
        let mut told = match self.lines.is_empty() {
            true => format!("{} was not found", on_one_line(text)),
            false => self.lines.join("\n"),
        };
        if self.is_cut {
            told.push_str("\n[not everything was searched]");
        }
        if self.lines.is_empty() && self.binary > 0 {
            told.push_str(&format!("\n[{} binary files were not searched]", self.binary));
        }
        told
    }
}

/// The part of a line that begins near `start`.
fn around(line: &[u8], start: usize) -> String {
    let from = if line.len() <= LINE { 0 } else { start.saturating_sub(LINE / 4) };
    let to = line.len().min(from + LINE);
    let text = String::from_utf8_lossy(&line[from..to]);
    // A character that was cut is no part of the file.
    let text = text.trim_matches('\u{fffd}').trim_end_matches('\r');
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < line.len() { "…" } else { "" });
    format!("{before}{}{after}", text.trim_end())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("docs/deep")).unwrap();
        std::fs::write(folder.path().join("a.txt"), "one\r\nTwo (2)\r\n").unwrap();
        std::fs::write(folder.path().join("docs/b.txt"), "nothing\n\nseven two (2) x\n").unwrap();
        std::fs::write(folder.path().join("docs/deep/c.bin"), "\0two (2)").unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        (folder, workspace)
    }

    fn run(workspace: &Workspace, text: &str, path: &str) -> ToolResult {
        let action = Action::new("search", &[("text", text), ("path", path)]);
        Search.run(&action, workspace)
    }

    // If this fails, a model is sent to the wrong place, or told that something is nowhere.
    #[test]
    fn lines_are_found_with_file_and_number_whatever_the_case() {
        let (_folder, workspace) = folder();
        let both = "a.txt:2: Two (2)\ndocs/b.txt:3: seven two (2) x";
        assert_eq!(run(&workspace, "two (2)", ".").output, both);
        assert_eq!(run(&workspace, "TWO (2)", "").output, both);
        assert_eq!(run(&workspace, "two", "docs").output, "docs/b.txt:3: seven two (2) x");
        assert_eq!(run(&workspace, "two", "a.txt").output, "a.txt:2: Two (2)");
        assert_eq!(
            run(&workspace, ".*", ".").output,
            ".* was not found\n[1 binary files were not searched]"
        );
        assert!(run(&workspace, "", ".").error.is_some());
        assert_eq!(run(&workspace, "x", "gone").error.unwrap(), "gone does not exist");
    }

    // If this fails, one long line or a log with a million hits fills the context.
    #[test]
    fn what_is_shown_is_bounded_and_that_is_said() {
        let (folder, workspace) = folder();
        let long = format!("{}needle{}", "é".repeat(5_000), "y".repeat(5_000));
        std::fs::write(folder.path().join("long"), &long).unwrap();
        let shown = run(&workspace, "needle", ".").output;
        assert!(shown.starts_with("long:1: …é") && shown.contains("needle"), "{shown}");
        assert!(shown.len() < 400 && shown.ends_with('…'), "{shown}");
        std::fs::write(folder.path().join("many"), "hit\n".repeat(100_000)).unwrap();
        let shown = run(&workspace, "hit", ".").output;
        assert_eq!(shown.lines().count(), MOST_LINES + 1);
        assert!(shown.ends_with("[not everything was searched]"));
    }

    // If this fails, a search hangs on a pipe, or goes round in a circle of links.
    #[cfg(unix)]
    #[test]
    fn pipes_circles_and_huge_files_do_not_hold_it_up() {
        let (folder, workspace) = folder();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
        assert!(made.unwrap().success());
        std::os::unix::fs::symlink("..", folder.path().join("docs/circle")).unwrap();
        let file = std::fs::File::create(folder.path().join("huge")).unwrap();
        file.set_len(50 << 30).unwrap();
        let shown = run(&workspace, "seven", ".").output;
        assert_eq!(shown, "docs/b.txt:3: seven two (2) x\n[not everything was searched]");
    }
}

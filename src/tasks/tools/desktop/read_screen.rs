//! Reads the text on the screen, with the places where it stands. Owns how sure the reader was, and that a
//! model is told when that was not very.

use super::programs::Call;
use super::{Desktop, Needs, picture};
use crate::tasks::Action;
use crate::tasks::tools::{Argument, Effect, Tool, ToolResult, Workspace};
use std::fmt::Write;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// Mean confidence below which what was read may well be wrong.
const SURE: f64 = 0.85;

/// `read_screen`: the text on the screen.
#[derive(Debug)]
pub(super) struct ReadScreen(pub(super) Desktop);

const NEEDS: [Needs; 2] = [Needs::Camera, Needs::Reader];

impl Tool for ReadScreen {
    fn name(&self) -> &'static str {
        "read_screen"
    }

    fn purpose(&self) -> &'static str {
        "reads the text on the screen and where it stands"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[]
    }

    fn effect(&self, _action: &Action, _workspace: &Workspace) -> Effect {
        match self.0.require(&NEEDS) {
            Ok(()) => Effect::Reads,
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, _action: &Action, workspace: &Workspace) -> ToolResult {
        self.read(workspace).unwrap_or_else(|result| result)
    }
}

impl ReadScreen {
    fn read(&self, workspace: &Workspace) -> Result<ToolResult, ToolResult> {
        self.0.require(&NEEDS).map_err(ToolResult::failed)?;
        let (path, _) = self.0.take_picture(workspace)?;
        let folder = workspace.temporary();
        let name = "to-be-read.png";
        let factor = picture::enlarge(&path, &folder.join(name)).map_err(ToolResult::failed)?;
        // Sparse text: a screen has no columns and paragraphs.
        let arguments = [name, "stdout", "--psm", "11", "tsv"];
        let program = "tesseract";
        let call = Call { program, arguments: &arguments, input: "", folder, limit: PATIENCE };
        let table = self.0.run(&call)?;
        // The pictures show all that is on the person's screen: they go as soon as they are read.
        for file in [path, folder.join(name)] {
            let _ = std::fs::remove_file(file);
        }
        Ok(ToolResult::of(told(&words(&table, f64::from(factor)))))
    }
}

/// One word on the screen, in pixels of the screen.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    /// Block, paragraph and line.
    line: [u32; 3],
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    /// 0 to 1.
    confidence: f64,
    text: String,
}

/// The words of a table by tesseract: level, page, block, paragraph, line, word, left, top, width, height,
/// confidence in percent, text.
fn words(table: &str, factor: f64) -> Vec<Word> {
    let word = |row: &str| {
        let cells: Vec<&str> = row.splitn(12, '\t').collect();
        let text = cells.get(11)?.trim();
        let whole = |at: usize| cells[at].parse::<u32>().ok();
        let number = |at: usize| cells[at].parse::<f64>().ok();
        let confidence = number(10).filter(|percent| *percent >= 0.0)? / 100.0;
        Some(Word {
            line: [whole(2)?, whole(3)?, whole(4)?],
            left: number(6)? / factor,
            top: number(7)? / factor,
            width: number(8)? / factor,
            height: number(9)? / factor,
            confidence,
            text: text.to_owned(),
        })
        .filter(|word| !word.text.is_empty())
    };
    table.lines().filter_map(word).collect()
}

/// Lines of words, each with the middle of the words that stand together, to click at.
fn told(words: &[Word]) -> String {
    if words.is_empty() {
        return "no text was found on the screen".to_owned();
    }
    let stand_together = |left: &Word, right: &Word| {
        let gap = right.left - (left.left + left.width);
        left.line == right.line && gap < 2.0 * left.height.max(right.height)
    };
    let mut shown = "text on the screen, with x,y of its middle:\n".to_owned();
    for piece in words.chunk_by(stand_together) {
        let edge = |of: fn(&Word) -> f64| piece.iter().map(of);
        let left = edge(|word| word.left).fold(f64::MAX, f64::min);
        let right = edge(|word| word.left + word.width).fold(0.0, f64::max);
        let top = edge(|word| word.top).fold(f64::MAX, f64::min);
        let bottom = edge(|word| word.top + word.height).fold(0.0, f64::max);
        let text = piece.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        // Writing to a string does not fail.
        let _ = writeln!(shown, "{:.0},{:.0} {text}", (left + right) / 2.0, (top + bottom) / 2.0);
    }
    let sum: f64 = words.iter().map(|word| word.confidence).sum();
    let mean = sum / words.len() as f64;
    let warning = if mean < SURE { ": may be wrong" } else { "" };
    let _ = write!(shown, "confidence {mean:.2}{warning}");
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
        1\t1\t0\t0\t0\t0\t0\t0\t800\t600\t-1\t\n";

    fn table(rows: &[(u32, u32, &str, &str)]) -> String {
        let rows = rows.iter().map(|(line, left, confidence, text)| {
            format!("5\t1\t1\t1\t{line}\t1\t{left}\t30\t60\t30\t{confidence}\t{text}\n")
        });
        format!("{HEAD}{}", rows.collect::<String>())
    }

    // If this fails, a click lands beside the button that was read; or two buttons are taken for one.
    #[test]
    fn words_that_stand_together_are_one_piece_with_its_middle() {
        let table = table(&[
            (1, 0, "96.5", "Save"),
            (1, 78, "90", "as"),
            (1, 600, "91", "Cancel"),
            (2, 0, "95", " "),
            (2, 0, "92.5", "OK"),
        ]);
        assert_eq!(
            told(&words(&table, 3.0)),
            "text on the screen, with x,y of its middle:\n\
             23,15 Save as\n210,15 Cancel\n10,15 OK\nconfidence 0.93"
        );
    }

    // If this fails, a model takes a misread word for what stands on the screen.
    #[test]
    fn what_was_read_with_doubt_is_said_to_be_doubtful() {
        let shown = told(&words(&table(&[(1, 0, "62", "0K"), (2, 0, "80", "ll")]), 1.0));
        assert!(shown.ends_with("confidence 0.71: may be wrong"), "{shown}");
        for nothing in ["", HEAD, "5\t1\t1\tx\t1\n", "not a table"] {
            assert_eq!(told(&words(nothing, 1.0)), "no text was found on the screen");
        }
    }
}

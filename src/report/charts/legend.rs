//! What stands above a chart's plot: its question, what is shown, and which mark is whose.

use super::canvas::{Drawn, Paper};
use super::style::{BODY, INK, Look, SMALL, SOFT, TITLE, cut, letter, mark, text, width};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// Room left and right of everything.
pub const MARGIN: i32 = 24;

/// One arm in the legend.
pub struct Entry {
    pub name: String,
    pub look: Look,
    /// That of the arm's marks; none for base.
    pub letter: Option<String>,
}

impl Entry {
    pub fn arm(index: usize, name: &str, look: Look) -> Self {
        Self { name: name.to_owned(), look, letter: Some(letter(index)) }
    }
}

/// Writes title and explanation, and gives the height below them that is free.
pub fn heading<DB: DrawingBackend>(
    paper: &Paper<DB>,
    title: &str,
    explanation: &str,
) -> Drawn<DB, i32> {
    let room = paper.dim_in_pixel().0 as i32 - 2 * MARGIN;
    text(paper, &cut(title, TITLE, room), (MARGIN, 28), TITLE, INK, HPos::Left)?;
    let mut y = 56;
    for line in wrapped(explanation, room) {
        text(paper, &line, (MARGIN, y), SMALL, SOFT, HPos::Left)?;
        y += 19;
    }
    Ok(y)
}

/// Words in as many lines as they take.
fn wrapped(words: &str, room: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), SMALL) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Draws the legend from height `top` on, in as many rows as it takes, and gives the height below it.
pub fn legend<DB: DrawingBackend>(
    paper: &Paper<DB>,
    entries: &[Entry],
    top: i32,
) -> Drawn<DB, i32> {
    let right = paper.dim_in_pixel().0 as i32 - MARGIN;
    let (mut x, mut y) = (MARGIN, top + 10);
    for entry in entries {
        let label = match &entry.letter {
            Some(letter) => format!("{letter}  {}", entry.name),
            None => entry.name.clone(),
        };
        let label = cut(&label, BODY, 260);
        let taken = 18 + width(&label, BODY) + 14;
        if x > MARGIN && x + taken > right {
            (x, y) = (MARGIN, y + 22);
        }
        mark(paper, entry.look, (x + 6, y), 5)?;
        text(paper, &label, (x + 18, y), BODY, INK, HPos::Left)?;
        x += taken;
    }
    Ok(y + 18)
}

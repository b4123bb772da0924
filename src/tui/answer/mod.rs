//! How a model's answer reads: its Markdown laid out in lines, or the text as it is. Owns the lines of an
//! answer that grows; whatever came before its last block is laid out once. Knows nothing of panes. An answer
//! is data: nothing of it reaches the terminal but text.

mod code;
mod inline;
mod languages;
mod markdown;
mod table;
#[cfg(test)]
mod tests;

use super::theme::Theme;
use super::widgets::wrap;
use ratatui::text::Line;
use std::cell::{Ref, RefCell};

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading<'t> {
    pub theme: &'t Theme,
    /// The text as it is.
    pub raw: bool,
}

/// An answer in lines of at most `width` columns.
pub fn answer_lines(text: &str, width: usize, reading: Reading) -> Vec<Line<'static>> {
    let text = text.trim_end();
    match reading.raw {
        true => wrap(text, width)
            .into_iter()
            .map(|line| Line::styled(line, reading.theme.text))
            .collect(),
        false => markdown::lines(text, width, reading.theme).0,
    }
}

/// What lines were made for: others have to be made for another width or theme.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeFor {
    pub width: usize,
    raw: bool,
    theme: Box<Theme>,
}

impl MadeFor {
    pub fn new(width: usize, reading: Reading) -> Self {
        Self { width, raw: reading.raw, theme: Box::new(reading.theme.clone()) }
    }

    pub fn is(&self, width: usize, reading: Reading) -> bool {
        self.width == width && self.raw == reading.raw && *self.theme == *reading.theme
    }
}

/// The lines of one answer that may still grow.
#[derive(Debug, Default)]
pub struct AnswerLines(RefCell<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// What the lines are made of.
    text: String,
    made_for: Option<MadeFor>,
    lines: Vec<Line<'static>>,
    /// Up to here the text has blocks that are whole; they are the first `whole_lines`.
    whole: usize,
    whole_lines: usize,
}

impl AnswerLines {
    /// The lines of `text`. Where it goes on from what it was, only its last block is laid out again.
    pub fn of(&self, text: &str, width: usize, reading: Reading) -> Ref<'_, [Line<'static>]> {
        self.0.borrow_mut().update(text.trim_end(), width, reading);
        Ref::map(self.0.borrow(), |kept| kept.lines.as_slice())
    }
}

impl Kept {
    fn update(&mut self, text: &str, width: usize, reading: Reading) {
        let as_before = self.made_for.as_ref().is_some_and(|made| made.is(width, reading));
        if as_before && self.text == text {
            return;
        }
        if !(as_before && text.starts_with(self.text.get(..self.whole).unwrap_or("\0"))) {
            let made_for = Some(MadeFor::new(width, reading));
            *self = Self { made_for, ..Self::default() };
        }
        self.lines.truncate(self.whole_lines);
        let rest = text.get(self.whole..).unwrap_or_default();
        // Where the last block begins, in what is laid out now, in bytes and in lines.
        let (lines, (whole, whole_lines)) = match reading.raw {
            true => {
                let whole = rest.rfind('\n').map_or(0, |end| end + 1);
                let style = reading.theme.text;
                let wrapped = |text: &str| -> Vec<Line<'static>> {
                    wrap(text, width).into_iter().map(|line| Line::styled(line, style)).collect()
                };
                let mut lines = match rest.get(..whole.saturating_sub(1)).filter(|_| whole > 0) {
                    Some(before) => wrapped(before),
                    None => Vec::new(),
                };
                let whole_lines = lines.len();
                lines.extend(wrapped(rest.get(whole..).unwrap_or_default()));
                (lines, (whole, whole_lines))
            }
            false => {
                let (mut lines, last) = markdown::lines(rest, width, reading.theme);
                let between = usize::from(!self.lines.is_empty() && !lines.is_empty());
                if between > 0 {
                    lines.insert(0, Line::default());
                }
                // What parts the last block from those before belongs to it.
                (lines, (last.0, if last.1 > 0 { last.1 - 1 + between } else { 0 }))
            }
        };
        self.whole += whole;
        self.whole_lines += whole_lines;
        self.lines.extend(lines);
        text.clone_into(&mut self.text);
    }
}

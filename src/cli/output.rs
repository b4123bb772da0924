//! What goes to stdout and stderr: JSON or words, and progress that never mixes with either.

use super::outcome::{Error, Result};
use crate::model::source;
use crate::workplace::Event;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, IsTerminal, Write};

/// Writes the control characters that JSON may hold as they are (DEL and C1, which some terminals
/// obey) as escapes: they stand inside strings only, so the document says the same.
fn escape_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}' => escaped.push_str(&format!("\\u{:04x}", character as u32)),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// How this process speaks.
#[derive(Debug)]
pub struct Output {
    pub json: bool,
    quiet: bool,
    /// Nobody need read what is printed.
    unread: Cell<bool>,
    bar: RefCell<Option<(String, ProgressBar)>>,
}

impl Output {
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet, unread: Cell::new(false), bar: RefCell::new(None) }
    }

    /// From now on the work is what counts: that nobody reads on is no reason to end.
    pub fn go_on_unread(&self) {
        self.unread.set(true);
    }

    /// One line or more for a person, on stdout; nothing with `--json`. Whatever is in it from a file
    /// or the model cannot steer the terminal.
    pub fn line(&self, text: impl AsRef<str>) -> Result<()> {
        match self.json {
            true => Ok(()),
            false => self.raw(&format!("{}\n", crate::store::plain(text.as_ref()))),
        }
    }

    /// One JSON document on a line of its own; nothing without `--json`.
    pub fn json(&self, value: &impl Serialize) -> Result<()> {
        match self.json {
            true => self.json_line(value),
            false => Ok(()),
        }
    }

    /// One JSON document on a line of its own, for commands that print nothing else.
    pub fn json_line(&self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|e| Error::Output(e.into()))?;
        self.raw(&(escape_controls(&text) + "\n"))
    }

    /// Text as it is, on stdout, at once.
    pub fn raw(&self, text: &str) -> Result<()> {
        self.clear();
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => match self.unread.get() {
                true => Ok(()),
                false => Err(Error::OutputClosed),
            },
            Err(error) => Err(Error::Output(error)),
        }
    }

    /// Text of several lines on stderr that must be read to go on, so also with `--quiet`.
    pub fn text(&self, text: &str) {
        self.clear();
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// A remark on stderr.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.clear();
            let _ = writeln!(std::io::stderr(), "{}", crate::store::plain_line(text.as_ref()));
        }
    }

    /// Shows an event: progress as a bar on a terminal, remarks as lines.
    pub fn event(&self, event: Event) {
        match event {
            Event::Source(source::Event::Bytes { done, total: Some(total) }) => {
                self.progress("fetching the model", done, total, true);
            }
            Event::Source(source::Event::Bytes { total: None, .. }) => {}
            Event::Source(source::Event::Checking { .. }) => {}
            Event::Source(event) => self.note(event.to_string()),
            Event::Loading(share) => {
                self.progress("loading the model", (share * 100.0) as u64, 100, false);
                if share >= 1.0 {
                    self.clear();
                }
            }
            Event::Measuring { what, done, total } => {
                self.progress(what, done as u64, total as u64, false);
                if done == total {
                    self.clear();
                }
            }
            Event::Train(_) => {}
            Event::Note(text) => self.note(text),
        }
    }

    fn progress(&self, what: &str, done: u64, total: u64, bytes: bool) {
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let mut current = self.bar.borrow_mut();
        if current.as_ref().is_none_or(|(name, _)| name != what) {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            let template = match bytes {
                true => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}",
                false => "{msg} {wide_bar} {pos}/{len} {eta}",
            };
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            *current = Some((what.to_owned(), bar));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    /// Takes the bar away before anything else is written.
    fn clear(&self) {
        if let Some((_, bar)) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    // If this fails, what a script prints to a terminal can steer it, or reads back as another text.
    #[test]
    fn json_holds_no_control_character_and_says_the_same() {
        let text = "a\u{1b}[31mb\u{9b}2J\u{7f}é\u{85}";
        let json = super::escape_controls(&serde_json::to_string(text).unwrap());
        assert!(!json.chars().any(char::is_control), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}

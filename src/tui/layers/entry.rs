//! Asks for a text: a search, a path, a system prompt.

use super::Stay;
use crate::tui::action::Action;
use crate::tui::pane::Shared;
use crate::tui::widgets::{TextField, clear, dialog};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};
use unicode_width::UnicodeWidthStr;

/// What the text is for; it comes back with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPurpose {
    SystemPrompt,
    Search,
    TrainingFile,
    EvaluationSet,
    ComparePrompt,
    /// The folder that tasks are carried out in.
    Folder,
    /// Where what is shown is written to.
    ExportFile,
}

/// The field on screen.
#[derive(Debug)]
pub struct Entry {
    purpose: EntryPurpose,
    field: TextField,
    several_lines: bool,
    /// What stood there, to come back to.
    before: String,
    /// What is said above it, where that is not the same every time.
    words: Option<String>,
}

impl Entry {
    pub fn new(purpose: EntryPurpose, present: &str) -> Self {
        let several_lines =
            matches!(purpose, EntryPurpose::SystemPrompt | EntryPurpose::ComparePrompt);
        let mut field = if several_lines { TextField::several_lines() } else { TextField::line() };
        field.set(present);
        Self { purpose, field, several_lines, before: present.to_owned(), words: None }
    }

    pub fn with_words(purpose: EntryPurpose, present: &str, words: String) -> Self {
        Self { words: Some(words), ..Self::new(purpose, present) }
    }

    pub fn applies(&self, action: Action) -> bool {
        action != Action::NewLine || self.several_lines
    }

    pub fn act(&mut self, action: Action) -> Stay {
        match action {
            Action::Confirm => Stay::Entered(self.purpose, self.field.text()),
            Action::NewLine => {
                self.field.new_line();
                Stay::Open
            }
            // Its words have narrowed a list already.
            Action::Back if self.is_search() => {
                Stay::Entered(self.purpose, std::mem::take(&mut self.before))
            }
            _ => Stay::Closed,
        }
    }

    /// What is typed narrows a list at once.
    pub fn is_search(&self) -> bool {
        self.purpose == EntryPurpose::Search
    }

    pub fn text(&self) -> String {
        self.field.text()
    }

    /// Rows at the bottom that are its own: a search leaves the list in sight.
    pub fn rows_taken(&self) -> u16 {
        u16::from(self.is_search())
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        self.field.type_key(key);
    }

    pub fn paste(&mut self, text: &str) {
        self.field.paste(text);
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        if self.is_search() {
            return self.draw_search(frame, area, shared);
        }
        let (title, words) = match self.purpose {
            EntryPurpose::SystemPrompt => (
                "System prompt",
                "Told to the model before every task; empty leaves the model's own.",
            ),
            EntryPurpose::Search => ("Search", ""),
            EntryPurpose::TrainingFile => (
                "Train on a file",
                "A JSONL file: {\"prompt\", \"answer\"} or {\"messages\"} on each line.",
            ),
            EntryPurpose::EvaluationSet => (
                "Evaluation set",
                "A JSONL file: {\"id\", \"area\", \"prompt\", \"answer\"}; empty takes the built-in set and your own items.",
            ),
            EntryPurpose::Folder => (
                "Folder",
                "Tasks are carried out in it; empty takes the one where Kaizen was started.",
            ),
            EntryPurpose::ExportFile => ("Export what is shown", "The file's name."),
            EntryPurpose::ComparePrompt => ("Ask both", "Both arms will answer this."),
        };
        let height = if self.several_lines { 12 } else { 7 };
        let inner = dialog(frame, area, title, (70, height), &shared.theme);
        let [above, field] =
            Layout::vertical([Constraint::Length(3), Constraint::Fill(1)]).areas(inner);
        let words = self.words.as_deref().unwrap_or(words);
        let words = Line::styled(words, shared.theme.dim);
        frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), above);
        self.field.draw(frame, field, true, &shared.theme);
    }

    /// A line at the bottom, over whatever is narrowed.
    fn draw_search(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let height = area.height.min(1);
        let line = Rect { y: area.bottom() - height, height, ..area };
        let key = format!(" {} ", shared.keymap.key("search"));
        let width = u16::try_from(key.width()).unwrap_or(u16::MAX);
        let [mark, field] =
            Layout::horizontal([Constraint::Length(width), Constraint::Fill(1)]).areas(line);
        clear(frame, line);
        frame.render_widget(Line::styled(key, shared.theme.accent), mark);
        self.field.draw(frame, field, true, &shared.theme);
    }
}

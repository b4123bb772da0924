//! Finds an action by its name: what is typed is matched loosely against the table.

use super::Stay;
use crate::tui::action::{Action, ActionRow};
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::widgets::{TextField, dialog};
use crossterm::event::KeyEvent;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// The palette with the actions that apply where it was opened.
#[derive(Debug)]
pub struct Palette {
    rows: Vec<(ActionRow, String)>,
    typed: TextField,
    /// Places in `rows`, best match first.
    found: Vec<usize>,
    selected: usize,
}

impl Palette {
    pub fn new(rows: Vec<ActionRow>, keymap: &Keymap) -> Self {
        let rows: Vec<_> = rows.into_iter().map(|row| (row, keymap.keys_of(row.name))).collect();
        let found = (0..rows.len()).collect();
        Self { rows, typed: TextField::line(), found, selected: 0 }
    }

    pub fn act(&mut self, action: Action) -> Stay {
        match action {
            Action::Up => self.selected = self.selected.saturating_sub(1),
            Action::Down => {
                self.selected = (self.selected + 1).min(self.found.len().saturating_sub(1));
            }
            Action::Confirm => {
                return match self.found.get(self.selected).and_then(|&place| self.rows.get(place)) {
                    Some((row, _)) => Stay::ClosedThen(row.action),
                    None => Stay::Open,
                };
            }
            _ => return Stay::Closed,
        }
        Stay::Open
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        self.typed.type_key(key);
        self.find();
    }

    pub fn paste(&mut self, text: &str) {
        self.typed.paste(text);
        self.find();
    }

    fn find(&mut self) {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern =
            Pattern::parse(&self.typed.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut characters = Vec::new();
        let mut scored: Vec<(u32, usize)> = self
            .rows
            .iter()
            .enumerate()
            .filter_map(|(place, (row, _))| {
                let words = format!("{} {}", row.name, row.description);
                let words = nucleo_matcher::Utf32Str::new(&words, &mut characters);
                Some((pattern.score(words, &mut matcher)?, place))
            })
            .collect();
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        self.found = scored.into_iter().map(|(_, place)| place).collect();
        self.selected = 0;
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let inner = dialog(frame, area, "Do what?", (66, area.height.min(18)), theme);
        let [typed, list] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        self.typed.draw(frame, typed, true, theme);
        let visible = usize::from(list.height);
        let first = self.selected.saturating_sub(visible.saturating_sub(1));
        let lines: Vec<Line> = self
            .found
            .iter()
            .enumerate()
            .skip(first)
            .take(visible)
            .filter_map(|(place, &row)| self.rows.get(row).map(|row| (place, row)))
            .map(|(place, (row, keys))| {
                let style = if place == self.selected { theme.selected } else { theme.text };
                Line::from(vec![
                    Span::styled(format!("{keys:<12} "), theme.warning),
                    Span::styled(row.description, style),
                ])
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), list);
    }
}

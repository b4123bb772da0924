//! Finds an action by its name: what is typed is matched loosely against the table.

use super::{Narrowed, Stay};
use crate::tui::action::{Action, ActionRow};
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::widgets::{dialog, elide};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// The palette with the actions that apply where it was opened.
#[derive(Debug)]
pub struct Palette {
    rows: Vec<(ActionRow, String)>,
    narrowed: Narrowed,
}

impl Palette {
    pub fn new(rows: Vec<ActionRow>, keymap: &Keymap) -> Self {
        let rows: Vec<_> = rows.into_iter().map(|row| (row, keymap.keys_of(row.name))).collect();
        let narrowed = Narrowed::new(rows.len());
        Self { rows, narrowed }
    }

    pub fn act(&mut self, action: Action) -> Stay {
        match action {
            Action::Confirm => {
                match self.narrowed.chosen().and_then(|place| self.rows.get(place)) {
                    Some((row, _)) => Stay::ClosedThen(row.action),
                    None => Stay::Open,
                }
            }
            action if self.narrowed.act(action) => Stay::Open,
            _ => Stay::Closed,
        }
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        self.narrowed.type_key(key);
        self.find();
    }

    pub fn paste(&mut self, text: &str) {
        self.narrowed.paste(text);
        self.find();
    }

    fn find(&mut self) {
        let words = |(row, _): &(ActionRow, String)| format!("{} {}", row.name, row.description);
        self.narrowed.find(self.rows.iter().map(words));
    }

    pub fn select(&mut self, place: usize) -> bool {
        self.narrowed.select(place)
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let inner = dialog(frame, area, "Do what?", (66, area.height.min(18)), theme);
        let [typed, list] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        self.narrowed.draw_typed(frame, typed, theme);
        let visible = usize::from(list.height);
        let first = self.narrowed.skipped(visible);
        let rows = self.narrowed.found().len().saturating_sub(first);
        shared.hits.rows(list, first, rows, 1, Action::Confirm);
        let lines: Vec<Line> = self
            .narrowed
            .found()
            .iter()
            .skip(first)
            .take(visible)
            .filter_map(|&place| self.rows.get(place).map(|row| (place, row)))
            .map(|(place, (row, keys))| {
                let chosen = self.narrowed.chosen() == Some(place);
                let style = if chosen { theme.selected } else { theme.text };
                let keys = format!("{keys:<12} ");
                let room = usize::from(list.width).saturating_sub(keys.width());
                Line::from(vec![
                    Span::styled(keys, theme.warning),
                    Span::styled(elide(row.description, room), style),
                ])
            })
            .collect();
        if lines.is_empty() {
            return frame
                .render_widget(Line::styled("No action has these words.", theme.dim), list);
        }
        frame.render_widget(Paragraph::new(lines), list);
    }
}

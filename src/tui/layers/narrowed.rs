//! A list that what is typed narrows, loosely and best match first, with one row of it chosen.

use crate::tui::action::Action;
use crate::tui::theme::Theme;
use crate::tui::widgets::{TextField, moved};
use crossterm::event::KeyEvent;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::Frame;
use ratatui::layout::Rect;

const PAGE: usize = 10;

/// Which rows of a list are left, by their places in it.
#[derive(Debug)]
pub struct Narrowed {
    typed: TextField,
    found: Vec<usize>,
    selected: usize,
}

impl Narrowed {
    /// All of `count` rows.
    pub fn new(count: usize) -> Self {
        Self { typed: TextField::line(), found: (0..count).collect(), selected: 0 }
    }

    /// Moves the choice; false for an action that is no movement.
    pub fn act(&mut self, action: Action) -> bool {
        let Some(to) = moved(action, self.selected, self.found.len(), PAGE) else { return false };
        self.selected = to;
        true
    }

    /// Takes a key; [`find`](Self::find) has to follow, as after [`paste`](Self::paste).
    pub fn type_key(&mut self, key: KeyEvent) {
        self.typed.type_key(key);
    }

    pub fn paste(&mut self, text: &str) {
        self.typed.paste(text);
    }

    /// Narrows the list whose rows are known by these words, and chooses the best match.
    pub fn find(&mut self, rows: impl Iterator<Item = String>) {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern =
            Pattern::parse(&self.typed.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut characters = Vec::new();
        let mut scored: Vec<(u32, usize)> = rows
            .enumerate()
            .filter_map(|(place, words)| {
                let words = Utf32Str::new(&words, &mut characters);
                Some((pattern.score(words, &mut matcher)?, place))
            })
            .collect();
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        self.found = scored.into_iter().map(|(_, place)| place).collect();
        self.selected = 0;
    }

    /// Chooses the row at this place of the list, if it is left.
    pub fn choose(&mut self, place: usize) {
        self.selected = self.found.iter().position(|found| *found == place).unwrap_or(0);
    }

    /// Chooses a row by its place among those that are left; true if it was chosen already.
    pub fn select(&mut self, place: usize) -> bool {
        let place = place.min(self.found.len().saturating_sub(1));
        std::mem::replace(&mut self.selected, place) == place
    }

    /// The place in the list of the chosen row.
    pub fn chosen(&self) -> Option<usize> {
        self.found.get(self.selected).copied()
    }

    /// The places of the rows that are left.
    pub fn found(&self) -> &[usize] {
        &self.found
    }

    /// Rows to be left out above, so that the chosen one is among `visible`.
    pub fn skipped(&self, visible: usize) -> usize {
        self.selected.saturating_sub(visible.saturating_sub(1))
    }

    /// Draws what was typed.
    pub fn draw_typed(&self, frame: &mut Frame, area: Rect, theme: &Theme) {
        self.typed.draw(frame, area, true, theme);
    }
}

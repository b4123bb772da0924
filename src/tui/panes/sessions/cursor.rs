//! The selected row of a long list: it follows its session, not its place, when the list changes.

use crate::store::{SessionId, SessionSummary};
use crate::tui::action::Action;
use crate::tui::widgets::moved;
use std::cell::Cell;
use std::ops::Range;

/// Selection and visible part.
#[derive(Debug, Default)]
pub struct Cursor {
    id: Option<SessionId>,
    place: usize,
    /// The first visible row, and how many are visible, when last drawn.
    top: Cell<usize>,
    visible: Cell<usize>,
}

impl Cursor {
    pub fn place(&self) -> usize {
        self.place
    }

    /// The list is another: the selection goes where its session went, or stays in its place when the
    /// session is gone, or nobody has seen it yet.
    pub fn settle(&mut self, list: &[SessionSummary]) {
        if self.visible.get() == 0 {
            self.id = None;
        }
        let found =
            self.id.as_ref().and_then(|id| list.iter().position(|session| session.id == *id));
        let place = found.unwrap_or(self.place).min(list.len().saturating_sub(1));
        let top = self.top.get();
        if top > 0 {
            // What was added above does not move what is being read.
            self.top.set((top + place).saturating_sub(self.place));
        }
        self.go(place, list);
    }

    pub fn go(&mut self, place: usize, list: &[SessionSummary]) {
        self.place = place.min(list.len().saturating_sub(1));
        self.id = list.get(self.place).map(|session| session.id.clone());
    }

    /// Another list from its beginning.
    pub fn reset(&mut self) {
        *self = Self { visible: self.visible.clone(), ..Self::default() };
    }

    /// Moves; false when `action` is no movement.
    pub fn act(&mut self, action: Action, list: &[SessionSummary]) -> bool {
        let Some(place) = moved(action, self.place, list.len(), self.visible.get()) else {
            return false;
        };
        self.go(place, list);
        true
    }

    /// The rows to draw where `visible` of `rows` have room.
    pub fn window(&self, rows: usize, visible: usize) -> Range<usize> {
        self.visible.set(visible);
        let lowest = (self.place + 1).saturating_sub(visible);
        let highest = self.place.min(rows.saturating_sub(visible));
        let top = self.top.get().clamp(lowest.min(highest), highest.max(lowest));
        self.top.set(top);
        top..(top + visible).min(rows)
    }
}

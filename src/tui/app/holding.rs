//! Keys that come before what they are for: a form that was asked for opens with the next report, and a quick hand
//! or a slow line does not wait for it.

use super::App;
use crate::tui::action::{KeyPress, Scope};
use crate::tui::event::Event;
use crate::tui::pane::Intent;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

/// What has not opened after so many seconds does not: keys act where they are again.
const PATIENCE: i64 = 5;

/// More is not typed ahead.
const MOST: usize = 1000;

impl App {
    /// Keeps a key, or what is pasted, for what is about to open; true where it was kept.
    pub(super) fn hold(&mut self, event: &Event) -> bool {
        if !self.layers.is_empty() || !self.front_pane().is_opening() {
            return false;
        }
        let kept = match event {
            // Nobody wants it any more.
            Event::Key(key) if key.code == KeyCode::Esc => {
                self.held.clear();
                self.with_front(|pane, _| pane.opens_no_more());
                return true;
            }
            Event::Key(key) if key.kind == KeyEventKind::Release || self.acts_always(*key) => {
                return false;
            }
            Event::Key(key) => Event::Key(*key),
            Event::Paste(text) => Event::Paste(text.clone()),
            _ => return false,
        };
        let now = self.shared.now.timestamp();
        let since = self.held.first().map_or(now, |(_, since)| *since);
        if !(0..PATIENCE).contains(&(now.as_second() - since.as_second())) {
            self.held.clear();
            return false;
        }
        if self.held.len() < MOST {
            self.held.push((kept, now));
        }
        true
    }

    fn acts_always(&self, key: KeyEvent) -> bool {
        let applies = |scope, action| self.applies(scope, action);
        self.shared.keymap.find(KeyPress::of(key), &[Scope::Always], applies).is_some()
    }

    /// Hands on what was kept, once it has opened; where nothing did, nobody meant it for the pane.
    pub(super) fn release(&mut self) -> Vec<Intent> {
        let opened = !self.layers.is_empty();
        if self.held.is_empty() || (!opened && self.front_pane().is_opening()) {
            return Vec::new();
        }
        let held = std::mem::take(&mut self.held);
        if !opened && !self.front_pane().scope().takes_text() {
            return Vec::new();
        }
        held.into_iter().flat_map(|(event, _)| self.handle(event)).collect()
    }
}

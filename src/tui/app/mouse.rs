//! The mouse: what a click, a drag and the wheel do. Everything they do has a key.

use super::App;
use crate::tui::action::{Action, Scope};
use crate::tui::hits::{Part, Split, Target};
use crate::tui::layers::Layer;
use crate::tui::pane::{Intent, Notice, NoticeKind, TerminalEffect};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

/// Lines that the wheel scrolls a text by; a list by one row.
const LINES: usize = 3;

/// What the pointer did last.
#[derive(Debug, Default)]
pub struct Pointer {
    /// The row that was clicked: a second click on it opens it.
    clicked: Option<Target>,
    /// The line that is dragged, and what it parts.
    dragged: Option<(Split, Rect)>,
}

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent) -> Vec<Intent> {
        if !self.shared.mouse || self.too_small.get() {
            return Vec::new();
        }
        let hit = self.shared.hits.at(event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                if let Some(layer) = self.layers.last_mut() {
                    layer.touched();
                }
                self.count = None;
                let clicked = std::mem::take(&mut self.pointer).clicked;
                match hit {
                    Some((target, false)) => self.click(target, clicked == Some(target)),
                    _ => Vec::new(),
                }
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                if let Some((split, area)) = self.pointer.dragged {
                    self.shared.splits.move_to(split, area, event.column);
                }
                Vec::new()
            }
            MouseEventKind::Up(_) => {
                self.pointer.dragged = None;
                Vec::new()
            }
            MouseEventKind::ScrollUp => self.wheel(hit, Action::Up),
            MouseEventKind::ScrollDown => self.wheel(hit, Action::Down),
            _ => Vec::new(),
        }
    }

    /// Gives the mouse to the terminal, or takes it again.
    pub(super) fn release_or_take_mouse(&mut self) -> Vec<Intent> {
        let taken = !self.shared.mouse;
        self.shared.mouse = taken;
        let key = self.shared.keymap.key("mouse");
        let text = match taken {
            true => format!("the mouse is Kaizen's again; {key} releases it"),
            false => {
                format!("the mouse is the terminal's now, to select text; {key} takes it back")
            }
        };
        vec![
            Intent::Terminal(TerminalEffect::Mouse(taken)),
            Intent::Notice(Notice { text, kind: NoticeKind::Done }),
        ]
    }

    fn click(&mut self, target: Target, again: bool) -> Vec<Intent> {
        match target {
            // The pointer is no key: it leaves a text that is written.
            Target::Act(action @ Action::Show(_)) if self.layers.is_empty() => self.act(action),
            Target::Act(action) => self.act_if_it_applies(action),
            Target::Row(place, opens) => {
                let (was_selected, mut intents) = self.select(place);
                if was_selected && again {
                    intents.extend(self.act_if_it_applies(opens));
                } else {
                    self.pointer.clicked = Some(target);
                }
                intents
            }
            Target::Choice(place) => self.with_front(|pane, context| pane.choose(place, context)),
            Target::Split(split, area) => {
                self.pointer.dragged = Some((split, area));
                Vec::new()
            }
            Target::Text(_) => Vec::new(),
        }
    }

    /// As a key of one of the present scopes would.
    fn act_if_it_applies(&mut self, action: Action) -> Vec<Intent> {
        let known = |scope: &Scope| {
            let mut rows = self.shared.keymap.rows();
            rows.any(|row| row.scope == *scope && row.action == action)
                && self.applies(*scope, action)
        };
        match self.scopes().iter().any(known) {
            true => self.act(action),
            false => Vec::new(),
        }
    }

    fn select(&mut self, place: usize) -> (bool, Vec<Intent>) {
        match self.layers.last_mut() {
            Some(layer) => (layer.select(place), Vec::new()),
            None => {
                let mut was_selected = false;
                let intents = self.with_front(|pane, context| {
                    was_selected = pane.select(place, context);
                });
                (was_selected, intents)
            }
        }
    }

    /// Scrolls what is under the pointer.
    fn wheel(&mut self, hit: Option<(Target, bool)>, action: Action) -> Vec<Intent> {
        let Some((target, covered)) = hit else { return Vec::new() };
        let (part, times) = match target {
            Target::Text(part) => (part, LINES),
            Target::Row(..) => (Part::Left, 1),
            _ => return Vec::new(),
        };
        // What a form leaves in sight can be read while it is open.
        let beside = matches!(self.layers.last(), Some(Layer::Feedback(_) | Layer::Step(_)));
        if covered && !beside {
            return Vec::new();
        }
        let mut intents = Vec::new();
        for _ in 0..times {
            intents.extend(match (covered, self.layers.is_empty()) {
                (false, false) => self.act_on_layer(action),
                _ => self.with_front(|pane, context| pane.scroll(part, action, context)),
            });
        }
        intents
    }
}

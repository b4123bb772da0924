//! What a key does: where it acts, how often, and what acts everywhere.

use super::mouse::Pointer;
use super::{App, done};
use crate::tui::action::{Action, KeyPress, Scope};
use crate::tui::layers::{Entry, EntryPurpose, Help, Layer, ModelPicker, Palette};
use crate::tui::pane::{Context, Intent, TerminalEffect};
use crate::tui::theme::{self, Theme};
use crossterm::event::KeyEvent;

/// Counts beyond this are this: no list is longer by keys.
const GREATEST_COUNT: usize = 9999;

/// Seconds after which a key takes away the notice of something that was done.
const SEEN: i64 = 2;

/// What the log calls the keys that did something; only their action's name, and only where it is asked for.
const KEYS: &str = "kaizen::keys";

impl App {
    /// Where keys act now, nearest first.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let nearest = match self.layers.last() {
            Some(layer) => layer.scope(),
            None => self.front_pane().scope(),
        };
        nearest.acting(!self.layers.is_empty())
    }

    pub(super) fn applies(&self, scope: Scope, action: Action) -> bool {
        match scope {
            Scope::Movement if action == Action::Search => match self.layers.last() {
                Some(layer) => matches!(layer, Layer::Help(_)),
                None => self.front_pane().applies(action, &self.shared),
            },
            Scope::Movement | Scope::Everywhere => true,
            // It would open where nobody sees it.
            Scope::Always if self.too_small.get() => action != Action::Palette,
            Scope::Always => action != Action::Palette || self.layers.is_empty(),
            _ => match self.layers.last() {
                Some(layer) => layer.applies(action),
                None => self.front_pane().applies(action, &self.shared),
            },
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Intent> {
        if let Some(layer) = self.layers.last_mut() {
            layer.touched();
        }
        self.pointer = Pointer::default();
        self.forget_what_was_done(SEEN);
        let press = KeyPress::of(key);
        let count = self.count.take();
        if let (Some(count), Some(digit)) = (count, press.digit())
            && (press.is_text() || !self.shared.config.tui.counts)
        {
            self.count = Some((count * 10 + digit).min(GREATEST_COUNT));
            return Vec::new();
        }
        // What nobody sees takes no keys.
        let scopes = match self.too_small.get() {
            true => vec![Scope::Always],
            false => self.scopes(),
        };
        let keymap = &self.shared.keymap;
        let found = keymap.find(press, &scopes, |scope, action| self.applies(scope, action));
        if let Some((scope, action)) = found {
            tracing::debug!(target: KEYS, action = keymap.name_of(scope, action));
        }
        match found {
            Some((_, Action::Count)) => {
                self.count = Some(press.digit().unwrap_or(0));
                Vec::new()
            }
            // It takes back the count, nothing else.
            Some((_, Action::Back)) if count.is_some() => Vec::new(),
            Some((scope, action)) => match count.filter(|count| *count > 0) {
                Some(count) if is_counted(scope, action) => self.act_counted(action, count),
                _ => self.act(action),
            },
            None if scopes.first().is_some_and(|scope| scope.takes_text()) => {
                match self.layers.last_mut() {
                    Some(layer) => {
                        layer.type_key(key);
                        self.search_on()
                    }
                    None => self.with_front(|pane, context| pane.type_key(key, context)),
                }
            }
            None => Vec::new(),
        }
    }

    pub(super) fn paste(&mut self, text: &str) -> Vec<Intent> {
        let takes_text = self.scopes().first().is_some_and(|scope| scope.takes_text());
        if !takes_text || self.too_small.get() {
            return Vec::new();
        }
        match self.layers.last_mut() {
            Some(layer) => {
                layer.paste(text);
                self.search_on()
            }
            None => self.with_front(|pane, context| pane.paste(text, context)),
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Vec<Intent> {
        match action {
            Action::Quit => return self.quit(),
            Action::Suspend => return vec![Intent::Terminal(TerminalEffect::Suspend)],
            Action::Redraw => return vec![Intent::Terminal(TerminalEffect::Redraw)],
            Action::Show(pane) => return vec![Intent::Show(pane)],
            Action::Mouse => return self.release_or_take_mouse(),
            Action::Search => {
                let present = match self.layers.last() {
                    Some(Layer::Help(help)) => help.searched(),
                    _ => self.front_pane().searched(),
                };
                let entry = Entry::new(EntryPurpose::Search, present);
                self.forget_what_was_done(0);
                self.layers.push(Layer::Entry(entry));
                return Vec::new();
            }
            Action::RawAnswers => {
                self.shared.raw = !self.shared.raw;
                return vec![done(match self.shared.raw {
                    true => "answers are shown as they are",
                    false => "answers are laid out as Markdown",
                })];
            }
            Action::NextTheme => {
                self.theme.name = theme::next_name(self.theme.name);
                self.shared.theme = Theme::of(&self.theme, self.colours);
                let name = self.theme.name.as_str();
                return vec![done(&format!("theme {name:?}; theme.name in config.toml keeps it"))];
            }
            Action::Export => return self.export(),
            Action::CopyTable => return self.copy_table(),
            Action::Help => {
                let help = Help::new(self.front_pane().scope(), &self.shared.keymap);
                self.forget_what_was_done(0);
                self.layers.push(Layer::Help(help));
                return Vec::new();
            }
            Action::Models => {
                let mut context = Context::new(&mut self.shared);
                let picker = ModelPicker::new(&mut context);
                let intents = context.intents;
                self.forget_what_was_done(0);
                self.layers.push(Layer::Models(picker));
                return intents;
            }
            Action::Palette => {
                let scopes = self.scopes();
                let rows = self
                    .shared
                    .keymap
                    .rows()
                    .filter(|row| {
                        scopes.contains(&row.scope) && self.applies(row.scope, row.action)
                    })
                    .copied()
                    .collect();
                self.forget_what_was_done(0);
                self.layers.push(Layer::Palette(Palette::new(rows, &self.shared.keymap)));
                return Vec::new();
            }
            _ => {}
        }
        if action == Action::Copy || self.layers.is_empty() {
            return self.with_front(|pane, context| pane.act(action, context));
        }
        self.act_on_layer(action)
    }

    /// Does a movement so often; one to an end of the list leads to that row instead.
    pub(super) fn act_counted(&mut self, action: Action, count: usize) -> Vec<Intent> {
        let (first, action, times) = match action {
            Action::First | Action::Last => (Some(Action::First), Action::Down, count - 1),
            action => (None, action, count),
        };
        let actions = first.into_iter().chain(std::iter::repeat_n(action, times));
        actions.flat_map(|action| self.act(action)).collect()
    }

    /// Narrows what lies below the search, as far as its words are typed.
    pub(super) fn search_on(&mut self) -> Vec<Intent> {
        match self.layers.pop() {
            Some(Layer::Entry(entry)) if entry.is_search() => {
                let intents = self.search(&entry.text());
                self.layers.push(Layer::Entry(entry));
                intents
            }
            other => {
                self.layers.extend(other);
                Vec::new()
            }
        }
    }

    pub(super) fn search(&mut self, words: &str) -> Vec<Intent> {
        match self.layers.last_mut() {
            Some(Layer::Help(help)) => {
                help.search(words);
                Vec::new()
            }
            _ => self.with_front(|pane, context| pane.search(words, context)),
        }
    }
}

/// What a count repeats.
fn is_counted(scope: Scope, action: Action) -> bool {
    match action {
        Action::Left | Action::Right => {
            matches!(scope, Scope::Weak | Scope::TrainingPreview | Scope::Sentinels)
        }
        _ => scope == Scope::Movement && action != Action::Search,
    }
}

//! Which keys do what here: the table's, with the person's own in their place. Owns what may be bound to
//! what; how settings are written is the configuration's.

mod binding;
#[cfg(test)]
mod tests;

use super::action::{Action, ActionRow, KeyPress, Scope, TABLE};
use crate::config::{Config, Refusal};
use std::collections::HashMap;

/// The table with its keys looked up.
#[derive(Debug, Clone)]
pub struct Keymap {
    rows: Vec<(ActionRow, Vec<KeyPress>)>,
    by_key: HashMap<(Scope, KeyPress), Vec<usize>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::of(binding::defaults(false))
    }
}

impl Keymap {
    /// The keys as the person wants them.
    ///
    /// # Errors
    /// A setting under `[keys]` that names no action or no key, or would make a key mean two things.
    pub fn configured(config: &Config) -> Result<Self, Refusal> {
        binding::rows(&config.keys, config.tui.counts).map(Self::of)
    }

    fn of(rows: Vec<(ActionRow, Vec<KeyPress>)>) -> Self {
        let mut by_key: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, (row, keys)) in rows.iter().enumerate() {
            for key in keys {
                by_key.entry((row.scope, *key)).or_default().push(place);
            }
        }
        Self { rows, by_key }
    }

    /// The first action that `key` means in one of `scopes`, nearest first, and that applies there.
    pub fn find(
        &self,
        key: KeyPress,
        scopes: &[Scope],
        applies: impl Fn(Scope, Action) -> bool,
    ) -> Option<(Scope, Action)> {
        scopes
            .iter()
            .flat_map(|scope| self.by_key.get(&(*scope, key)).into_iter().flatten())
            .filter_map(|place| self.rows.get(*place))
            .map(|(row, _)| (row.scope, row.action))
            .find(|(scope, action)| applies(*scope, *action))
    }

    /// All rows, in the table's order.
    pub fn rows(&self) -> impl Iterator<Item = &ActionRow> {
        self.rows.iter().map(|(row, _)| row)
    }

    fn keys(&self, name: &str) -> &[KeyPress] {
        let found = self.rows.iter().find(|(row, _)| row.name == name);
        debug_assert!(found.is_some(), "{name} is no action");
        found.map(|(_, keys)| keys.as_slice()).unwrap_or_default()
    }

    /// The keys of an action as hints show them, separated by spaces; of many alike the first and the last.
    pub fn keys_of(&self, name: &str) -> String {
        const MOST: usize = 4;
        match self.keys(name) {
            [first, .., last] if self.keys(name).len() > MOST => format!("{first} … {last}"),
            keys => keys.iter().map(KeyPress::to_string).collect::<Vec<_>>().join(" "),
        }
    }

    /// The first key of an action, for a footer; nothing where it has none.
    pub fn first_key(&self, name: &str) -> String {
        self.keys(name).first().map(KeyPress::to_string).unwrap_or_default()
    }

    /// The last key of an action; nothing where it has none.
    pub fn last_key(&self, name: &str) -> String {
        self.keys(name).last().map(KeyPress::to_string).unwrap_or_default()
    }

    /// How an action is called for in a sentence: by its first key, else by its name in the palette.
    pub fn key(&self, name: &str) -> String {
        match self.first_key(name) {
            key if key.is_empty() => format!(":{name}"),
            key => key,
        }
    }

    /// A sentence in which `<name>` stands for the key of an action.
    pub fn tell(&self, words: &str) -> String {
        let mut told = String::new();
        let mut rest = words;
        while let Some((before, after)) = rest.split_once('<') {
            told.push_str(before);
            match after.split_once('>') {
                Some((name, left)) if self.rows().any(|row| row.name == name) => {
                    told.push_str(&self.key(name));
                    rest = left;
                }
                _ => {
                    told.push('<');
                    rest = after;
                }
            }
        }
        told + rest
    }

    /// All keys of an action, as a sentence has them: `i or Enter`.
    pub fn any_of(&self, name: &str) -> String {
        match self.keys_of(name) {
            keys if keys.is_empty() => self.key(name),
            keys => keys.replace(' ', " or "),
        }
    }

    /// The name of what an action is called in a scope.
    pub fn name_of(&self, scope: Scope, action: Action) -> &'static str {
        let row = self.rows().find(|row| row.scope == scope && row.action == action);
        row.map_or("", |row| row.name)
    }

    /// The first key of an action in a scope.
    pub fn key_in(&self, scope: Scope, action: Action) -> String {
        let row = self.rows().find(|row| row.scope == scope && row.action == action);
        row.map(|row| self.first_key(row.name)).unwrap_or_default()
    }

    /// The keys of a row of actions, such as stars, from the first to the last: `1-5`.
    pub fn span(&self, scope: Scope, first: Action, last: Action) -> String {
        let [first, last] = [first, last].map(|action| self.key_in(scope, action));
        let is_digit = |key: &str| key.len() == 1 && key.starts_with(|c: char| c.is_ascii_digit());
        match is_digit(&first) && is_digit(&last) {
            true => format!("{first}-{last}"),
            false => format!("{first} … {last}"),
        }
    }
}

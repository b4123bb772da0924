//! Which keys do what here.

use super::action::{Action, ActionRow, KeyPress, Scope, TABLE};
use std::collections::HashMap;

/// The table with its keys looked up.
#[derive(Debug, Clone)]
pub struct Keymap {
    rows: Vec<(ActionRow, Vec<KeyPress>)>,
    by_key: HashMap<(Scope, KeyPress), Vec<usize>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let rows = TABLE
            .iter()
            .map(|row| (*row, row.keys.iter().filter_map(|key| KeyPress::parse(key)).collect()))
            .collect();
        Self::of(rows)
    }
}

impl Keymap {
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

    /// The keys of an action as hints show them, separated by spaces.
    pub fn keys_of(&self, name: &str) -> String {
        let keys = self.rows.iter().find(|(row, _)| row.name == name).map(|(_, keys)| keys);
        let keys: Vec<String> = keys.into_iter().flatten().map(KeyPress::to_string).collect();
        keys.join(" ")
    }

    /// The first key of an action, for a footer.
    pub fn first_key(&self, name: &str) -> String {
        let keys = self.rows.iter().find(|(row, _)| row.name == name).map(|(_, keys)| keys);
        keys.into_iter().flatten().next().map(KeyPress::to_string).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, a key in the help does nothing.
    #[test]
    fn every_key_of_the_table_is_one() {
        for row in TABLE {
            assert!(!row.keys.is_empty(), "{}", row.name);
            for key in row.keys {
                assert!(KeyPress::parse(key).is_some(), "{key} of {}", row.name);
            }
        }
    }

    // If this fails, two actions of one place fight for a key, or the palette names two things alike.
    #[test]
    fn no_key_means_two_things_in_one_scope_and_no_name_stands_twice() {
        let mut keys = HashMap::new();
        let mut names = HashMap::new();
        for row in TABLE {
            assert!(names.insert(row.name, ()).is_none(), "{} stands twice", row.name);
            for key in row.keys {
                let press = KeyPress::parse(key).unwrap();
                let other = keys.insert((row.scope, press), row.name);
                assert!(other.is_none(), "{key} is {} and {}", row.name, other.unwrap());
            }
        }
    }
}

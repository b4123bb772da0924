//! What `config.toml` says of the dashboard: `[tui]` and `[keys]`. Knows how they are written; which actions
//! there are, and what a key is, is the dashboard's to say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `[tui]`: how the dashboard takes what is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tui {
    /// Whether the dashboard takes the mouse when it opens.
    pub mouse: bool,
    /// Digits are counts before a movement; with Alt they show panes.
    pub counts: bool,
}

impl Default for Tui {
    fn default() -> Self {
        Self { mouse: true, counts: false }
    }
}

/// `[keys]`: keys in the place of an action's own, by the action's name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keys(pub BTreeMap<String, KeyList>);

/// One key, several, or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyList {
    One(String),
    Several(Vec<String>),
}

impl KeyList {
    /// As they are written.
    pub fn spelled(&self) -> &[String] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Several(keys) => keys,
        }
    }
}

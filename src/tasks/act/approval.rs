//! Who says whether an action that changes something is done. Owns what was allowed before, for a folder;
//! knows nothing of how a person is asked.

use crate::store::{Home, atomic};
use crate::tasks::{Action, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// An action that waits for a word.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// From 1.
    pub step: usize,
    pub action: Action,
    /// What is alike, and would be allowed with it.
    pub kind: String,
    /// Why nothing confines it on this machine; then it is asked about every time.
    pub unconfined: Option<String>,
}

/// What a person says of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Allow,
    /// This, and all of this kind in this folder from now on.
    AllowKind,
    Deny,
    /// Do this instead.
    Edit(Action),
    /// End the task.
    Stop,
}

/// How changes are allowed.
pub enum Permission<'a> {
    /// Nothing that changes something is done.
    OnlyReads,
    /// All is done that something confines.
    All,
    /// Somebody is asked.
    Ask(&'a mut dyn FnMut(&Proposal) -> Decision),
}

/// The kinds of actions that were allowed for good, each folder's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Habits {
    folders: BTreeMap<String, BTreeSet<String>>,
}

impl Habits {
    /// Those of a home; none when there is no file. A file that makes no sense allows nothing.
    pub fn load(home: &Home) -> Self {
        let text = std::fs::read(home.approvals()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub fn allow(&self, workspace: &Path, kind: &str) -> bool {
        let kinds = self.folders.get(workspace.to_string_lossy().as_ref());
        kinds.is_some_and(|kinds| kinds.contains(kind))
    }

    /// Remembers a kind for a folder, on disk.
    ///
    /// # Errors
    /// When the home cannot be written.
    pub fn add(home: &Home, workspace: &Path, kind: &str) -> Result<Self> {
        let mut habits = Self::load(home);
        let folder = workspace.to_string_lossy().into_owned();
        habits.folders.entry(folder).or_default().insert(kind.to_owned());
        let text = serde_json::to_vec_pretty(&habits).unwrap_or_default();
        atomic::write(&home.approvals(), &text).map_err(Error::Store)?;
        Ok(habits)
    }
}

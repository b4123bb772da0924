//! `adapters/history.jsonl`: every change of who answers, with its evidence. The routing and the state of
//! each adapter are what these lines lead to; nothing else keeps them.
//!
//! Append-only, a line a change, synced before anyone is told; a file lock keeps two processes from
//! changing the routing at once. A last line that a crash cut short is passed over.

use super::routing::{ArmShare, BASE, Routing};
use super::{Error, Result};
use crate::store::{self, atomic, clock};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// What an adapter is to the routing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    #[default]
    /// Can be compared and chosen by hand; gets no traffic of its own.
    Candidate,
    /// Gets a part of the traffic.
    Canary,
    /// The one that was promoted last.
    Active,
    /// Had traffic once and has none now.
    Retired,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Canary => "canary",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// All traffic goes to the adapter.
    Promote,
    /// A part of it does.
    Canary,
    /// Any split, set by hand.
    Route,
    /// Back to what was before the adapter came.
    Rollback,
}

impl Step {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promoted",
            Self::Canary => "canary",
            Self::Route => "routed",
            Self::Rollback => "rolled back",
        }
    }
}

/// Who wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    Person,
    Automatic,
}

/// One line: one change, and the routing from then on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// RFC 3339.
    pub at: String,
    pub step: Step,
    /// The adapter it was about.
    pub adapter: String,
    pub by: By,
    /// Why, in words.
    pub reason: String,
    /// What was known then.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub evidence: Value,
    #[serde(flatten)]
    pub routing: Routing,
}

impl Change {
    /// What it means, in a line.
    pub fn announcement(&self) -> String {
        let what = match self.step {
            Step::Promote => format!("{} answers everything now", self.adapter),
            Step::Canary => format!("{} is on trial", self.adapter),
            Step::Route => "the tasks are divided anew".into(),
            Step::Rollback => format!("{} was rolled back", self.adapter),
        };
        let by = if self.by == By::Automatic { " (by itself)" } else { "" };
        format!("{what}{by}: {}; {}", self.reason, self.routing.describe())
    }
}

/// Why a change is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounds {
    pub by: By,
    pub reason: String,
    pub evidence: Value,
}

impl Grounds {
    /// A person wants it.
    pub fn person(reason: impl Into<String>, evidence: Value) -> Self {
        Self { by: By::Person, reason: reason.into(), evidence }
    }

    /// Nobody had to say so.
    pub fn automatic(reason: impl Into<String>, evidence: Value) -> Self {
        Self { by: By::Automatic, reason: reason.into(), evidence }
    }
}

/// The file of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    path: PathBuf,
}

impl History {
    /// The history of the adapters in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("history.jsonl") }
    }

    /// All changes, oldest first.
    ///
    /// # Errors
    /// A file that cannot be read, or a damaged line that is not the last.
    pub fn changes(&self) -> Result<Vec<Change>> {
        let text = match std::fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(store::Error::io("read", &self.path, error).into()),
        };
        let mut changes = Vec::new();
        // A line without its end was cut short: nobody was told of it.
        let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or_default());
        for (number, line) in whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
        {
            let change: Change = match serde_json::from_str(line) {
                Ok(change) => change,
                // A crash's remains that a later line was put behind.
                Err(error) if error.is_eof() => continue,
                Err(error) => return Err(self.damaged(number, &error.to_string())),
            };
            let total: f64 = change.routing.arms.iter().map(|arm| arm.share).sum();
            if !((total - 1.0).abs() < 1e-6 && change.routing.arms.iter().all(|a| a.share > 0.0)) {
                return Err(self.damaged(number, "its shares do not sum to 1"));
            }
            changes.push(change);
        }
        Ok(changes)
    }

    fn damaged(&self, number: usize, why: &str) -> Error {
        Error::HistoryDamaged {
            path: self.path.clone(),
            line: number + 1,
            why: store::plain_line(why),
        }
    }

    /// Who answers now.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    pub fn routing(&self) -> Result<Routing> {
        Ok(self.changes()?.pop().map(|change| change.routing).unwrap_or_default())
    }

    /// All traffic to `adapter` from now on.
    ///
    /// # Errors
    /// It has all traffic already, or the file cannot be read or written.
    pub fn promote(&self, adapter: &str, grounds: Grounds) -> Result<Change> {
        self.change(Step::Promote, adapter, grounds, |changes| {
            let routing = Routing::only(adapter);
            match routing_of(changes) == routing {
                true => Err(Error::ActiveAlready(adapter.to_owned())),
                false => Ok(routing),
            }
        })
    }

    /// A share of the traffic, in (0, 1), to `adapter`; the rest to the active arm.
    ///
    /// # Errors
    /// A share that is none, the active arm, or a file that cannot be read or written.
    pub fn canary(&self, adapter: &str, share: f64, grounds: Grounds) -> Result<Change> {
        self.change(Step::Canary, adapter, grounds, |changes| {
            routing_of(changes).with_canary(adapter, share)
        })
    }

    /// Any split; what it leaves over goes to the active arm.
    ///
    /// # Errors
    /// Shares that make no sense, or a file that cannot be read or written.
    pub fn route(&self, shares: &[ArmShare], grounds: Grounds) -> Result<Change> {
        let first = shares.iter().find(|arm| arm.adapter != BASE);
        let adapter = first.map_or(BASE, |arm| arm.adapter.as_str()).to_owned();
        self.change(Step::Route, &adapter, grounds, |changes| {
            routing_of(changes).with_shares(shares)
        })
    }

    /// Back to what was before the adapter that came last.
    ///
    /// # Errors
    /// There is nothing before it, or the file cannot be read or written.
    pub fn rollback(&self, grounds: Grounds) -> Result<Change> {
        let mut subject = String::new();
        self.change_about(Step::Rollback, grounds, |changes| {
            subject = latest(changes).ok_or(Error::NothingBefore)?;
            Ok((subject.clone(), before(changes, &subject)))
        })
    }

    /// Back to what was before `adapter`, which must have traffic.
    ///
    /// # Errors
    /// It has none, or the file cannot be read or written.
    pub fn rollback_of(&self, adapter: &str, grounds: Grounds) -> Result<Change> {
        self.change_about(Step::Rollback, grounds, |changes| {
            let routing = routing_of(changes);
            if adapter == BASE || (routing.share(adapter) == 0.0 && routing.active != adapter) {
                return Err(Error::NoTraffic(adapter.to_owned()));
            }
            Ok((adapter.to_owned(), before(changes, adapter)))
        })
    }

    fn change(
        &self,
        step: Step,
        adapter: &str,
        grounds: Grounds,
        make: impl FnOnce(&[Change]) -> Result<Routing>,
    ) -> Result<Change> {
        self.change_about(step, grounds, |changes| Ok((adapter.to_owned(), make(changes)?)))
    }

    /// Reads, decides and appends under the lock, so that two processes never decide on the same past.
    fn change_about(
        &self,
        step: Step,
        grounds: Grounds,
        make: impl FnOnce(&[Change]) -> Result<(String, Routing)>,
    ) -> Result<Change> {
        let _lock = self.lock()?;
        let (adapter, routing) = make(&self.changes()?)?;
        let change = Change {
            at: clock::now(),
            step,
            adapter,
            by: grounds.by,
            reason: grounds.reason,
            evidence: grounds.evidence,
            routing,
        };
        let line = serde_json::to_string(&change).map_err(|error| Error::HistoryDamaged {
            path: self.path.clone(),
            line: 0,
            why: error.to_string(),
        })?;
        atomic::append_line(&self.path, &line)?;
        Ok(change)
    }

    fn lock(&self) -> Result<File> {
        let path = self.path.with_file_name(".history.lock");
        let failed = |error| store::Error::io("lock", &path, error);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.lock() {
            // Some network folders cannot lock; then there is nothing better than going on.
            Err(error) if error.kind() != std::io::ErrorKind::Unsupported => {
                Err(failed(error).into())
            }
            _ => Ok(file),
        }
    }
}

fn routing_of(changes: &[Change]) -> Routing {
    changes.last().map(|change| change.routing.clone()).unwrap_or_default()
}

/// The routings that a rollback can go back to, oldest first, base alone before all; the last is the
/// present one.
fn standing(changes: &[Change]) -> Vec<(&str, Routing)> {
    let mut standing = vec![(BASE, Routing::default())];
    for change in changes {
        match change.step {
            Step::Rollback => {
                while standing.len() > 1
                    && standing.last().is_some_and(|(_, routing)| *routing != change.routing)
                {
                    standing.pop();
                }
            }
            _ => standing.push((&change.adapter, change.routing.clone())),
        }
    }
    standing
}

/// There is an adapter whose coming a rollback would undo.
pub fn can_roll_back(changes: &[Change]) -> bool {
    latest(changes).is_some()
}

/// The adapter whose coming a rollback undoes.
fn latest(changes: &[Change]) -> Option<String> {
    let standing = standing(changes);
    let (adapter, _) = standing.last().filter(|_| standing.len() > 1)?;
    Some((*adapter).to_owned())
}

/// The last routing in which `adapter` had no part; where it is base that is undone (all traffic was given
/// back to it), the routing before.
fn before(changes: &[Change], adapter: &str) -> Routing {
    let mut standing = standing(changes);
    standing.pop();
    let without = |routing: &Routing| {
        adapter == BASE || (routing.active != adapter && routing.share(adapter) == 0.0)
    };
    while let Some((_, routing)) = standing.pop() {
        if without(&routing) {
            return routing;
        }
    }
    Routing::default()
}

/// What every adapter that ever had traffic is now.
pub fn states(changes: &[Change]) -> BTreeMap<String, State> {
    let mut states = BTreeMap::new();
    for change in changes {
        for arm in &change.routing.arms {
            states.insert(arm.adapter.clone(), State::Retired);
        }
        states.insert(change.adapter.clone(), State::Retired);
    }
    let routing = routing_of(changes);
    for arm in &routing.arms {
        states.insert(arm.adapter.clone(), State::Canary);
    }
    states.insert(routing.active.clone(), State::Active);
    states.remove(BASE);
    states
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;

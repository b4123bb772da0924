//! Whose home it is: of several dashboards on one home, the first owns the model and all writing, and the
//! others follow what it does until it ends.

use super::super::{Effect, Report, WorkEvent};
use super::{Inner, lock};
use crate::store::{Attempt, Holder, Home, ProcessLock};
use std::path::PathBuf;

/// What following begins its refusals with.
const PAUSE: &str = "pause the run";
const OTHER: &str = "do that here";

/// Whose home it is.
pub(super) enum Ownership {
    /// This process's. Where no lock can be written, nothing else can be either, and that is told when it
    /// is tried.
    Here { _lock: Option<ProcessLock> },
    /// Another dashboard's.
    Elsewhere(Holder),
}

impl Ownership {
    /// Owns the home, or says who does.
    pub(super) fn of(home: &Home) -> Self {
        match ProcessLock::take(&lock_file(home)) {
            Ok(Attempt::Taken(lock)) => Self::Here { _lock: Some(lock) },
            Ok(Attempt::Held(holder)) => Self::Elsewhere(holder),
            Err(error) => {
                tracing::warn!("nobody can own this home: {error}");
                Self::Here { _lock: None }
            }
        }
    }

    pub(super) fn elsewhere(&self) -> Option<Holder> {
        match self {
            Self::Here { .. } => None,
            Self::Elsewhere(holder) => Some(*holder),
        }
    }
}

/// Why a dashboard that only follows does not do what the owner of the home does.
pub fn refusal(owner: Holder) -> String {
    format!(
        "another dashboard{} owns this home, this one follows until it ends",
        owner.in_brackets()
    )
}

fn lock_file(home: &Home) -> PathBuf {
    home.root().join("dashboard.lock")
}

impl Inner {
    /// Who owns the home, where this process does not.
    pub(super) fn owner_elsewhere(&self) -> Option<Holder> {
        lock(&self.ownership).elsewhere()
    }

    /// Tells whose home it is, where it is not this process's.
    pub(super) fn tell_owner(&self) {
        if let Some(holder) = self.owner_elsewhere() {
            self.tell(Report::Ownership(Some(holder)));
        }
    }

    /// Takes the home over where its owner has ended; tells of each change.
    pub(super) fn look_for_owner(&self) {
        let Some(before) = self.owner_elsewhere() else { return };
        let now = Ownership::of(&self.workplace.home);
        let holder = now.elsewhere();
        if holder != Some(before) {
            *lock(&self.ownership) = now;
            self.tell(Report::Ownership(holder));
        }
    }

    /// Ends what was asked for as if it had failed: whoever asked knows what to do then.
    pub(super) fn refuse(&self, effect: &Effect, owner: Holder) {
        let why = refusal(owner);
        match effect {
            // That is told with whose home it is.
            Effect::LoadModel => {}
            Effect::Rate { session, .. } | Effect::RateStep { session, .. } => {
                self.tell(Report::RatingFailed { session: session.clone(), why });
            }
            Effect::PauseRun(_) => self.tell(Report::Failed { what: PAUSE, why }),
            effect => match effect.begins() {
                Some(work) => self.tell(Report::Work { work, event: WorkEvent::Failed(why) }),
                None => self.tell(Report::Failed { what: OTHER, why }),
            },
        }
    }
}

//! What other processes do in this home: sessions, ratings, adapters and runs that come and change, a run
//! that another process trains step by step, and the end of the dashboard that owns the home. Looks at sizes
//! and times alone, once a second, and closely only at a run that is being trained.

use super::super::Report;
use super::Inner;
use crate::store::Home;
use crate::train::RunFolder;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

/// How often it looks, in general and while another process trains.
const PACE: Duration = Duration::from_secs(1);
const CLOSE_PACE: Duration = Duration::from_millis(250);

/// Runs that may still change: the newest.
const RUNS: usize = 64;

/// What has changed and is to be listed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Sessions,
    Runs,
    Adapters,
}

/// Size and time.
type Stamp = Option<(u64, SystemTime)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// A home at one moment.
#[derive(Debug, Clone, PartialEq)]
struct Moment {
    /// The folder of sessions, and the index, which whoever rates writes to.
    sessions: [Stamp; 3],
    adapters: [Stamp; 2],
    runs: Stamp,
    /// Every run's folder: whoever begins or goes on with a run writes into it.
    each_run: Vec<Stamp>,
}

impl Moment {
    fn of(home: &Home, runs: &[RunFolder]) -> Self {
        let database = home.database();
        let log = database.with_extension("db-wal");
        Self {
            sessions: [stamp(&home.logs()), stamp(&database), stamp(&log)],
            adapters: [stamp(&home.adapters()), stamp(&home.adapters().join("history.jsonl"))],
            runs: stamp(&home.runs()),
            each_run: runs.iter().map(|run| stamp(run.path())).collect(),
        }
    }
}

/// A run that another process trains.
struct Followed {
    run: RunFolder,
    /// Where its next line begins.
    from: u64,
}

impl Inner {
    /// Looks until `end` is closed; `changed` is told what is to be listed again.
    pub(super) fn watch_home(&self, end: &Receiver<()>, changed: &dyn Fn(Change)) {
        let home = &self.workplace.home;
        let mut runs = newest_runs(home);
        let mut before = Moment::of(home, &runs);
        let mut followed = trained_elsewhere(&runs);
        loop {
            if let Some(run) = &mut followed
                && !self.follow(run)
            {
                followed = None;
                changed(Change::Runs);
                changed(Change::Adapters);
            }
            let pace = if followed.is_some() { CLOSE_PACE } else { PACE };
            match end.recv_timeout(pace) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_for_owner();
            let mut now = Moment::of(home, &runs);
            if now.runs != before.runs {
                runs = newest_runs(home);
                now = Moment::of(home, &runs);
            }
            if now.sessions != before.sessions {
                changed(Change::Sessions);
            }
            if now.adapters != before.adapters {
                changed(Change::Adapters);
            }
            if (now.runs, &now.each_run) != (before.runs, &before.each_run) {
                changed(Change::Runs);
                followed = followed.or_else(|| trained_elsewhere(&runs));
            }
            before = now;
        }
    }

    /// Tells what came since the last look; false when the run is trained no more.
    fn follow(&self, followed: &mut Followed) -> bool {
        // Looked at before its lines: those of the very end are told too.
        let goes_on = followed.run.trainer().is_some();
        match followed.run.metrics_from(followed.from) {
            Ok((steps, from)) => {
                followed.from = from;
                if !steps.is_empty() {
                    self.tell(Report::RunSteps { run: followed.run.name(), steps });
                }
            }
            Err(error) => tracing::warn!("not followed: {error}"),
        }
        goes_on
    }
}

fn newest_runs(home: &Home) -> Vec<RunFolder> {
    let mut runs = RunFolder::all(&home.runs());
    runs.truncate(RUNS);
    runs
}

fn trained_elsewhere(runs: &[RunFolder]) -> Option<Followed> {
    let run = runs.iter().find(|run| run.trainer().is_some_and(|trainer| !trainer.is_here()))?;
    Some(Followed { run: run.clone(), from: 0 })
}

#[cfg(test)]
#[path = "watching_tests.rs"]
mod tests;

//! What other processes do in this home: sessions, ratings, adapters and runs that come and change, a run
//! that another process trains step by step, and the end of the dashboard that owns the home. Looks at sizes
//! and times alone, once a second, and closely only at a run that is being trained.

use super::super::Report;
use super::Inner;
use crate::store::{Documents, Home};
use crate::train::RunFolder;
use crate::workplace::memory_mib_of;
use std::cmp::Reverse;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

/// How often it looks, in general and while another process trains.
const PACE: Duration = Duration::from_secs(1);
const CLOSE_PACE: Duration = Duration::from_millis(250);

/// How many runs, and how many rounds and experiments, may still change.
const NEWEST: usize = 64;

/// What has changed and is to be listed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Sessions,
    Runs,
    Adapters,
    Experiments,
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
    experiments: Stamp,
    /// The folder of every round and experiment, and whether somebody works on it: who is killed writes nothing
    /// more.
    each_experiment: Vec<(Stamp, bool)>,
}

/// What may still change: the newest runs, and the newest rounds and experiments.
#[derive(Default)]
struct Newest {
    runs: Vec<RunFolder>,
    experiments: Vec<Documents>,
}

impl Newest {
    fn of(home: &Home) -> Self {
        // What is prepared as well: that it begins changes nothing but its own folder.
        let mut runs = RunFolder::with_prepared(&home.runs());
        runs.truncate(NEWEST);
        let entries = std::fs::read_dir(home.experiments()).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut experiments: Vec<Documents> =
            folders.map(|entry| Documents::open(entry.path())).collect();
        // By the time in their names, which is behind the kind.
        experiments.sort_by_cached_key(|folder| {
            Reverse(folder.name().split_once('_').map(|(_, time)| time.to_owned()))
        });
        experiments.truncate(NEWEST);
        Self { runs, experiments }
    }
}

impl Moment {
    fn of(home: &Home, newest: &Newest) -> Self {
        let database = home.database();
        let log = database.with_extension("db-wal");
        Self {
            sessions: [stamp(&home.logs()), stamp(&database), stamp(&log)],
            adapters: [stamp(&home.adapters()), stamp(&home.adapters().join("history.jsonl"))],
            runs: stamp(&home.runs()),
            each_run: newest.runs.iter().map(|run| stamp(run.path())).collect(),
            experiments: stamp(&home.experiments()),
            each_experiment: newest
                .experiments
                .iter()
                .map(|folder| (stamp(folder.path()), folder.holder().is_some()))
                .collect(),
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
        let mut newest = Newest::of(home);
        let mut before = Moment::of(home, &newest);
        let mut followed = trained_elsewhere(&newest.runs);
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
            let mut now = Moment::of(home, &newest);
            if (now.runs, now.experiments) != (before.runs, before.experiments) {
                newest = Newest::of(home);
                now = Moment::of(home, &newest);
            }
            if now.sessions != before.sessions {
                changed(Change::Sessions);
            }
            if now.adapters != before.adapters {
                changed(Change::Adapters);
            }
            if (now.runs, &now.each_run) != (before.runs, &before.each_run) {
                changed(Change::Runs);
                followed = followed.or_else(|| trained_elsewhere(&newest.runs));
            }
            let experiments =
                |moment: &Moment| (moment.experiments, moment.each_experiment.clone());
            if experiments(&now) != experiments(&before) {
                changed(Change::Experiments);
            }
            before = now;
        }
    }

    /// Tells what came since the last look; false when the run is trained no more.
    fn follow(&self, followed: &mut Followed) -> bool {
        // Looked at before its lines: those of the very end are told too.
        let trainer = followed.run.trainer();
        match followed.run.metrics_from(followed.from) {
            Ok((steps, from)) => {
                followed.from = from;
                if !steps.is_empty() {
                    let since = followed.run.training_since();
                    let elapsed = since.and_then(|since| since.elapsed().ok());
                    let process = trainer.and_then(|trainer| trainer.process);
                    self.tell(Report::RunSteps {
                        run: followed.run.name(),
                        steps,
                        elapsed: elapsed.map(|time| time.as_secs_f64()),
                        memory_mib: process.and_then(memory_mib_of),
                    });
                }
            }
            Err(error) => tracing::warn!("not followed: {error}"),
        }
        trainer.is_some()
    }
}

fn trained_elsewhere(runs: &[RunFolder]) -> Option<Followed> {
    let elsewhere = |run: &&RunFolder| run.trainer().is_some_and(|trainer| !trainer.is_here());
    let run = runs.iter().filter(|run| run.has_begun()).find(elsewhere)?;
    Some(Followed { run: run.clone(), from: 0 })
}

#[cfg(test)]
#[path = "watching_tests.rs"]
mod tests;

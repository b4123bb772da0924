//! Runs on disk as the dashboard sees them. No model is needed.
#![allow(clippy::unwrap_used)]

use super::super::Desk;
use crate::driver::{Effect, Report, RunSummary};
use crate::eval::{Example, Provenance};
use crate::store::Message;
use crate::train::{RunFolder, RunRecord, StepMetrics, TrainSettings};
use crate::workplace::Workplace;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// A desk in a fresh home, and what it says.
struct Home {
    desk: Desk,
    reports: Receiver<Report>,
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workplace = Workplace::open(folder.path(), None, None).unwrap();
        let (tell, reports) = channel();
        let tell = Mutex::new(tell);
        let tell = Arc::new(move |report| {
            let _ = tell.lock().unwrap().send(report);
        });
        Self { desk: Desk::new(workplace, tell).unwrap(), reports, folder }
    }

    /// A run of 6 steps of which `done` were done.
    fn run(&self, time: &str, done: usize) -> RunFolder {
        let config = crate::config::Config::default();
        let settings = TrainSettings {
            epochs: 2,
            batch_size: 1,
            accumulate: 1,
            ..TrainSettings::from_config(&config)
        };
        let record = RunRecord {
            settings,
            base_sha256: String::new(),
            data_sha256: String::new(),
            threads: 2,
            parent: None,
            started: String::new(),
            adapter: None,
            abandoned: false,
        };
        let examples: Vec<Example> = (0..3)
            .map(|i| Example {
                id: format!("e{i}"),
                area: "shell".into(),
                messages: vec![Message::user(format!("question {i}"))],
                answer: "yes".into(),
                weight: 1.0,
                provenance: Provenance::File,
                check: None,
            })
            .collect();
        let runs = self.folder.path().join("runs");
        let run = RunFolder::create(&runs, time, &record, &examples).unwrap();
        run.begin().unwrap();
        for step in 1..=done {
            let line = StepMetrics {
                step,
                loss: 2.0,
                lr: 1e-4,
                grad_norm: 1.0,
                tokens_per_second: 100.0,
                held_out_before: None,
                held_out_loss: None,
            };
            run.append_metrics(&line).unwrap();
        }
        run
    }

    fn runs_after(&self, effect: Effect) -> Vec<RunSummary> {
        self.desk.perform(effect);
        match self.reports.recv_timeout(Duration::from_secs(20)).unwrap() {
            Report::Runs(runs) => runs,
            other => panic!("{other:?}"),
        }
    }
}

fn offered(runs: &[RunSummary]) -> Vec<(&str, usize, usize, bool)> {
    runs.iter().map(|r| (&*r.name, r.metrics.len(), r.steps, r.resumable)).collect()
}

// If this fails, what a person only looked at is a run that trains, or `last` goes on with one that was given up.
#[test]
fn what_is_only_prepared_is_no_run_and_last_passes_over_what_was_given_up() {
    let home = Home::new();
    let runs = home.folder.path().join("runs");
    let older = home.run("20260101_100000", 2);
    let newer = home.run("20260101_110000", 2);
    let prepared = home.run("20260101_120000", 0);
    std::fs::write(prepared.path().join("prepared"), "").unwrap();
    let names = |effect| -> Vec<String> {
        home.runs_after(effect).into_iter().map(|run| run.name).collect()
    };
    assert_eq!(names(Effect::ListRuns), [newer.name(), older.name()]);
    assert!(RunFolder::find(&runs, &prepared.name()).is_err());
    assert_eq!(RunFolder::find(&runs, "last").unwrap(), newer);
    // What somebody looks at now stays; so does what began.
    RunFolder::sweep(&runs);
    assert!(prepared.path().exists() && older.path().exists());
    prepared.begin().unwrap();
    assert_eq!(RunFolder::find(&runs, "last").unwrap(), prepared);
    names(Effect::AbandonRun(prepared.name()));
    assert_eq!(RunFolder::find(&runs, "last").unwrap(), newer);
    assert_eq!(RunFolder::find(&runs, &prepared.name()).unwrap(), prepared);
}

// If this fails, a paused run is not offered after the next start, or one that cannot go on is.
#[test]
fn runs_are_listed_newest_first_and_only_those_that_can_go_on_are_offered() {
    let home = Home::new();
    home.run("20260101_100000", 2);
    let finished = home.run("20260101_110000", 6);
    let mut record = finished.record().unwrap();
    record.adapter = Some("lora-v1".into());
    finished.write_record(&record).unwrap();
    let running = home.run("20260101_120000", 1);
    let _held = running.lock().unwrap();
    let damaged = home.run("20260101_130000", 1);
    std::fs::write(damaged.path().join("run.json"), "{").unwrap();
    let runs = home.runs_after(Effect::ListRuns);
    assert_eq!(
        offered(&runs),
        [
            ("run_20260101_120000", 1, 6, false),
            ("run_20260101_110000", 6, 6, false),
            ("run_20260101_100000", 2, 6, true),
        ]
    );
}

// If this fails, a run that was stopped for good comes back at every start.
#[test]
fn an_abandoned_run_is_kept_and_never_offered_again_even_while_it_still_stops() {
    let home = Home::new();
    let run = home.run("20260101_100000", 2);
    let held = run.lock().unwrap();
    let runs = home.runs_after(Effect::AbandonRun(run.name()));
    drop(held);
    assert_eq!(offered(&runs), [("run_20260101_100000", 2, 6, false)]);
    assert_eq!(offered(&home.runs_after(Effect::ListRuns)), offered(&runs));
    assert!(run.record().unwrap().abandoned);
}

// Runs of earlier versions must not vanish from the list.
#[test]
fn files_without_the_newer_fields_are_read() {
    let home = Home::new();
    let run = home.run("20260101_100000", 1);
    let text = std::fs::read_to_string(run.path().join("run.json")).unwrap();
    assert!(!text.contains("abandoned"), "{text}");
    let text = std::fs::read_to_string(run.path().join("metrics.jsonl")).unwrap();
    assert!(!text.contains("held_out"), "{text}");
    assert_eq!(home.runs_after(Effect::ListRuns).len(), 1);
}

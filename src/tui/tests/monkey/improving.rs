//! What the cat is told of rounds, experiments and sentinels.

use super::Cat;
use crate::driver::{Effect, Report, StoredExperiments, WorkEvent};
use crate::experiments::{ExperimentEvent, ExperimentRecord, Unfinished};
use crate::improve::{
    Ending, ExampleCounts, Phase, RoundEvent, RoundResult, Rule, SentinelPair, StoredRound,
};
use crate::tui::panes::experiment_samples as samples;
use rand::RngExt;
use rand::seq::IndexedRandom;
use std::collections::BTreeMap;

const ENDINGS: [Ending; 5] = [
    Ending::Accepted,
    Ending::Rejected,
    Ending::CannotTell,
    Ending::NothingToImprove,
    Ending::NoExamples,
];

impl Cat {
    /// The end of an effect of Experiments.
    pub(super) fn improved(&mut self, effect: Effect) -> Report {
        let work = |work, event| Report::Work { work, event };
        match effect {
            Effect::ListExperiments => Report::Experiments(self.stored().into()),
            Effect::OpenSentinels { round, area } => {
                let count = self.rng.random_range(0..5);
                let pairs = (0..count).map(|_| self.pair()).collect();
                Report::SentinelAnswers { round, area, pairs }
            }
            Effect::Improve { work: id, .. } | Effect::ResumeRound { work: id, .. } => {
                let count = self.rng.random_range(0..3);
                let results = (0..count).map(|_| self.round_result()).collect();
                work(id, WorkEvent::Improved(results))
            }
            Effect::RunExperiment { work: id, .. } | Effect::ResumeExperiment { work: id, .. } => {
                match self.rng.random_range(0..3) {
                    0 => work(id, WorkEvent::Failed(self.text())),
                    _ => work(id, WorkEvent::Experimented(Box::new(self.experiment()))),
                }
            }
            _ => Report::Failed { what: "open the sentinels", why: self.text() },
        }
    }

    pub(super) fn improving(&mut self) -> WorkEvent {
        let name = self.folder("round");
        let event = match self.rng.random_range(0..12) {
            0 => RoundEvent::Began { round: name, iteration: 1, iterations: 3 },
            1 => RoundEvent::Phase(*Phase::ALL.choose(&mut self.rng).unwrap()),
            2 => RoundEvent::Weak(samples::weak()),
            3 => RoundEvent::Examples {
                counts: self.counts(),
                last: Some((self.text(), self.text(), Some(Rule::Echo))),
            },
            4 => RoundEvent::Training { run: self.text(), steps: self.rng.random_range(0..40) },
            5 => RoundEvent::Ended(Box::new(self.round_result())),
            6 => {
                let arms = (0..self.rng.random_range(0..8)).map(|_| self.text()).collect();
                let experiment = self.folder("experiment");
                return experimenting(ExperimentEvent::Began { experiment, arms, seeds: vec![0] });
            }
            7 => return experimenting(ExperimentEvent::Estimated(self.number())),
            8 | 9 => {
                let arm = self.rng.random_range(0..8);
                return experimenting(ExperimentEvent::Arm { arm, seed: 1 });
            }
            10 => {
                let record = Box::new(self.experiment());
                return experimenting(ExperimentEvent::Progressed(record));
            }
            _ => {
                let record = Box::new(self.experiment());
                return experimenting(ExperimentEvent::Ended(record));
            }
        };
        WorkEvent::Round(Box::new(event))
    }

    fn folder(&mut self, kind: &str) -> String {
        format!("{kind}_20261123_1200{:02}", self.rng.random_range(0..10))
    }

    fn counts(&mut self) -> ExampleCounts {
        let mut counts = samples::counts();
        counts.kept = self.rng.random_range(0..3) * 1000;
        if self.rng.random_range(0..2) == 0 {
            counts.rejected.clear();
        }
        counts
    }

    fn round_result(&mut self) -> RoundResult {
        let mut result = samples::result(*ENDINGS.choose(&mut self.rng).unwrap());
        result.round = self.folder("round");
        result.reason = self.text();
        result.advice = Some(self.text());
        result.adapter = (self.rng.random_range(0..2) == 0).then(|| self.text());
        result.examples = self.counts();
        result.seconds = self.number();
        result.weak.threshold = self.number();
        for area in result.areas.iter_mut().chain(&mut result.sentinels) {
            area.area = self.text();
            area.change = self.number();
            area.ci95 = Some([self.number(), self.number()]);
        }
        if let Some(held_out) = &mut result.held_out {
            held_out.change = self.number();
            held_out.ci95 = None;
        }
        result
    }

    fn round(&mut self) -> StoredRound {
        let name = self.folder("round");
        let result = (self.rng.random_range(0..3) > 0).then(|| self.round_result());
        let mut round = samples::round(&name, result);
        round.record.set = self.text();
        round.record.started = self.text();
        round
    }

    fn experiment(&mut self) -> ExperimentRecord {
        let name = self.folder("experiment");
        let arms = self.rng.random_range(0..=samples::ARMS.len());
        let mut record = samples::experiment(&name, arms);
        record.hypothesis = self.text();
        record.setup.seconds = self.number();
        for arm in &mut record.arms {
            arm.name = self.text();
            arm.change = self.number();
            arm.after = self.number();
            arm.ci95 = Some([self.number(), self.number()]);
            for seed in &mut arm.seeds {
                seed.losses = (0..self.rng.random_range(0..5)).map(|_| self.number()).collect();
            }
        }
        record
    }

    fn stored(&mut self) -> StoredExperiments {
        let mut sentinels = samples::matrix();
        for row in &mut sentinels.rows {
            row.adapter = self.text();
            row.cells.truncate(self.rng.random_range(0..6));
            for cell in row.cells.iter_mut().flatten() {
                cell.change = self.number();
            }
        }
        sentinels.rows.truncate(self.rng.random_range(0..3));
        sentinels.areas.truncate(self.rng.random_range(0..6));
        StoredExperiments {
            rounds: (0..self.rng.random_range(0..4)).map(|_| self.round()).collect(),
            experiments: (0..self.rng.random_range(0..4)).map(|_| self.experiment()).collect(),
            elsewhere: BTreeMap::new(),
            unfinished: vec![Unfinished {
                experiment: self.folder("experiment"),
                name: self.text(),
                started: self.text(),
            }],
            sentinels,
        }
    }

    fn pair(&mut self) -> SentinelPair {
        SentinelPair {
            id: self.text(),
            prompt: self.text(),
            answer: self.text(),
            before: self.text(),
            before_right: self.rng.random_range(0..2) == 0,
            after: self.text(),
            after_right: self.rng.random_range(0..2) == 0,
        }
    }
}

fn experimenting(event: ExperimentEvent) -> WorkEvent {
    WorkEvent::Experiment(Box::new(event))
}

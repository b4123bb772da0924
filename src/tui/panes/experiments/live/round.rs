//! A round of improvement while it runs.

use super::Told;
use crate::improve::{ExampleCounts, Phase, RoundEvent, Rule, WeakAreas};
use crate::train::TrainEvent;
use crate::tui::panes::experiments::pace::{Pace, seconds_between};
use crate::tui::widgets::LossHistory;
use jiff::Zoned;

/// A baseline that took less than this was read from the disk, and says nothing of how long measuring
/// takes.
const MEASURED_SECONDS: f64 = 5.0;

/// The example made last, with its fate.
#[derive(Debug, Clone)]
pub struct Last {
    pub question: String,
    pub answer: String,
    pub rejected: Option<Rule>,
}

/// The present round of a series.
#[derive(Debug, Default)]
pub struct LiveRound {
    pub iteration: usize,
    pub iterations: usize,
    pub phase: Option<Phase>,
    since: Option<Zoned>,
    baseline_took: Option<f64>,
    pub weak: Option<WeakAreas>,
    pub counts: Option<ExampleCounts>,
    pub last: Option<Last>,
    pub run: Option<String>,
    pub steps: usize,
    pub history: LossHistory,
    training: Option<Pace>,
}

impl LiveRound {
    pub(super) fn event(&mut self, event: &RoundEvent, now: &Zoned) -> Told {
        let mut told = Told::default();
        match event {
            RoundEvent::Began { round, iteration, iterations } => {
                *self = Self { iteration: *iteration, iterations: *iterations, ..Self::default() };
                told = Told { name: Some(round.clone()), another_part: true, list: true };
            }
            RoundEvent::Phase(phase) => {
                if let (Some(Phase::Baseline), Some(since)) = (self.phase, &self.since) {
                    let took = seconds_between(since, now);
                    self.baseline_took = (took >= MEASURED_SECONDS).then_some(took);
                }
                self.phase = Some(*phase);
                self.since = Some(now.clone());
                told.another_part = true;
            }
            RoundEvent::Weak(weak) => self.weak = Some(weak.clone()),
            RoundEvent::Examples { counts, last } => {
                self.counts = Some(counts.clone());
                if let Some((question, answer, rejected)) = last {
                    let (question, answer) = (question.clone(), answer.clone());
                    self.last = Some(Last { question, answer, rejected: *rejected });
                }
            }
            RoundEvent::Training { run, steps } => {
                self.run = Some(run.clone());
                self.steps = *steps;
                told.another_part = true;
            }
            RoundEvent::Ended(_) => told.list = true,
            RoundEvent::Work(_) => {}
        }
        told
    }

    pub(super) fn trained(&mut self, event: &TrainEvent, now: &Zoned) {
        match event {
            TrainEvent::Step(line) => {
                self.training.get_or_insert_with(|| Pace::new(now, line.step));
                self.history.push(*line);
            }
            TrainEvent::HeldOut { step, loss } => self.history.held_out(*step, *loss),
            TrainEvent::Watching { .. } | TrainEvent::Saved { .. } => {}
        }
    }

    /// From the training on, of the whole round: the candidate is measured as the baseline was.
    pub(super) fn seconds_left(&self, now: &Zoned) -> Option<f64> {
        let baseline = self.baseline_took?;
        match self.phase? {
            Phase::Training => {
                let done = self.history.metrics().last().map_or(0, |line| line.step);
                let training = self.training.as_ref()?.left(done, self.steps, now)?;
                Some(training + baseline)
            }
            Phase::Measuring => {
                Some((baseline - seconds_between(self.since.as_ref()?, now)).max(0.0))
            }
            _ => None,
        }
    }
}

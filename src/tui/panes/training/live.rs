//! The run that is trained, or was last, from this screen.

use crate::driver::{RunSummary, TrainingStarted, WorkEvent, WorkId};
use crate::store::{Holder, plain_line};
use crate::train::{StepMetrics, TrainEvent};
use crate::tui::widgets::LossHistory;
use crate::workplace::{Event, Trained};
use std::collections::VecDeque;

/// Step times that an estimate of the rest looks at.
const RECENT: usize = 15;

/// Step times before there is an estimate: the first ones are warming up.
const FEW: usize = 3;

/// How far a run is.
#[derive(Debug, Clone)]
pub enum Phase {
    /// It waits for the model.
    Starting,
    Training,
    /// It ends after its current slice and is kept.
    Pausing,
    /// It ends after its current slice, for good.
    Stopping,
    Paused,
    Stopped,
    Ended(Box<Trained>),
    Failed(String),
}

/// Who trains a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainer {
    /// This process, as this piece of work.
    Here(WorkId),
    Elsewhere(Holder),
}

/// One run with all that is known of it.
#[derive(Debug)]
pub struct Live {
    pub trainer: Trainer,
    pub run: String,
    pub steps: usize,
    pub history: LossHistory,
    pub phase: Phase,
    pub memory_mib: Option<usize>,
    /// Seconds since it began or went on, as of the last step.
    pub elapsed: Option<f64>,
    /// It had done steps before this process took it up, whose time nobody has counted.
    pub went_on: bool,
    /// A look at the held-out examples goes on: scored, of how many.
    pub watching: Option<(usize, usize)>,
    pub notes: Vec<String>,
    step_seconds: VecDeque<f64>,
    done: usize,
}

impl Live {
    pub fn new(work: WorkId, run: String, steps: usize, history: LossHistory) -> Self {
        Self {
            trainer: Trainer::Here(work),
            run,
            steps,
            done: history.metrics().last().map_or(0, |line| line.step),
            history,
            phase: Phase::Starting,
            memory_mib: None,
            elapsed: None,
            went_on: false,
            watching: None,
            notes: Vec::new(),
            step_seconds: VecDeque::new(),
        }
    }

    /// A run that another process trains.
    pub fn elsewhere(run: &RunSummary, holder: Holder) -> Self {
        Self {
            trainer: Trainer::Elsewhere(holder),
            phase: Phase::Training,
            // Whose name no work has.
            ..Self::new(WorkId(0), run.name.clone(), run.steps, LossHistory::of(&run.metrics))
        }
    }

    pub fn is_elsewhere(&self) -> bool {
        matches!(self.trainer, Trainer::Elsewhere(_))
    }

    /// It is this piece of work.
    pub fn is_work(&self, work: WorkId) -> bool {
        self.trainer == Trainer::Here(work)
    }

    /// Takes what the run's folder says of it, which another process trains.
    pub fn catch_up(&mut self, metrics: &[StepMetrics]) {
        self.history = LossHistory::of(metrics);
        self.done = metrics.last().map_or(0, |line| line.step);
    }

    /// Takes steps that another process has done; those that are known already are passed over.
    pub fn followed(
        &mut self,
        steps: &[StepMetrics],
        elapsed: Option<f64>,
        memory_mib: Option<usize>,
    ) {
        let before = self.done;
        for line in steps.iter().filter(|line| line.step > before) {
            self.history.push(*line);
            self.done = line.step;
        }
        self.memory_mib = memory_mib.or(self.memory_mib);
        if let (Some(elapsed), true) = (elapsed, self.done > before) {
            self.steps_took(self.done - before, elapsed);
        }
    }

    /// The other process trains it no more: what came of it stands in its folder.
    pub fn ended_elsewhere(&mut self, run: &RunSummary) {
        self.catch_up(&run.metrics);
        self.phase = match &run.record.adapter {
            Some(adapter) => Phase::Ended(Box::new(Trained {
                run: run.name.clone(),
                adapter: Some(adapter.clone()),
                steps: self.done,
                losses: run.metrics.iter().map(|line| line.loss).collect(),
                seconds: 0.0,
            })),
            None if run.record.abandoned => Phase::Stopped,
            None => Phase::Paused,
        };
    }

    /// The model works on it.
    pub fn is_under_way(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Training | Phase::Pausing | Phase::Stopping)
    }

    /// Steps done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// What is left in seconds; none before a few steps have shown how long one takes.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.step_seconds.len() < FEW {
            return None;
        }
        let mut recent: Vec<f64> = self.step_seconds.iter().copied().collect();
        recent.sort_by(f64::total_cmp);
        let median = recent.get(recent.len() / 2)?;
        Some(median * self.steps.saturating_sub(self.done) as f64)
    }

    /// Takes what the desk says of it; true when it is over.
    pub fn report(&mut self, event: &WorkEvent) -> bool {
        match event {
            WorkEvent::Training(started) => self.started(started),
            WorkEvent::Elapsed(seconds) => self.steps_took(1, *seconds),
            WorkEvent::Memory(mib) => self.memory_mib = Some(*mib),
            WorkEvent::Progress(Event::Note(note)) => self.notes.push(plain_line(note)),
            WorkEvent::Progress(Event::Train(event)) => self.trained(event),
            WorkEvent::Trained(trained) => {
                self.done = self.done.max(trained.steps);
                self.phase = match (&trained.adapter, &self.phase) {
                    (Some(_), _) => Phase::Ended(trained.clone()),
                    (None, Phase::Stopping) => Phase::Stopped,
                    (None, _) => Phase::Paused,
                };
            }
            WorkEvent::Cancelled => {
                self.phase = match self.phase {
                    Phase::Stopping => Phase::Stopped,
                    _ => Phase::Paused,
                };
            }
            WorkEvent::Failed(why) => self.phase = Phase::Failed(plain_line(why)),
            _ => {}
        }
        if event.is_final() {
            self.watching = None;
        }
        event.is_final()
    }

    fn started(&mut self, started: &TrainingStarted) {
        self.run.clone_from(&started.run);
        self.steps = started.steps;
        self.went_on = !started.done.is_empty();
        self.history = LossHistory::of(&started.done);
        self.done = started.done.last().map_or(0, |line| line.step);
        if matches!(self.phase, Phase::Starting) {
            self.phase = Phase::Training;
        }
    }

    /// What comes first stands for itself: it holds the look before the first step, and of a run that is
    /// followed all that was done before.
    fn steps_took(&mut self, count: usize, elapsed: f64) {
        if let Some(before) = self.elapsed
            && elapsed >= before
        {
            let each = (elapsed - before) / count as f64;
            self.step_seconds.extend(std::iter::repeat_n(each, count.min(RECENT)));
        }
        let surplus = self.step_seconds.len().saturating_sub(RECENT);
        self.step_seconds.drain(..surplus);
        self.elapsed = Some(elapsed);
    }

    fn trained(&mut self, event: &TrainEvent) {
        match event {
            TrainEvent::Step(line) => {
                self.watching = None;
                self.done = line.step;
                self.history.push(*line);
            }
            TrainEvent::Watching { done, total } => self.watching = Some((*done, *total)),
            TrainEvent::HeldOut { step, loss } => {
                self.watching = None;
                self.history.held_out(*step, *loss);
            }
            TrainEvent::Saved { .. } => {}
        }
    }
}

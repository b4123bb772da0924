//! The run that is trained, or was last, from this screen.

use crate::driver::{TrainingStarted, WorkEvent, WorkId};
use crate::store::plain_line;
use crate::train::TrainEvent;
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

/// One run with all that is known of it.
#[derive(Debug)]
pub struct Live {
    pub work: WorkId,
    pub run: String,
    pub steps: usize,
    pub history: LossHistory,
    pub phase: Phase,
    pub memory_mib: Option<usize>,
    /// Seconds since it began or went on, as of the last step.
    pub elapsed: Option<f64>,
    /// A look at the held-out examples goes on: scored, of how many.
    pub watching: Option<(usize, usize)>,
    pub notes: Vec<String>,
    step_seconds: VecDeque<f64>,
    done: usize,
}

impl Live {
    pub fn new(work: WorkId, run: String, steps: usize, history: LossHistory) -> Self {
        Self {
            work,
            run,
            steps,
            done: history.metrics().last().map_or(0, |line| line.step),
            history,
            phase: Phase::Starting,
            memory_mib: None,
            elapsed: None,
            watching: None,
            notes: Vec::new(),
            step_seconds: VecDeque::new(),
        }
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
            WorkEvent::Elapsed(seconds) => self.step_took(*seconds),
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
        self.history = LossHistory::of(&started.done);
        self.done = started.done.last().map_or(0, |line| line.step);
        if matches!(self.phase, Phase::Starting) {
            self.phase = Phase::Training;
        }
    }

    /// The first step stands for itself: it holds the look before it.
    fn step_took(&mut self, elapsed: f64) {
        if let Some(before) = self.elapsed
            && elapsed >= before
        {
            self.step_seconds.push_back(elapsed - before);
        }
        if self.step_seconds.len() > RECENT {
            self.step_seconds.pop_front();
        }
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

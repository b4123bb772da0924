//! The round or experiment that runs now, as far as its events have told.

mod experiment;
mod round;

pub(super) use experiment::LiveExperiment;
pub(super) use round::{Last, LiveRound};

use super::pace::Pace;
use crate::driver::{WorkEvent, WorkId};
use crate::store::plain_line;
use crate::workplace::Event;
use jiff::Zoned;

/// A piece of work under way.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) work: WorkId,
    /// Its folder's, once it has one; of several rounds the present one's.
    pub(super) name: Option<String>,
    pub(super) of: Of,
    /// The model is there.
    pub(super) started: bool,
    /// It ends after its current slice.
    pub(super) stopping: bool,
    pub(super) began: Zoned,
    /// What is being measured or written now.
    pub(super) part: Option<Part>,
    /// What the person should know, newest last.
    pub(super) notes: Vec<String>,
}

/// Which of the two it is.
#[derive(Debug)]
pub(super) enum Of {
    Round(Box<LiveRound>),
    Experiment(Box<LiveExperiment>),
}

/// A measurement that goes on.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) what: &'static str,
    pub(super) done: usize,
    /// None where it is not known.
    pub(super) total: Option<usize>,
    pace: Pace,
}

impl Part {
    pub(super) fn seconds_left(&self, now: &Zoned) -> Option<f64> {
        self.pace.left(self.done, self.total?, now)
    }
}

impl Live {
    pub(super) fn new(work: WorkId, name: Option<String>, of: Of, now: &Zoned) -> Self {
        Self {
            work,
            name,
            of,
            started: false,
            stopping: false,
            began: now.clone(),
            part: None,
            notes: Vec::new(),
        }
    }

    /// Its name in the list; empty while it has none.
    pub(super) fn key(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Takes what the desk says of it; true when there is something new in the home to list.
    pub(super) fn event(&mut self, event: &WorkEvent, now: &Zoned) -> bool {
        match (event, &mut self.of) {
            (WorkEvent::Started, _) => self.started = true,
            (WorkEvent::Progress(Event::Note(note)), _) => self.notes.push(plain_line(note)),
            (WorkEvent::Progress(Event::Measuring { what, done, total }), _) => {
                self.measuring(what, *done, *total, now);
            }
            (WorkEvent::Progress(Event::Train(event)), of) => {
                self.part = None;
                match of {
                    Of::Round(round) => round.trained(event, now),
                    Of::Experiment(experiment) => experiment.trained(event),
                }
            }
            (WorkEvent::Round(event), Of::Round(round)) => {
                let told = round.event(event, now);
                if told.another_part {
                    self.part = None;
                }
                self.name = told.name.or_else(|| self.name.take());
                return told.list;
            }
            (WorkEvent::Experiment(event), Of::Experiment(experiment)) => {
                let told = experiment.event(event, now);
                if told.another_part {
                    self.part = None;
                }
                self.name = told.name.or_else(|| self.name.take());
                return told.list;
            }
            _ => {}
        }
        false
    }

    fn measuring(&mut self, what: &'static str, done: usize, total: usize, now: &Zoned) {
        let total = (total > 0).then_some(total);
        match &mut self.part {
            Some(part) if part.what == what && part.done <= done => {
                (part.done, part.total) = (done, total);
            }
            part => *part = Some(Part { what, done, total, pace: Pace::new(now, done) }),
        }
    }

    /// Seconds that all of it will still take, or what is measured now; the words say which.
    pub(super) fn left(&self, now: &Zoned) -> Option<(f64, &'static str)> {
        let whole = match &self.of {
            Of::Round(round) => round.seconds_left(now),
            Of::Experiment(experiment) => experiment.seconds_left(now),
        };
        let part = || self.part.as_ref().and_then(|part| part.seconds_left(now));
        whole.map(|left| (left, "left")).or_else(|| part().map(|left| (left, "for this part")))
    }
}

/// What an event changes outside the work itself.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) name: Option<String>,
    pub(super) another_part: bool,
    pub(super) list: bool,
}

//! What the cat is told of tasks that are carried out.

use super::Cat;
use crate::driver::{ActShown, Acted, ShownProposal, ShownStep, WorkEvent};
use crate::store::{
    ActEnding, ActRecord, Approval, ChangeKind, CheckRecord, DemonstratedStep, Demonstration,
    DemonstrationFrom, Iteration, Session, Stars, StepFeedback, StepResult,
};
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::json;

const ENDINGS: [ActEnding; 5] = [
    ActEnding::Answered,
    ActEnding::MaxSteps,
    ActEnding::OutOfTime,
    ActEnding::ContextFull,
    ActEnding::Cancelled,
];
const APPROVALS: [Approval; 7] = [
    Approval::NotNeeded,
    Approval::Allowed,
    Approval::AllowedBefore,
    Approval::AllowedAll,
    Approval::Edited,
    Approval::Denied,
    Approval::Refused,
];
const CHANGES: [ChangeKind; 3] = [ChangeKind::Created, ChangeKind::Modified, ChangeKind::Removed];

impl Cat {
    pub(super) fn acting(&mut self) -> WorkEvent {
        let step = self.rng.random_range(0..12);
        let event = match self.rng.random_range(0..6) {
            0 => ActShown::Began(self.session_id()),
            1 => ActShown::Choosing { step },
            2 => ActShown::Chosen { step, words: self.text() },
            3 => ActShown::Did(self.shown_step(step)),
            _ => return WorkEvent::Proposed(Box::new(self.proposal(step))),
        };
        WorkEvent::Act(Box::new(event))
    }

    fn shown_step(&mut self, step: usize) -> ShownStep {
        let lines = self.rng.random_range(0..40);
        ShownStep {
            step,
            words: self.text(),
            output: (0..lines).map(|_| format!("{}\n", self.text())).collect(),
            trouble: (self.rng.random_range(0..3) == 0).then(|| self.text()),
            changed: (0..self.rng.random_range(0..12))
                .map(|_| (*CHANGES.choose(&mut self.rng).unwrap(), self.text()))
                .collect(),
            more_changed: self.rng.random_range(0..3),
            approval: *APPROVALS.choose(&mut self.rng).unwrap(),
            seconds: self.number(),
        }
    }

    pub(super) fn proposal(&mut self, step: usize) -> ShownProposal {
        let text = self.text();
        ShownProposal {
            step,
            words: self.text(),
            kind: self.text(),
            unconfined: (self.rng.random_range(0..3) == 0).then(|| self.text()),
            editable: match self.rng.random_range(0..3) {
                0 => json!({"tool": "write_file", "path": text, "text": self.text()}).to_string(),
                1 => text.repeat(40),
                _ => text,
            },
            problem: (self.rng.random_range(0..3) == 0).then(|| self.text()),
        }
    }

    pub(super) fn acted(&mut self) -> WorkEvent {
        self.sessions += 1;
        WorkEvent::Acted(Box::new(Acted {
            session: format!("session_20261123_13{:04}", self.sessions).parse().unwrap(),
            arm: "base".into(),
            blind: self.rng.random_range(0..2) == 0,
            answer: (self.rng.random_range(0..3) > 0).then(|| self.text()),
            ended: *ENDINGS.choose(&mut self.rng).unwrap(),
            steps: self.rng.random_range(0..9),
            tokens_per_second: self.number(),
        }))
    }

    /// Makes a session one that was carried out.
    pub(super) fn carry_out(&mut self, session: &mut Session) {
        let action = |cat: &mut Self| json!({"tool": "shell", "command": cat.text()});
        for _ in 0..self.rng.random_range(0..4) {
            let result = StepResult { output: self.text(), ..StepResult::default() };
            let action = match self.rng.random_range(0..4) {
                0 => json!(self.text()),
                _ => action(self),
            };
            session.iterations.push(Iteration {
                observation: (self.rng.random_range(0..3) > 0).then(|| json!(self.text())),
                action: Some(action),
                result: serde_json::to_value(result).ok(),
                ..Iteration::default()
            });
        }
        let feedback = StepFeedback {
            step: self.rng.random_range(0..4),
            stars: Stars::try_from(self.rng.random_range(0..6)).ok(),
            correction: Some(self.text()),
            at: "2026-11-23T12:00:00Z".parse().unwrap(),
        };
        let step = DemonstratedStep { action: self.text(), next_look: String::new() };
        session.record_mut().act = Some(ActRecord {
            workspace: self.text(),
            ended: Some(*ENDINGS.choose(&mut self.rng).unwrap()),
            check: Some(CheckRecord { task: self.text(), area: self.text(), passed: false }),
            feedback: vec![feedback],
            demonstration: Some(Demonstration {
                from: DemonstrationFrom::Retry,
                session: Some(self.session_id()),
                messages: Vec::new(),
                steps: vec![step],
            }),
            ..ActRecord::default()
        });
    }
}

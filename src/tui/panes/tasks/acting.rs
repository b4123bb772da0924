//! A task that is carried out, as far as it has come: the steps made, what comes now, and the action that
//! waits for a word. Knows nothing of keys, nor of how it looks.

use crate::driver::{ActShown, ShownProposal, ShownStep};
use std::path::PathBuf;

/// The course of one try.
#[derive(Debug)]
pub struct Acting {
    /// The folder that it is carried out in.
    pub folder: PathBuf,
    pub steps: Vec<ShownStep>,
    pub now: Now,
    /// The action that waits for a word.
    pub waiting: Option<ShownProposal>,
    /// What the person wrote in the place of an action, until it is done: it may not be understood.
    pub written: Option<String>,
}

/// What comes now.
#[derive(Debug, PartialEq)]
pub enum Now {
    /// Nothing has been heard yet.
    Beginning,
    Choosing(usize),
    /// The action in one line is approved or done.
    Doing(usize, String),
}

impl Acting {
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, steps: Vec::new(), now: Now::Beginning, waiting: None, written: None }
    }

    pub fn shown(&mut self, event: &ActShown) {
        self.waiting = None;
        match event {
            ActShown::Began(_) => {}
            ActShown::Choosing { step } => self.now = Now::Choosing(*step),
            ActShown::Chosen { step, words } => self.now = Now::Doing(*step, words.clone()),
            ActShown::Did(step) => {
                self.written = None;
                self.now = Now::Choosing(step.step + 1);
                self.steps.push(step.clone());
            }
        }
    }

    /// An action waits; what the person had written stays only if that was not understood.
    pub fn proposed(&mut self, proposal: &ShownProposal) {
        self.now = Now::Doing(proposal.step, proposal.words.clone());
        self.waiting = Some(proposal.clone());
        if proposal.problem.is_none() {
            self.written = None;
        }
    }
}

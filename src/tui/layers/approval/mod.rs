//! An action that waits for a word: it is shown to the letter, and one key allows it, denies it, or opens
//! it to be changed. Owns when an answer counts: never a key that was typed in the moment it opened.
//! What is done with the answer is the pane's.

mod action_text;
#[cfg(test)]
mod tests;
mod view;

use super::Stay;
use crate::driver::{ActDecision, Report, ShownProposal, WorkEvent, WorkId};
use crate::store::plain;
use crate::tui::action::{Action, Scope};
use crate::tui::widgets::{Scroll, TextField};
use action_text::ActionText;
use crossterm::event::KeyEvent;

/// An answer counts after so many ticks without a key. The first may come at once, the second comes a
/// quarter of a second after it.
const QUIET_TICKS: u8 = 2;

/// The prompt for one action.
#[derive(Debug)]
pub struct ApprovalPrompt {
    work: WorkId,
    proposal: ShownProposal,
    /// Safe to show.
    folder: String,
    action: ActionText,
    scroll: Scroll,
    /// Something else to do, while it is written. Boxed: text fields are large.
    field: Option<Box<TextField>>,
    /// Ticks since it opened, or since the last key that came too early.
    ticks: u8,
}

impl ApprovalPrompt {
    /// Opens at the field with `written` in it, if that was not understood.
    pub fn new(
        work: WorkId,
        proposal: &ShownProposal,
        folder: String,
        written: Option<&str>,
    ) -> Self {
        Self {
            work,
            action: ActionText::of(&proposal.words, &proposal.editable),
            proposal: proposal.clone(),
            folder,
            scroll: Scroll::at_top(),
            field: written.map(field),
            ticks: 0,
        }
    }

    pub fn scope(&self) -> Scope {
        if self.field.is_some() { Scope::ApprovalText } else { Scope::Approval }
    }

    /// An answer counts.
    fn is_armed(&self) -> bool {
        self.ticks >= QUIET_TICKS
    }

    pub fn tick(&mut self) {
        self.ticks = self.ticks.saturating_add(1);
    }

    /// Some key was pressed. Whoever types on has not read what opened under their fingers.
    pub fn touched(&mut self) {
        if !self.is_armed() && self.field.is_none() {
            self.ticks = 0;
        }
    }

    pub fn applies(&self, action: Action) -> bool {
        match action {
            Action::Back => true,
            Action::Confirm => {
                self.is_armed() && self.field.as_ref().is_some_and(|field| !field.is_empty())
            }
            Action::AllowKind => self.is_armed() && self.proposal.unconfined.is_none(),
            Action::Allow | Action::Deny | Action::EditProposal | Action::Stop => self.is_armed(),
            _ => true,
        }
    }

    pub fn act(&mut self, action: Action) -> Stay {
        if !self.applies(action) {
            return Stay::Open;
        }
        let decision = match (action, &self.field) {
            (Action::Confirm, Some(field)) => ActDecision::Edit(field.text().trim().to_owned()),
            (Action::Back, Some(_)) => {
                self.field = None;
                self.proposal.problem = None;
                return Stay::Open;
            }
            (Action::Back, None) => return Stay::Closed,
            (_, Some(_)) => return Stay::Open,
            (Action::Allow, None) => ActDecision::Allow,
            (Action::AllowKind, None) => ActDecision::AllowKind,
            (Action::Deny, None) => ActDecision::Deny,
            (Action::Stop, None) => ActDecision::Stop,
            (Action::EditProposal, None) => {
                self.field = Some(field(&self.proposal.editable));
                return Stay::Open;
            }
            (movement, None) => {
                self.scroll.act(movement);
                return Stay::Open;
            }
        };
        Stay::Decided { work: self.work, step: self.proposal.step, decision }
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        if let Some(field) = &mut self.field {
            field.type_key(key);
        }
    }

    pub fn paste(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            field.paste(text);
        }
    }

    pub fn report(&mut self, report: &Report) -> Stay {
        let Report::Work { work, event } = report else { return Stay::Open };
        if *work != self.work {
            return Stay::Open;
        }
        match event {
            WorkEvent::Proposed(proposal) => {
                *self = Self::new(self.work, proposal, std::mem::take(&mut self.folder), None);
                Stay::Open
            }
            // The task went on, or has ended: nobody waits any more.
            event if event.is_final() || matches!(event, WorkEvent::Act(_)) => Stay::Closed,
            _ => Stay::Open,
        }
    }
}

/// A field with what can be changed; what would steer the terminal is not in it, and so not done.
fn field(text: &str) -> Box<TextField> {
    let mut field = Box::new(TextField::several_lines());
    field.set(&plain(text));
    field
}

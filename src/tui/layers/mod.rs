//! What lies over the panes: events reach the topmost first, drawing goes from the bottom up, Esc takes
//! one away.

mod approval;
mod entry;
pub mod feedback;
mod help;
mod models;
mod narrowed;
mod palette;
mod question;
mod step_form;

pub use approval::ApprovalPrompt;
pub use entry::{Entry, EntryPurpose};
pub use feedback::FeedbackForm;
pub use help::Help;
pub use models::ModelPicker;
use narrowed::Narrowed;
pub use palette::Palette;
pub use question::{Question, QuestionAbout, RouteOrder};
pub use step_form::StepForm;

use super::action::{Action, Scope};
use super::pane::{Context, Shared};
use crate::driver::{ActDecision, Report, WorkId};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

/// One layer.
#[derive(Debug)]
pub enum Layer {
    Help(Help),
    Palette(Palette),
    Question(Question),
    Entry(Entry),
    Feedback(FeedbackForm),
    Models(ModelPicker),
    Approval(ApprovalPrompt),
    Step(StepForm),
}

/// What remains of a layer after an event.
#[derive(Debug, PartialEq)]
pub enum Stay {
    Open,
    Closed,
    /// Closed, and this action goes to whatever lies below.
    ClosedThen(Action),
    /// Open, and this action goes to the pane below.
    OpenAnd(Action),
    /// Closed, and the entered text goes to the pane that asked.
    Entered(EntryPurpose, String),
    /// Closed, and this was said of the action that the step of a task waits with.
    Decided {
        work: WorkId,
        step: usize,
        decision: ActDecision,
    },
}

impl Layer {
    pub fn scope(&self) -> Scope {
        match self {
            Self::Help(_) => Scope::Help,
            Self::Palette(_) => Scope::Palette,
            Self::Question(_) => Scope::Question,
            Self::Entry(_) => Scope::Entry,
            Self::Feedback(form) => form.scope(),
            Self::Models(_) => Scope::Models,
            Self::Approval(prompt) => prompt.scope(),
            Self::Step(form) => form.scope(),
        }
    }

    pub fn applies(&self, action: Action) -> bool {
        match self {
            Self::Question(question) => question.applies(action),
            Self::Feedback(form) => form.applies(action),
            Self::Entry(entry) => entry.applies(action),
            Self::Approval(prompt) => prompt.applies(action),
            Self::Step(form) => form.applies(action),
            Self::Help(_) | Self::Palette(_) | Self::Models(_) => true,
        }
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        match self {
            Self::Help(help) => help.act(action),
            Self::Palette(palette) => palette.act(action),
            Self::Question(question) => question.act(action, context),
            Self::Entry(entry) => entry.act(action),
            Self::Feedback(form) => form.act(action, context),
            Self::Models(picker) => picker.act(action, context),
            Self::Approval(prompt) => prompt.act(action),
            Self::Step(form) => form.act(action, context),
        }
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        match self {
            Self::Palette(palette) => palette.type_key(key),
            Self::Entry(entry) => entry.type_key(key),
            Self::Feedback(form) => form.type_key(key),
            Self::Models(picker) => picker.type_key(key),
            Self::Approval(prompt) => prompt.type_key(key),
            Self::Step(form) => form.type_key(key),
            Self::Help(_) | Self::Question(_) => {}
        }
    }

    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Palette(palette) => palette.paste(text),
            Self::Entry(entry) => entry.paste(text),
            Self::Feedback(form) => form.paste(text),
            Self::Models(picker) => picker.paste(text),
            Self::Approval(prompt) => prompt.paste(text),
            Self::Step(form) => form.paste(text),
            Self::Help(_) | Self::Question(_) => {}
        }
    }

    pub fn report(&mut self, report: &Report, context: &mut Context) -> Stay {
        match self {
            Self::Feedback(form) => form.report(report, context),
            Self::Models(picker) => picker.report(report),
            Self::Approval(prompt) => prompt.report(report),
            Self::Step(form) => form.report(report, context),
            _ => Stay::Open,
        }
    }

    pub fn edited(&mut self, text: &str) {
        if let Self::Feedback(form) = self {
            form.edited(text);
        }
    }

    /// A row of its list was clicked; true if it was selected already.
    pub fn select(&mut self, place: usize) -> bool {
        match self {
            Self::Palette(palette) => palette.select(place),
            Self::Models(picker) => picker.select(place),
            _ => false,
        }
    }

    /// A key was pressed, whatever it means.
    pub fn touched(&mut self) {
        if let Self::Approval(prompt) = self {
            prompt.touched();
        }
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        if let Self::Approval(prompt) = self {
            prompt.tick();
        }
    }

    /// Rows at the bottom of `area` that the pane below leaves to it, so that nothing is hidden.
    pub fn rows_taken(&self, area: Rect, shared: &Shared) -> u16 {
        match self {
            Self::Feedback(form) => form.height(area, &shared.keymap),
            Self::Approval(prompt) => prompt.height(area),
            Self::Step(form) => form.height(area, &shared.keymap),
            Self::Entry(entry) => entry.rows_taken(),
            _ => 0,
        }
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        match self {
            Self::Help(help) => help.draw(frame, area, shared),
            Self::Palette(palette) => palette.draw(frame, area, shared),
            Self::Question(question) => question.draw(frame, area, shared),
            Self::Entry(entry) => entry.draw(frame, area, shared),
            Self::Feedback(form) => form.draw(frame, area, shared),
            Self::Models(picker) => picker.draw(frame, area, shared),
            Self::Approval(prompt) => prompt.draw(frame, area, shared),
            Self::Step(form) => form.draw(frame, area, shared),
        }
    }
}

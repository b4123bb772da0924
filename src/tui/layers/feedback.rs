//! PLACEHOLDER

use super::Stay;
use crate::driver::Report;
use crate::store::Session;
use crate::tui::action::{Action, Scope};
use crate::tui::pane::{Context, Shared};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Rates one session.
#[derive(Debug)]
pub struct FeedbackForm {}

impl FeedbackForm {
    /// The form for an answer that has just come.
    pub fn new(session: crate::store::SessionId, answer: &str) -> Self {
        let _ = (session, answer);
        Self {}
    }

    /// The form for a session as it stands on disk, at its stars or at its correction.
    pub fn of(session: &Session, at_correction: bool) -> Self {
        let _ = (session, at_correction);
        Self {}
    }

    pub fn scope(&self) -> Scope {
        Scope::FormStars
    }

    pub fn applies(&self, action: Action) -> bool {
        let _ = action;
        true
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        let _ = (action, context);
        Stay::Closed
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        let _ = key;
    }

    pub fn paste(&mut self, text: &str) {
        let _ = text;
    }

    pub fn edited(&mut self, text: &str) {
        let _ = text;
    }

    pub fn report(&mut self, report: &Report, context: &mut Context) -> Stay {
        let _ = (report, context);
        Stay::Open
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let _ = (frame, area, shared);
    }
}

//! PLACEHOLDER

use crate::driver::Report;
use crate::tui::action::{Action, Scope};
use crate::tui::pane::{Context, Pane, Shared};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

/// PLACEHOLDER
#[derive(Debug, Default)]
pub struct TrainingPane {}

impl Pane for TrainingPane {
    fn scope(&self) -> Scope {
        Scope::Training
    }

    fn applies(&self, action: Action, shared: &Shared) -> bool {
        let _ = (action, shared);
        false
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        let _ = (action, context);
    }

    fn type_key(&mut self, key: KeyEvent, context: &mut Context) {
        let _ = (key, context);
    }

    fn paste(&mut self, text: &str, context: &mut Context) {
        let _ = (text, context);
    }

    fn report(&mut self, report: &Report, context: &mut Context) {
        let _ = (report, context);
    }

    fn opened(&mut self, context: &mut Context) {
        let _ = context;
    }

    fn edited(&mut self, text: &str, context: &mut Context) {
        let _ = (text, context);
    }

    fn is_moving(&self) -> bool {
        false
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let _ = (frame, area, shared);
    }
}

impl TrainingPane {
    /// Gathers what is to be learned, to be looked at before it starts.
    pub fn prepare(&mut self, material: crate::driver::TrainingMaterial, context: &mut Context) {
        let _ = (material, context);
    }
}

//! The runs of this home: which is selected, which is laid over.

use crate::driver::RunSummary;
use crate::tui::action::Action;

/// The list, newest first.
#[derive(Debug, Default)]
pub struct Runs {
    pub list: Vec<RunSummary>,
    /// By name: the selection stays on its run when newer ones come.
    selected: Option<String>,
    overlay: Option<String>,
    /// The list has been read at least once.
    pub known: bool,
}

impl Runs {
    pub fn set(&mut self, list: Vec<RunSummary>) {
        self.list = list;
        self.known = true;
        if self.selected().is_none() {
            self.selected = None;
        }
        if self.overlay().is_none() {
            self.overlay = None;
        }
    }

    pub fn find(&self, name: &str) -> Option<&RunSummary> {
        self.list.iter().find(|run| run.name == name)
    }

    /// Where the selection is; the newest where nobody chose.
    pub fn place(&self) -> usize {
        let chosen = self.selected.as_deref();
        self.list.iter().position(|run| Some(run.name.as_str()) == chosen).unwrap_or(0)
    }

    pub fn selected(&self) -> Option<&RunSummary> {
        self.list.get(self.place())
    }

    pub fn overlay(&self) -> Option<&RunSummary> {
        self.find(self.overlay.as_deref()?)
    }

    pub fn toggle_overlay(&mut self) {
        let selected = self.selected().map(|run| run.name.clone());
        self.overlay = if self.overlay == selected { None } else { selected };
    }

    /// The selected run where it can go on, else the newest that can.
    pub fn resumable(&self) -> Option<&RunSummary> {
        let selected = self.selected().filter(|run| run.resumable);
        selected.or_else(|| self.list.iter().find(|run| run.resumable))
    }

    /// Moves the selection.
    pub fn act(&mut self, action: Action) {
        const PAGE: usize = 5;
        let last = self.list.len().saturating_sub(1);
        let place = self.place();
        let place = match action {
            Action::Up => place.saturating_sub(1),
            Action::Down => place + 1,
            Action::PageUp => place.saturating_sub(PAGE),
            Action::PageDown => place + PAGE,
            Action::First => 0,
            Action::Last => last,
            _ => return,
        };
        self.selected = self.list.get(place.min(last)).map(|run| run.name.clone());
    }
}

/// Steps that a run has done.
pub fn done(run: &RunSummary) -> usize {
    run.metrics.last().map_or(0, |line| line.step)
}

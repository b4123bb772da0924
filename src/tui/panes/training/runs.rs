//! The runs of this home: which is selected, which is laid over.

use crate::driver::RunSummary;
use crate::tui::action::Action;
use crate::tui::widgets::LossHistory;
use std::cell::OnceCell;

/// The list, newest first.
#[derive(Debug, Default)]
pub struct Runs {
    pub list: Vec<RunSummary>,
    /// The course of each, once it was looked at.
    courses: Vec<OnceCell<LossHistory>>,
    /// By name: the selection stays on its run when newer ones come.
    selected: Option<String>,
    overlay: Option<String>,
    /// The list has been read at least once.
    pub known: bool,
}

impl Runs {
    pub fn set(&mut self, list: Vec<RunSummary>) {
        let before = std::mem::replace(&mut self.list, list);
        let mut known: Vec<_> = before.into_iter().zip(std::mem::take(&mut self.courses)).collect();
        let courses = self.list.iter().map(|run| {
            // What has no more steps than before has the same ones.
            let same = known.iter_mut().find(|(before, _)| {
                before.name == run.name && before.metrics.last() == run.metrics.last()
            });
            same.map(|(_, course)| std::mem::take(course)).unwrap_or_default()
        });
        self.courses = courses.collect();
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

    /// The course of a run.
    pub fn course(&self, name: &str) -> Option<&LossHistory> {
        let place = self.list.iter().position(|run| run.name == name)?;
        let (run, course) = (self.list.get(place)?, self.courses.get(place)?);
        Some(course.get_or_init(|| LossHistory::of(&run.metrics)))
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

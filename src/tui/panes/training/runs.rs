//! The runs of this home: which is selected, which is laid over.

use crate::driver::RunSummary;
use crate::tui::action::Action;
use crate::tui::widgets::{LossHistory, has_words, moved};
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
    /// Only runs with these words are shown.
    words: String,
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

    /// Shows only runs with these words in their name, their adapter's or their time.
    pub fn search(&mut self, words: &str) {
        self.words = words.trim().to_owned();
    }

    /// What is searched for.
    pub fn searched(&self) -> &str {
        &self.words
    }

    /// The runs that are shown.
    pub fn shown(&self) -> Vec<&RunSummary> {
        let has = |run: &&RunSummary| {
            let adapter = run.record.adapter.as_deref().unwrap_or_default();
            has_words(&format!("{} {adapter} {}", run.name, run.record.started), &self.words)
        };
        self.list.iter().filter(has).collect()
    }

    /// The course of a run.
    pub fn course(&self, name: &str) -> Option<&LossHistory> {
        let place = self.list.iter().position(|run| run.name == name)?;
        let (run, course) = (self.list.get(place)?, self.courses.get(place)?);
        Some(course.get_or_init(|| LossHistory::of(&run.metrics)))
    }

    /// Where the selection is among those shown; the newest where nobody chose.
    pub fn place(&self) -> usize {
        let chosen = self.selected.as_deref();
        self.shown().iter().position(|run| Some(run.name.as_str()) == chosen).unwrap_or(0)
    }

    pub fn selected(&self) -> Option<&RunSummary> {
        self.shown().get(self.place()).copied()
    }

    /// Selects a run by its place among those shown; true if it was selected already.
    pub fn select(&mut self, place: usize) -> bool {
        let before = self.place();
        self.selected = self.shown().get(place).map(|run| run.name.clone());
        self.place() == before
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
        const VISIBLE: usize = 6;
        if let Some(place) = moved(action, self.place(), self.shown().len(), VISIBLE) {
            self.select(place);
        }
    }
}

/// Steps that a run has done.
pub fn done(run: &RunSummary) -> usize {
    run.metrics.last().map_or(0, |line| line.step)
}

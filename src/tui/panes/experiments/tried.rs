//! What was tried in this home, newest first: rounds and experiments in one list, and which of them is
//! selected. Knows nothing of how they look.

use crate::driver::StoredExperiments;
use crate::experiments::{ExperimentRecord, Unfinished};
use crate::improve::StoredRound;
use crate::store::Holder;
use crate::tui::action::Action;
use crate::tui::widgets::{has_words, moved};
use std::cell::Cell;
use std::sync::Arc;

/// What stands in a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum What<'a> {
    /// It runs, and has no folder yet.
    Starting,
    Round(&'a StoredRound),
    Experiment(&'a ExperimentRecord),
    /// It was stopped before its first arm had ended.
    Unfinished(&'a Unfinished),
}

/// One row, by the name of its folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    /// The other process that works on it now.
    pub(super) elsewhere: Option<Holder>,
    pub(super) what: What<'a>,
}

impl Row<'_> {
    /// What a search finds it by.
    fn words(&self) -> String {
        let name = self.name;
        match self.what {
            What::Starting => name.to_owned(),
            What::Round(round) => {
                let adapter = round.result.as_ref().and_then(|result| result.adapter.as_deref());
                format!("{name} {} {}", round.record.set, adapter.unwrap_or_default())
            }
            What::Experiment(record) => format!("{name} {} {}", record.name, record.hypothesis),
            What::Unfinished(one) => format!("{name} {}", one.name),
        }
    }

    /// It was stopped, if it does not run now.
    pub(super) fn is_unfinished(&self) -> bool {
        match self.what {
            What::Starting => false,
            What::Round(round) => round.result.is_none(),
            What::Experiment(record) => record.ended.is_none(),
            What::Unfinished(_) => true,
        }
    }
}

/// The list.
#[derive(Debug, Default)]
pub(super) struct Tried {
    pub(super) stored: Arc<StoredExperiments>,
    /// The list has been read at least once.
    pub(super) known: bool,
    /// By name, so that it stays where it is when newer ones come; none is the newest.
    selected: Option<String>,
    /// Only rows with these words are shown.
    pub(super) words: String,
    /// The first visible row.
    pub(super) first: Cell<usize>,
}

impl Tried {
    pub(super) fn set(&mut self, stored: Arc<StoredExperiments>) {
        self.stored = stored;
        self.known = true;
    }

    /// All rows; `live` is the name of what runs now, empty while it has none.
    pub(super) fn rows<'a>(&'a self, live: Option<&'a str>) -> Vec<Row<'a>> {
        let stored = &*self.stored;
        let recorded = |unfinished: &&Unfinished| {
            !stored.experiments.iter().any(|known| known.experiment == unfinished.experiment)
        };
        let row = |name: &'a str, what| Row {
            name,
            elsewhere: stored.elsewhere.get(name).copied(),
            what,
        };
        let rounds = stored.rounds.iter().map(|round| row(&round.name, What::Round(round)));
        let experiments = stored
            .experiments
            .iter()
            .map(|record| row(&record.experiment, What::Experiment(record)));
        let unfinished = stored
            .unfinished
            .iter()
            .filter(recorded)
            .map(|one| row(&one.experiment, What::Unfinished(one)));
        // What runs is always there: it can be stopped.
        let shown = |row: &Row| Some(row.name) == live || has_words(&row.words(), &self.words);
        let all = rounds.chain(experiments).chain(unfinished);
        let mut rows: Vec<Row> = all.filter(shown).collect();
        rows.sort_by(|a, b| time_of(b.name).cmp(time_of(a.name)));
        if let Some(live) = live
            && !rows.iter().any(|row| row.name == live)
        {
            rows.insert(0, row(live, What::Starting));
        }
        rows
    }

    /// Where the selection is in `rows`.
    pub(super) fn place(&self, rows: &[Row]) -> usize {
        let selected = self.selected.as_deref();
        rows.iter().position(|row| Some(row.name) == selected).unwrap_or(0)
    }

    /// Anything was tried, shown or not.
    pub(super) fn has_any(&self) -> bool {
        let stored = &*self.stored;
        !stored.rounds.is_empty() || !stored.experiments.is_empty() || !stored.unfinished.is_empty()
    }

    pub(super) fn select(&mut self, name: Option<String>) {
        self.selected = name;
    }

    /// Moves the selection; true when it is another one now.
    pub(super) fn act(&mut self, action: Action, live: Option<&str>) -> bool {
        let rows = self.rows(live);
        let place = self.place(&rows);
        let action = match action {
            Action::Left => Action::Up,
            Action::Right => Action::Down,
            other => other,
        };
        // Pages are those of the text beside the list.
        let to = moved(action, place, rows.len(), 1).unwrap_or(place);
        let name = rows.get(to).map(|row| row.name.to_owned());
        self.selected = name;
        to != place
    }
}

/// The time in a folder's name, which is behind the kind: names of both kinds sort by it.
fn time_of(name: &str) -> &str {
    name.split_once('_').map_or(name, |(_, time)| time)
}

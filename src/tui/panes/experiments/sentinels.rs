//! What every adapter cost elsewhere: the cursor in the matrix of adapters and sentinel areas, and the
//! answers behind one cell.

use crate::driver::{Effect, Report};
use crate::improve::{SentinelMatrix, SentinelPair, SentinelRow};
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::pane::Context;
use crate::tui::widgets::{Scroll, has_words, moved};
use std::borrow::Cow;
use std::cell::Cell;

/// An open cell.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) round: String,
    pub(super) adapter: String,
    pub(super) area: String,
    pub(super) answers: Answers,
    pub(super) scroll: Scroll,
}

#[derive(Debug)]
pub(super) enum Answers {
    Coming,
    Here(Vec<SentinelPair>),
    Failed(String),
}

/// Where one is in the matrix.
#[derive(Debug, Default)]
pub(super) struct Sentinels {
    /// The round of the row under the cursor; none is the newest.
    row: Option<String>,
    column: usize,
    pub(super) opened: Option<Opened>,
    /// Only adapters with these words in their name or their round's are shown.
    pub(super) words: String,
    /// The first visible row and column.
    pub(super) first: Cell<(usize, usize)>,
}

impl Sentinels {
    /// What of `all` the search leaves.
    pub(super) fn shown<'a>(&self, all: &'a SentinelMatrix) -> Cow<'a, SentinelMatrix> {
        if self.words.is_empty() {
            return Cow::Borrowed(all);
        }
        let has =
            |row: &&SentinelRow| has_words(&format!("{} {}", row.adapter, row.round), &self.words);
        let rows = all.rows.iter().filter(has).cloned().collect();
        Cow::Owned(SentinelMatrix { areas: all.areas.clone(), rows })
    }

    /// Row and column under the cursor.
    pub(super) fn place(&self, matrix: &SentinelMatrix) -> (usize, usize) {
        let round = self.row.as_deref();
        let found = matrix.rows.iter().position(|row| Some(row.round.as_str()) == round);
        let row = found.unwrap_or(matrix.rows.len().saturating_sub(1));
        (row, self.column.min(matrix.areas.len().saturating_sub(1)))
    }

    /// The row under the cursor and its area.
    pub(super) fn cell<'a>(&self, matrix: &'a SentinelMatrix) -> Option<(&'a SentinelRow, usize)> {
        let (row, column) = self.place(matrix);
        let row = matrix.rows.get(row)?;
        matrix.areas.get(column).map(|_| (row, column))
    }

    /// It has been measured, so that there may be answers.
    pub(super) fn can_open(&self, matrix: &SentinelMatrix) -> bool {
        let cell = self.cell(matrix).and_then(|(row, column)| row.cells.get(column));
        self.opened.is_none() && cell.is_some_and(Option::is_some)
    }

    pub(super) fn open(&mut self, matrix: &SentinelMatrix, context: &mut Context) {
        let Some((row, column)) = self.cell(matrix).filter(|_| self.can_open(matrix)) else {
            return;
        };
        let Some(area) = matrix.areas.get(column) else { return };
        let round = row.round.clone();
        context.perform(Effect::OpenSentinels { round: round.clone(), area: area.clone() });
        self.opened = Some(Opened {
            round,
            adapter: row.adapter.clone(),
            area: area.clone(),
            answers: Answers::Coming,
            scroll: Scroll::at_top(),
        });
    }

    /// Selects a cell by its place, counted through the rows; true if it was selected already.
    pub(super) fn select(&mut self, place: usize, matrix: &SentinelMatrix) -> bool {
        let before = self.place(matrix);
        let columns = matrix.areas.len().max(1);
        self.row = matrix.rows.get(place / columns).map(|row| row.round.clone());
        self.column = place % columns;
        self.place(matrix) == before
    }

    /// Moves in what is in front.
    pub(super) fn act(&mut self, action: Action, matrix: &SentinelMatrix) {
        if let Some(opened) = &mut self.opened {
            opened.scroll.act(action);
            return;
        }
        let (row, column) = self.place(matrix);
        const VISIBLE: usize = 11;
        let row = moved(action, row, matrix.rows.len(), VISIBLE).unwrap_or(row);
        self.column = match action {
            Action::Left => column.saturating_sub(1),
            Action::Right => (column + 1).min(matrix.areas.len().saturating_sub(1)),
            _ => column,
        };
        self.row = matrix.rows.get(row).map(|row| row.round.clone());
    }

    pub(super) fn report(&mut self, report: &Report) {
        let Some(opened) = &mut self.opened else { return };
        match report {
            Report::SentinelAnswers { round, area, pairs }
                if *round == opened.round && *area == opened.area =>
            {
                opened.answers = Answers::Here(pairs.clone());
            }
            Report::Failed { what: "open the sentinels", why } => {
                opened.answers = Answers::Failed(plain_line(why));
            }
            _ => {}
        }
    }
}

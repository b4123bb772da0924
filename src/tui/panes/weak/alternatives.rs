//! What the model expected where a token of an example stands: asked for one example at a time, kept as long as
//! the figures are, and shown for the token under the cursor.

use super::WeakPane;
use super::figures::percent;
use super::found::Item;
use crate::driver::{Effect, MeasuredItem, TokenAlternatives, WeakFound, WorkEvent, WorkId};
use crate::store::plain_line;
use crate::tui::pane::{Context, ModelState};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, pad};
use crate::workplace::ArmChoice;
use ratatui::text::{Line, Span};
use std::collections::HashMap;
use unicode_width::UnicodeWidthStr;

/// Columns of a token and of its bar.
const TOKEN: usize = 18;
const BAR: usize = 30;

/// By example; of one measurement.
#[derive(Debug, Default)]
pub(super) struct Alternatives {
    arm: String,
    /// SHA-256 of the model that was measured.
    model: String,
    /// By id; or why there are none.
    found: HashMap<String, Result<Vec<TokenAlternatives>, String>>,
    asked: Option<(WorkId, String, usize)>,
}

impl Alternatives {
    /// For other figures.
    pub(super) fn begin_anew(&mut self, weak: &WeakFound, context: &mut Context) {
        if let Some((work, ..)) = self.asked.take() {
            context.perform(Effect::Cancel(work));
        }
        let model = loaded(&context.shared.model).unwrap_or_default().to_owned();
        *self = Self { arm: weak.arm.clone(), model, ..Self::default() };
    }

    /// Asks, unless it is known or another example is looked at; that one's end asks again.
    pub(super) fn ask(&mut self, item: &MeasuredItem, context: &mut Context) {
        let id = &item.example.id;
        if self.asked.is_some() || self.found.contains_key(id) {
            return;
        }
        if loaded(&context.shared.model) != Some(self.model.as_str()) {
            let why = "another model is loaded than was measured: m measures anew";
            self.found.insert(id.clone(), Err(why.into()));
            return;
        }
        let arm = match self.arm.as_str() {
            "base" => ArmChoice::Base,
            adapter => ArmChoice::Adapter(adapter.to_owned()),
        };
        let work = context.new_work();
        self.asked = Some((work, id.clone(), item.tokens.len()));
        context.perform(Effect::LookAtTokens {
            work,
            example: Box::new(item.example.clone()),
            arm,
        });
    }

    /// True when an answer has come, so that the next may be asked for.
    pub(super) fn event(&mut self, work: WorkId, event: &WorkEvent) -> bool {
        if !event.is_final() {
            return false;
        }
        let Some((_, id, tokens)) = self.asked.take_if(|(asked, ..)| *asked == work) else {
            return false;
        };
        let came = match event {
            WorkEvent::TokensLookedAt(found) if found.len() == tokens => Ok(found.clone()),
            WorkEvent::Failed(why) => Err(plain_line(why)),
            _ => Err("it could not be said".into()),
        };
        self.found.insert(id, came);
        true
    }

    pub(super) fn of(&self, id: &str) -> Option<&Result<Vec<TokenAlternatives>, String>> {
        self.found.get(id)
    }

    fn is_asked(&self, id: &str) -> bool {
        self.asked.as_ref().is_some_and(|(_, asked, _)| asked == id)
    }
}

fn loaded(model: &ModelState) -> Option<&str> {
    match model {
        ModelState::Ready(facts) => Some(&facts.sha256),
        ModelState::Coming(..) | ModelState::Failed(_) => None,
    }
}

/// A token as text in which spaces are seen.
pub(super) fn quoted(text: &str) -> String {
    match text {
        "" => "the beginning of a character".into(),
        "⏎" => "⏎".into(),
        text => {
            let seen = text.replace(' ', "␣").replace('\n', "¶").replace('\t', "→");
            format!("“{}”", plain_line(&seen))
        }
    }
}

/// What is known of the token under the cursor, or why nothing is.
fn known<'a>(pane: &'a WeakPane, item: &Item) -> Result<&'a TokenAlternatives, String> {
    let id = &item.measured.example.id;
    match pane.alternatives.of(id) {
        Some(Ok(found)) => found.get(pane.token).ok_or_else(String::new),
        Some(Err(why)) => Err(format!("no alternatives: {why}")),
        None if pane.alternatives.is_asked(id) => Err("looking at what was expected here …".into()),
        None => Err("← → show what the model expected here".into()),
    }
}

/// As many of the expected tokens as one line holds.
pub(super) fn line(pane: &WeakPane, item: &Item, width: usize, theme: &Theme) -> Line<'static> {
    let here = match known(pane, item) {
        Ok(here) => here,
        Err(words) => return Line::styled(elide(&words, width), theme.dim),
    };
    let rank = format!("rank {} · expected ", here.rank);
    let mut used = rank.width();
    let mut spans = vec![Span::styled(rank, theme.dim)];
    for (text, probability) in &here.likeliest {
        let words = format!("{} {}  ", quoted(text), percent(f64::from(*probability)));
        if used + words.trim_end().width() > width {
            break;
        }
        used += words.width();
        spans.push(Span::raw(words));
    }
    Line::from(spans)
}

/// A row for each, with its probability drawn; the token that stands there is marked, or follows with its rank.
pub(super) fn lines(
    pane: &WeakPane,
    item: &Item,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let here = match known(pane, item) {
        Ok(here) => here,
        Err(words) => return vec![Line::styled(elide(&words, width), theme.dim)],
    };
    let bar = BAR.min(width.saturating_sub(TOKEN + 20));
    let row = |rank: usize, text: &str, probability: f32, stands: bool| {
        let columns = (f64::from(probability) * bar as f64).round() as usize;
        let style = if stands { theme.accent } else { theme.text };
        let mark = if stands { "▸" } else { " " };
        Line::from(vec![
            Span::styled(format!("{mark}{rank:>7}  "), style),
            Span::styled(pad(&elide(&quoted(text), TOKEN), TOKEN), style),
            Span::styled(format!("{:>9} ", percent(f64::from(probability))), style),
            Span::styled("█".repeat(columns.min(bar)), theme.series[1]),
        ])
    };
    let mut lines = vec![Line::styled("    rank  expected in its place", theme.dim)];
    for (place, (text, probability)) in here.likeliest.iter().enumerate() {
        lines.push(row(place + 1, text, *probability, place + 1 == here.rank));
    }
    if here.rank > here.likeliest.len()
        && let Some((text, _)) = item.measured.tokens.get(pane.token)
    {
        lines.push(row(here.rank, text, here.probability, true));
    }
    // As many whatever the token, so that the text above stays where it is.
    lines.resize(here.likeliest.len() + 2, Line::default());
    lines
}

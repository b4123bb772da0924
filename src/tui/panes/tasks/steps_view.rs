//! How a task that is carried out looks: its steps as they come, what comes now, and at the end the answer,
//! set apart.

use super::acting::{Acting, Now};
use super::conversation::{Attempt, AttemptState};
use crate::driver::Acted;
use crate::store::ActEnding;
use crate::tui::pane::{ModelState, Shared};
use crate::tui::panes::step_lines::{INDENT, action_lines, step_lines};
use crate::tui::widgets::{spinner, stars, wrap};
use ratatui::text::{Line, Span};

/// Rows of an output; Sessions shows more.
const OUTPUT_ROWS: usize = 12;
/// Stands before every row of the answer.
const BAR: &str = "▌ ";
/// The tool whose text is the answer.
const ANSWER: &str = "answer";

pub fn lines(
    attempt: &Attempt,
    acting: &Acting,
    width: usize,
    shared: &Shared,
) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = Vec::new();
    let has_answer = matches!(&attempt.state, AttemptState::Acted(acted) if acted.answer.is_some());
    for (place, step) in acting.steps.iter().enumerate() {
        let is_answer = has_answer
            && place + 1 == acting.steps.len()
            && step.words.split(' ').next() == Some(ANSWER);
        match is_answer {
            // Its text follows in full.
            true => lines.extend(action_lines(step.step, ANSWER, width, theme)),
            false => lines.extend(step_lines(step, width, OUTPUT_ROWS, theme)),
        }
    }
    match &attempt.state {
        AttemptState::Waiting | AttemptState::Writing => now(acting, width, shared, &mut lines),
        AttemptState::Acted(acted) => ended(attempt, acted, width, shared, &mut lines),
        AttemptState::Cancelled => {
            let words = match acting.steps.is_empty() {
                true => "cancelled before it began",
                false => "cancelled",
            };
            lines.push(Line::styled(words, theme.dim));
        }
        AttemptState::Failed(why) => {
            let rows = wrap(&format!("! {why}"), width);
            lines.extend(rows.into_iter().map(|row| Line::styled(row, theme.bad)));
        }
        AttemptState::Done(_) => {}
    }
    lines
}

/// What comes now.
fn now(acting: &Acting, width: usize, shared: &Shared, lines: &mut Vec<Line<'static>>) {
    let theme = &shared.theme;
    let words = match &acting.now {
        Now::Beginning => match shared.model {
            ModelState::Ready(_) => "waiting for the model".to_owned(),
            ModelState::Coming(..) => "will begin as soon as the model is there".to_owned(),
            ModelState::Failed(_) => "there is no model".to_owned(),
        },
        Now::Choosing(step) => format!("choosing step {step}"),
        Now::Doing(step, action) => {
            lines.extend(action_lines(*step, action, width, theme));
            if acting.waiting.is_some() {
                let words = format!("{:INDENT$}? waits for your word", "");
                lines.push(Line::styled(words, theme.warning));
                return;
            }
            format!("doing step {step}")
        }
    };
    let mark = spinner(shared.ticks);
    let cancel = shared.keymap.key("cancel-answer");
    let words = format!(" {mark}  {words} · {cancel} cancels");
    lines.push(Line::styled(words, theme.warning));
}

/// The answer, or why there is none; then the figures.
fn ended(
    attempt: &Attempt,
    acted: &Acted,
    width: usize,
    shared: &Shared,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = &shared.theme;
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    match acted.answer.as_deref().filter(|answer| !answer.trim().is_empty()) {
        Some(answer) => {
            let rows = attempt.lines.of(answer, width.saturating_sub(2), shared.reading());
            for row in rows.iter().cloned() {
                let bar = std::iter::once(Span::styled(BAR, theme.good));
                lines.push(bar.chain(row.spans).collect());
            }
        }
        None => {
            let words = match acted.ended {
                ActEnding::Answered => "the answer is empty",
                other => other.words(),
            };
            // What a person wanted is no trouble.
            lines.push(match acted.ended {
                ActEnding::Cancelled => Line::styled(words, theme.dim),
                _ => Line::styled(format!("! {words}"), theme.warning),
            });
        }
    }
    let arm = match acted.blind && attempt.stars.is_none() {
        true => "arm hidden until rated",
        false => &acted.arm,
    };
    let steps = match acted.steps {
        1 => "1 step".to_owned(),
        steps => format!("{steps} steps"),
    };
    let figures = format!("  {steps} · {:.1} tokens/s · {arm}", acted.tokens_per_second);
    lines.push(Line::from(vec![
        Span::styled(stars(attempt.stars), theme.stars),
        Span::styled(figures, theme.dim),
    ]));
}

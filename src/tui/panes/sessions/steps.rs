//! The steps of a task that was carried out, as a part of its session's text: what the model saw, what it
//! did, what came of it, and what a person said of it. Then how it would have been done.

use super::acted;
use super::detail::Text;
use crate::store::{CheckRecord, DemonstrationFrom, Iteration, Session, plain, plain_line};
use crate::tui::panes::step_lines::{INDENT, action_lines, step_lines};
use crate::tui::widgets::{elide, stars, wrap};
use ratatui::text::{Line, Span};

/// Rows of an output; all of it stands in the session's file.
const OUTPUT_ROWS: usize = 40;
/// Rows of what the model saw before the selected step.
const SEEN_ROWS: usize = 12;

/// What of a session its steps are told from.
pub struct Steps<'s> {
    pub session: &'s Session,
    /// From 0.
    pub selected: Option<usize>,
}

impl Steps<'_> {
    pub fn add_to(&self, text: &mut Text) {
        let session = self.session;
        text.title("Steps");
        if session.iterations.is_empty() {
            text.lines.push(Line::styled("  None was made.", text.theme.dim));
        }
        for (place, step) in session.iterations.iter().enumerate() {
            text.steps.push(text.lines.len());
            let selected = self.selected == Some(place);
            saw(step, selected, text);
            let shown = acted::step(place + 1, step);
            let mut lines = step_lines(&shown, text.width, OUTPUT_ROWS, text.theme);
            if let Some(first) = lines.first_mut().filter(|_| selected) {
                // The mark stands where the number has room for it.
                let number = format!("›{:<3}", place + 1);
                if let Some(span) = first.spans.first_mut() {
                    *span = Span::styled(number, text.theme.selected);
                }
            }
            text.lines.append(&mut lines);
            self.said(place, text);
        }
        text.lines.push(Line::default());
        let act = session.kaizen.as_ref().and_then(|record| record.act.as_ref());
        if let Some(check) = act.and_then(|act| act.check.as_ref()) {
            checked(check, text);
        }
    }

    /// What a person said of a step.
    fn said(&self, place: usize, text: &mut Text) {
        let Some(said) = self.session.step_feedback(place as u64 + 1) else { return };
        let theme = text.theme;
        if said.stars.is_some() {
            let given = stars(said.stars.map(|stars| stars.get()));
            text.lines.push(Line::from(vec![
                Span::raw(" ".repeat(INDENT + 2)),
                Span::styled(given, theme.stars),
            ]));
        }
        if let Some(correction) = &said.correction {
            let words = format!("should have been: {}", acted::told(correction));
            for row in wrap(&words, text.width.saturating_sub(INDENT + 2)) {
                text.lines.push(Line::from(vec![
                    Span::raw(" ".repeat(INDENT + 2)),
                    Span::styled(row, theme.person),
                ]));
            }
        }
    }
}

/// What the model saw before a step: a line of it, or more where the step is selected.
fn saw(step: &Iteration, selected: bool, text: &mut Text) {
    let Some(seen) = step.seen() else { return };
    let room = text.width.saturating_sub(INDENT + "saw  ".len());
    let seen = plain(seen);
    let mut given = seen.lines().filter(|line| !line.trim().is_empty());
    let most = if selected { SEEN_ROWS } else { 1 };
    let shown: Vec<String> = given.by_ref().take(most).map(|line| elide(line, room)).collect();
    let more = given.count();
    let last = shown.len().saturating_sub(1);
    for (row, line) in shown.into_iter().enumerate() {
        let name = if row == 0 { "saw  " } else { "     " };
        let mut words = format!("{:INDENT$}{name}{line}", "");
        if row == last && more > 0 {
            let noun = if more == 1 { "line" } else { "lines" };
            let note = format!(" … {more} more {noun}");
            let kept = elide(&line, room.saturating_sub(note.chars().count()));
            words = format!("{:INDENT$}{name}{kept}{note}", "");
        }
        text.lines.push(Line::styled(words, text.theme.dim));
    }
}

/// What a checked task's check said.
fn checked(check: &CheckRecord, text: &mut Text) {
    let (words, style) = match check.passed {
        true => ("passed", text.theme.good),
        false => ("failed", text.theme.bad),
    };
    let words = format!("{words}: {} ({})", plain_line(&check.task), plain_line(&check.area));
    text.part("Check", &words, style);
}

impl Text<'_> {
    /// How the task would have been done.
    pub fn demonstration(&mut self, session: &Session) {
        let act = session.kaizen.as_ref().and_then(|record| record.act.as_ref());
        let Some(shown) = act.and_then(|act| act.demonstration.as_ref()) else { return };
        self.title(match shown.from {
            DemonstrationFrom::Expected => "Would have been done so",
            DemonstrationFrom::Retry => "Was done so in another try",
        });
        for (place, step) in shown.steps.iter().enumerate() {
            let words = acted::told(&step.action);
            let mut lines = action_lines(place + 1, &words, self.width, self.theme);
            self.lines.append(&mut lines);
        }
        if let Some(other) = &shown.session {
            let words = format!("{:INDENT$}in {}", "", plain_line(other.as_str()));
            self.lines.push(Line::styled(words, self.theme.dim));
        }
        self.lines.push(Line::default());
    }
}

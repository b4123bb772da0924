//! An experiment's record: arms with intervals, what is claimed of them, and their training curves.

use super::round_view::{badge, heading, minute, threshold};
use super::{arm_chart, words};
use crate::experiments::{ArmResult, ExperimentRecord, Unfinished};
use crate::store::plain_line;
use crate::tui::panes::outcome::{change, change_bars, coloured, facts_lines, perplexity};
use crate::tui::theme::Theme;
use crate::tui::widgets::{Column, duration, elide, table, wrap};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows of the chart of curves, its legend included.
const CHART: u16 = 12;

/// Columns of an arm's name beside its interval.
const NAME: usize = 15;

/// Of a stored one that has no end yet, `unfinished` is said.
pub(super) fn lines(
    record: &ExperimentRecord,
    unfinished: Option<&str>,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = badge(words::claim(record.verdict, theme), &record.name, width);
    if let Some(words) = unfinished.filter(|_| record.ended.is_none()) {
        lines.push(Line::styled(elide(words, width), theme.warning));
    }
    let hypothesis = wrap(&plain_line(&record.hypothesis), width);
    lines.extend(hypothesis.into_iter().map(|line| Line::styled(line, theme.text)));
    lines.push(Line::default());
    lines.extend(arm_table(record, width, theme));
    lines.extend(heading("Change, 95 % over seeds and items", theme));
    let bars: Vec<_> =
        record.arms.iter().map(|arm| (plain_line(&arm.name), arm.change, arm.ci95)).collect();
    lines.extend(change_bars(&bars, width, theme));
    if !record.comparisons.is_empty() {
        lines.extend(heading("What is claimed", theme));
    }
    for comparison in &record.comparisons {
        let (mark, style) = words::claim(Some(comparison.claim), theme);
        let mark = mark.chars().next().unwrap_or(' ');
        let corrected = comparison.p_holm.or(comparison.p);
        let p = corrected.map(|p| format!(", p = {p:.3}")).unwrap_or_default();
        let words = plain_line(&format!("{}{p}", comparison.words));
        for (nth, line) in wrap(&words, width.saturating_sub(2)).into_iter().enumerate() {
            let mark = if nth == 0 { mark } else { ' ' };
            lines.push(Line::from(vec![Span::styled(format!("{mark} "), style), Span::raw(line)]));
        }
    }
    lines.extend(heading("Nats a token: the first, the rest, the end", theme));
    lines.extend(parts_table(record, width, theme));
    let curves = arm_chart::curves_of(record);
    if !curves.is_empty() {
        lines.extend(heading("Loss while they trained, means over seeds", theme));
        let curves: Vec<_> = curves.iter().map(|(place, curve)| (*place, curve)).collect();
        lines.extend(arm_chart::lines(&curves, width, CHART, theme));
    }
    lines.push(Line::default());
    lines.extend(facts_lines(&facts(record), width, theme));
    lines
}

/// One that was stopped before it had anything to show.
pub(super) fn unfinished_lines(
    one: &Unfinished,
    unfinished: &str,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line> =
        wrap(unfinished, width).into_iter().map(|line| Line::styled(line, theme.warning)).collect();
    lines.push(Line::default());
    let facts = [
        ("experiment", plain_line(&one.experiment)),
        ("which", plain_line(&one.name)),
        ("started", minute(&one.started)),
    ];
    lines.extend(facts_lines(&facts, width, theme));
    lines
}

fn facts(record: &ExperimentRecord) -> Vec<(&'static str, String)> {
    let setup = &record.setup;
    let areas: Vec<String> = setup.targeted.iter().map(|area| plain_line(area)).collect();
    let seeds: Vec<String> = setup.seeds.iter().map(u64::to_string).collect();
    vec![
        ("experiment", plain_line(&record.experiment)),
        ("set", words::set(&setup.set)),
        ("base", plain_line(&setup.base)),
        (
            "weak",
            format!(
                "{} examples over perplexity {} in {}",
                setup.weak,
                threshold(setup.threshold),
                areas.join(", ")
            ),
        ),
        ("held-out", format!("{} items in {} groups", setup.held_out, setup.groups)),
        ("seeds", seeds.join(", ")),
        ("started", minute(&record.started)),
        (
            "took",
            format!("{}, expected {}", duration(setup.seconds), duration(setup.estimated_seconds)),
        ),
    ]
}

/// A column over the arms of a record.
fn column(
    record: &ExperimentRecord,
    heading: &str,
    rank: u8,
    right: bool,
    cell: impl Fn(&ArmResult) -> (String, Style),
) -> Column {
    let cells = record.arms.iter().map(cell).collect();
    Column { heading: heading.to_owned(), cells, right, rank }
}

/// The arms in figures.
fn arm_table(record: &ExperimentRecord, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let none = || ("–".to_owned(), theme.dim);
    let columns = vec![
        column(record, "arm", 9, false, |arm| (elide(&plain_line(&arm.name), NAME), theme.text)),
        column(record, "examples", 4, true, |arm| {
            let examples = arm.seeds.first().map_or(0, |seed| seed.examples);
            (examples.to_string(), theme.dim)
        }),
        column(record, "perplexity", 7, true, |arm| {
            (format!("{} → {}", perplexity(arm.before), perplexity(arm.after)), theme.text)
        }),
        column(record, "change", 8, true, |arm| (change(arm.change), coloured(arm.change, theme))),
        column(record, "95 %", 6, true, |arm| match arm.ci95 {
            Some([low, high]) => {
                (format!("{:+.1} to {:+.1}", low * 100.0, high * 100.0), theme.dim)
            }
            None => none(),
        }),
        column(record, "right, %", 5, true, |arm| {
            match (arm.accuracy_before, arm.accuracy_after) {
                (Some(before), Some(after)) => {
                    (format!("{:.0} → {:.0}", before * 100.0, after * 100.0), theme.text)
                }
                _ => none(),
            }
        }),
    ];
    table(columns, width, theme.accent)
}

/// The three parts of the score: an arm may have learnt when to stop, and nothing else.
fn parts_table(record: &ExperimentRecord, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let nats = |before: f64, after: f64| (format!("{before:.2} → {after:.2}"), theme.text);
    let columns = vec![
        column(record, "arm", 9, false, |arm| (elide(&plain_line(&arm.name), NAME), theme.text)),
        column(record, "first", 3, true, |arm| nats(arm.parts_before.first, arm.parts_after.first)),
        column(record, "rest", 1, true, |arm| {
            match (arm.parts_before.rest, arm.parts_after.rest) {
                (Some(before), Some(after)) => nats(before, after),
                _ => ("–".to_owned(), theme.dim),
            }
        }),
        column(record, "end of turn", 2, true, |arm| {
            nats(arm.parts_before.end_of_turn, arm.parts_after.end_of_turn)
        }),
    ];
    table(columns, width, theme.accent)
}

//! Measured changes as Compare and Experiments show them alike: figures, the table of areas, guards. Knows
//! the gate's words, not where they come from.

use crate::eval::{AccuracyOutcome, AreaOutcome, Guard};
use crate::improve::HeldOut;
use crate::report::Table;
use crate::store::plain_line;
use crate::tui::theme::Theme;
use crate::tui::widgets::{Column, elide, interval_bar, pad, table, wrap};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Columns of the drawn interval.
const BAR: usize = 25;

/// Over the side of the drawn intervals that is better.
pub const BETTER: &str = "◂ better";

/// A label and what stands beside it.
pub type Fact = (&'static str, String);

/// The primary question's figures.
pub fn held_out_facts(held_out: &HeldOut) -> Vec<Fact> {
    let figures = format!(
        "perplexity {} → {}, {}{}",
        perplexity(held_out.a),
        perplexity(held_out.b),
        change(held_out.change),
        interval(held_out.ci95)
    );
    let evidence = format!(
        "p = {:.4}, needs {:.4} · {} items in {} groups",
        held_out.p, held_out.alpha, held_out.items, held_out.groups
    );
    vec![("held-out", figures), ("evidence", evidence)]
}

/// Shares of right answers before and after.
pub fn right_fact(right: &AccuracyOutcome) -> Fact {
    let [low, high] = right.ci95.map(|share| share * 100.0);
    let words = format!(
        "{:.0} % → {:.0} % of {} answers, {:+.0} points, 95 % {low:+.0} to {high:+.0}",
        right.a * 100.0,
        right.b * 100.0,
        right.n,
        right.change * 100.0,
    );
    ("right", words)
}

/// An interval behind its figure; nothing where there is none.
pub fn interval(ci95: Option<[f64; 2]>) -> String {
    ci95.map(|[low, high]| format!(", 95 % {} to {}", change(low), change(high)))
        .unwrap_or_default()
}

/// Columns of a label at least.
const LABEL: usize = 10;

/// Areas, then sentinels, with the interval drawn where there is room.
pub fn area_table(
    areas: &[AreaOutcome],
    sentinels: &[AreaOutcome],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let rows: Vec<(&AreaOutcome, bool)> = areas
        .iter()
        .map(|area| (area, false))
        .chain(sentinels.iter().map(|area| (area, true)))
        .collect();
    let column =
        |heading: &str, rank, right, cell: &dyn Fn(&AreaOutcome, bool) -> (String, Style)| Column {
            heading: heading.to_owned(),
            cells: rows.iter().map(|(area, sentinel)| cell(area, *sentinel)).collect(),
            right,
            rank,
        };
    let extent = rows
        .iter()
        .filter_map(|(area, _)| area.ci95)
        .flatten()
        .chain(rows.iter().map(|(area, _)| area.change))
        .filter(|value| value.is_finite())
        .fold(0.01, |most: f64, value| most.max(value.abs()));
    let share = |value: Option<f64>| value.map_or("–".into(), |v| format!("{:.0}", v * 100.0));
    let mut columns = vec![
        column("area", 9, false, &|area, sentinel| {
            let name = plain_line(&area.area);
            match sentinel {
                true => (format!("sentinel {name}"), theme.dim),
                false => (name, theme.text),
            }
        }),
        column("n", 6, true, &|area, _| (area.n.to_string(), theme.dim)),
        column("perplexity", 8, true, &|area, _| {
            (format!("{} → {}", perplexity(area.a), perplexity(area.b)), theme.text)
        }),
        column("change", 7, true, &|area, _| {
            let mark = if area.change < 0.0 { "▼" } else { "▲" };
            (format!("{mark} {}", change(area.change)), coloured(area.change, theme))
        }),
        column("95 % interval, %", 5, true, &|area, _| {
            let shown =
                area.ci95.map(|[low, high]| format!("{:+.1} to {:+.1}", low * 100.0, high * 100.0));
            (shown.unwrap_or_else(|| "–".into()), theme.dim)
        }),
        column("right, %", 4, true, &|area, _| match (area.accuracy_a, area.accuracy_b) {
            (None, None) => ("–".into(), theme.dim),
            (a, b) => (format!("{} → {}", share(a), share(b)), theme.text),
        }),
    ];
    // Beside the numbers, never in their place.
    let bar_heading = format!("{:<12}0{:>12}", BETTER, "worse ▸");
    columns.push(column(&bar_heading, 0, false, &|area, _| {
        let bar = interval_bar([-extent, extent], area.change, area.ci95, Some(0.0), BAR);
        (bar, coloured(area.change, theme))
    }));
    table(columns, width, theme.accent)
}

/// The changes of the areas with their intervals, for screens on which the table has no room for them.
pub fn area_bars(
    areas: &[AreaOutcome],
    sentinels: &[AreaOutcome],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let rows: Vec<_> = areas
        .iter()
        .chain(sentinels)
        .map(|area| (plain_line(&area.area), area.change, area.ci95))
        .collect();
    let mut lines =
        vec![Line::styled("Change with its 95 % interval, left of 0 is better", theme.accent)];
    lines.extend(change_bars(&rows, width, theme));
    lines
}

/// Columns of a name beside its interval.
const NAME: usize = 15;

/// One row a name, its change and interval drawn on one axis that holds zero.
pub fn change_bars(
    rows: &[(String, f64, Option<[f64; 2]>)],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let values = rows
        .iter()
        .flat_map(|(_, change, ci95)| ci95.iter().flatten().copied().chain([*change]))
        .filter(|value| value.is_finite());
    let [low, high] =
        values.fold([-0.01f64, 0.01f64], |[low, high], value| [low.min(value), high.max(value)]);
    let name = NAME.min(width / 3);
    let bar = width.saturating_sub(name + 10).min(60);
    let mut lines: Vec<Line> = rows
        .iter()
        .map(|(what, by, ci95)| {
            let drawn = interval_bar([low, high], *by, *ci95, Some(0.0), bar);
            let style = coloured(*by, theme);
            Line::from(vec![
                Span::raw(pad(&elide(what, name), name)),
                Span::styled(format!(" {drawn} "), style),
                Span::styled(format!("{:>8}", change(*by)), style),
            ])
        })
        .collect();
    lines.push(axis([low, high], name + 1, bar, theme));
    lines
}

/// The ends of the axis and its zero in figures.
fn axis([low, high]: [f64; 2], before: usize, bar: usize, theme: &Theme) -> Line<'static> {
    let zero = (-low / (high - low) * bar.saturating_sub(1) as f64).round() as usize;
    let (left, right) = (change(low), change(high));
    let mut text = left.clone();
    // The zero goes where a figure stands in its way.
    if zero > left.width() + 1 && zero + 2 + right.width() < bar {
        text += &" ".repeat(zero - left.width());
        text.push('0');
    }
    let gap = bar.saturating_sub(text.width() + right.width());
    text += &" ".repeat(gap);
    if text.width() + right.width() <= bar {
        text += &right;
    }
    Line::styled(format!("{}{text}", " ".repeat(before)), theme.dim)
}

/// Areas, then sentinels, in full precision.
pub fn outcome_table(areas: &[AreaOutcome], sentinels: &[AreaOutcome]) -> Table {
    let mut table = Table::new(&[
        "area",
        "kind",
        "n",
        "before",
        "after",
        "change",
        "change low",
        "change high",
        "right before",
        "right after",
    ]);
    for (kind, areas) in [("area", areas), ("sentinel", sentinels)] {
        for area in areas {
            table.push([
                plain_line(&area.area),
                kind.to_owned(),
                area.n.to_string(),
                area.a.to_string(),
                area.b.to_string(),
                area.change.to_string(),
                Table::number(area.ci95.map(|ends| ends[0])),
                Table::number(area.ci95.map(|ends| ends[1])),
                Table::number(area.accuracy_a),
                Table::number(area.accuracy_b),
            ]);
        }
    }
    table
}

/// Better, worse, or neither.
pub fn coloured(change: f64, theme: &Theme) -> Style {
    match change {
        change if change < 0.0 => theme.good,
        change if change > 0.0 => theme.bad,
        _ => theme.text,
    }
}

/// A guard with its state in words, wrapped.
pub fn guard_lines(guard: &Guard, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let (state, style) = match guard.passed {
        Some(true) => ("✓ passed", theme.good),
        Some(false) => ("✗ FAILED", theme.bad),
        None if guard.measured => ("? undecided", theme.warning),
        None => ("– not measured", theme.warning),
    };
    const STATE: usize = 16;
    let words = plain_line(&format!("{}: {}", guard.name, guard.detail));
    wrap(&words, width.saturating_sub(STATE).max(8))
        .into_iter()
        .enumerate()
        .map(|(place, line)| {
            let state = if place == 0 { state } else { "" };
            Line::from(vec![Span::styled(format!("{state:STATE$}"), style), Span::raw(line)])
        })
        .collect()
}

/// Labels with their words beside them, wrapped.
pub fn facts_lines(
    facts: &[(&'static str, String)],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let label = facts.iter().map(|(label, _)| label.len() + 1).max().unwrap_or(0).max(LABEL);
    let mut lines = Vec::new();
    for (name, words) in facts {
        for (place, line) in wrap(words, width.saturating_sub(label).max(8)).into_iter().enumerate()
        {
            let name = if place == 0 { *name } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!("{name:label$}"), theme.dim),
                Span::styled(line, theme.text),
            ]));
        }
    }
    lines
}

/// A relative change with its sign.
pub fn change(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

/// A perplexity in few columns.
pub fn perplexity(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{value:.1e}"),
        value if value >= 1e3 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

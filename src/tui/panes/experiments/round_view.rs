//! A round that has ended or was stopped: what each phase found, and why it was decided so.

use super::words;
use crate::improve::{Control, ControlResult, Ending, ExampleCounts, RoundResult, StoredRound};
use crate::store::plain_line;
use crate::tui::panes::outcome::{
    Fact, area_table, change, facts_lines, guard_lines, held_out_facts, interval, perplexity,
    right_fact,
};
use crate::tui::theme::Theme;
use crate::tui::widgets::{duration, elide, pad, wrap};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Columns of a rule's words.
const RULE: usize = 26;

/// `unfinished` is said where it has no result.
pub(super) fn lines(
    round: &StoredRound,
    unfinished: &str,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = match &round.result {
        Some(result) => ended(result, width, theme),
        None => wrapped(unfinished, width, theme.warning),
    };
    lines.push(Line::default());
    let record = &round.record;
    let mut facts = vec![
        ("round", plain_line(&round.name)),
        ("set", words::set(&record.set)),
        ("from", plain_line(&record.reference)),
    ];
    if record.iterations > 1 {
        facts.push(("series", format!("{} of {}", record.iteration, record.iterations)));
    }
    facts.push(("started", minute(&record.started)));
    if let Some(result) = &round.result {
        facts.push(("took", duration(result.seconds)));
    }
    lines.extend(facts_lines(&facts, width, theme));
    lines
}

/// Day and minute of an RFC 3339 time.
pub(super) fn minute(time: &str) -> String {
    plain_line(&time.chars().take(16).collect::<String>().replace('T', " "))
}

/// A threshold, which is a round number.
pub(super) fn threshold(value: f64) -> String {
    if value < 1e4 { format!("{value:.1}") } else { perplexity(value) }
}

fn wrapped(text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let lines = wrap(&plain_line(text), width);
    lines.into_iter().map(|line| Line::styled(line, style)).collect()
}

pub(super) fn heading(words: &str, theme: &Theme) -> [Line<'static>; 2] {
    [Line::default(), Line::styled(words.to_owned(), theme.accent)]
}

/// A verdict that stands out, with a few words beside or below it.
pub(super) fn badge((word, style): (&str, Style), words: &str, width: usize) -> Vec<Line<'static>> {
    let bold = style.add_modifier(Modifier::BOLD);
    let mark = Span::styled(word.to_uppercase(), bold.add_modifier(Modifier::REVERSED));
    let words = plain_line(words);
    if word.width() + 2 + words.width() <= width {
        return vec![Line::from(vec![mark, Span::styled(format!("  {words}"), bold)])];
    }
    let mut lines = vec![Line::from(mark)];
    lines.extend(wrap(&words, width).into_iter().map(|line| Line::styled(line, bold)));
    lines
}

fn ended(result: &RoundResult, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let reference = &result.reference;
    let adapter = result.adapter.as_deref().unwrap_or("the adapter");
    let words = match result.decision {
        Ending::Accepted if result.style => {
            format!("{adapter} is better than {reference}, maybe in style alone")
        }
        Ending::Accepted => format!("{adapter} is better than {reference}"),
        Ending::Rejected => format!("{adapter} does not replace {reference}"),
        Ending::CannotTell => format!("whether {adapter} is better than {reference}"),
        Ending::NothingToImprove => "nothing was trained".into(),
        Ending::NoExamples => "no example is good enough to train on".into(),
    };
    let mut lines = badge(words::ending(result.decision, theme), &words, width);
    lines.extend(wrapped(&result.reason, width, theme.text));
    if let Some(advice) = &result.advice {
        lines.extend(wrapped(&format!("→ {advice}"), width, theme.warning));
    }
    lines.extend(facts_lines(&evidence(result), width, theme));
    lines.extend(heading("What each phase found", theme));
    lines.extend(facts_lines(&phases(result), width, theme));
    if result.examples.generated > 0 {
        lines.extend(heading("The examples that were made", theme));
        lines.extend(count_lines(&result.examples, width, theme));
    }
    if !result.areas.is_empty() || !result.sentinels.is_empty() {
        lines.push(Line::default());
        lines.extend(area_table(&result.areas, &result.sentinels, width, theme));
    }
    if !result.guards.is_empty() {
        lines.extend(heading("Guards: what must not get worse", theme));
        lines.extend(result.guards.iter().flat_map(|guard| guard_lines(guard, width, theme)));
    }
    if let Some(control) = &result.control {
        lines.extend(heading("Against the control", theme));
        lines.extend(facts_lines(&control_facts(control), width, theme));
    }
    lines
}

fn evidence(result: &RoundResult) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(held_out) = &result.held_out {
        facts.extend(held_out_facts(held_out));
        let times = if held_out.used == 1 { "time" } else { "times" };
        let mut used = format!("held-out used {} {times}", held_out.used);
        used += match held_out.repeated {
            true => "; the same question was answered before, so nothing was spent",
            false => ", this one included",
        };
        if let Some(more) = result.needs_more {
            used += &format!(" · needs about {more} more items");
        }
        facts.push(("budget", used));
    }
    facts.extend(result.accuracy.as_ref().map(right_fact));
    facts
}

fn phases(result: &RoundResult) -> Vec<(&'static str, String)> {
    let of =
        |what: &str, value: Option<f64>| value.map(|value| format!("{} {what}", perplexity(value)));
    let varied = |value: Option<f64>| value.map(|value| format!("distinct-2 {value:.2}"));
    let joined = |parts: [Option<String>; 3]| {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "nothing".into() } else { parts.join(" · ") }
    };
    let before = &result.before;
    let headline = |summary: &Option<_>| {
        summary.as_ref().map(|summary: &crate::eval::Summary| summary.perplexity)
    };
    let weak = &result.weak;
    let mut words = match weak.areas.is_empty() {
        true => format!("no area, over perplexity {}", threshold(weak.threshold)),
        false => {
            let areas: Vec<String> = weak.areas.iter().map(|area| plain_line(area)).collect();
            let (many, threshold) = (weak.examples.len(), threshold(weak.threshold));
            format!("{}: {many} examples over perplexity {threshold}", areas.join(", "))
        }
    };
    if weak.stray > 0 {
        words += &format!(", {} more in areas with too few", weak.stray);
    }
    let mut facts = vec![
        (
            "baseline",
            joined([
                of("on find", headline(&before.find)),
                of("held out", headline(&before.held_out)),
                varied(before.diversity),
            ]),
        ),
        ("weak areas", words),
    ];
    if result.examples.generated > 0 {
        let counts = &result.examples;
        facts.push(("examples", format!("{} made, {} kept", counts.generated, counts.kept)));
    }
    if let Some(run) = &result.run {
        let adapter = result.adapter.as_deref().map(plain_line).unwrap_or_default();
        facts.push(("training", format!("{} → {adapter}", plain_line(run))));
    }
    if let Some(after) = &result.after {
        let held_out = of("held out", headline(&after.held_out));
        facts.push(("measuring", joined([held_out, varied(after.diversity), None])));
    }
    facts.push(("deciding", result.decision.as_str().into()));
    facts
}

/// Kept and rejected examples by rule, as figures and bars.
pub(super) fn count_lines(
    counts: &ExampleCounts,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut rows = vec![("kept", counts.kept, theme.good)];
    let mut rejected: Vec<_> = counts.rejected.iter().collect();
    rejected.sort_by(|a, b| b.1.cmp(a.1));
    rows.extend(rejected.iter().map(|(rule, count)| (words::rule(**rule), **count, theme.warning)));
    let label = RULE.min(width.saturating_sub(8));
    let bar = width.saturating_sub(label + 6).min(40);
    let most = rows.iter().map(|row| row.1).max().unwrap_or(0).max(1);
    let mut lines: Vec<Line> = rows
        .into_iter()
        .map(|(words, count, style)| {
            let full = (bar * count).div_ceil(most).min(bar);
            Line::from(vec![
                Span::raw(pad(&elide(words, label), label)),
                Span::raw(format!("{count:>4} ")),
                Span::styled("█".repeat(full), style),
            ])
        })
        .collect();
    if counts.checked > 0 {
        let words = format!(
            "Of those kept, {} can be checked, and {} of them {} wrong.",
            counts.checked,
            counts.failed_check,
            if counts.failed_check == 1 { "is" } else { "are" }
        );
        lines.extend(wrap(&words, width).into_iter().map(|line| Line::styled(line, theme.dim)));
    }
    lines
}

fn control_facts(control: &ControlResult) -> Vec<(&'static str, String)> {
    let what = match control.control {
        Control::None => "none",
        Control::RandomFind => "examples made from items drawn at random",
    };
    vec![
        ("control", format!("{what}: {}, {}", control.examples, change(control.change))),
        (
            "targeted",
            format!(
                "{}{} against it",
                change(control.targeted_against_control),
                interval(control.ci95)
            ),
        ),
    ]
}

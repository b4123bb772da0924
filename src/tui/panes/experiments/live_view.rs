//! A round or an experiment while it runs: its phase, what is being measured, the last example, curves, and
//! how long it will still take.

use super::live::{Last, Live, LiveExperiment, LiveRound, Of, Part};
use super::{arm_chart, round_view, words};
use crate::experiments::ArmResult;
use crate::improve::Phase;
use crate::store::{plain, plain_line};
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::{change, coloured, perplexity};
use crate::tui::theme::Theme;
use crate::tui::widgets::curve::Smoothing;
use crate::tui::widgets::{Curves, duration, elide, pad, spinner, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Lines of a question or an answer, and of a note.
const TEXT: usize = 3;
const NOTE: usize = 2;

/// From this height on there is room for what is claimed so far.
const ROOMY: u16 = 26;

/// A chart in fewer rows says nothing.
const LEAST_CHART: u16 = 6;

pub(super) fn draw(live: &Live, frame: &mut Frame, area: Rect, shared: &Shared) {
    let width = usize::from(area.width);
    let mut head = head(live, width, shared);
    if let Some(note) = live.notes.last() {
        // As much as leaves two thirds of the room to what goes on.
        let most = usize::from(area.height).saturating_sub(head.len()) / 3;
        head.extend(cut(note, width, most.max(NOTE), shared.theme.warning));
    }
    match &live.of {
        Of::Round(round) => draw_round(round, head, frame, area, &shared.theme),
        Of::Experiment(one) => draw_experiment(one, head, frame, area, &shared.theme),
    }
}

/// In a few words, for the list.
pub(super) fn short(live: &Live) -> String {
    if live.stopping {
        return "stopping …".into();
    }
    if !live.started {
        return "waits for the model".into();
    }
    match &live.of {
        Of::Round(round) => round.phase.map_or("begins", Phase::as_str).to_owned(),
        Of::Experiment(one) => match one.now {
            Some((arm, seed)) => {
                let name = one.arms.get(arm).map(|name| plain_line(name)).unwrap_or_default();
                format!("{name}, seed {seed}")
            }
            None => "baseline".into(),
        },
    }
}

fn rows(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// At most `most` lines; the last one says when there are more.
fn cut(text: &str, width: usize, most: usize, style: Style) -> Vec<Line<'static>> {
    let mut lines = wrap(text, width);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        let rest = elide(&rest, width.saturating_sub(1));
        lines.push(if rest.ends_with('…') { rest } else { rest + "…" });
    }
    lines.into_iter().map(|line| Line::styled(line, style)).collect()
}

/// Name, where it is, the present measurement and the time left.
fn head(live: &Live, width: usize, shared: &Shared) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let elapsed = duration(super::pace::seconds_between(&live.began, &shared.now));
    let name = match (&live.name, &live.of) {
        (Some(name), _) => plain_line(name),
        (None, Of::Round(_)) => "a round of improvement".into(),
        (None, Of::Experiment(_)) => "an experiment".into(),
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("{} ", spinner(shared.ticks)), theme.accent),
        Span::styled(elide(&name, width.saturating_sub(12)), theme.accent),
        Span::styled(format!(" {elapsed}"), theme.dim),
    ])];
    if live.stopping || !live.started {
        let words = match live.stopping {
            true => "stops after this part; what is done is kept …",
            false => "waits for the model …",
        };
        lines.push(Line::styled(elide(words, width), theme.warning));
        return lines;
    }
    match &live.of {
        Of::Round(round) => lines.extend(phase_lines(round, width, theme)),
        Of::Experiment(one) => lines.push(arm_line(one, width, theme)),
    }
    if let Some(part) = &live.part {
        lines.push(part_line(part, width, theme));
    }
    if let Some((seconds, what)) = live.left(&shared.now) {
        let words = format!("about {} {what}", duration(seconds));
        lines.push(Line::styled(elide(&words, width), theme.dim));
    }
    lines
}

/// All phases of a round, the present one marked.
fn phase_lines(round: &LiveRound, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if round.iterations > 1 {
        let words = format!("round {} of {}", round.iteration, round.iterations);
        lines.push(Line::styled(words, theme.text));
    }
    let (mut spans, mut used) = (Vec::new(), 0);
    for phase in Phase::ALL {
        // Most rounds have none.
        if phase == Phase::Control && round.phase != Some(Phase::Control) {
            continue;
        }
        let (mark, style) = match round.phase {
            Some(now) if phase < now => ("✓", theme.good),
            Some(now) if phase == now => ("▸", theme.accent.add_modifier(Modifier::REVERSED)),
            _ => ("·", theme.dim),
        };
        let words = format!("{mark} {}", phase.as_str());
        if used + words.width() + 2 > width && used > 0 {
            lines.push(Line::from(std::mem::take(&mut spans)));
            used = 0;
        }
        used += words.width() + 2;
        spans.push(Span::styled(words, style));
        spans.push(Span::raw("  "));
    }
    lines.push(Line::from(spans));
    lines
}

fn arm_line(one: &LiveExperiment, width: usize, theme: &Theme) -> Line<'static> {
    let (done, all) = one.done();
    let words = match one.now {
        Some((arm, seed)) => {
            let name = one.arms.get(arm).map(|name| plain_line(name)).unwrap_or_default();
            format!("▸ {name}, seed {seed} · {done} of {all} done")
        }
        None => "▸ baseline: what is weak, and how base does".into(),
    };
    Line::styled(elide(&words, width), theme.text)
}

fn part_line(part: &Part, width: usize, theme: &Theme) -> Line<'static> {
    let Some(total) = part.total else {
        return Line::styled(elide(&format!("{} {}", part.what, part.done), width), theme.text);
    };
    let before = elide(&format!("{} {} of {total} ", part.what, part.done), width);
    let room = width.saturating_sub(before.width() + 1).min(24);
    let full = (room * part.done.min(total)).checked_div(total).unwrap_or(0);
    Line::from(vec![
        Span::raw(format!("{before} ")),
        Span::styled("━".repeat(full), theme.accent),
        Span::styled("─".repeat(room.saturating_sub(full)), theme.border),
    ])
}

fn draw_round(
    round: &LiveRound,
    mut lines: Vec<Line<'static>>,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
) {
    let width = usize::from(area.width);
    if let Some(weak) = &round.weak {
        let areas: Vec<String> = weak.areas.iter().map(|area| plain_line(area)).collect();
        let words = format!(
            "weak: {} · {} examples over {}",
            if areas.is_empty() { "no area".into() } else { areas.join(", ") },
            weak.examples.len(),
            round_view::threshold(weak.threshold)
        );
        lines.extend(cut(&words, width, 2, theme.text));
    }
    let trains = !round.history.metrics().is_empty();
    if let Some(counts) = &round.counts {
        let words = format!("examples: {} made, {} kept", counts.generated, counts.kept);
        lines.push(Line::styled(elide(&words, width), theme.text));
        if !trains {
            lines.push(Line::default());
            lines.extend(round_view::count_lines(counts, width, theme));
        }
    }
    if let (Some(last), false) = (&round.last, trains) {
        lines.push(Line::default());
        lines.extend(last_lines(last, width, theme));
    }
    if let (Some(line), true) = (round.history.metrics().last(), trains) {
        let words = format!(
            "step {} of {} · loss {:.3} · {:.0} tokens/s",
            line.step, round.steps, line.loss, line.tokens_per_second
        );
        lines.push(Line::styled(elide(&words, width), theme.text));
    }
    let [above, chart] =
        Layout::vertical([Constraint::Length(rows(lines.len())), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(lines), above);
    if trains && chart.height >= LEAST_CHART {
        let curves = Curves {
            history: &round.history,
            steps: round.steps,
            overlay: None,
            smoothing: Smoothing::default(),
            window: None,
            empty: "the curve begins with the first step",
        };
        curves.draw(frame, chart, theme);
    }
}

/// The example made last, and what became of it.
fn last_lines(last: &Last, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let (fate, style) = match last.rejected {
        None => ("✓ kept".to_owned(), theme.good),
        Some(rule) => (format!("✗ {}", words::rule(rule)), theme.warning),
    };
    let mut lines = vec![Line::from(vec![
        Span::styled("The last example: ", theme.accent),
        Span::styled(elide(&fate, width.saturating_sub(18)), style),
    ])];
    let question = format!("› {}", plain(&last.question).trim());
    lines.extend(cut(&question, width, TEXT, theme.person));
    lines.extend(cut(plain(&last.answer).trim(), width, TEXT, theme.text));
    lines
}

fn draw_experiment(
    one: &LiveExperiment,
    head: Vec<Line<'static>>,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
) {
    let width = usize::from(area.width);
    let arms = one.record.as_ref().map(|record| record.arms.as_slice()).unwrap_or_default();
    let mut results = result_lines(arms, width, theme);
    let first = one.record.as_ref().and_then(|record| record.comparisons.first());
    if let Some(claim) = first.filter(|_| area.height >= ROOMY) {
        let words = plain_line(&format!("so far: {}", claim.words));
        results.extend(cut(&words, width, NOTE, theme.dim));
    }
    let [above, chart, _, below] = Layout::vertical([
        Constraint::Length(rows(head.len())),
        Constraint::Fill(1),
        Constraint::Length(u16::from(!results.is_empty())),
        Constraint::Length(rows(results.len())),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head), above);
    frame.render_widget(Paragraph::new(results), below);
    if chart.height >= LEAST_CHART {
        let empty = "the curves of all arms will stand here";
        arm_chart::render(&one.curves(), empty, chart, frame.buffer_mut(), theme);
    }
}

/// A row for each arm that has a result.
fn result_lines(arms: &[ArmResult], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let name = 15.min(width / 3);
    arms.iter()
        .map(|arm| {
            let figures = format!("{} → {}", perplexity(arm.before), perplexity(arm.after));
            let by = arm
                .ci95
                .map(|[low, high]| format!("  95 % {:+.1} to {:+.1}", low * 100.0, high * 100.0));
            let seeds = match arm.seeds.len() {
                1 => "  1 seed".to_owned(),
                seeds => format!("  {seeds} seeds"),
            };
            let mut spans = vec![
                Span::raw(pad(&elide(&plain_line(&arm.name), name), name)),
                Span::styled(format!(" {:>9}", change(arm.change)), coloured(arm.change, theme)),
            ];
            let mut used = name + 10;
            for more in [format!("  {figures}"), by.unwrap_or_default(), seeds] {
                if used + more.width() <= width {
                    used += more.width();
                    spans.push(Span::styled(more, theme.dim));
                }
            }
            Line::from(spans)
        })
        .collect()
}

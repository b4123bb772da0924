//! How the run, its figures and the earlier runs look.

use super::figures::{self, Figure, NONE, grouped, nats};
use super::live::{Live, Phase, Trainer};
use super::{TrainingPane, runs};
use crate::driver::RunSummary;
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{Curves, OVERLAY, duration, elide, found_with, pad, spinner, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};
use unicode_width::UnicodeWidthStr;

/// From this width on the runs stand beside the chart.
const WIDE: u16 = 110;

/// Columns of the runs beside the chart: whatever the chart and its figures leave.
const SIDE: [u16; 2] = [42, 58];
const CHART: u16 = 69;

/// Columns of a run's name, and those of a list in which a name, its fate and its steps just fit.
const NAME: usize = 21;
const TIGHT: u16 = 41;

/// Rows of figures, and of the list of runs below them.
const FIGURES: u16 = 5;
const LISTED: u16 = 4;

/// While examples are gathered and tokenised.
pub fn draw_gathering(words: &str, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let lines = vec![
        Line::default(),
        Line::from(vec![
            Span::styled(format!(" {} ", spinner(shared.ticks)), theme.accent),
            Span::styled(elide(&format!("{words} …"), width_of(area, 4)), theme.text),
        ]),
        Line::default(),
        Line::styled("   Nothing is trained before you have seen it.", theme.dim),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

fn width_of(area: Rect, less: usize) -> usize {
    usize::from(area.width).saturating_sub(less)
}

/// The run in front with its figures, and the runs before it.
pub fn draw(pane: &TrainingPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    if pane.live.is_none() && pane.runs.list.is_empty() {
        return draw_empty(pane, frame, area, shared);
    }
    let (main, list) = match area.width >= WIDE {
        true => {
            let side = area.width.saturating_sub(CHART).clamp(SIDE[0], SIDE[1]);
            let [main, list] =
                Layout::horizontal([Constraint::Fill(1), Constraint::Length(side)]).areas(area);
            (main, list)
        }
        false => {
            let listed = pane.runs.list.len().try_into().unwrap_or(LISTED).min(LISTED);
            let rows = if listed == 0 { 0 } else { listed + 1 };
            let [main, list] =
                Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(area);
            (main, list)
        }
    };
    let head = head(pane, shared, width_of(main, 1));
    let [top, chart, figures] = Layout::vertical([
        Constraint::Length(head.len().try_into().unwrap_or(1)),
        Constraint::Fill(1),
        Constraint::Length(FIGURES),
    ])
    .areas(main);
    frame.render_widget(Paragraph::new(head), top);
    draw_curves(pane, frame, chart, theme);
    figures::draw(frame, figures, columns(pane, theme), theme);
    draw_runs(pane, frame, list, shared);
}

fn draw_empty(pane: &TrainingPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let width = width_of(area, 4).min(74);
    let mut lines = vec![Line::default()];
    lines.extend(refusal(pane, width, theme));
    let needed = shared.config.feedback.min_failed;
    let failed = format!("train on your failed sessions; needs {needed} with a corrected answer");
    lines.push(Line::styled("  Nothing has been trained here yet.", theme.text));
    lines.push(Line::default());
    for (key, words) in [
        ("train-on-failed", failed.as_str()),
        ("train-from-file", "train on a JSONL file with prompts and answers"),
        ("show-weak-areas", "Weak areas: choose examples there, and <train-weak> trains on them"),
    ] {
        let (key, words) = (shared.keymap.key(key), shared.keymap.tell(words));
        for (nth, line) in wrap(&words, width.saturating_sub(5)).into_iter().enumerate() {
            let key = if nth == 0 { key.as_str() } else { " " };
            lines.push(Line::from(vec![
                Span::styled(format!("  {key}  "), theme.accent),
                Span::styled(line, theme.text),
            ]));
        }
    }
    lines.push(Line::default());
    let words = "You see what will be learned before it starts. While it trains you watch the loss, \
                 and can pause it, quit, and go on another day.";
    lines.extend(wrap(words, width).into_iter().map(|l| Line::styled(format!("  {l}"), theme.dim)));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Why nothing could be gathered, an empty line behind it.
fn refusal(pane: &TrainingPane, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(why) = &pane.refused else { return Vec::new() };
    let mut lines = remark("!", why, width, 4, theme.warning);
    lines.push(Line::default());
    lines
}

/// A marked remark in at most `most` lines.
fn remark(
    mark: &'static str,
    words: &str,
    width: usize,
    most: usize,
    style: Style,
) -> Vec<Line<'static>> {
    let room = width.saturating_sub(4);
    let mut wrapped = wrap(words, room);
    if wrapped.len() > most {
        let rest = wrapped.split_off(most.saturating_sub(1)).join(" ");
        wrapped.push(elide(&rest, room));
    }
    let marked = wrapped.into_iter().enumerate().map(|(nth, line)| {
        let mark = if nth == 0 { mark } else { " " };
        Line::from(vec![Span::styled(format!(" {mark} "), style), Span::raw(line)])
    });
    marked.collect()
}

/// What goes on, in words, over the chart.
fn head(pane: &TrainingPane, shared: &Shared, width: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = refusal(pane, width, theme);
    match &pane.live {
        Some(live) => lines.extend(live_head(live, pane, shared, width)),
        None => lines.extend(idle_head(pane, width, shared)),
    }
    lines
}

fn idle_head(pane: &TrainingPane, width: usize, shared: &Shared) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    match pane.runs.resumable() {
        Some(run) => {
            let place = match runs::done(run) {
                0 => "has not done a step yet".to_owned(),
                done => format!("stopped at step {done} of {}", run.steps),
            };
            let keys = shared.keymap.tell("<pause> goes on, <stop-training> gives it up");
            let words = format!("{} {place}: {keys}", plain_line(&run.name));
            remark("‖", &words, width, 2, theme.warning)
        }
        None => {
            let words = "No run is under way: <train-on-failed> trains on failed sessions, \
                         <train-from-file> on a file.";
            remark(" ", &shared.keymap.tell(words), width, 2, theme.dim)
        }
    }
}

fn live_head(
    live: &Live,
    pane: &TrainingPane,
    shared: &Shared,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let run = plain_line(&live.run);
    let (done, steps) = (live.done(), live.steps);
    let mut lines = match &live.phase {
        Phase::Starting => {
            let waiting = format!("{run} starts …");
            vec![progress(spinner(shared.ticks), &waiting, live, width, theme)]
        }
        Phase::Training => {
            let words = match live.watching {
                Some((done, total)) => format!("{run}: held-out example {done} of {total}"),
                None => format!("{run} trains: step {done} of {steps}"),
            };
            vec![progress(spinner(shared.ticks), &words, live, width, theme)]
        }
        Phase::Pausing => {
            let words = format!("{run} pauses after this part …");
            vec![progress(spinner(shared.ticks), &words, live, width, theme)]
        }
        Phase::Stopping => {
            let words = format!("{run} stops for good …");
            vec![progress(spinner(shared.ticks), &words, live, width, theme)]
        }
        Phase::Paused => {
            let words = format!(
                "{run} is paused at step {done} of {steps}: {} goes on with it, also after you quit",
                shared.keymap.key("pause")
            );
            remark("‖", &words, width, 2, theme.warning)
        }
        Phase::Stopped => {
            let words = format!(
                "{run} was stopped at step {done} of {steps}: its curve stays, no adapter came of it"
            );
            remark("■", &words, width, 2, theme.dim)
        }
        Phase::Failed(why) => {
            let mut lines = remark("!", &format!("{run} failed: {why}"), width, 4, theme.bad);
            let again = pane.runs.find(&live.run).is_some_and(|found| found.resumable);
            if again {
                let words = "What was saved before is kept: <pause> goes on from there.";
                lines.extend(remark(" ", &shared.keymap.tell(words), width, 1, theme.dim));
            }
            lines
        }
        Phase::Ended(trained) => {
            let adapter = trained.adapter.as_deref().map(plain_line).unwrap_or_default();
            let trained = match live.is_elsewhere() {
                true => "in another process".to_owned(),
                false if live.went_on => {
                    format!("{} of training since it went on", duration(trained.seconds))
                }
                false => format!("{} of training", duration(trained.seconds)),
            };
            let room = width.saturating_sub(adapter.width() + 4);
            let came = format!("came out of {run}: {steps} steps");
            let all = format!("{came}, {trained}");
            let fits = all.width() <= room;
            let mut lines = vec![Line::from(vec![
                Span::styled(format!(" ✓ {adapter} "), theme.good),
                Span::raw(elide(if fits { &all } else { &came }, room)),
            ])];
            if !fits {
                lines.extend(remark(" ", &trained, width, 1, theme.text));
            }
            let (first, last) = live.history.ends(pane.smoothing);
            let mut words = format!("loss (smoothed) {} → {}", nats(first), nats(last));
            let held_out = live.history.held_outs();
            if let (Some((_, before)), Some((_, after))) = (held_out.first(), held_out.last()) {
                words += &format!(" · held-out {} → {}", nats(Some(*before)), nats(Some(*after)));
            }
            lines.extend(remark(" ", &words, width, 1, theme.text));
            let next = format!(
                "Is it better? {} compares {adapter} with base: the gate decides.",
                shared.keymap.key("show-compare")
            );
            lines.extend(remark(" ", &next, width, 1, theme.dim));
            lines
        }
    };
    if let (Phase::Training, Trainer::Elsewhere(holder)) = (&live.phase, live.trainer) {
        let mut words = format!("it trains in another process{}", holder.in_brackets());
        // A dashboard that only follows may do neither.
        if shared.owner.is_none() {
            let keys = ": <pause> pauses it, <stop-training> stops it for good";
            words.push_str(&shared.keymap.tell(keys));
        }
        lines.extend(remark(" ", &words, width, 2, theme.dim));
    }
    if let (true, Some(note)) = (live.is_under_way(), live.notes.last()) {
        lines.extend(remark("!", note, width, 2, theme.warning));
    }
    lines
}

/// Words and a bar that shows how much is done.
fn progress(mark: char, words: &str, live: &Live, width: usize, theme: &Theme) -> Line<'static> {
    let bar = if width < 76 { 10 } else { 20 };
    let room = width.saturating_sub(bar + 10);
    let words = elide(words, room);
    let share = live.done() as f64 / live.steps.max(1) as f64;
    let full = ((share * bar as f64) as usize).min(bar);
    let gap = room.saturating_sub(words.width());
    Line::from(vec![
        Span::styled(format!(" {mark} "), theme.accent),
        Span::raw(words),
        Span::raw(" ".repeat(gap)),
        Span::styled("━".repeat(full), theme.accent),
        Span::styled("╌".repeat(bar - full), theme.dim),
        Span::styled(format!(" {:>3.0} %", share * 100.0), theme.text),
    ])
}

fn draw_curves(pane: &TrainingPane, frame: &mut Frame, area: Rect, theme: &Theme) {
    if let Some(curves) = pane.curves() {
        curves.draw(frame, area, theme);
    }
}

/// The figures of the run in front, or of the step under the cursor.
fn columns(pane: &TrainingPane, theme: &Theme) -> [Vec<Figure>; 2] {
    let Some(curves) = pane.curves() else { return [Vec::new(), Vec::new()] };
    match (&pane.live, pane.runs.selected()) {
        (Some(live), _) => {
            let (mut left, mut right) = common(pane, &curves, live.done(), live.steps, theme);
            let (label, elapsed) = match live.elapsed {
                None => ("elapsed", NONE.to_owned()),
                Some(seconds) if live.went_on => ("gone on for", duration(seconds)),
                Some(seconds) => ("elapsed", duration(seconds)),
            };
            left.push(Figure::new(label, elapsed));
            left.push(Figure::new("time left", left_of(live)));
            let memory =
                live.memory_mib.map_or(NONE.to_owned(), |mib| format!("{} MiB", grouped(mib)));
            right.push(Figure::new("memory", memory));
            [left, right]
        }
        (None, Some(run)) => {
            let (mut left, mut right) = common(pane, &curves, runs::done(run), run.steps, theme);
            left.push(Figure::new("adapter", adapter_of(run)));
            let settings = &run.record.settings;
            left.push(Figure::new(
                "settings",
                format!("rank {}, {} epochs", settings.lora.rank, settings.epochs),
            ));
            right.push(Figure::new("started", started(run)));
            [left, right]
        }
        (None, None) => [Vec::new(), Vec::new()],
    }
}

/// Day and minute of a run's start.
fn started(run: &RunSummary) -> String {
    let minute: String = run.record.started.chars().take(16).collect();
    plain_line(&minute.replace('T', " "))
}

fn adapter_of(run: &RunSummary) -> String {
    run.record.adapter.as_deref().map_or(NONE.to_owned(), plain_line)
}

fn left_of(live: &Live) -> String {
    match (live.is_under_way(), live.seconds_left()) {
        (false, _) => NONE.into(),
        (true, Some(seconds)) => format!("about {}", duration(seconds)),
        (true, None) => "after a few steps".into(),
    }
}

/// What every run has: three figures on the left, four on the right.
fn common(
    pane: &TrainingPane,
    curves: &Curves,
    done: usize,
    steps: usize,
    theme: &Theme,
) -> (Vec<Figure>, Vec<Figure>) {
    let history = curves.history;
    let held = history.held_outs();
    let at = |(step, loss): &(usize, f64)| match step {
        0 => format!("{} (start)", nats(Some(*loss))),
        step => format!("{} (step {step})", nats(Some(*loss))),
    };
    let reading = pane.chart.cursor().and_then(|step| history.reading(step, pane.smoothing));
    let (line, step, smoothed, held_out) = match &reading {
        Some(reading) => (
            Some(&reading.line),
            Figure::new("┊ step", format!("{} of {steps}", reading.line.step)).styled(theme.accent),
            nats(Some(reading.smoothed)),
            reading.held_out.as_ref().map_or(NONE.into(), at),
        ),
        None => {
            let (first, last) = history.ends(pane.smoothing);
            let smoothed = match history.metrics().len() {
                0 | 1 => nats(last),
                _ => format!("{} → {}", nats(first), nats(last)),
            };
            let held_out = match (held.first(), held.last()) {
                (Some((_, start)), Some((_, now))) if held.len() > 1 => {
                    format!("{} → {}", nats(Some(*start)), nats(Some(*now)))
                }
                (Some(only), _) => at(only),
                _ => "not watched".into(),
            };
            let step = Figure::new("step", format!("{done} / {steps}"));
            (history.metrics().last(), step, smoothed, held_out)
        }
    };
    let [_, smooth, marks, _] = theme.series;
    let left = vec![
        step,
        Figure::new("loss", nats(line.map(|line| line.loss))),
        Figure::new("smoothed", smoothed).styled(smooth),
    ];
    let number = |value: Option<String>| value.unwrap_or_else(|| NONE.into());
    let right = vec![
        Figure::new("held-out", held_out).styled(marks),
        Figure::new("learning rate", number(line.map(|line| format!("{:.2e}", line.lr)))),
        Figure::new("gradient norm", number(line.map(|line| format!("{:.3}", line.grad_norm)))),
        Figure::new(
            "speed",
            number(line.map(|line| format!("{:.0} tokens/s", line.tokens_per_second))),
        ),
    ];
    (left, right)
}

fn draw_runs(pane: &TrainingPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let title = match pane.runs.searched() {
        "" => " Runs ".to_owned(),
        words => format!(" Runs {} ", found_with(words, shared)),
    };
    let beside = area.height > LISTED + 1;
    let borders = if beside { Borders::LEFT } else { Borders::TOP };
    let block = Block::new()
        .borders(borders)
        .border_style(theme.border)
        .title(title)
        .title_style(theme.accent);
    let mut inner = block.inner(area);
    if beside {
        inner = inner.inner(Margin::new(1, 0));
    }
    frame.render_widget(block, area);
    let rows = usize::from(inner.height);
    let place = pane.runs.place();
    let first = (place + 1).saturating_sub(rows);
    let shown = pane.runs.shown();
    let left = shown.len().saturating_sub(first);
    // No wider than the longest name where the steps would find no room.
    let names = match inner.width < TIGHT {
        true => shown.iter().map(|run| run.name.width()).max().unwrap_or_default().min(NAME),
        false => NAME,
    };
    // A second click lays its curve over, as its key does.
    shared.hits.rows(inner, first, left, 1, Action::Overlay);
    for ((nth, run), row) in shown.iter().enumerate().skip(first).take(rows).zip(inner.rows()) {
        let line = run_line(pane, run, names, usize::from(row.width), theme);
        let style = if nth == place { theme.selected } else { Style::new() };
        frame.render_widget(line.style(style), row);
    }
    if pane.runs.list.is_empty() && pane.runs.known {
        frame.render_widget(Line::styled(" none before this one", theme.dim), inner);
    } else if shown.is_empty() && !pane.runs.list.is_empty() {
        let words = shared.keymap.tell(" No run has these words: <chart-reset> shows all");
        frame.render_widget(Line::styled(words, theme.dim), inner);
    }
}

/// One run: marks, name (in `name` columns), what came of it, steps, and the ends of its smoothed loss where
/// there is room.
fn run_line(
    pane: &TrainingPane,
    run: &RunSummary,
    name: usize,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let overlaid = pane.runs.overlay().is_some_and(|overlay| overlay.name == run.name);
    let live = pane.live.as_ref().filter(|live| live.run == run.name && live.is_under_way());
    let (mark, mark_style) = match (overlaid, live.is_some()) {
        (true, _) => (OVERLAY, theme.series[3]),
        (false, true) => ('●', theme.accent),
        (false, false) => (' ', theme.text),
    };
    let done = live.map_or(runs::done(run), |live| live.done());
    let (came, style) = match &run.record.adapter {
        Some(adapter) => (plain_line(adapter), theme.good),
        None if live.is_some() => ("trains".into(), theme.accent),
        None if run.resumable => ("paused".into(), theme.warning),
        None if run.record.abandoned => ("stopped".into(), theme.dim),
        None => ("elsewhere".into(), theme.dim),
    };
    let course = live.map(|live| &live.history).or_else(|| pane.runs.course(&run.name));
    let losses = match course.map(|course| course.ends(pane.smoothing)).unwrap_or_default() {
        (Some(first), Some(last)) => {
            let last = nats(Some(last));
            [format!("  {} → {last}", nats(Some(first))), format!("  {last}")]
        }
        _ => Default::default(),
    };
    let mut spans = vec![
        Span::styled(format!("{mark} "), mark_style),
        Span::raw(pad(&elide(&plain_line(&run.name), name), name)),
        Span::styled(format!(" {:<9}", elide(&came, 9)), style),
    ];
    let used: usize = spans.iter().map(|span| span.content.width()).sum();
    // A number of steps that is cut off would read as another one.
    let percent = (done * 100).checked_div(run.steps).unwrap_or_default();
    let steps = [format!("{done}/{}", run.steps), format!("{percent} %")];
    let steps = steps.into_iter().find(|steps| used + 1 + steps.width().max(7) <= width);
    spans.push(Span::raw(format!(" {:>7}", steps.unwrap_or_default())));
    let used: usize = spans.iter().map(|span| span.content.width()).sum();
    let fitting = losses.into_iter().find(|losses| used + losses.width() <= width);
    spans.push(Span::styled(fitting.unwrap_or_default(), theme.dim));
    Line::from(spans)
}

//! How the pane is laid out: the list of what was tried beside what is selected, or one of them alone.

use super::live::Of;
use super::tried::{Row, What};
use super::{
    ExperimentsPane, Failure, Stage, experiment_view, live_view, round_view, sentinels_view, words,
};
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::hits::{Part, Split};
use crate::tui::keymap::Keymap;
use crate::tui::pane::{Shared, set_name};
use crate::tui::panes::outcome::change;
use crate::tui::theme::Theme;
use crate::tui::widgets::{age, elide, found_with, pad, paragraphs, wrap};
use crate::workplace::SetChoice;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Lines of one entry of the list.
const ENTRY: usize = 2;

/// Lines of a failure; the rest of a long one is in the log.
const FAILURE: usize = 4;

pub(super) fn draw(pane: &ExperimentsPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let area = area.inner(Margin::new(1, 0));
    match &pane.stage {
        Stage::Choosing(choosing) => {
            return choosing.draw(frame, area, shared, pane.seconds_each());
        }
        Stage::Sentinels => {
            let matrix = pane.sentinels.shown(&pane.tried.stored.sentinels);
            let known = pane.tried.known;
            return sentinels_view::draw(&pane.sentinels, &matrix, known, frame, area, shared);
        }
        Stage::List => {}
    }
    let rows = pane.rows();
    let place = pane.tried.place(&rows);
    let Some(row) = rows.get(place) else {
        if pane.tried.words.is_empty() || !pane.tried.has_any() {
            return draw_empty(pane, frame, area, shared);
        }
        let found = found_with(&pane.tried.words, shared);
        let words = "Nothing that was tried has these words: <leave-experiment> shows all.";
        let texts = [(found.as_str(), shared.theme.person), (words, shared.theme.dim)];
        return paragraphs(frame, area, &texts, &shared.keymap);
    };
    if pane.large {
        return draw_selected(pane, row, frame, area, shared);
    }
    // What failed before it had a folder has no row of its own.
    let nameless = match &pane.failed {
        Some(Failure { name: None, .. }) => failure(pane, usize::from(area.width), &shared.theme),
        _ => Vec::new(),
    };
    let nameless_rows = u16::try_from(nameless.len()).unwrap_or(u16::MAX);
    let [above, area] =
        Layout::vertical([Constraint::Length(nameless_rows), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(nameless), above);
    let usual = (area.width * 2 / 5).clamp(24, 46);
    let side = shared.splits.left(Split::Experiments, area.width, usual);
    let [left, line, right] =
        Layout::horizontal([Constraint::Length(side), Constraint::Length(3), Constraint::Fill(1)])
            .areas(area);
    draw_list(pane, &rows, place, frame, left, shared);
    let separator: Vec<Line> =
        (0..line.height).map(|_| Line::styled(" │", shared.theme.border)).collect();
    frame.render_widget(Paragraph::new(separator), line);
    shared.hits.split(line, Split::Experiments, area);
    draw_selected(pane, row, frame, right, shared);
}

fn failure(pane: &ExperimentsPane, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(failure) = &pane.failed else { return Vec::new() };
    let lines = wrap(&format!("! {}", failure.why), width).into_iter().take(FAILURE);
    lines.map(|line| Line::styled(line, theme.bad)).collect()
}

/// What starts a round from, and on what, in words.
fn next(pane: &ExperimentsPane, set: &str) -> String {
    let arm = plain_line(pane.adapter.as_deref().unwrap_or("base"));
    format!("<improve> improves {arm} on {set}")
}

fn draw_empty(pane: &ExperimentsPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    if !pane.tried.known {
        return frame.render_widget(Line::styled("reading …", theme.dim), area);
    }
    let failure: String =
        pane.failed.as_ref().map(|failure| format!("! {}", failure.why)).unwrap_or_default();
    let next = format!("No rounds yet: {}.", next(pane, &set_name(&shared.set)));
    let texts = [
        (failure.as_str(), theme.bad),
        (next.as_str(), theme.accent),
        (
            "A round measures where the model is weak, has it make examples for that, keeps the good \
             ones, trains an adapter on them, and asks the gate whether the adapter is better. You see \
             each phase while it goes on; it can be stopped, and gone on with another day.",
            theme.text,
        ),
        (
            "No experiments yet: <new-experiment> starts one. An experiment asks whether such training helps more than \
             other training: several arms, each over several seeds, on the same held-out examples.",
            theme.text,
        ),
        (
            "<experiment-set> takes another evaluation set, <sentinels> shows what adapters cost elsewhere.",
            theme.dim,
        ),
    ];
    let texts: Vec<_> = texts.into_iter().filter(|(words, _)| !words.is_empty()).collect();
    let [_, area] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    paragraphs(frame, area, &texts, &shared.keymap);
}

fn draw_list(
    pane: &ExperimentsPane,
    rows: &[Row],
    place: usize,
    frame: &mut Frame,
    area: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    let width = usize::from(area.width);
    let set = match &shared.set {
        SetChoice::BuiltIn => "the built-in set".into(),
        set => set_name(set),
    };
    let foot = match pane.live {
        None => wrap(&shared.keymap.tell(&format!("→ {}", next(pane, &set))), width),
        Some(_) => Vec::new(),
    };
    let foot_rows = u16::try_from(foot.len()).unwrap_or(u16::MAX);
    let searched = u16::from(!pane.tried.words.is_empty());
    let [head, list, below] = Layout::vertical([
        Constraint::Length(searched),
        Constraint::Fill(1),
        Constraint::Length(foot_rows),
    ])
    .areas(area);
    let words = elide(&found_with(&pane.tried.words, shared), width);
    frame.render_widget(Line::styled(words, theme.person), head);
    let foot: Vec<Line> = foot.into_iter().map(|line| Line::styled(line, theme.dim)).collect();
    frame.render_widget(Paragraph::new(foot), below);
    let visible = (usize::from(list.height) / ENTRY).max(1);
    // Moves only as far as needed to keep the selected one on screen.
    let first = pane.tried.first.get().min(place).max((place + 1).saturating_sub(visible));
    let first = first.min(rows.len().saturating_sub(visible));
    pane.tried.first.set(first);
    let lines: Vec<Line> = rows
        .iter()
        .enumerate()
        .skip(first)
        .take(visible)
        .flat_map(|(nth, row)| {
            let [mut above, below] = entry(pane, row, width, shared);
            if nth == place {
                above = above.patch_style(theme.selected);
            }
            [above, below]
        })
        .collect();
    let shown = rows.len().saturating_sub(first).min(visible);
    shared.hits.rows(list, first, shown, ENTRY as u16, Action::Open);
    frame.render_widget(Paragraph::new(lines), list);
}

/// Two lines: what it is and how old, and what came of it.
fn entry(pane: &ExperimentsPane, row: &Row, width: usize, shared: &Shared) -> [Line<'static>; 2] {
    let theme = &shared.theme;
    let live = pane.live.as_ref().filter(|live| live.key() == row.name);
    let works = live.is_some() || row.elsewhere.is_some();
    let (mark, mark_style) = match (works, row.is_unfinished()) {
        (true, _) => ("●", theme.accent),
        (false, true) => ("‖", theme.warning),
        (false, false) => (" ", theme.text),
    };
    let (title, started) = match row.what {
        What::Starting => match live.map(|live| &live.of) {
            Some(Of::Round(_)) => ("round".to_owned(), String::new()),
            _ => ("experiment".to_owned(), String::new()),
        },
        What::Round(round) => {
            (format!("round · {}", words::set(&round.record.set)), round.record.started.clone())
        }
        What::Experiment(record) => (experiment_title(&record.name), record.started.clone()),
        What::Unfinished(one) => (experiment_title(&one.name), one.started.clone()),
    };
    let age = age(&started, &shared.now);
    let room = width.saturating_sub(age.width() + 3);
    let above = Line::from(vec![
        Span::styled(format!("{mark} "), mark_style),
        Span::styled(pad(&elide(&title, room), room), theme.text),
        Span::styled(format!(" {age}"), theme.dim),
    ]);
    let (words, style, more) = match (live, row.what) {
        (Some(live), _) => (live_view::short(live), theme.accent, String::new()),
        (None, What::Starting) => (String::new(), theme.dim, String::new()),
        (None, _) if let Some(holder) = row.elsewhere => {
            (words::elsewhere(holder), theme.accent, String::new())
        }
        (None, What::Unfinished(_)) => stopped(pane, row, shared),
        (None, What::Experiment(record)) if record.ended.is_none() => stopped(pane, row, shared),
        (None, What::Experiment(record)) => {
            let (word, style) = words::claim(record.verdict, theme);
            let (arms, seeds) = (record.arms.len(), record.setup.seeds.len());
            (word.to_owned(), style, format!(" {arms} arms × {seeds}"))
        }
        (None, What::Round(round)) => match &round.result {
            None => stopped(pane, row, shared),
            Some(result) => {
                let (word, style) = words::ending(result.decision, theme);
                let by = result.held_out.as_ref().map(|held_out| change(held_out.change));
                let adapter = result.adapter.as_deref().map(plain_line);
                let more = [by, adapter].into_iter().flatten().map(|word| format!("  {word}"));
                (word.to_owned(), style, more.collect())
            }
        },
    };
    let words = elide(&words, width.saturating_sub(2));
    let room = width.saturating_sub(words.width() + 2);
    let more = match more.is_empty() {
        true => String::new(),
        false => format!("  {}", elide(&more, room.saturating_sub(2))),
    };
    let below =
        Line::from(vec![Span::styled(format!("  {words}"), style), Span::styled(more, theme.dim)]);
    [above, below]
}

fn stopped(pane: &ExperimentsPane, row: &Row, shared: &Shared) -> (String, Style, String) {
    let (words, style) = match pane.has_failed(row.name) {
        true => ("failed: <resume> goes on", shared.theme.bad),
        false => ("stopped: <resume> goes on", shared.theme.warning),
    };
    (shared.keymap.tell(words), style, String::new())
}

fn experiment_title(name: &str) -> String {
    let name = plain_line(name);
    match words::hypothesis(&name) {
        "" => name,
        hypothesis => format!("{name} · {hypothesis}"),
    }
}

/// The selected one: live, or as it is stored.
fn draw_selected(
    pane: &ExperimentsPane,
    row: &Row,
    frame: &mut Frame,
    area: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    let width = usize::from(area.width);
    let failure = match pane.has_failed(row.name) {
        true => failure(pane, width, theme),
        false => Vec::new(),
    };
    let rows = u16::try_from(failure.len()).unwrap_or(u16::MAX);
    let [above, area] =
        Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(failure), above);
    if let Some(live) = pane.live.as_ref().filter(|live| live.key() == row.name) {
        return live_view::draw(live, frame, area, shared);
    }
    shared.hits.text(area, Part::Right);
    let lines = lines(row, pane.has_failed(row.name), width, theme, &shared.keymap);
    let [text, more] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let visible = usize::from(text.height);
    let first = pane.scroll.first(lines.len(), visible);
    let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
    frame.render_widget(Paragraph::new(shown), text);
    let below = pane.scroll.below();
    let words = match (below, first) {
        (0, 0) => String::new(),
        (0, above) => format!("↑ {above} more lines"),
        (below, _) if pane.large => format!("↓ {below} more lines"),
        (below, _) => {
            let keys = shared.keymap.tell("<page-down>, or <open-experiment>");
            format!("↓ {below} more lines: {keys}")
        }
    };
    frame.render_widget(Line::styled(elide(&words, width), theme.dim), more);
}

/// A stored one in full.
pub(super) fn lines(
    row: &Row,
    failed: bool,
    width: usize,
    theme: &Theme,
    keymap: &Keymap,
) -> Vec<Line<'static>> {
    match row.what {
        What::Starting => Vec::new(),
        What::Round(round) => {
            let how =
                words::unfinished(row.elsewhere, failed, "goes on with it, where it was", keymap);
            round_view::lines(round, &how, width, theme)
        }
        What::Experiment(record) => {
            let how = words::unfinished(row.elsewhere, failed, "goes on with it; so far:", keymap);
            experiment_view::lines(record, Some(&how), width, theme)
        }
        What::Unfinished(one) => {
            let how =
                words::unfinished(row.elsewhere, failed, "goes on with it, where it was", keymap);
            experiment_view::unfinished_lines(one, &how, width, theme)
        }
    }
}

//! How the pane looks: what was measured, the list, the histogram, and the selected row beside it.

use super::found::{Area, Found, Row};
use super::{Measuring, WeakPane, example, figures};
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::hits::Split;
use crate::tui::pane::{Shared, set_name};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, found_with, histogram, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Columns of a perplexity in the list, and of `12/44`.
const PERPLEXITY: usize = 11;
const WEAK: usize = 7;

/// Lines of a failure; the rest of a long one is in the log.
const MOST_FAILURE_LINES: usize = 4;

const WHY: &str = "Only the find part is shown; held-out examples stay unseen, to judge adapters.";

pub fn draw(pane: &WeakPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let area = area.inner(Margin::new(1, 0));
    let Some(found) = pane.found.as_ref().filter(|found| !found.items.is_empty()) else {
        return draw_empty(pane, frame, area, shared);
    };
    let mut header = vec![measured_line(found, &shared.theme)];
    header.push(Line::styled(WHY, shared.theme.dim));
    header.extend(notes(pane, usize::from(area.width), shared));
    let [above, body] =
        Layout::vertical([Constraint::Length(rows(header.len())), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(header), above);
    if pane.large
        && let Some(item) = pane.selected_item()
    {
        return example::draw_large(pane, found, item, frame, body, shared);
    }
    let usual = (area.width * 2 / 5).clamp(30, 64);
    let list = shared.splits.left(Split::Weak, body.width, usual);
    let [left, line, right] =
        Layout::horizontal([Constraint::Length(list), Constraint::Length(3), Constraint::Fill(1)])
            .areas(body);
    draw_list(pane, found, frame, left, shared);
    draw_separator(pane, found, frame, line, &shared.theme);
    shared.hits.split(line, Split::Weak, body);
    let chart = if body.height >= 30 { 11 } else { 7 };
    let [title, bars, _, detail] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(chart - 1),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(right);
    draw_title(found, frame, title, &shared.theme);
    let perplexities: Vec<f64> = found.items.iter().map(|item| item.perplexity).collect();
    histogram(frame, bars, &perplexities, found.threshold, &shared.theme);
    match pane.selected_row() {
        Some(Row::Item(at)) => {
            if let Some(item) = found.items.get(at) {
                example::draw(pane, found, item, frame, detail, shared);
            }
        }
        Some(Row::Area(at)) => {
            if let Some(area) = found.areas.get(at) {
                draw_area(pane, found, area, frame, detail, shared);
            }
        }
        None => {}
    }
}

fn rows(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

fn measured_line(found: &Found, theme: &Theme) -> Line<'static> {
    let mut spans = vec![
        Span::styled(plain_line(&found.arm), theme.accent),
        Span::raw(format!(" on {}", set_name(&found.set))),
    ];
    if let Some(perplexity) = found.perplexity {
        spans.push(Span::raw(format!(" · perplexity {}", figures::perplexity(perplexity))));
    }
    if !found.left_out.is_empty() {
        let words = format!(" · {} left out", found.left_out.len());
        spans.push(Span::styled(words, theme.warning));
    }
    Line::from(spans)
}

/// What is going on, went wrong, or is no longer true of the figures shown.
fn notes(pane: &WeakPane, width: usize, shared: &Shared) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    if let Some(measuring) = &pane.measuring {
        return vec![measuring_line(measuring, width, shared)];
    }
    if let Some(why) = &pane.failed {
        let lines = wrap(&format!("! not measured: {why}"), width);
        let lines = lines.into_iter().take(MOST_FAILURE_LINES);
        return lines.map(|line| Line::styled(line, theme.bad)).collect();
    }
    let Some(found) = &pane.found else { return Vec::new() };
    let arm = pane.adapter.as_deref().unwrap_or("base");
    let key = shared.keymap.key("measure");
    let words = if found.arm != arm || found.set != shared.set {
        format!("{key} measures {} on {}", plain_line(arm), set_name(&shared.set))
    } else if pane.set_has_grown {
        format!("Your own items have changed since: {key} measures anew")
    } else {
        return Vec::new();
    };
    vec![Line::styled(elide(&format!("→ {words}"), width), theme.warning)]
}

fn measuring_line(measuring: &Measuring, width: usize, shared: &Shared) -> Line<'static> {
    let theme = &shared.theme;
    let back = shared.keymap.key("stop-measuring");
    let arm = plain_line(&measuring.arm);
    let (done, total) = match measuring.done {
        Some(done) => done,
        None if measuring.started => (0, 0),
        None => {
            let words =
                format!("{arm} is measured as soon as the model is there · {back} gives up");
            return Line::styled(elide(&words, width), theme.warning);
        }
    };
    let before = elide(&format!("measuring {arm} "), width / 3);
    let after = match total {
        0 => format!(" · {back} stops"),
        _ => format!(" {done} of {total} · {back} stops"),
    };
    let room = width.saturating_sub(before.width() + 1 + after.width()).min(50);
    let full = (room * done.min(total)).checked_div(total).unwrap_or(0);
    Line::from(vec![
        Span::styled(format!("{before} "), theme.warning),
        Span::styled("━".repeat(full), theme.accent),
        Span::styled("─".repeat(room.saturating_sub(full)), theme.border),
        Span::styled(after, theme.dim),
    ])
}

fn draw_list(pane: &WeakPane, found: &Found, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let width = usize::from(area.width);
    let (title, style) = match pane.chosen.len() {
        _ if !pane.words.is_empty() => (found_with(&pane.words, shared), theme.person),
        0 => ("by area".to_owned(), theme.dim),
        chosen => (format!("✓ {chosen} chosen"), theme.good),
    };
    let name = width.saturating_sub(WEAK + PERPLEXITY);
    frame.render_widget(
        Line::from(vec![
            Span::styled(padded(&title, name), style),
            Span::styled(format!("{:>WEAK$}{:>PERPLEXITY$}", "weak", "perplexity"), theme.dim),
        ]),
        head,
    );
    let visible = usize::from(body.height);
    let (mut first, _) = pane.list.get();
    // Moves only as far as needed to keep the selected row on screen.
    first = first.min(pane.selected).max((pane.selected + 1).saturating_sub(visible));
    first = first.min(found.rows.len().saturating_sub(visible));
    pane.list.set((first, visible));
    let lines: Vec<Line> = found
        .rows
        .iter()
        .enumerate()
        .skip(first)
        .take(visible)
        .map(|(place, row)| {
            let line = match row {
                Row::Area(at) => found.areas.get(*at).map(|area| area_row(area, width, theme)),
                Row::Item(at) => item_row(pane, found, *at, width, theme),
            };
            let line = line.unwrap_or_default();
            if place == pane.selected { line.patch_style(theme.selected) } else { line }
        })
        .collect();
    shared.hits.rows(body, first, lines.len(), 1, Action::Open);
    if lines.is_empty() {
        let words = shared.keymap.tell("No example has these words: <stop-measuring> shows all");
        frame.render_widget(Line::styled(elide(&words, width), theme.dim), body);
        return;
    }
    frame.render_widget(Paragraph::new(lines), body);
}

fn area_row(area: &Area, width: usize, theme: &Theme) -> Line<'static> {
    let score = &area.score;
    let name = width.saturating_sub(WEAK + PERPLEXITY);
    let weak = format!("{}/{}", area.weak, score.n);
    let perplexity = figures::perplexity(score.perplexity);
    let style = if area.weak > 0 { theme.warning } else { theme.dim };
    Line::from(vec![
        Span::styled(padded(&plain_line(&score.area), name), theme.accent),
        Span::styled(format!("{weak:>WEAK$}"), style),
        Span::styled(format!("{perplexity:>PERPLEXITY$}"), theme.accent),
    ])
}

fn item_row(
    pane: &WeakPane,
    found: &Found,
    at: usize,
    width: usize,
    theme: &Theme,
) -> Option<Line<'static>> {
    let item = found.items.get(at)?;
    let weak = found.is_weak(item);
    let chosen = if pane.chosen.contains(&item.measured.example.id) { "✓" } else { " " };
    let mark = if weak { "▲" } else { " " };
    let title = padded(&item.title, width.saturating_sub(4 + PERPLEXITY));
    let perplexity = figures::perplexity(item.perplexity);
    let style = if weak { theme.warning } else { theme.text };
    Some(Line::from(vec![
        Span::styled(format!(" {chosen}"), theme.good),
        Span::styled(format!("{mark} "), theme.warning),
        Span::styled(title, theme.text),
        Span::styled(format!("{perplexity:>PERPLEXITY$}"), style),
    ]))
}

/// Cut or filled to exactly `width` columns.
fn padded(text: &str, width: usize) -> String {
    let text = elide(text, width);
    let gap = width.saturating_sub(text.width());
    text + &" ".repeat(gap)
}

/// The line between list and example, thicker beside the visible part of the list.
fn draw_separator(pane: &WeakPane, found: &Found, frame: &mut Frame, area: Rect, theme: &Theme) {
    let (first, visible) = pane.list.get();
    let all = found.rows.len().max(1);
    let height = usize::from(area.height);
    // The list has one line less, its head.
    let top = 1 + first * height.saturating_sub(1) / all;
    let bottom = 1 + ((first + visible) * height.saturating_sub(1)).div_ceil(all);
    let lines: Vec<Line> = (0..height)
        .map(|row| match all > visible && (top..bottom).contains(&row) {
            true => Line::styled(" ┃", theme.focused_border),
            false => Line::styled(" │", theme.border),
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_title(found: &Found, frame: &mut Frame, area: Rect, theme: &Theme) {
    let place = match found.automatic {
        true => " · auto".to_owned(),
        false => format!(" · auto is {:.1}", found.auto_threshold),
    };
    let spans = vec![Span::styled(found.count(), theme.accent), Span::styled(place, theme.dim)];
    frame.render_widget(Line::from(spans), area);
}

fn draw_area(
    pane: &WeakPane,
    found: &Found,
    area: &Area,
    frame: &mut Frame,
    place: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    let score = &area.score;
    let width = usize::from(place.width);
    let chosen = area
        .items
        .iter()
        .filter_map(|&at| found.items.get(at))
        .filter(|item| pane.chosen.contains(&item.measured.example.id))
        .count();
    let mut lines = vec![
        Line::from(vec![
            Span::styled(elide(&plain_line(&score.area), width / 2), theme.accent),
            Span::raw(format!(
                " · perplexity {} · {}",
                figures::perplexity(score.perplexity),
                if score.n == 1 { "1 example".into() } else { format!("{} examples", score.n) }
            )),
        ]),
        example::parts(score.first, score.rest, score.end_of_turn, theme),
        Line::default(),
        Line::raw(format!(
            "{} over {:.1}, {chosen} chosen to train on",
            area.weak, found.threshold
        )),
    ];
    if area.weak > 0 {
        let words = shared.keymap.tell("<choose> chooses the weak ones or none.");
        lines.extend(wrap(&words, width).into_iter().map(|line| Line::styled(line, theme.dim)));
    }
    frame.render_widget(Paragraph::new(lines), place);
}

fn draw_empty(pane: &WeakPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let area = area.inner(Margin::new(3, 1));
    let width = usize::from(area.width).min(76);
    let text = |lines: &mut Vec<Line<'static>>, words: &str, style| {
        lines.extend(wrap(words, width).into_iter().map(|line| Line::styled(line, style)));
        lines.push(Line::default());
    };
    let mut lines = vec![Line::styled("Where is the model weak?", theme.accent), Line::default()];
    let measured_nothing = pane.found.as_ref().map(|found| set_name(&found.set));
    match measured_nothing {
        None => text(
            &mut lines,
            "Right answers are read to the model, and at every word it is asked how likely it \
             would have written it. Where it is surprised, it is weak: you will see that per area, \
             per example and per word, and can train on the right answers of the worst.",
            theme.text,
        ),
        Some(set) => text(
            &mut lines,
            &format!(
                "The find part of {set} is empty. About three items in ten fall into it, by their \
                 ids: a set needs some more items."
            ),
            theme.warning,
        ),
    }
    text(
        &mut lines,
        "Perplexity 1 means that every word was expected; 20, that the model wavered between \
         twenty words each time.",
        theme.dim,
    );
    text(&mut lines, WHY, theme.dim);
    let notes = notes(pane, width, shared);
    if pane.measuring.is_none() {
        let arm = plain_line(pane.adapter.as_deref().unwrap_or("base"));
        let mut keys = vec![
            ("measure", format!("measures {arm} on {}", set_name(&shared.set))),
            ("choose-set", "takes another evaluation set".into()),
        ];
        if !shared.adapters.is_empty() {
            keys.push(("choose-arm", "takes another arm: base or an adapter".into()));
        }
        for (name, words) in keys {
            let key = shared.keymap.key(name);
            lines.push(Line::from(vec![
                Span::styled(format!("  {key}  "), theme.accent),
                Span::raw(elide(&words, width.saturating_sub(5))),
            ]));
        }
        lines.push(Line::default());
    }
    // With figures that are none, only what goes on is of interest.
    if pane.measuring.is_some() || pane.failed.is_some() {
        lines.extend(notes);
    }
    frame.render_widget(Paragraph::new(lines), area);
}

//! The selected example: its score in three parts, its prompt, its right answer as a heat map, and the
//! token under the cursor in figures.

use super::found::{Found, Item};
use super::{WeakPane, alternatives, figures};
use crate::store::{plain, plain_line};
use crate::tui::hits::Part;
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, heat_legend, heat_map, prompt};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// From this height on there is room between the parts.
const ROOMY: u16 = 16;

/// From this height on a large example has a row for each token that was expected.
const TALL: u16 = 24;

/// Beside the list: as much of the prompt as leaves room for the answer.
pub fn draw(
    pane: &WeakPane,
    found: &Found,
    item: &Item,
    frame: &mut Frame,
    area: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    let width = usize::from(area.width);
    let gap = u16::from(area.height >= ROOMY);
    let [head, _, text, _, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(gap),
        Constraint::Fill(1),
        Constraint::Length(gap),
        Constraint::Length(4),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head_lines(pane, found, item, width, theme)), head);
    let mut below = foot_lines(pane, item, width, theme);
    below.push(alternatives::line(pane, item, width, theme));
    frame.render_widget(Paragraph::new(below), foot);

    let visible = usize::from(text.height);
    let answer = heat_map(&item.measured.tokens, Some(pane.token), width, theme);
    // A third is the prompt's, and whatever the answer does not need.
    let room = visible.saturating_sub(answer.lines.len()).max(visible / 3);
    let asked = plain(&item.measured.example.prompt());
    let mut lines = prompt(&asked, width, room, theme);
    if lines.len() + answer.lines.len() < visible {
        lines.push(Line::default());
    }
    let left = visible.saturating_sub(lines.len());
    let first = (answer.cursor_line.unwrap_or(0) + 1).saturating_sub(left);
    lines.extend(answer.lines.into_iter().skip(first));
    frame.render_widget(Paragraph::new(lines), text);
}

/// Alone in the pane, all of it, scrolled.
pub fn draw_large(
    pane: &WeakPane,
    found: &Found,
    item: &Item,
    frame: &mut Frame,
    area: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    let width = usize::from(area.width);
    let expected = match area.height >= TALL {
        true => alternatives::lines(pane, item, width, theme),
        false => vec![alternatives::line(pane, item, width, theme)],
    };
    let rows = u16::try_from(expected.len()).unwrap_or(1);
    let [_, head, _, text, more, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(3 + rows),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head_lines(pane, found, item, width, theme)), head);
    let mut below = foot_lines(pane, item, width, theme);
    below.extend(expected);
    frame.render_widget(Paragraph::new(below), foot);

    let asked = plain(&item.measured.example.prompt());
    let mut lines = prompt(&asked, width, usize::MAX, theme);
    lines.push(Line::default());
    let answer = heat_map(&item.measured.tokens, Some(pane.token), width, theme);
    let cursor = lines.len() + answer.cursor_line.unwrap_or(0);
    lines.extend(answer.lines);
    let (all, visible) = (lines.len(), usize::from(text.height));
    let first = pane
        .scrolled
        .unwrap_or_else(|| (cursor + 2).saturating_sub(visible))
        .min(all.saturating_sub(visible));
    pane.text.set((first, visible, all));
    shared.hits.text(area, Part::Main);
    let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
    frame.render_widget(Paragraph::new(shown), text);
    let below = all.saturating_sub(first + visible);
    let words = match (first, below) {
        (0, 0) => String::new(),
        (above, 0) => format!("↑ {above} more lines"),
        (0, below) => format!("↓ {below} more lines"),
        (above, below) => format!("↑ {above} and ↓ {below} more lines"),
    };
    frame.render_widget(Line::styled(words, theme.dim), more);
}

fn head_lines(
    pane: &WeakPane,
    found: &Found,
    item: &Item,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let score = &item.measured.score;
    let id = plain_line(&score.id);
    let perplexity = format!(" · perplexity {}", figures::perplexity(item.perplexity));
    let tokens = format!(" · {} tokens", score.tokens);
    // Room for the marks.
    let room = width.saturating_sub(perplexity.width() + 4);
    let mut spans = vec![Span::styled(elide(&id, room), theme.accent), Span::raw(perplexity)];
    if id.width() + tokens.width() <= room {
        spans.push(Span::raw(tokens));
    }
    if found.is_weak(item) {
        spans.push(Span::styled(" ▲", theme.warning));
    }
    if pane.chosen.contains(&item.measured.example.id) {
        spans.push(Span::styled(" ✓", theme.good));
    }
    vec![Line::from(spans), parts(score.first, score.rest, score.end_of_turn, theme)]
}

/// The three parts of a score in nats: a model can learn when to stop and nothing else.
pub fn parts(first: f64, rest: Option<f64>, end_of_turn: f64, theme: &Theme) -> Line<'static> {
    let rest = rest.map_or_else(|| "-".into(), |rest| format!("{rest:.2}"));
    let label = |text: &'static str| Span::styled(text, theme.dim);
    Line::from(vec![
        label("first "),
        Span::raw(format!("{first:.2}")),
        label(" · rest "),
        Span::raw(rest),
        label(" · end of turn "),
        Span::raw(format!("{end_of_turn:.2}")),
    ])
}

/// The token under the cursor, and what the colours mean.
fn foot_lines(pane: &WeakPane, item: &Item, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let tokens = &item.measured.tokens;
    let Some((text, nats)) = tokens.get(pane.token) else { return Vec::new() };
    let last = pane.token + 1 == tokens.len();
    let words = match last {
        true => format!("{} the end of the turn", text.trim()),
        false => alternatives::quoted(text),
    };
    let place = format!("token {} of {} ", pane.token + 1, tokens.len());
    let room = width.saturating_sub(place.width());
    let probability = figures::probability(*nats);
    let figures =
        format!("{nats:.2} nats · perplexity {}", figures::perplexity(f64::from(*nats).exp()));
    let mut line = format!("probability {probability} · {figures}");
    if line.width() > width {
        line = format!("{probability} · {figures}");
    }
    vec![
        heat_legend(theme),
        Line::from(vec![
            Span::styled(place, theme.dim),
            Span::styled(elide(&words, room), theme.accent),
        ]),
        Line::raw(elide(&line, width)),
    ]
}

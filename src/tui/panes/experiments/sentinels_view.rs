//! How the matrix and an open cell look. What is severe has a mark beside its colour.

use super::sentinels::{Answers, Opened, Sentinels};
use crate::eval::{AreaOutcome, PERPLEXITY_LIMIT};
use crate::improve::{SentinelMatrix, SentinelPair};
use crate::store::{plain, plain_line};
use crate::tui::action::Action;
use crate::tui::hits::Part;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::{change, perplexity};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, found_with, pad, paragraphs, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Columns of an adapter's name, and of a cell.
const NAME: usize = 14;
const CELL: usize = 12;

/// Columns of a mark behind a figure, with the space before it.
const MARK: usize = 3;

pub(super) fn draw(
    sentinels: &Sentinels,
    matrix: &SentinelMatrix,
    known: bool,
    frame: &mut Frame,
    area: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    if let Some(opened) = &sentinels.opened {
        shared.hits.text(area, Part::Main);
        return draw_cell(opened, frame, area, theme);
    }
    let searched = match sentinels.words.as_str() {
        "" => None,
        words => Some(found_with(words, shared)),
    };
    if let (true, Some(found)) = (matrix.rows.is_empty(), &searched) {
        let words = "No adapter has these words in its name: <leave-cell> shows all.";
        let texts = [(found.as_str(), theme.person), (words, theme.dim)];
        return paragraphs(frame, area, &texts, &shared.keymap);
    }
    if matrix.rows.is_empty() {
        let words = match known {
            true => "No round has measured an adapter on the sentinels yet",
            false => "reading …",
        };
        return paragraphs(
            frame,
            area,
            &[
                (words, theme.accent),
                (
                    "Sentinels are tasks that no round trains for: maths, safety, reasoning, code, \
                     writing. Every round answers them before and after, and here stands what each \
                     adapter cost there. What the gate in Compare measured stands with its verdict.",
                    theme.text,
                ),
                ("<leave-sentinels> goes back; there, <improve> starts a round.", theme.dim),
            ],
            &shared.keymap,
        );
    }
    let [head, table, foot] = Layout::vertical([
        Constraint::Length(if area.height > 14 { 3 } else { 2 }),
        Constraint::Fill(1),
        Constraint::Length(4),
    ])
    .areas(area);
    let width = usize::from(area.width);
    let mut lines = head_lines(width, theme);
    if let (Some(found), Some(first)) = (searched, lines.first_mut()) {
        *first = Line::styled(elide(&found, width), theme.person);
    }
    frame.render_widget(Paragraph::new(lines), head);
    draw_matrix(sentinels, matrix, frame, table, shared);
    frame.render_widget(Paragraph::new(foot_lines(sentinels, matrix, width, theme)), foot);
}

fn head_lines(width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let limit = PERPLEXITY_LIMIT * 100.0;
    let words = "Perplexity on tasks that were not trained for, against the round's start";
    let marks = [
        ("below 0 is better", theme.good),
        (" · ", theme.dim),
        ("! over half of the limit", theme.warning),
        (" · ", theme.dim),
    ];
    let mut legend: Vec<Span> =
        marks.into_iter().map(|(words, style)| Span::styled(words, style)).collect();
    legend.push(Span::styled(format!("!! {limit:.0} % or more"), severe(theme)));
    vec![Line::styled(elide(words, width), theme.accent), Line::from(legend)]
}

fn severe(theme: &Theme) -> Style {
    theme.bad.add_modifier(Modifier::BOLD)
}

/// The figure of a cell with its mark, and the style of its severity.
fn severity(outcome: Option<&AreaOutcome>, theme: &Theme) -> (String, Style) {
    let Some(outcome) = outcome else { return ("–   ".into(), theme.dim) };
    let by = outcome.change;
    let (mark, style) = match by {
        by if by >= PERPLEXITY_LIMIT => ("!!", severe(theme)),
        by if by >= PERPLEXITY_LIMIT / 2.0 => ("! ", theme.warning),
        by if by < 0.0 => ("  ", theme.good),
        by if by.is_nan() => ("? ", theme.warning),
        _ => ("  ", theme.text),
    };
    (format!("{} {mark}", elide(&change(by), CELL - 4)), style)
}

fn draw_matrix(
    sentinels: &Sentinels,
    matrix: &SentinelMatrix,
    frame: &mut Frame,
    area: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    let (row, column) = sentinels.place(matrix);
    let rows = usize::from(area.height).saturating_sub(1);
    let columns = usize::from(area.width).saturating_sub(NAME) / CELL;
    let (first_row, first_column) = sentinels.first.get();
    let top = first_visible(first_row, row, rows, matrix.rows.len());
    let left = first_visible(first_column, column, columns, matrix.areas.len());
    sentinels.first.set((top, left));
    let more = |hidden: bool, mark: &'static str| if hidden { mark } else { " " };
    let heading = format!("adapter {}", more(left > 0, "‹"));
    let mut head = vec![Span::styled(pad(&heading, NAME), theme.dim)];
    for (nth, name) in matrix.areas.iter().enumerate().skip(left).take(columns) {
        let style = if nth == column { theme.accent } else { theme.dim };
        let name = elide(&plain_line(name), CELL - MARK);
        let gap = " ".repeat((CELL - MARK).saturating_sub(name.width()));
        head.push(Span::styled(format!("{gap}{name}{}", " ".repeat(MARK)), style));
    }
    head.push(Span::styled(more(left + columns < matrix.areas.len(), "›"), theme.dim));
    let mut lines = vec![Line::from(head)];
    for (nth, found) in matrix.rows.iter().enumerate().skip(top).take(rows) {
        let style = if nth == row { theme.accent } else { theme.text };
        let name = elide(&plain_line(&found.adapter), NAME - 2);
        let mut spans = vec![Span::styled(pad(&name, NAME), style)];
        for place in (left..matrix.areas.len()).take(columns) {
            let (words, style) = severity(found.cells.get(place).and_then(Option::as_ref), theme);
            let gap = CELL.saturating_sub(1 + words.width());
            let cell = Rect {
                x: area.x.saturating_add((NAME + (place - left) * CELL) as u16),
                y: area.y.saturating_add((1 + nth - top) as u16),
                width: CELL as u16,
                height: 1,
            };
            let cell_place = nth * matrix.areas.len() + place;
            shared.hits.rows(cell.intersection(area), cell_place, 1, 1, Action::Open);
            let under_cursor = nth == row && place == column;
            let style = if under_cursor { style.patch(theme.selected) } else { style };
            spans.push(Span::raw(" "));
            spans.push(Span::styled(format!("{}{words}", " ".repeat(gap)), style));
        }
        lines.push(Line::from(spans));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Moves only as far as needed to keep the cursor on screen.
fn first_visible(first: usize, cursor: usize, visible: usize, all: usize) -> usize {
    let first = first.min(cursor).max((cursor + 1).saturating_sub(visible));
    first.min(all.saturating_sub(visible))
}

/// The cell under the cursor in figures.
fn foot_lines(
    sentinels: &Sentinels,
    matrix: &SentinelMatrix,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let Some((row, column)) = sentinels.cell(matrix) else { return Vec::new() };
    let area = matrix.areas.get(column).map(|area| plain_line(area)).unwrap_or_default();
    let title = format!("{} on {area}", plain_line(&row.adapter));
    let mut lines = vec![Line::styled("─".repeat(width), theme.border)];
    let round = format!("· {}", plain_line(&row.round));
    lines.push(Line::from(vec![
        Span::styled(elide(&title, width), theme.accent),
        Span::styled(
            format!(" {}", elide(&round, width.saturating_sub(title.width() + 1))),
            theme.dim,
        ),
    ]));
    match row.cells.get(column).and_then(Option::as_ref) {
        None => lines.push(Line::styled("not measured", theme.dim)),
        Some(outcome) => {
            let mut words =
                format!("perplexity {} → {}", perplexity(outcome.a), perplexity(outcome.b));
            if let Some([low, high]) = outcome.ci95 {
                words += &format!(" · 95 % {} to {}", change(low), change(high));
            }
            words += &format!(" · {} items", outcome.n);
            lines.push(Line::raw(elide(&words, width)));
            if let (Some(a), Some(b)) = (outcome.accuracy_a, outcome.accuracy_b) {
                let words = format!("right answers {:.0} % → {:.0} %", a * 100.0, b * 100.0);
                lines.push(Line::raw(words));
            }
        }
    }
    lines
}

fn draw_cell(opened: &Opened, frame: &mut Frame, area: Rect, theme: &Theme) {
    let [head, _, text, more] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    let width = usize::from(area.width);
    let title = format!("{} on {}", plain_line(&opened.adapter), plain_line(&opened.area));
    let mut spans = vec![Span::styled(elide(&title, width), theme.accent)];
    let lines = match &opened.answers {
        Answers::Coming => vec![Line::styled("reading …", theme.dim)],
        Answers::Failed(why) => wrap(&format!("! {why}"), width)
            .into_iter()
            .map(|line| Line::styled(line, theme.bad))
            .collect(),
        Answers::Here(pairs) if pairs.is_empty() => wrap(
            "No answers are kept for this area. Only what base answers rightly in four of five \
             tries is asked again after a round.",
            width,
        )
        .into_iter()
        .map(|line| Line::styled(line, theme.dim))
        .collect(),
        Answers::Here(pairs) => {
            let count = |fate| pairs.iter().filter(|pair| Fate::of(pair) == fate).count();
            let words = format!(
                "· {} answers: {} lost, {} gained",
                pairs.len(),
                count(Fate::Lost),
                count(Fate::Gained)
            );
            let room = width.saturating_sub(title.width() + 1);
            spans.push(Span::raw(format!(" {}", elide(&words, room))));
            answer_lines(pairs, width, theme)
        }
    };
    frame.render_widget(Line::from(spans), head);
    let visible = usize::from(text.height);
    let first = opened.scroll.first(lines.len(), visible);
    let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
    frame.render_widget(Paragraph::new(shown), text);
    if opened.scroll.below() > 0 {
        let words = format!("↓ {} more lines", opened.scroll.below());
        frame.render_widget(Line::styled(words, theme.dim), more);
    }
}

/// What became of one sentinel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Gained,
    StillRight,
    StillWrong,
}

impl Fate {
    fn of(pair: &SentinelPair) -> Self {
        match (pair.before_right, pair.after_right) {
            (true, false) => Self::Lost,
            (false, true) => Self::Gained,
            (true, true) => Self::StillRight,
            (false, false) => Self::StillWrong,
        }
    }

    fn words(self, theme: &Theme) -> (&'static str, Style) {
        match self {
            Self::Lost => ("✗ lost", severe(theme)),
            Self::Gained => ("✓ gained", theme.good.add_modifier(Modifier::BOLD)),
            Self::StillRight => ("= still right", theme.dim),
            Self::StillWrong => ("= still wrong", theme.dim),
        }
    }
}

/// All answers of a cell, safe to show.
pub(super) fn answer_lines(
    pairs: &[SentinelPair],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    const LABEL: usize = 9;
    let mut lines = Vec::new();
    for pair in pairs {
        let (fate, style) = Fate::of(pair).words(theme);
        lines.push(Line::from(vec![
            Span::styled(fate, style),
            Span::styled(format!(" · {}", plain_line(&pair.id)), theme.dim),
        ]));
        let mark = |right| if right { theme.good } else { theme.bad };
        let parts = [
            ("asked", &pair.prompt, theme.person, theme.dim),
            ("right is", &pair.answer, theme.text, theme.dim),
            (label(pair.before_right, "before"), &pair.before, theme.text, mark(pair.before_right)),
            (label(pair.after_right, "after"), &pair.after, theme.text, mark(pair.after_right)),
        ];
        for (label, text, style, label_style) in parts {
            let text = plain(text);
            let wrapped = wrap(text.trim_end(), width.saturating_sub(LABEL).max(8));
            for (nth, line) in wrapped.into_iter().enumerate() {
                let label = if nth == 0 { label } else { "" };
                lines.push(Line::from(vec![
                    Span::styled(pad(label, LABEL), label_style),
                    Span::styled(line, style),
                ]));
            }
        }
        lines.push(Line::default());
    }
    lines
}

fn label(right: bool, when: &str) -> &'static str {
    match (right, when) {
        (true, "before") => "before ✓",
        (false, "before") => "before ✗",
        (true, _) => "after ✓",
        (false, _) => "after ✗",
    }
}

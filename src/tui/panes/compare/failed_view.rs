//! How the failed tasks look, before and after.

use super::failed::{FailedTasks, Sum};
use super::view::model_trouble;
use crate::driver::FailedTask;
use crate::report::{Table, TakenOut};
use crate::store::{plain, plain_line};
use crate::tui::action::Action;
use crate::tui::answer::answer_lines;
use crate::tui::hits::Part;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::{change, perplexity};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, found_with, pad, paragraphs, without_beginning, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Padding, Paragraph};
use unicode_width::UnicodeWidthStr;

/// Fewer unseen tasks than this prove nothing, as the gate counts.
const FEWEST: usize = crate::eval::FEWEST_GROUPS;

/// With fewer columns, the list says `seen` alone.
const NARROW: usize = 84;

/// From this many columns on, list and task stand side by side.
const WIDE: u16 = 110;

impl FailedTasks {
    pub(super) fn draw(
        &self,
        frame: &mut Frame,
        area: Rect,
        shared: &Shared,
        pair: Option<&[String; 2]>,
    ) {
        let theme = &shared.theme;
        let Some(result) = self.result.as_ref().filter(|result| !result.tasks.is_empty()) else {
            return self.draw_empty(frame, area, shared);
        };
        let width = usize::from(area.width);
        let mut summary = self.summary(width, shared);
        if let Some(running) = &self.running {
            summary.extend(running.lines(width, 2, shared));
        } else if let Some(why) = &self.failed {
            summary.extend(wrap(why, width).into_iter().map(|l| Line::styled(l, theme.bad)));
        } else if let Some([a, b]) = pair.filter(|[a, b]| *a != result.a || *b != result.b) {
            let key = shared.keymap.key("failed-tasks");
            let words =
                format!("These are of {} → {}; {key} scores {a} → {b}.", result.a, result.b);
            summary.push(Line::styled(words, theme.warning));
        }
        if !self.words.is_empty() {
            let words = elide(&found_with(&self.words, shared), width);
            summary.push(Line::styled(words, theme.person));
        }
        for note in &self.notes {
            summary.push(Line::styled(elide(note, width), theme.dim));
        }
        let rows = u16::try_from(summary.len() + 1).unwrap_or(u16::MAX).min(area.height / 2);
        let [above, rest] =
            Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(area);
        frame.render_widget(Paragraph::new(summary), above);
        let (list, detail) = if area.width >= WIDE {
            let [list, detail] =
                Layout::horizontal([Constraint::Percentage(55), Constraint::Fill(1)])
                    .spacing(1)
                    .areas(rest);
            (list, detail)
        } else {
            let most = u16::try_from(self.shown().len().max(1)).unwrap_or(u16::MAX);
            let list = most.min((rest.height / 2).max(1));
            let [list, detail] =
                Layout::vertical([Constraint::Length(list), Constraint::Fill(1)]).areas(rest);
            (list, detail)
        };
        self.draw_list(frame, list, shared);
        self.draw_detail(frame, detail, area.width >= WIDE, shared);
    }

    /// What unseen and seen tasks came to, apart.
    fn summary(&self, width: usize, shared: &Shared) -> Vec<Line<'static>> {
        let theme = &shared.theme;
        let mut lines = Vec::new();
        if let Some(sum) = self.sum(false) {
            let words = match sum.tasks {
                tasks if tasks < FEWEST => "few: a hint, no proof",
                _ => "not trained on",
            };
            lines.push(sum_line("unseen", sum, words, theme));
        } else {
            let words = "unseen  none: every corrected failure was trained on";
            lines.push(Line::styled(words, theme.warning));
        }
        if let Some(sum) = self.sum(true) {
            lines.push(sum_line("seen", sum, "in training: no evidence", theme));
        }
        if let Some(result) = self.result.as_ref().filter(|result| result.uncorrected > 0) {
            let keys = shared.keymap.tell("<show-sessions> goes there, <correct> writes it.");
            let words = format!("{}; {keys}", without(result.uncorrected));
            lines.push(Line::styled(elide(&words, width), theme.dim));
        }
        lines
    }

    fn draw_list(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let tasks = self.shown();
        if tasks.is_empty() {
            let words = "No task has these words: <stop-comparing> shows all";
            let line = Line::styled(shared.keymap.tell(words), theme.dim);
            return frame.render_widget(line, area);
        }
        let visible = usize::from(area.height);
        self.visible.set(visible);
        let last_first = tasks.len().saturating_sub(visible);
        let lowest = (self.selected + 1).saturating_sub(visible);
        let first = self.first.get().clamp(lowest, self.selected.max(lowest)).min(last_first);
        self.first.set(first);
        let width = usize::from(area.width);
        shared.hits.rows(area, first, tasks.len().saturating_sub(first), 1, Action::Right);
        let common = self.common_beginning();
        let lines: Vec<Line> = tasks
            .iter()
            .enumerate()
            .skip(first)
            .take(visible)
            .map(|(place, task)| row(task, common, place == self.selected, width, theme))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_detail(&self, frame: &mut Frame, area: Rect, beside: bool, shared: &Shared) {
        let theme = &shared.theme;
        let key = |name: &str| shared.keymap.key(name);
        let (forth, back) = (key("right-column"), key("left-column"));
        let Some(task) = self.selected_task() else { return };
        let border = if self.reading { theme.focused_border } else { theme.border };
        let borders = if beside { Borders::LEFT | Borders::TOP } else { Borders::TOP };
        let block = Block::new()
            .borders(borders)
            .border_style(border)
            .title(Line::styled(
                format!(" {}: both answer it again ", shared.keymap.last_key("compare-prompt")),
                theme.accent,
            ))
            .padding(Padding::left(u16::from(beside)));
        let inner = block.inner(area);
        shared.hits.text(area, Part::Right);
        let width = usize::from(inner.width);
        let mut lines = Vec::new();
        for (heading, text, style) in [
            ("Task", &task.task, Some(theme.person)),
            ("What the model had said", &task.answer, None),
            ("Your right answer", &task.correction, Some(theme.good)),
        ] {
            lines.push(Line::styled(heading, theme.dim));
            let text = plain(text);
            let text = if text.trim().is_empty() { "(nothing)" } else { text.trim() };
            match style {
                Some(style) => lines
                    .extend(wrap(text, width).into_iter().map(|line| Line::styled(line, style))),
                None => lines.extend(answer_lines(text, width, shared.reading())),
            }
            lines.push(Line::default());
        }
        lines.pop();
        let visible = usize::from(inner.height);
        let first = self.detail.first(lines.len(), visible);
        let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
        let way = match self.reading {
            true => format!("{back} back to the list"),
            false => format!("{forth} reads on"),
        };
        let title = match self.detail.mark() {
            None => format!(" {way} "),
            Some(mark) => format!(" {way}  {mark} "),
        };
        let block = block.title(Line::styled(title, theme.dim).right_aligned());
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(shown), inner);
    }

    fn draw_empty(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        if let Some(running) = &self.running {
            let [above, rest] =
                Layout::vertical([Constraint::Length(4), Constraint::Fill(1)]).areas(area);
            let [a, b] = &running.arms;
            let words = format!(
                "How likely are your right answers under {a} and under {b}? Both score them; this \
                 takes seconds."
            );
            paragraphs(frame, above, &[(&words, theme.text)], &shared.keymap);
            let lines = running.lines(usize::from(rest.width), usize::from(rest.height), shared);
            frame.render_widget(Paragraph::new(lines), rest);
            return;
        }
        let uncorrected = self.result.as_ref().map_or(0, |result| result.uncorrected);
        let missing = format!("{}.", without(uncorrected));
        let mut texts = Vec::new();
        // Without a result nobody knows whether there is such a task.
        if self.result.is_some() {
            texts.push(("No failed task with a right answer yet", theme.accent));
        }
        texts.push((
            "A task that you rated 3 stars or fewer and whose right answer you wrote is scored here \
             by both arms: is the right answer more likely after training?",
            theme.text,
        ));
        if self.result.is_some() {
            texts.push((
                "<show-sessions> goes to your sessions; <rate-session> rates one there, <correct> writes its right answer.",
                theme.text,
            ));
        }
        if uncorrected > 0 {
            texts.push((&missing, theme.warning));
        }
        for note in &self.notes {
            texts.push((note, theme.warning));
        }
        if let Some(why) = &self.failed {
            texts.push((why, theme.bad));
        } else if let Some(why) = model_trouble(shared) {
            texts.push((why, theme.bad));
        }
        paragraphs(frame, area, &texts, &shared.keymap);
    }

    /// The list as text.
    pub(super) fn text(&self) -> Option<String> {
        let result = self.result.as_ref().filter(|result| !result.tasks.is_empty())?;
        let mut text = format!("{} → {}\n", result.a, result.b);
        for task in &result.tasks {
            text.push_str(&format!(
                "{}\t{} → {}\t{}\t{}\t{}\n",
                task.session,
                perplexity(task.before),
                perplexity(task.after),
                change(task.after / task.before - 1.0),
                seen(task),
                plain_line(&task.task),
            ));
        }
        Some(text)
    }
}

impl FailedTasks {
    /// Every task with what both arms make of it.
    pub(super) fn taken(&self) -> Option<TakenOut> {
        let result = self.result.as_ref().filter(|result| !result.tasks.is_empty())?;
        let (a, b) = (plain_line(&result.a), plain_line(&result.b));
        let mut table = Table::new(&[
            "session",
            "before",
            "after",
            "change",
            "trained on",
            "task",
            "answer",
            "right answer",
        ]);
        for task in &result.tasks {
            table.push([
                task.session.to_string(),
                task.before.to_string(),
                task.after.to_string(),
                (task.after / task.before - 1.0).to_string(),
                if task.seen { "yes" } else { "no" }.to_owned(),
                plain(&task.task),
                plain(&task.answer),
                plain(&task.correction),
            ]);
        }
        Some(TakenOut::of_table(format!("failed-tasks-{a}-{b}"), table))
    }
}

fn without(uncorrected: usize) -> String {
    match uncorrected {
        1 => "1 failed session has no right answer yet".into(),
        count => format!("{count} failed sessions have no right answer yet"),
    }
}

fn seen(task: &FailedTask) -> &'static str {
    if task.seen { "seen in training" } else { "unseen" }
}

fn mark(change: f64, theme: &Theme) -> (&'static str, Style) {
    match change {
        change if change < 0.0 => ("▼", theme.good),
        change if change > 0.0 => ("▲", theme.bad),
        _ => ("=", theme.text),
    }
}

fn sum_line(name: &str, sum: Sum, words: &str, theme: &Theme) -> Line<'static> {
    let (mark, style) = mark(sum.change, theme);
    let tasks = if sum.tasks == 1 { "task" } else { "tasks" };
    Line::from(vec![
        Span::styled(format!("{name:8}"), theme.accent),
        Span::raw(format!("{} {tasks}, mean ", sum.tasks)),
        Span::styled(format!("{mark} {}", change(sum.change)), style),
        Span::raw(format!(", {} of {} better", sum.better, sum.tasks)),
        Span::styled(format!("  ({words})"), theme.dim),
    ])
}

fn row(
    task: &FailedTask,
    common: usize,
    selected: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let change_by = task.after / task.before - 1.0;
    let (mark, style) = mark(change_by, theme);
    let figures = format!("{:>8} → {:<8}", perplexity(task.before), perplexity(task.after));
    let changed = format!(" {mark} {:>9}", change(change_by));
    // Where columns are few, the line over the list says in what.
    let seen = match (task.seen, width < NARROW) {
        (true, true) => "  seen  ",
        (true, false) => "  seen in training",
        (false, true) => "  unseen",
        (false, false) => "  unseen          ",
    };
    let columns = 2 + figures.width() + changed.width() + seen.width();
    let room = width.saturating_sub(columns).max(10);
    let text = without_beginning(&plain_line(&task.task), common);
    let text = pad(&elide(&text, room.saturating_sub(1)), room);
    let line = Line::from(vec![
        Span::styled(if selected { "▸ " } else { "  " }, theme.accent),
        Span::styled(text, theme.text),
        Span::styled(figures, theme.text),
        Span::styled(changed, style),
        Span::styled(seen, if task.seen { theme.dim } else { theme.text }),
    ]);
    if selected { line.style(theme.selected) } else { line }
}

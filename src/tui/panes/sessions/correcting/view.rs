//! How the walk looks: where one is, what was asked and answered, and directly below it the editor.

use super::Correcting;
use super::step::{Shown, Step};
use crate::store::{Issue, plain_line};
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::panes::sessions::detail::Detail;
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, elide, stars, wrap};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Borders, Padding, Paragraph};
use unicode_width::UnicodeWidthStr;

/// From this width on, what was asked stands beside the answer (columns).
const WIDE: u16 = 110;
/// Columns of the bar that shows how far the walk is.
const BAR: usize = 24;
/// Rows of an empty editor, without its frame, on a small screen and on a large one.
const FEWEST_ROWS: u16 = 3;
const ROOMY: u16 = 10;
/// Rows of words below the editor.
const MOST_WORDS: usize = 3;

impl Correcting {
    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        if self.ended {
            return self.draw_end(frame, area, shared);
        }
        let Some(step) = self.step() else { return };
        let words = self.words(step, usize::from(area.width), &shared.keymap);
        let [head, rule, body, below] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(words.len() as u16),
        ])
        .areas(area);
        self.draw_head(frame, head, theme);
        let line = "─".repeat(usize::from(rule.width));
        frame.render_widget(Line::styled(line, theme.border), rule);
        let style = if step.trouble.is_some() { theme.bad } else { theme.warning };
        let words: Vec<Line> = words.into_iter().map(|words| Line::styled(words, style)).collect();
        frame.render_widget(Paragraph::new(words), below);
        let first = step.members.first().and_then(|member| member.shown.as_ref());
        match first.filter(|_| step.is_loaded()) {
            Some(shown) if area.width >= WIDE => draw_wide(step, shown, frame, body, shared),
            Some(shown) => draw_narrow(step, shown, frame, body, shared),
            None => draw_missing(step, frame, body, shared),
        }
    }

    /// Where one is, and whether what was written is on disk.
    fn draw_head(&self, frame: &mut Frame, area: Rect, theme: &Theme) {
        let (all, left) = (self.steps.len(), self.left());
        let mut spans = vec![
            Span::styled("Correcting  ", theme.accent),
            Span::styled(format!("{} of {all}, {left} left", self.at + 1), theme.text),
        ];
        let filled = (all - left) * BAR / all.max(1);
        if usize::from(area.width) >= 70 {
            spans.push(Span::raw("  "));
            spans.push(Span::styled("━".repeat(filled), theme.good));
            spans.push(Span::styled("─".repeat(BAR - filled), theme.border));
        }
        frame.render_widget(Line::from(spans), area);
        let saving = self.steps.iter().filter(|step| step.is_saving()).count();
        let failed = self.steps.iter().filter(|step| step.trouble.is_some()).count();
        let (words, style) = match (failed, saving, all - left) {
            (0, 0, 0) => return,
            (0, 0, saved) => (format!("✓ {saved} saved"), theme.good),
            (0, _, _) => ("saving…".to_owned(), theme.warning),
            (failed, _, _) => (format!("{failed} not saved"), theme.bad),
        };
        let line = Line::styled(words, style).alignment(Alignment::Right);
        frame.render_widget(line, area);
    }

    /// What has to be said in words, in lines of `width` columns.
    fn words(&self, step: &Step, width: usize, keymap: &Keymap) -> Vec<String> {
        let words = if self.warned {
            match self.unsaved() {
                1 => keymap.tell("A text is not saved: <save-correction> saves it, <end-correcting> again lets it go."),
                several => {
                    let keys = "<end-correcting> again lets them go, <skip-session> finds them.";
                    format!("{several} texts are not saved: {}", keymap.tell(keys))
                }
            }
        } else if let Some(why) = &step.trouble {
            format!("Not saved: {why}.")
        } else if let Some(other) = self.trouble_elsewhere() {
            let why = other.trouble.as_deref().unwrap_or_default();
            let id = other.members.first().map(|member| member.id.as_str()).unwrap_or_default();
            let keys = keymap.tell("<save-correction> or <skip-session>");
            format!("{id} is not saved: {why}. Its text is kept; {keys} come to it.")
        } else if step.is_acted() {
            "It was carried out: write its right answer, or its first action as JSON.".into()
        } else {
            return Vec::new();
        };
        let mut lines = wrap(&words, width);
        lines.truncate(MOST_WORDS);
        lines
    }

    fn draw_end(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let (theme, keymap) = (&shared.theme, &shared.keymap);
        let (all, left) = (self.steps.len(), self.left());
        let saving = self.steps.iter().any(Step::is_saving);
        let first = match (left, all) {
            _ if saving => "Saving…".to_owned(),
            (0, 1) => "It is corrected.".into(),
            (0, all) => format!("All {all} are corrected."),
            (left, all) => format!("{} of {all} corrected, {left} left.", all - left),
        };
        let second = match left {
            _ if saving => "",
            0 if all == 1 => "<train-failed> trains on it; <end-correcting> goes back to the list.",
            0 => "<train-failed> trains on them; <end-correcting> goes back to the list.",
            left if left == all => {
                "<correct-all> goes through them again; <end-correcting> goes back to the list."
            }
            _ => {
                "<correct-all> goes through the rest; <train-failed> trains on those corrected; <end-correcting> goes back to the list."
            }
        };
        let mut lines = vec![
            Line::styled("━".repeat(BAR), if left == 0 { theme.good } else { theme.border }),
            Line::default(),
            Line::styled(first, theme.accent),
            Line::default(),
            Line::styled(keymap.tell(second), theme.dim),
        ];
        let again = if self.warned { " again" } else { ", twice," };
        let words = match self.unsaved() {
            0 => None,
            1 => Some(format!(
                "A text is not saved: <correct-all> finds it, <end-correcting>{again} lets it go."
            )),
            several => Some(format!(
                "{several} texts are not saved: <correct-all> finds them, <end-correcting>{again} lets them go."
            )),
        };
        if let Some(words) = words {
            lines.extend([Line::default(), Line::styled(keymap.tell(&words), theme.warning)]);
        }
        let down = area.height.saturating_sub(lines.len() as u16) / 3;
        let place = Rect { y: area.y + down, height: area.height - down, ..area };
        frame.render_widget(Paragraph::new(lines).alignment(Alignment::Center), place);
    }
}

/// One column: how it was rated, what was asked and answered, the editor.
fn draw_narrow(step: &Step, shown: &Shown, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let said = said(shown, usize::from(area.width), theme);
    let editor = editor_rows(step, area);
    let [top, text, editor] = Layout::vertical([
        Constraint::Length(said.len() as u16),
        Constraint::Fill(1),
        Constraint::Length(editor),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(said), top);
    let parts = shown.lines(usize::from(text.width), shared.reading());
    let others = right_answers(step, usize::from(text.width), theme);
    let lines: Vec<&Line> = parts.asked.iter().chain(&parts.given).chain(&others).collect();
    draw_scrolled(&lines, &shown.asked, frame, text, shared);
    draw_editor(step, frame, editor, shared);
}

/// What was asked on the left; on the right the answer and, as wide as it, the editor.
fn draw_wide(step: &Step, shown: &Shown, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(46), Constraint::Fill(1)]).areas(area);
    let block = Block::new().borders(Borders::LEFT).border_style(theme.border);
    let right_inside = block.inner(right).inner(Margin::new(1, 0));
    frame.render_widget(block, right);
    let left = Rect { width: left.width.saturating_sub(1), ..left };
    let said = said(shown, usize::from(left.width), theme);
    let [top, _, asked] = Layout::vertical([
        Constraint::Length(said.len() as u16),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(left);
    frame.render_widget(Paragraph::new(said), top);
    let parts = shown.lines(usize::from(asked.width), shared.reading());
    draw_scrolled(&parts.asked.iter().collect::<Vec<_>>(), &shown.asked, frame, asked, shared);
    let mut given = shown.lines(usize::from(right_inside.width), shared.reading()).given;
    given.extend(right_answers(step, usize::from(right_inside.width), theme));
    let editor = editor_rows(step, right_inside);
    let room = right_inside.height.saturating_sub(editor);
    let rows = (given.len().min(usize::from(u16::MAX)) as u16).min(room);
    let [answer, editor, _] = Layout::vertical([
        Constraint::Length(rows),
        Constraint::Length(editor),
        Constraint::Fill(1),
    ])
    .areas(right_inside);
    draw_scrolled(&given.iter().collect::<Vec<_>>(), &shown.given, frame, answer, shared);
    draw_editor(step, frame, editor, shared);
}

fn draw_missing(step: &Step, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let line = match &step.unreadable {
        Some(why) => {
            let unread = step.members.iter().find(|member| member.shown.is_none());
            let id = unread.map(|member| member.id.as_str()).unwrap_or_default();
            Line::styled(format!("{id} cannot be read: {why}"), theme.bad)
        }
        None => Line::styled("Reading the session…", theme.dim),
    };
    let editor = editor_rows(step, area);
    let [text, editor] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(editor)]).areas(area);
    let text_block = Paragraph::new(line).wrap(ratatui::widgets::Wrap { trim: true });
    frame.render_widget(text_block, text);
    draw_editor(step, frame, editor, shared);
}

/// What was said to be right and contradicts itself, newest first.
fn right_answers(step: &Step, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    if !step.is_contradiction() {
        return Vec::new();
    }
    let mut answers: Vec<&str> = Vec::new();
    for answer in step.members.iter().filter_map(|member| member.on_disk.as_deref()) {
        if !answers.iter().any(|told| told.trim() == answer.trim()) {
            answers.push(answer);
        }
    }
    let parts = answers.into_iter().enumerate().map(|(nth, answer)| {
        let title = if nth == 0 { "One right answer" } else { "Another right answer" };
        Detail::part(title, answer, width, theme)
    });
    parts.flatten().collect()
}

/// As many rows as the text needs, up to half of what there is; its frame included.
fn editor_rows(step: &Step, area: Rect) -> u16 {
    let width = area.width.saturating_sub(4);
    let needed = step.text.as_ref().map_or(0, |text| text.rows(width));
    let fewest = (area.height / 5).clamp(FEWEST_ROWS, ROOMY);
    let most = (area.height / 2).saturating_sub(2).max(fewest);
    ((needed.min(usize::from(u16::MAX)) as u16).clamp(fewest, most) + 2).min(area.height)
}

fn draw_editor(step: &Step, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let empty = step.text.as_ref().is_none_or(|text| text.is_empty());
    let state = match step.settled() {
        _ if step.is_saving() => Span::styled(" saving… ", theme.warning),
        Some(_) if !step.has_text_to_lose() => Span::styled(" saved ", theme.good),
        _ => Span::raw(""),
    };
    let (title, hint) = match (step.is_contradiction(), empty) {
        (true, _) if step.settled().is_none() => (
            " Which is right? ",
            " <save-correction> keeps this one for all, <given-answer> takes the next ",
        ),
        (false, true) => (" Right answer ", " type it, or <given-answer> takes the answer above "),
        _ => (" Right answer ", ""),
    };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.focused_border)
        .title(Line::styled(title, theme.accent))
        .title(Line::from(state).alignment(Alignment::Right))
        .title_bottom(Line::styled(shared.keymap.tell(hint), theme.dim).alignment(Alignment::Right))
        .padding(Padding::horizontal(1));
    let inside = block.inner(area);
    frame.render_widget(block, area);
    if let Some(text) = &step.text {
        text.draw(frame, inside, true, theme);
    }
}

/// The visible part of lines; what is above or below is counted in the last column's place.
fn draw_scrolled(
    lines: &[&Line<'static>],
    scroll: &Scroll,
    frame: &mut Frame,
    area: Rect,
    shared: &Shared,
) {
    let theme = &shared.theme;
    let height = usize::from(area.height);
    let first = scroll.first(lines.len(), height);
    let visible: Vec<Line> =
        lines.iter().skip(first).take(height).map(|line| (*line).clone()).collect();
    frame.render_widget(Paragraph::new(visible), area);
    let below = scroll.below();
    let words = match (first, below) {
        (0, 0) => return,
        (above, 0) => format!("  ↑ {above} more, {}", shared.keymap.key("read-back")),
        (0, below) => format!("  ↓ {below} more, {}", shared.keymap.key("read-on")),
        (above, below) => format!("  ↑ {above} ↓ {below} more"),
    };
    let line = Line::styled(words.clone(), theme.dim);
    let width = (words.width() as u16).min(area.width);
    let row = Rect { x: area.x + area.width - width, width, height: area.height.min(1), ..area };
    frame.render_widget(line, row);
}

/// How it was rated: stars, what went wrong, and the comment, in at most two lines.
fn said(shown: &Shown, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let metadata = &shown.session.metadata;
    let given = stars(metadata.user_rating.map(|stars| stars.get()));
    let issues: Vec<&str> = metadata.what_went_wrong.iter().map(Issue::words).collect();
    let room = width.saturating_sub(given.width() + 2);
    let issues = elide(&plain_line(&issues.join(", ")), room);
    let mut lines = vec![Line::from(vec![
        Span::styled(given, theme.stars),
        Span::raw("  "),
        Span::styled(issues, theme.warning),
    ])];
    if let Some(comment) = &metadata.feedback_comment {
        lines.push(Line::styled(elide(&plain_line(comment), width), theme.person));
    }
    lines
}

//! How the prompt looks: a box at the bottom, so that the steps before it stay in sight.

use super::ApprovalPrompt;
use crate::tui::hits::Part;
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{dialog, elide, pad, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Columns of the frame and the margins inside it, and its rows.
const FRAME: (u16, u16) = (4, 2);
/// What is allowed for good.
const ALL: &str = "all of “{}” in this folder, from now on";
/// Columns of a key in the list of keys.
const KEY: usize = 4;
/// Rows of a warning or a problem.
const WORDS: usize = 3;

impl ApprovalPrompt {
    /// Rows that the prompt takes of `area`.
    pub fn height(&self, area: Rect) -> u16 {
        let width = area.width.saturating_sub(FRAME.0);
        let most = (area.height * 3 / 4).max(12).min(area.height);
        let content = self.content_rows(width, &Theme::default());
        let others = FRAME.1 + self.words(width).len() as u16 + 2 + self.key_rows();
        content.saturating_add(others).min(most)
    }

    fn content_rows(&self, width: u16, theme: &Theme) -> u16 {
        let rows = match &self.field {
            Some(field) => field.rows(width).max(2),
            None => self.action.lines(usize::from(width), theme).len(),
        };
        rows.min(usize::from(u16::MAX)) as u16
    }

    fn key_rows(&self) -> u16 {
        match (&self.field, &self.proposal.unconfined) {
            (Some(_), _) => 1,
            (None, Some(_)) => 2,
            (None, None) => 3,
        }
    }

    /// Where it would be done, and what has to be known first; true for a warning.
    fn words(&self, width: u16) -> Vec<(String, bool)> {
        let width = usize::from(width);
        let mut words = Vec::new();
        let mut add = |text: String, warns| {
            let mut rows = wrap(&text, width);
            rows.truncate(WORDS);
            words.extend(rows.into_iter().map(|row| (row, warns)));
        };
        if let Some(problem) = &self.proposal.problem {
            add(format!("Not understood: {problem}"), true);
        }
        if let Some(why) = &self.proposal.unconfined {
            add(format!("NOT CONFINED: {why}. It is asked about every time."), true);
        }
        if self.action.has_hidden && self.field.is_none() {
            add("It has characters that do not show; they stand as \\u{…} above.".into(), true);
        }
        words.push((elide(&format!("in {}", self.folder), width), false));
        words
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let height = self.height(area);
        let place = Rect { y: area.y + area.height.saturating_sub(height), height, ..area };
        let step = self.proposal.step;
        let title = match self.field {
            Some(_) => format!("Step {step}: what is to be done instead?"),
            None => format!("Step {step}: may this be done?"),
        };
        let inner = dialog(frame, place, &title, (area.width, height), theme);
        let words = self.words(inner.width);
        let [content, more, below, _, keys] = Layout::vertical([
            Constraint::Fill(1),
            Constraint::Length(1),
            Constraint::Length(words.len() as u16),
            Constraint::Length(0),
            Constraint::Length(self.key_rows()),
        ])
        .areas(Rect { height: inner.height.saturating_sub(1), ..inner });
        let keys = Rect { y: keys.y + 1, ..keys };
        match &self.field {
            Some(field) => field.draw(frame, content, true, theme),
            None => self.draw_action(frame, content, more, shared),
        }
        let lines: Vec<Line> = words
            .into_iter()
            .map(|(row, warns)| Line::styled(row, if warns { theme.warning } else { theme.dim }))
            .collect();
        frame.render_widget(Paragraph::new(lines), below);
        match self.field {
            Some(_) => {
                let words = "<do-instead> does this instead, <leave-action> goes back.";
                let words = shared.keymap.tell(words);
                let style = if self.is_armed() { theme.text } else { theme.dim };
                frame.render_widget(Line::styled(words, style), keys);
            }
            None => self.draw_keys(frame, keys, shared),
        }
    }

    /// What would be done, all of it, and how much more there is to read.
    fn draw_action(&self, frame: &mut Frame, area: Rect, more: Rect, shared: &Shared) {
        let theme = &shared.theme;
        shared.hits.text(area, Part::Main);
        let lines = self.action.lines(usize::from(area.width), theme);
        let first = self.scroll.first(lines.len(), usize::from(area.height));
        let shown: Vec<Line> =
            lines.into_iter().skip(first).take(usize::from(area.height)).collect();
        frame.render_widget(Paragraph::new(shown), area);
        let words = match (first, self.scroll.below()) {
            (0, 0) => return,
            (above, 0) => format!("↑ {above} more above"),
            (_, below) => {
                let keys = shared.keymap.tell("<down> <page-down>");
                format!("↓ {below} more below: {keys} scroll")
            }
        };
        frame.render_widget(Line::styled(words, theme.warning), more);
    }

    fn draw_keys(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let (key_style, style) = match self.is_armed() {
            true => (theme.accent, theme.text),
            false => (theme.dim, theme.dim),
        };
        let width = usize::from(area.width);
        let key = |name: &'static str, words: String, columns: usize| {
            let key = shared.keymap.key(name);
            [
                Span::styled(pad(&key, KEY), key_style),
                Span::styled(pad(&words, columns.saturating_sub(KEY)), style),
            ]
        };
        let two = |left: (&'static str, &str), right: (&'static str, &str)| {
            let left = key(left.0, left.1.to_owned(), width / 2);
            Line::from([left, key(right.0, right.1.to_owned(), width / 2)].concat())
        };
        let mut lines =
            vec![two(("allow-once", "yes, this once"), ("deny", "no; it may try something else"))];
        if self.proposal.unconfined.is_none() {
            let room = width.saturating_sub(KEY + ALL.chars().count());
            let words = ALL.replace("{}", &elide(&self.proposal.kind, room));
            lines.push(Line::from(key("allow-kind", words, width).to_vec()));
        }
        lines.push(two(("edit-action", "change it first"), ("stop-task", "stop the task")));
        frame.render_widget(Paragraph::new(lines), area);
    }
}

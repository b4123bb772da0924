//! All keys, from the table.

use super::Stay;
use crate::store::plain_line;
use crate::tui::action::{Action, Scope};
use crate::tui::hits::Part;
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, dialog, has_words, pad, wrap};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// The help, with what concerns the present place first.
#[derive(Debug)]
pub struct Help {
    /// Scopes in the order shown, with their rows.
    parts: Vec<(&'static str, Vec<HelpRow>)>,
    /// Only rows with these words are shown.
    words: String,
    scroll: Scroll,
}

/// One action.
#[derive(Debug)]
struct HelpRow {
    keys: String,
    description: &'static str,
    /// As `[keys]` in the configuration has it.
    name: &'static str,
}

/// Columns of the keys: where there is little room they take several rows.
const KEYS: usize = 24;
const FEW_KEYS: usize = 14;
const NARROW: usize = 90;

impl HelpRow {
    /// Keys, description and, at the right, the name: behind the description's last row where there is room for
    /// it, else below.
    fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let column = if width < NARROW { FEW_KEYS } else { KEYS };
        let mut keys = wrap(&self.keys, column);
        let room = width.saturating_sub(column + 3).max(1);
        let mut rows = wrap(self.description, room);
        let last = rows.last().map_or(0, |row| row.width());
        if last + 2 + self.name.width() > room {
            rows.push(String::new());
        }
        let named = rows.len() - 1;
        rows.resize(rows.len().max(keys.len()), String::new());
        keys.resize(rows.len(), String::new());
        let line = |(nth, (keys, row)): (usize, (String, String))| {
            let used = row.width();
            let mut spans = vec![
                Span::styled(format!("  {} ", pad(&keys, column)), theme.warning),
                Span::raw(row),
            ];
            if nth == named {
                let gap = " ".repeat(room.saturating_sub(used + self.name.width()));
                spans.push(Span::styled(format!("{gap}{}", self.name), theme.dim));
            }
            Line::from(spans)
        };
        keys.into_iter().zip(rows).enumerate().map(line).collect()
    }
}

impl Help {
    pub fn new(here: Scope, keymap: &Keymap) -> Self {
        let mut scopes = vec![here];
        scopes.extend(here.within());
        for row in keymap.rows() {
            if !scopes.contains(&row.scope) {
                scopes.push(row.scope);
            }
        }
        let parts = scopes
            .into_iter()
            .map(|scope| {
                let rows = keymap.rows().filter(|row| row.scope == scope);
                let rows = rows.map(|row| HelpRow {
                    keys: keymap.keys_of(row.name),
                    description: row.description,
                    name: row.name,
                });
                let rows = rows.collect();
                (scope.title(), rows)
            })
            .collect();
        Self { parts, words: String::new(), scroll: Scroll::at_top() }
    }

    /// Shows only rows with these words.
    pub fn search(&mut self, words: &str) {
        self.words = words.trim().to_owned();
        self.scroll = Scroll::at_top();
    }

    /// What is searched for.
    pub fn searched(&self) -> &str {
        &self.words
    }

    pub fn act(&mut self, action: Action) -> Stay {
        match action {
            Action::Back if !self.words.is_empty() => self.search(""),
            Action::Back => return Stay::Closed,
            movement => {
                self.scroll.act(movement);
            }
        }
        Stay::Open
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let size = (area.width.saturating_sub(2).min(110), area.height.saturating_sub(2));
        let title = match self.words.as_str() {
            "" => "Help · ↑↓ scroll · <search> narrows · <close-help> closes".to_owned(),
            words => format!("Help · {} · <close-help> shows all", plain_line(words)),
        };
        let inner = dialog(frame, area, &shared.keymap.tell(&title), size, theme);
        let (width, height) = (usize::from(inner.width), usize::from(inner.height));
        let lines = self.lines(width, theme);
        let first = self.scroll.first(lines.len(), height);
        let shown: Vec<Line> = lines.into_iter().skip(first).take(height).collect();
        frame.render_widget(Paragraph::new(shown), inner);
        shared.hits.text(inner, Part::Main);
        if let Some(mark) = self.scroll.mark() {
            // On the frame, below what is shown.
            let mark = format!(" {mark} ");
            let width = (mark.width() as u16).min(inner.width);
            let place = Rect { x: inner.right() - width, y: inner.bottom(), width, height: 1 };
            frame.render_widget(Line::styled(mark, theme.warning), place.intersection(area));
        }
    }

    fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for (title, rows) in &self.parts {
            let words =
                |row: &HelpRow| format!("{} {} {} {title}", row.keys, row.description, row.name);
            let rows: Vec<&HelpRow> =
                rows.iter().filter(|row| has_words(&words(row), &self.words)).collect();
            if rows.is_empty() {
                continue;
            }
            lines.push(Line::styled(*title, theme.accent));
            for row in rows {
                lines.extend(row.lines(width, theme));
            }
            lines.push(Line::default());
        }
        lines.pop();
        if lines.is_empty() {
            lines.push(Line::styled("No action has these words.", theme.dim));
        }
        lines
    }
}

//! All keys, from the table.

use super::Stay;
use crate::tui::action::{Action, Scope};
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::widgets::{Scroll, dialog};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// The help, with what concerns the present place first.
#[derive(Debug)]
pub struct Help {
    /// Scopes in the order shown, with their rows: keys and description.
    parts: Vec<(&'static str, Vec<(String, &'static str)>)>,
    scroll: Scroll,
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
                let rows = rows.map(|row| (keymap.keys_of(row.name), row.description)).collect();
                (scope.title(), rows)
            })
            .collect();
        Self { parts, scroll: Scroll::at_top() }
    }

    pub fn act(&mut self, action: Action) -> Stay {
        match self.scroll.act(action) {
            true => Stay::Open,
            false => Stay::Closed,
        }
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let size = (area.width.saturating_sub(2).min(100), area.height.saturating_sub(2));
        let inner = dialog(frame, area, "Help · ↑↓ scroll · Esc closes", size, theme);
        let mut lines = Vec::new();
        for (title, rows) in &self.parts {
            lines.push(Line::styled(*title, theme.accent));
            for (keys, description) in rows {
                lines.push(Line::from(vec![
                    Span::styled(format!("  {keys:<24} "), theme.warning),
                    Span::raw(*description),
                ]));
            }
            lines.push(Line::default());
        }
        lines.pop();
        let visible = usize::from(inner.height);
        let first = self.scroll.first(lines.len(), visible);
        let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
        frame.render_widget(Paragraph::new(shown), inner);
        if let Some(mark) = self.scroll.mark() {
            // On the frame, below what is shown.
            let mark = format!(" {mark} ");
            let width = (mark.width() as u16).min(inner.width);
            let place = Rect { x: inner.right() - width, y: inner.bottom(), width, height: 1 };
            frame.render_widget(Line::styled(mark, theme.warning), place.intersection(area));
        }
    }
}

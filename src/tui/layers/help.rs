//! All keys, from the table.

use super::Stay;
use crate::tui::action::{Action, Scope};
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::widgets::dialog;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// The help, with what concerns the present place first.
#[derive(Debug)]
pub struct Help {
    /// Scopes in the order shown, with their rows: keys and description.
    parts: Vec<(&'static str, Vec<(String, &'static str)>)>,
    scroll: usize,
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
        Self { parts, scroll: 0 }
    }

    pub fn act(&mut self, action: Action) -> Stay {
        let last =
            self.parts.iter().map(|(_, rows)| rows.len() + 2).sum::<usize>().saturating_sub(4);
        match action {
            Action::Up => self.scroll = self.scroll.saturating_sub(1),
            Action::Down => self.scroll = (self.scroll + 1).min(last),
            Action::PageUp => self.scroll = self.scroll.saturating_sub(10),
            Action::PageDown => self.scroll = (self.scroll + 10).min(last),
            Action::First => self.scroll = 0,
            Action::Last => self.scroll = last,
            _ => return Stay::Closed,
        }
        Stay::Open
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
        let text = Paragraph::new(lines).scroll((self.scroll.min(u16::MAX as usize) as u16, 0));
        frame.render_widget(text, inner);
    }
}

//! Text entry, of one line or several.

use crate::tui::theme::Theme;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

/// A field; Enter, Esc and the like are not its business.
#[derive(Debug, Clone)]
pub struct TextField {
    area: TextArea<'static>,
    several_lines: bool,
}

impl TextField {
    /// One line.
    pub fn line() -> Self {
        Self::of(false)
    }

    /// Several lines, wrapped.
    pub fn several_lines() -> Self {
        Self::of(true)
    }

    fn of(several_lines: bool) -> Self {
        let mut field = Self { area: TextArea::default(), several_lines };
        field.style();
        field
    }

    fn style(&mut self) {
        self.area.set_cursor_line_style(Style::new());
        if self.several_lines {
            self.area.set_wrap_mode(WrapMode::WordOrGlyph);
        }
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        let lines = match self.several_lines {
            true => text.split('\n').map(str::to_owned).collect(),
            false => vec![text.replace('\n', " ")],
        };
        self.area = TextArea::new(lines);
        self.style();
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Rows that the text takes in `width` columns.
    pub fn rows(&self, width: u16) -> usize {
        self.area
            .lines()
            .iter()
            .map(|line| super::wrap(line, usize::from(width.saturating_sub(1).max(1))).len())
            .sum()
    }

    pub fn on_first_line(&self) -> bool {
        self.area.cursor().0 == 0
    }

    pub fn on_last_line(&self) -> bool {
        self.area.cursor().0 + 1 == self.area.lines().len()
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Enter | KeyCode::Esc | KeyCode::Tab => {}
            // As in a shell, where the widget would undo.
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                self.area.delete_line_by_head();
            }
            _ => {
                self.area.input(key);
            }
        }
    }

    pub fn new_line(&mut self) {
        if self.several_lines {
            self.area.insert_newline();
        }
    }

    /// Pasted text is text: nothing in it is a key.
    pub fn paste(&mut self, text: &str) {
        let text = crate::store::plain(&text.replace("\r\n", "\n").replace('\r', "\n"));
        match self.several_lines {
            true => self.area.insert_str(text),
            false => self.area.insert_str(text.replace('\n', " ")),
        };
    }

    /// Draws the text, with a cursor where it has the focus.
    pub fn draw(&self, frame: &mut Frame, area: Rect, focused: bool, theme: &Theme) {
        let mut shown = self.area.clone();
        shown.set_style(theme.text);
        shown.set_cursor_style(if focused { theme.selected } else { Style::new() });
        frame.render_widget(&shown, area);
    }
}

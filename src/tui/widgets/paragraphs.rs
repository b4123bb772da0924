//! A few sentences where a pane has nothing else to show.

use super::wrap;
use crate::tui::keymap::Keymap;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// Wrapped paragraphs with a line between them, no wider than reads well; `<name>` in them stands for the key
/// of an action.
pub fn paragraphs(frame: &mut Frame, area: Rect, texts: &[(&str, Style)], keymap: &Keymap) {
    let width = usize::from(area.width).min(76);
    let mut lines = Vec::new();
    for (text, style) in texts {
        lines.extend(
            wrap(&keymap.tell(text), width).into_iter().map(|line| Line::styled(line, *style)),
        );
        lines.push(Line::default());
    }
    frame.render_widget(Paragraph::new(lines), area);
}

//! A framed box in the middle of the screen, over whatever lies there.

use crate::tui::theme::Theme;
use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::widgets::{Block, BorderType, Clear};
use unicode_width::UnicodeWidthStr;

/// Empties a place. A wide character that reaches into it from the left goes as a whole: a terminal shows none in
/// half, and would leave out what is drawn in its other half.
pub fn clear(frame: &mut Frame, place: Rect) {
    frame.render_widget(Clear, place);
    let buffer = frame.buffer_mut();
    let Some(left) = place.x.checked_sub(1) else { return };
    for y in place.top()..place.bottom() {
        if let Some(cell) = buffer.cell_mut((left, y))
            && cell.symbol().width() > 1
        {
            cell.set_symbol(" ");
        }
    }
}

/// Clears and frames a box of at most `size` (width, height); returns the room inside.
pub fn dialog(frame: &mut Frame, area: Rect, title: &str, size: (u16, u16), theme: &Theme) -> Rect {
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    clear(frame, place);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.focused_border)
        .title(format!(" {title} "))
        .title_style(theme.accent);
    let inner = block.inner(place).inner(Margin::new(1, 0));
    frame.render_widget(block, place);
    inner
}

//! Numbers as a person reads them, and pairs of label and value in two columns.

use crate::tui::theme::Theme;
use crate::tui::widgets::elide;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Columns of a label.
const LABEL: usize = 15;

/// What stands where there is no number yet.
pub const NONE: &str = "–";

/// One figure: label, value, style of the value.
pub struct Figure {
    pub label: &'static str,
    pub value: String,
    pub style: Style,
}

impl Figure {
    pub fn new(label: &'static str, value: impl Into<String>) -> Self {
        Self { label, value: value.into(), style: Style::new() }
    }

    pub fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// Draws two columns of figures, side by side.
pub fn draw(frame: &mut Frame, area: Rect, columns: [Vec<Figure>; 2], theme: &Theme) {
    let areas: [Rect; 2] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    for (column, area) in columns.into_iter().zip(areas) {
        let room = usize::from(area.width).saturating_sub(LABEL + 2);
        for (figure, row) in column.into_iter().zip(area.rows()) {
            let padding = LABEL.saturating_sub(figure.label.width());
            let label = format!(" {}{}", figure.label, " ".repeat(padding));
            let line = Line::from(vec![
                Span::styled(label, theme.dim),
                Span::styled(elide(&figure.value, room), figure.style),
            ]);
            frame.render_widget(line, row);
        }
    }
}

/// A loss in nats, or a dash.
pub fn nats(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() => format!("{value:.3}"),
        Some(_) => "not a number".into(),
        None => NONE.into(),
    }
}

/// `12,345`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a person takes a thousand tokens for a million.
    #[test]
    fn numbers_read_as_they_are() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(nats(Some(f64::NAN)), "not a number");
    }
}

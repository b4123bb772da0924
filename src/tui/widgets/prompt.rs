//! What a model was asked, over its answer.

use super::{elide, wrap};
use crate::tui::theme::Theme;
use ratatui::text::{Line, Span};

/// At most `most` lines of the text; the last one says when there are more.
pub fn prompt(text: &str, width: usize, most: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = wrap(text, width.saturating_sub(2));
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = format!("{} …", elide(last, width.saturating_sub(4)));
        }
    }
    lines
        .into_iter()
        .enumerate()
        .map(|(place, line)| {
            let mark = if place == 0 { "› " } else { "  " };
            Line::from(vec![Span::styled(mark, theme.accent), Span::styled(line, theme.person)])
        })
        .collect()
}

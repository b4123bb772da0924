//! How far a text is scrolled: it follows its end until somebody scrolls back, and then stays where it
//! is, whatever is added below.

use crate::tui::action::Action;
use std::cell::Cell;

/// A place in a text of which only a part is visible.
#[derive(Debug, Clone, Default)]
pub struct Scroll {
    /// The first visible line; none follows the end.
    top: Option<usize>,
    /// Lines and visible lines when last drawn.
    seen: Cell<(usize, usize)>,
}

impl Scroll {
    /// At the beginning, not following the end.
    pub fn at_top() -> Self {
        Self { top: Some(0), ..Self::default() }
    }

    /// Moves; true when `action` is one that scrolls.
    pub fn act(&mut self, action: Action) -> bool {
        let (lines, visible) = self.seen.get();
        let end = lines.saturating_sub(visible);
        let top = self.top.unwrap_or(end).min(end);
        let Some(top) = super::moved(action, top, end + 1, visible) else { return false };
        self.top = (top < end).then_some(top);
        true
    }

    /// Brings this one of `lines` to the top.
    pub fn go_to(&mut self, line: usize, lines: usize) {
        let (_, visible) = self.seen.get();
        self.top = (line < lines.saturating_sub(visible)).then_some(line);
    }

    /// Follows the end again.
    pub fn follow(&mut self) {
        self.top = None;
    }

    /// The first line to draw of `lines` in `visible` rows.
    pub fn first(&self, lines: usize, visible: usize) -> usize {
        self.seen.set((lines, visible));
        let end = lines.saturating_sub(visible);
        self.top.unwrap_or(end).min(end)
    }

    /// Lines below the visible part, when last drawn.
    pub fn below(&self) -> usize {
        let (lines, visible) = self.seen.get();
        lines.saturating_sub(self.first(lines, visible) + visible)
    }

    /// What tells that the text goes on below, when last drawn.
    pub fn mark(&self) -> Option<String> {
        more_below(self.below())
    }
}

/// What tells that a text goes on below; nothing where it does not.
pub fn more_below(lines: usize) -> Option<String> {
    (lines > 0).then(|| format!("↓ {lines} more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, reading back while an answer streams is impossible.
    #[test]
    fn scrolled_back_it_stays_and_at_the_end_it_follows() {
        let mut scroll = Scroll::default();
        assert_eq!(scroll.first(100, 10), 90);
        scroll.act(Action::PageUp);
        assert_eq!((scroll.first(100, 10), scroll.first(150, 10)), (81, 81));
        assert_eq!(scroll.below(), 59);
        assert_eq!(scroll.mark().as_deref(), Some("↓ 59 more"));
        scroll.act(Action::Last);
        assert_eq!(scroll.first(160, 10), 150);
        assert_eq!(scroll.mark(), None);
        scroll.act(Action::First);
        assert_eq!(scroll.first(160, 10), 0);
        assert_eq!(scroll.first(5, 10), 0);
    }
}

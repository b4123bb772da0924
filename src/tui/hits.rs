//! What stands where on screen, for the mouse: recorded while a frame is drawn, asked when something is pointed
//! at. Knows nothing of what a target means to the pane that drew it.

use super::action::Action;
use ratatui::layout::{Position, Rect};
use std::cell::{Cell, RefCell};

/// What a pane has side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Main,
    Left,
    Right,
}

/// A line between two parts that can be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    Sessions,
    Weak,
    Compare,
    Experiments,
}

/// What is under the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A click does it, as its key would.
    Act(Action),
    /// A row of a list, by its place in it: a click selects it, another does this.
    Row(usize, Action),
    /// One of several things that a pane may show, by its place.
    Choice(usize),
    /// A text: the wheel scrolls it.
    Text(Part),
    /// The line between two parts of this area.
    Split(Split, Rect),
}

#[derive(Debug)]
struct Hit {
    area: Rect,
    target: Target,
    /// Rows of the screen that one row of a list takes.
    each: u16,
    /// Nothing lay over it when it was drawn.
    layer: usize,
}

/// The targets of the last frame.
#[derive(Debug, Default)]
pub struct Hits {
    found: RefCell<Vec<Hit>>,
    /// Layers that have been drawn.
    layer: Cell<usize>,
}

impl Hits {
    /// A new frame begins.
    pub fn clear(&self) {
        self.found.borrow_mut().clear();
        self.layer.set(0);
    }

    /// What was recorded so far lies under something now.
    pub fn cover(&self) {
        self.layer.set(self.layer.get() + 1);
    }

    pub fn act(&self, area: Rect, action: Action) {
        self.add(area, Target::Act(action), 1);
    }

    pub fn choice(&self, area: Rect, place: usize) {
        self.add(area, Target::Choice(place), 1);
    }

    pub fn text(&self, area: Rect, part: Part) {
        self.add(area, Target::Text(part), 1);
    }

    /// A list whose row `first` stands at the top of `area`, `shown` rows of it, each so high.
    pub fn rows(&self, area: Rect, first: usize, shown: usize, each: u16, opens: Action) {
        let height = u16::try_from(shown).unwrap_or(u16::MAX).saturating_mul(each);
        let area = Rect { height: height.min(area.height), ..area };
        self.add(area, Target::Row(first, opens), each.max(1));
    }

    /// The line at `line` parts `area` in two.
    pub fn split(&self, line: Rect, split: Split, area: Rect) {
        self.add(line, Target::Split(split, area), 1);
    }

    fn add(&self, area: Rect, target: Target, each: u16) {
        let layer = self.layer.get();
        self.found.borrow_mut().push(Hit { area, target, each, layer });
    }

    /// What was drawn last at a place, and whether a layer was drawn after it.
    pub fn at(&self, column: u16, row: u16) -> Option<(Target, bool)> {
        let place = Position::new(column, row);
        let found = self.found.borrow();
        let hit = found.iter().rev().find(|hit| hit.area.contains(place))?;
        let target = match hit.target {
            Target::Row(first, opens) => {
                Target::Row(first + usize::from((row - hit.area.y) / hit.each), opens)
            }
            other => other,
        };
        Some((target, hit.layer < self.layer.get()))
    }
}

/// Where the lines between two parts stand, as the person has put them.
#[derive(Debug, Default)]
pub struct Splits {
    /// Thousandths of the width that are on the left.
    shares: [Option<u16>; 4],
}

/// Columns that each side keeps.
const LEAST: u16 = 20;

impl Splits {
    /// Columns on the left of `width`; `usual` where nobody has moved the line.
    pub fn left(&self, split: Split, width: u16, usual: u16) -> u16 {
        let Some(share) = self.shares[split as usize] else { return usual };
        let left = u32::from(width) * u32::from(share) / 1000;
        let most = width.saturating_sub(LEAST);
        u16::try_from(left).unwrap_or(most).clamp(LEAST.min(most), most)
    }

    /// The line goes to this column of the screen.
    pub fn move_to(&mut self, split: Split, area: Rect, column: u16) {
        if area.width > 0 {
            let left = u32::from(column.saturating_sub(area.x).min(area.width));
            // Rounded up, so that the line stands where the pointer is.
            let share = (left * 1000).div_ceil(u32::from(area.width)).min(1000);
            self.shares[split as usize] = u16::try_from(share).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a click does what stands somewhere else, or what lies hidden under a form.
    #[test]
    fn what_was_drawn_last_is_hit_and_what_lies_below_a_layer_says_so() {
        let hits = Hits::default();
        let list = Rect::new(2, 3, 10, 6);
        hits.rows(list, 40, 2, 2, Action::Open);
        assert_eq!(hits.at(2, 3), Some((Target::Row(40, Action::Open), false)));
        assert_eq!(hits.at(11, 6), Some((Target::Row(41, Action::Open), false)));
        assert_eq!((hits.at(11, 7), hits.at(12, 6), hits.at(1, 3)), (None, None, None));
        hits.cover();
        hits.act(Rect::new(4, 4, 3, 1), Action::Help);
        assert_eq!(hits.at(5, 4), Some((Target::Act(Action::Help), false)));
        assert_eq!(hits.at(8, 4), Some((Target::Row(40, Action::Open), true)));
        hits.clear();
        assert_eq!(hits.at(5, 4), None);
    }

    // If this fails, a line that was dragged jumps, or a part of the screen is gone for good.
    #[test]
    fn a_line_stands_where_it_was_put_and_leaves_room_on_both_sides() {
        let mut splits = Splits::default();
        assert_eq!(splits.left(Split::Weak, 100, 40), 40);
        for width in [61, 100, 118, 199] {
            for column in LEAST..width - LEAST {
                splits.move_to(Split::Weak, Rect::new(3, 0, width, 9), column + 3);
                assert_eq!(splits.left(Split::Weak, width, 40), column, "of {width}");
            }
        }
        splits.move_to(Split::Weak, Rect::new(0, 0, 100, 9), 0);
        assert_eq!(splits.left(Split::Weak, 100, 40), LEAST);
        splits.move_to(Split::Weak, Rect::new(0, 0, 100, 9), 500);
        assert_eq!(splits.left(Split::Weak, 100, 40), 80);
        // Hardly any room: no overflow, and nothing beyond the area.
        assert!(splits.left(Split::Weak, 10, 4) <= 10);
        assert_eq!(splits.left(Split::Compare, 100, 50), 50);
    }
}

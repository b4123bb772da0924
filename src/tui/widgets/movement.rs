//! Where a movement leads in a list: the same in every one.

use crate::tui::action::Action;

/// The place after `action`, from `place` in a list of `rows` of which `visible` are on screen; none for an
/// action that is no movement.
pub fn moved(action: Action, place: usize, rows: usize, visible: usize) -> Option<usize> {
    let page = visible.saturating_sub(1).max(1);
    let half = (visible / 2).max(1);
    let to = match action {
        Action::Up => place.saturating_sub(1),
        Action::Down => place.saturating_add(1),
        Action::PageUp => place.saturating_sub(page),
        Action::PageDown => place.saturating_add(page),
        Action::HalfUp => place.saturating_sub(half),
        Action::HalfDown => place.saturating_add(half),
        Action::First => 0,
        Action::Last => rows,
        _ => return None,
    };
    Some(to.min(rows.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a key leads to another row than in every other list, or out of the list.
    #[test]
    fn every_movement_leads_to_a_row_of_the_list() {
        for (action, from, to) in [
            (Action::Up, 0, 0),
            (Action::Down, 28, 29),
            (Action::Down, 29, 29),
            (Action::PageDown, 3, 12),
            (Action::PageUp, 20, 11),
            (Action::HalfDown, 3, 8),
            (Action::HalfUp, 4, 0),
            (Action::First, 17, 0),
            (Action::Last, 17, 29),
        ] {
            assert_eq!(moved(action, from, 30, 10), Some(to), "{action:?} from {from}");
        }
        assert_eq!(moved(Action::Last, 0, 0, 0), Some(0));
        assert_eq!(moved(Action::PageDown, 0, 5, 0), Some(1));
        assert_eq!(moved(Action::Open, 3, 30, 10), None);
    }
}

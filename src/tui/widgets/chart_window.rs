//! Which steps of a run a chart shows: all, the newest, or those that stood there when it was frozen; zoomed in or
//! not, with a cursor or not. Pure arithmetic on steps; knows nothing of losses and cells.

use super::axis::Scale;
use std::cell::Cell;

/// Steps of the live tail before anybody has zoomed.
const TAIL: usize = 200;

/// Fewer steps than these are never shown.
const NARROWEST: usize = 4;

/// Moves of the cursor in one page.
const PAGE: usize = 10;

/// What happens to the picture when a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The whole run, or the part that was zoomed into, with all that comes.
    #[default]
    Whole,
    /// It moves along with the newest step.
    Tail,
    /// It stays as it is.
    Frozen,
}

/// How far a run is: the newest step, and the last one that there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub newest: usize,
    pub end: usize,
}

/// The steps on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visible {
    pub from: usize,
    /// Greater than `from`.
    pub to: usize,
    /// Later steps are not drawn, even where there is room.
    pub newest: usize,
}

impl Visible {
    fn width(&self) -> usize {
        self.to - self.from
    }
}

/// What a key does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    NextMode,
    ZoomIn,
    ZoomOut,
    Earlier,
    Later,
    CursorLeft,
    CursorRight,
    CursorPageLeft,
    CursorPageRight,
    /// Takes the cursor away, then the zoom.
    Back,
}

/// What a person has chosen to see.
#[derive(Debug, Default)]
pub struct ChartWindow {
    mode: Mode,
    /// First and last step, where that is not the whole run.
    zoomed: Option<[usize; 2]>,
    /// Steps of the tail.
    tail: Option<usize>,
    /// The newest step when it was frozen.
    frozen: usize,
    cursor: Option<usize>,
    pub scale: Scale,
    /// Columns of the chart when it was drawn last.
    columns: Cell<usize>,
}

impl ChartWindow {
    /// For another run: only the scale stays.
    pub fn begin_anew(&mut self) {
        *self = Self { scale: self.scale, ..Self::default() };
    }

    pub fn drawn_in(&self, columns: usize) {
        self.columns.set(columns);
    }

    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// There is something to go back from.
    pub fn is_changed(&self) -> bool {
        self.cursor.is_some() || self.zoomed.is_some() || self.mode != Mode::Whole
    }

    pub fn visible(&self, extent: Extent) -> Visible {
        let newest = match self.mode {
            Mode::Frozen => self.frozen.min(extent.newest),
            Mode::Whole | Mode::Tail => extent.newest,
        };
        let end = extent.end.max(extent.newest).max(1);
        let [from, to] = match (self.mode, self.zoomed) {
            (Mode::Tail, _) => {
                let width = self.tail.unwrap_or(TAIL).clamp(NARROWEST.min(end), end);
                let to = newest.max(width);
                [to - width, to]
            }
            (_, Some([from, to])) => [from.min(end - 1), to.min(end)],
            (_, None) => [0, end],
        };
        Visible { from, to: to.max(from + 1), newest }
    }

    pub fn act(&mut self, what: Move, extent: Extent) {
        match what {
            Move::NextMode => self.next_mode(extent),
            Move::ZoomIn => self.zoom(extent, |width| width / 2),
            Move::ZoomOut => self.zoom(extent, |width| width * 2),
            Move::Earlier => self.pan(extent, false),
            Move::Later => self.pan(extent, true),
            Move::CursorLeft => self.move_cursor(extent, 1, false),
            Move::CursorRight => self.move_cursor(extent, 1, true),
            Move::CursorPageLeft => self.move_cursor(extent, PAGE, false),
            Move::CursorPageRight => self.move_cursor(extent, PAGE, true),
            Move::Back => {
                if self.cursor.take().is_none() {
                    (self.mode, self.zoomed) = (Mode::Whole, None);
                }
            }
        }
    }

    fn next_mode(&mut self, extent: Extent) {
        let seen = self.visible(extent);
        self.mode = match self.mode {
            Mode::Whole => {
                // Zoomed in, the tail is as long as what was seen.
                if self.zoomed.is_some() {
                    self.tail = Some(seen.width());
                }
                self.zoomed = None;
                Mode::Tail
            }
            Mode::Tail => {
                self.frozen = extent.newest;
                self.show(seen.from, seen.width(), extent);
                Mode::Frozen
            }
            Mode::Frozen => {
                self.zoomed = None;
                Mode::Whole
            }
        };
    }

    fn zoom(&mut self, extent: Extent, change: impl Fn(usize) -> usize) {
        let seen = self.visible(extent);
        let width = change(seen.width()).max(NARROWEST);
        if self.mode == Mode::Tail {
            self.tail = Some(width.min(extent.end.max(extent.newest).max(NARROWEST)));
            return;
        }
        let inside = |step: &usize| (seen.from..=seen.to).contains(step);
        // Without a cursor the middle, or the newest step where nothing is done in the middle yet.
        let middle = (seen.from + seen.width() / 2).min(seen.newest.max(seen.from));
        let middle = self.cursor.filter(inside).unwrap_or(middle);
        // What stands under the cursor stays where it is.
        let share = (middle - seen.from) as f64 / seen.width() as f64;
        let from = middle.saturating_sub((share * width as f64).round() as usize);
        self.show(from, width, extent);
    }

    /// Half a screen to the left or right.
    fn pan(&mut self, extent: Extent, later: bool) {
        let seen = self.visible(extent);
        let by = (seen.width() / 2).max(1);
        let from = if later { seen.from + by } else { seen.from.saturating_sub(by) };
        if self.mode == Mode::Tail {
            if later {
                return;
            }
            self.mode = Mode::Whole;
        }
        self.show(from, seen.width(), extent);
    }

    /// Shows so many steps from here on, moved as far as needed to lie within the run.
    fn show(&mut self, from: usize, width: usize, extent: Extent) {
        let end = extent.end.max(extent.newest).max(1);
        let width = width.min(end);
        let from = from.min(end - width);
        self.zoomed = (width < end).then_some([from, from + width]);
    }

    /// Moves the cursor by as many steps as a column has, and the picture where the cursor leaves it.
    fn move_cursor(&mut self, extent: Extent, columns: usize, right: bool) {
        let seen = self.visible(extent);
        let last = seen.newest;
        let Some(cursor) = self.cursor else {
            self.cursor = Some(last.min(seen.to));
            return;
        };
        let step = (seen.width() / self.columns.get().max(1)).max(1) * columns;
        let to = if right { cursor + step } else { cursor.saturating_sub(step) };
        let to = to.min(last);
        self.cursor = Some(to);
        if (seen.from..=seen.to).contains(&to) {
            return;
        }
        if self.mode == Mode::Tail {
            self.mode = Mode::Whole;
        }
        let from = if to < seen.from { to } else { to - seen.width().min(to) };
        self.show(from, seen.width(), extent);
    }

    /// What is shown, in words.
    pub fn title(&self, extent: Extent) -> String {
        let seen = self.visible(extent);
        let steps = format!("steps {} to {}", seen.from, seen.to);
        let mut words = match (self.mode, self.zoomed) {
            (Mode::Whole, None) => "whole run".to_owned(),
            (Mode::Whole, Some(_)) => steps,
            (Mode::Tail, _) => format!("live tail, {} steps", seen.width()),
            (Mode::Frozen, None) => format!("frozen at step {}", seen.newest),
            (Mode::Frozen, Some(_)) => format!("frozen, {steps}"),
        };
        if self.scale == Scale::Logarithmic {
            words.push_str(" · log axis");
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(newest: usize) -> Extent {
        Extent { newest, end: 1000 }
    }

    fn shown(window: &ChartWindow, newest: usize) -> (usize, usize) {
        let visible = window.visible(at(newest));
        (visible.from, visible.to)
    }

    // If this fails, what a person zoomed into runs away with the next step, or the tail stands still.
    #[test]
    fn data_that_arrive_move_the_tail_and_nothing_else() {
        let mut window = ChartWindow::default();
        assert_eq!((shown(&window, 300), window.title(at(300))), ((0, 1000), "whole run".into()));
        window.act(Move::ZoomIn, at(300));
        assert_eq!((shown(&window, 300), shown(&window, 900)), ((150, 650), (150, 650)));
        assert_eq!(window.title(at(300)), "steps 150 to 650");
        assert_eq!(window.visible(at(900)).newest, 900, "what comes is drawn");
        window.act(Move::NextMode, at(600));
        assert_eq!((shown(&window, 600), shown(&window, 700)), ((100, 600), (200, 700)));
        assert_eq!(window.title(at(700)), "live tail, 500 steps");
        window.act(Move::NextMode, at(700));
        assert_eq!((shown(&window, 700), shown(&window, 999)), ((200, 700), (200, 700)));
        assert_eq!(window.visible(at(999)).newest, 700, "what comes is not drawn");
        assert_eq!(window.title(at(999)), "frozen, steps 200 to 700");
        window.act(Move::NextMode, at(999));
        assert_eq!(shown(&window, 999), (0, 1000));
    }

    // If this fails, a person cannot get at the steps they look for, or not back.
    #[test]
    fn one_zooms_and_pans_within_the_run_and_back() {
        let mut window = ChartWindow::default();
        window.act(Move::Earlier, at(300));
        assert_eq!(shown(&window, 300), (0, 1000), "there is nothing beside the whole");
        for _ in 0..20 {
            window.act(Move::ZoomIn, at(300));
        }
        let (from, to) = shown(&window, 300);
        assert!(to - from == 4 && (from..=to).contains(&300), "{from} to {to}: nothing is seen");
        window.act(Move::Later, at(300));
        assert_eq!(shown(&window, 300), (from + 2, to + 2));
        for _ in 0..400 {
            window.act(Move::Later, at(300));
        }
        assert_eq!(shown(&window, 300), (996, 1000));
        for _ in 0..20 {
            window.act(Move::ZoomOut, at(300));
        }
        assert_eq!(window.title(at(300)), "whole run");
        assert!(!window.is_changed());
    }

    // If this fails, the cursor leaves the picture, or jumps over what lies between two columns.
    #[test]
    fn the_cursor_begins_at_the_newest_step_and_takes_the_picture_along() {
        let mut window = ChartWindow::default();
        window.drawn_in(100);
        window.act(Move::CursorLeft, at(300));
        assert_eq!(window.cursor(), Some(300));
        window.act(Move::CursorLeft, at(300));
        assert_eq!(window.cursor(), Some(290), "a column is ten steps");
        window.act(Move::CursorPageRight, at(300));
        assert_eq!(window.cursor(), Some(300), "never beyond what was done");
        for _ in 0..3 {
            window.act(Move::ZoomIn, at(300));
        }
        let (from, to) = shown(&window, 300);
        assert!(from < 300 && 300 < to && to - from == 125, "{from} to {to}");
        for _ in 0..100 {
            window.act(Move::CursorLeft, at(300));
        }
        assert_eq!((window.cursor(), shown(&window, 300).0), (Some(200), 200));
        window.act(Move::Back, at(300));
        assert_eq!((window.cursor(), shown(&window, 300).0), (None, 200));
        window.act(Move::Back, at(300));
        assert!(!window.is_changed());
    }

    proptest! {
        // If this fails, some order of keys and steps shows nothing, or ends the program.
        #[test]
        fn whatever_is_done_the_picture_lies_within_the_run(
            moves in proptest::collection::vec((0usize..10, 0usize..40), 0..80),
            end in 0usize..600,
            columns in 0usize..200,
        ) {
            const ALL: [Move; 10] = [
                Move::NextMode, Move::ZoomIn, Move::ZoomOut, Move::Earlier, Move::Later,
                Move::CursorLeft, Move::CursorRight, Move::CursorPageLeft, Move::CursorPageRight,
                Move::Back,
            ];
            let mut window = ChartWindow::default();
            window.drawn_in(columns);
            let mut newest = 0;
            for (which, more) in moves {
                newest += more;
                let extent = Extent { newest, end };
                window.act(ALL[which], extent);
                let seen = window.visible(extent);
                prop_assert!(seen.from < seen.to);
                prop_assert!(seen.to <= end.max(newest).max(NARROWEST));
                prop_assert!(seen.newest <= newest);
                if let Some(cursor) = window.cursor() {
                    prop_assert!(cursor <= seen.newest);
                }
            }
        }
    }
}

//! What happens while a piece of work goes on.

use crate::model::source;
use crate::train::TrainEvent;

/// One thing worth showing.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The model file is looked for or fetched.
    Source(source::Event),
    /// Share of the model that is in memory.
    Loading(f32),
    /// A measurement goes on: what, items done, of how many.
    Measuring {
        what: &'static str,
        done: usize,
        total: usize,
    },
    Train(TrainEvent),
    /// Something the person should know.
    Note(String),
}

/// Who is told.
pub type Seen<'a> = &'a mut dyn FnMut(Event);

/// Passes a measurement's progress on.
pub fn measuring<'a>(
    what: &'static str,
    seen: &'a mut dyn FnMut(Event),
) -> impl FnMut(usize, usize) + 'a {
    move |done, total| seen(Event::Measuring { what, done, total })
}

//! The dashboard without a terminal: keys in, text and colours out.
#![allow(clippy::unwrap_used)]

pub mod acting;
mod keys;
mod layers;
mod monkey;
mod picture;
mod pointing;
mod screen;

pub use screen::Screen;

use crate::driver::{Report, Sessions};
use crate::store::SessionSummary;

/// A session of base as the list has it, neither rated nor corrected.
pub fn summary(id: &str, started: &str, task: &str) -> SessionSummary {
    SessionSummary {
        id: id.parse().unwrap(),
        started: started.into(),
        task: task.into(),
        stars: None,
        issues: Vec::new(),
        comment: None,
        arm: Some("base".into()),
        adapter: None,
        corrected: false,
        imported: false,
        outcome: Some("finished".into()),
        rated_at: None,
        arm_probability: None,
        asked: None,
        acted: false,
    }
}

/// As many sessions, the newest first, whose tasks are `task 1`, `task 2` and so on.
fn sessions(screen: &mut Screen, count: usize) {
    let id = |number| format!("session_20261123_11{number:04}");
    let list: Vec<SessionSummary> = (1..=count)
        .map(|number| {
            summary(&id(number), "2026-11-23T11:00:00", &format!("task {number} of many"))
        })
        .collect();
    let total = list.len();
    screen.report(Report::Sessions(Sessions { list, total, ..Sessions::default() }.into()));
}
/// The sizes at which every screen is kept as a snapshot.
pub const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// A preview of a small training.
fn preview() -> crate::driver::WorkEvent {
    crate::driver::WorkEvent::Prepared(Box::new(crate::driver::TrainingPreview {
        run: "run_20261123_120000".into(),
        examples: [("file".to_owned(), 3)].into(),
        tokens: 100,
        trained_tokens: 40,
        steps: 40,
        steps_done: 0,
        memory_mib: 900,
        free_mib: Some(8000),
        estimated_seconds: 75.0,
        notes: Vec::new(),
        samples: Vec::new(),
    }))
}

//! The dashboard without a terminal: keys in, text and colours out.
#![allow(clippy::unwrap_used)]

pub mod acting;
mod layers;
mod monkey;
mod picture;
mod screen;

pub use screen::Screen;

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

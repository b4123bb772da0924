//! The dashboard without a terminal: keys in, text and colours out.
#![allow(clippy::unwrap_used)]

mod monkey;
mod screen;

pub use screen::Screen;

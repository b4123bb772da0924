//! The dashboard end to end: the real binary in a pseudo-terminal, on the real default model.
#![allow(clippy::unwrap_used)]

mod killing;
mod looping;
mod restoring;
mod terminal;

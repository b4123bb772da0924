//! The dashboard end to end: the real binary in a pseudo-terminal, on the real default model.
#![allow(clippy::unwrap_used)]

mod acting;
mod colours;
#[cfg(unix)]
mod every_action;
mod killing;
mod looping;
mod models;
mod restoring;
mod serving;
mod staying;
// Also used by the benchmark and the example, which look at other things.
#[allow(dead_code)]
mod terminal;

/// The dashboard under test, at the size that must be enough.
fn kaizen(home: &std::path::Path) -> terminal::Terminal {
    terminal::Terminal::sized(env!("CARGO_BIN_EXE_kaizen"), home, 80, 24)
}

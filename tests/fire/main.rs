//! Nothing is lost under fire: full and read-only disks, broken indexes, a clock that is set back, kill -9 at
//! any moment of a day, and whatever can stand in the files and come from the keyboard.
//!
//! A part of the counts runs with all tests; `KAIZEN_FULL=1 cargo test --test fire` runs all of them.
#![allow(clippy::unwrap_used)]

mod clock;
mod database;
mod fuzz;
mod kills;
mod limits;
mod place;

/// All of the counts that the documents name are run.
fn full() -> bool {
    std::env::var_os("KAIZEN_FULL").is_some_and(|value| value == "1")
}

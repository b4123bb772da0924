//! The thin binary: parse, open the dashboard or run a command, and tell an error well.

use std::process::ExitCode;

fn main() -> ExitCode {
    kaizen::cli::main(kaizen::tui::open)
}

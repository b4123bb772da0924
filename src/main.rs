//! The thin binary: parse, open the dashboard or run a command, and tell an error well.

use kaizen::cli::Dashboard;
use std::process::ExitCode;

fn main() -> ExitCode {
    kaizen::cli::main(Dashboard { open: kaizen::tui::open, check: kaizen::tui::check })
}

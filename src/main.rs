//! The thin binary: parse, run, and tell an error well.

use std::process::ExitCode;

fn main() -> ExitCode {
    kaizen::cli::main()
}

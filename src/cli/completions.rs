//! `kaizen completions`: what a shell needs to complete commands and flags.

use super::Arguments;
use super::outcome::{Outcome, Result};
use super::output::Output;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Whose completions.
    shell: Shell,
}

pub fn run(arguments: &CompletionsArguments) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "kaizen", &mut script);
    Output::new(false, false).raw(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}

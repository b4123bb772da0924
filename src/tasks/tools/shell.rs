//! Runs a command in the workspace, confined by the sandbox. What is known to only read runs without
//! being able to write, so that it needs nobody's leave.

use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::sandbox::{self, CommandRequest, Ended, Sandbox};
use crate::tasks::Action;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Bytes of output that are kept.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// The shell, as the actor has it.
#[derive(Debug)]
pub struct Shell {
    pub sandbox: Arc<Sandbox>,
    /// Of one command.
    pub time_limit: Duration,
    /// Ends what runs.
    pub cancel: Arc<AtomicBool>,
}

impl Shell {
    /// It runs without being asked about, and without being able to write.
    fn only_reads(&self, command: &str) -> bool {
        self.sandbox.protection().is_full() && sandbox::only_reads(command)
    }
}

impl Tool for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn purpose(&self) -> &'static str {
        "runs a command"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "command", kind: ArgumentKind::Line }]
    }

    fn effect(&self, action: &Action, _: &Workspace) -> Effect {
        let command = action.text("command");
        if let Some(why) = sandbox::refusal(command) {
            return Effect::Refused(why);
        }
        match self.only_reads(command) {
            true => Effect::Reads,
            false => Effect::Changes { kind: kind(command) },
        }
    }

    fn unconfined(&self) -> Option<String> {
        self.sandbox.protection().warning()
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        let command = action.text("command");
        let request = CommandRequest {
            command: command.to_owned(),
            workspace: workspace.root().to_owned(),
            temporary: workspace.temporary().to_owned(),
            may_write: !self.only_reads(command),
            time_limit: self.time_limit,
            output_limit: OUTPUT_LIMIT,
            environment: Vec::new(),
        };
        match self.sandbox.run(&request, &self.cancel) {
            Ok(result) => {
                let (exit_code, error, timed_out) = match result.ended {
                    Ended::Code(code) => (Some(code), None, false),
                    Ended::Signal(signal) => {
                        (None, Some(format!("it was ended by signal {signal}")), false)
                    }
                    Ended::TimedOut => (None, None, true),
                    Ended::Cancelled => (None, Some("it was cancelled".to_owned()), false),
                };
                ToolResult { output: result.output, exit_code, error, timed_out }
            }
            Err(error) => ToolResult::failed(error.to_string()),
        }
    }
}

/// What is alike: one program with whatever arguments. A command of several is alike to itself alone.
fn kind(command: &str) -> String {
    let plain = !command.contains(['|', ';', '&', '$', '`', '(', '<', '>', '\n', '=']);
    match command.split_whitespace().next() {
        Some(program) if plain => format!("shell: {program}"),
        _ => format!("shell: {command}"),
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    // If this fails, who allows one command allows others hidden behind it.
    #[test]
    fn only_a_single_plain_program_is_alike_to_another() {
        assert_eq!(kind("mv a b"), "shell: mv");
        assert_eq!(kind("  mv c d"), "shell: mv");
        for command in ["mv a b; rm c", "mv a $(rm c)", "mv a b && rm c", "mv a b > c", "X=1 mv a"]
        {
            assert_eq!(kind(command), format!("shell: {command}"));
        }
    }
}

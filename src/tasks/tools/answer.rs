//! Ends the task with what the person is told.

use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::tasks::Action;

/// The last action of a task.
#[derive(Debug)]
pub struct Answer;

impl Tool for Answer {
    fn name(&self) -> &'static str {
        "answer"
    }

    fn purpose(&self) -> &'static str {
        "ends the task"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "text", kind: ArgumentKind::Text }]
    }

    fn effect(&self, _: &Action, _: &Workspace) -> Effect {
        Effect::Reads
    }

    fn ends_task(&self) -> bool {
        true
    }

    fn run(&self, action: &Action, _: &Workspace) -> ToolResult {
        ToolResult::of(action.text("text"))
    }
}

//! What a tool is: a name, arguments that a grammar can be made of, whether it changes something, and
//! how it is done. Knows nothing of models, prompts or approval.

use super::Workspace;
use crate::tasks::Action;

/// One thing that an actor can do.
pub trait Tool: Send + Sync + std::fmt::Debug {
    /// As an action names it.
    fn name(&self) -> &'static str;

    /// What it is for, in a few words that a model reads: "runs a command".
    fn purpose(&self) -> &'static str;

    /// In the order in which an action writes them.
    fn arguments(&self) -> &'static [Argument];

    /// What `action` would do to the world.
    fn effect(&self, action: &Action, workspace: &Workspace) -> Effect;

    /// Why nothing on this machine keeps it from doing harm, if so: it is then asked about every time.
    fn unconfined(&self) -> Option<String> {
        None
    }

    /// It is the last action of a task, and its output the answer.
    fn ends_task(&self) -> bool {
        false
    }

    /// Does it. What went wrong is part of the result: the actor has to learn of it.
    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult;
}

/// One argument of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    pub name: &'static str,
    pub kind: ArgumentKind,
}

/// What may stand as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// One line of text.
    Line,
    /// Text of any number of lines.
    Text,
    /// The path of a file in the workspace that exists.
    ExistingFile,
    /// The path of a folder in the workspace that exists; `.` is the workspace itself.
    ExistingFolder,
    /// Any path, also of what does not exist yet.
    Path,
    /// A whole number of pixels.
    Whole,
}

/// What an action would do to the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It only looks.
    Reads,
    /// It may change something. `kind` names what is alike ("write_file", "shell: rm"), for somebody who
    /// wants to allow all of that.
    Changes { kind: String },
    /// It is never done, whoever allows it: why.
    Refused(String),
}

/// What came of an action.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolResult {
    /// What it printed or found, untouched: not yet cut, not yet safe for a terminal.
    pub output: String,
    /// Of a command.
    pub exit_code: Option<i32>,
    /// Why it could not be done, in plain words.
    pub error: Option<String>,
    /// It used up its time.
    pub timed_out: bool,
}

impl ToolResult {
    pub fn of(output: impl Into<String>) -> Self {
        Self { output: output.into(), ..Self::default() }
    }

    pub fn failed(why: impl Into<String>) -> Self {
        Self { error: Some(why.into()), ..Self::default() }
    }

    /// It was done, and what it ran ended well.
    pub fn is_success(&self) -> bool {
        self.error.is_none() && !self.timed_out && self.exit_code.is_none_or(|code| code == 0)
    }
}

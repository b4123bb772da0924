//! Runs one shell command so that it can harm nothing outside its workspace, and ends whatever it
//! started. Owns the helper process, what confines a command, and which commands are refused or known
//! only to read; knows nothing of models, tasks, or of who is asked whether a command may run.
//!
//! Three processes: Kaizen (`run.rs`) starts its own binary again as *supervisor* (`supervisor.rs`),
//! which is never confined and ends every descendant; that starts a second stage (`confine/`), which
//! gives up what a command must not have and becomes the shell.

#[cfg(unix)]
mod confine;
#[cfg(unix)]
mod descendants;
mod environment;
mod error;
mod order;
mod output;
mod protection;
mod reading;
mod refusal;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod supervisor;
mod words;

pub use error::{Error, Result};
pub use order::Ended;
pub use protection::Protection;
pub use reading::only_reads;
pub use refusal::refusal;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// One shell command, and what it may use.
#[derive(Debug, Clone)]
pub struct CommandRequest {
    /// As `/bin/sh -c` takes it.
    pub command: String,
    /// Where it runs; it may read all of it.
    pub workspace: PathBuf,
    /// An empty folder of its own, which it may always write: its home and its folder for temporary
    /// files. Whoever asks makes it and removes it.
    pub temporary: PathBuf,
    /// Whether it may change the workspace.
    pub may_write: bool,
    /// After this it is ended, with all it started.
    pub time_limit: Duration,
    /// How many bytes of output are kept: the beginning and the end.
    pub output_limit: usize,
    /// Variables besides the few that every command has.
    pub environment: Vec<(String, String)>,
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandResult {
    /// How its shell ended.
    pub ended: Ended,
    /// Standard output and errors as they came. What goes beyond the limit is left out in the middle,
    /// with a note; bytes that are not UTF-8 are replaced. Not yet safe for a terminal.
    pub output: String,
    /// From the request until nothing of it ran any more.
    pub seconds: f64,
}

/// Runs commands, through a helper that is this very program.
#[derive(Debug, Clone)]
pub struct Sandbox {
    helper: PathBuf,
}

impl Sandbox {
    /// With the running program as helper.
    ///
    /// # Errors
    /// When the system does not say where the program lies.
    pub fn of_this_program() -> Result<Self> {
        let helper = std::env::current_exe().map_err(|source| Error::Program { source })?;
        Ok(Self { helper })
    }

    /// With a Kaizen binary that lies elsewhere, which a test needs.
    pub fn with_helper(helper: PathBuf) -> Self {
        Self { helper }
    }

    /// What this machine can keep a command from. Looked up once.
    pub fn protection(&self) -> Protection {
        protection::of_this_machine()
    }

    /// Runs a command to its end, and returns when nothing that it started runs any more.
    ///
    /// `cancel` is looked at about fifty times a second.
    ///
    /// # Errors
    /// When the command is refused ([`refusal`]), a folder is missing or too wide, or the helper
    /// cannot start or confine. A command that fails, or is ended, is a result.
    #[cfg(unix)]
    pub fn run(&self, request: &CommandRequest, cancel: &AtomicBool) -> Result<CommandResult> {
        run::run(&self.helper, request, cancel)
    }

    /// There is no shell to run a command here.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(unix))]
    pub fn run(&self, _: &CommandRequest, _: &AtomicBool) -> Result<CommandResult> {
        Err(Error::NotHere)
    }
}

/// What the hidden command `kaizen confined` does: both the supervisor and the second stage, as the
/// order on standard input says.
pub fn supervise() -> ExitCode {
    #[cfg(unix)]
    match order::read() {
        Some(order::Order::Supervise(supervision)) => return supervisor::run(&supervision),
        Some(order::Order::Execute(execution)) => return confine::execute(&execution),
        None => {}
    }
    eprintln!("`kaizen confined` is Kaizen's own; it needs an order on its standard input");
    ExitCode::from(2)
}

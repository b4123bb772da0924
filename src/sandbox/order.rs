//! What Kaizen, the supervisor and the second stage tell each other: a line of JSON each.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// Its shell left with this code; 0 is success.
    Code(i32),
    /// A signal ended its shell, from within or by a limit on processes or file sizes.
    Signal(i32),
    /// The time limit ended it.
    TimedOut,
    /// Whoever asked for it changed their mind.
    Cancelled,
}

/// The first line on the standard input of `kaizen confined`.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    Supervise(Supervision),
    Execute(Execution),
}

/// For the supervisor. Its standard input stays open as long as the command is wanted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Supervision {
    pub time_limit: Duration,
    pub execution: Execution,
}

/// For the second stage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Execution {
    pub command: String,
    /// Without symbolic links or `..`, as is `temporary`.
    pub workspace: PathBuf,
    pub temporary: PathBuf,
    pub may_write: bool,
    /// The whole environment of the command.
    pub environment: Vec<(String, String)>,
    /// What the probe found, so that a command never runs with less than its prompt said.
    pub confine_files: bool,
    pub confine_calls: bool,
    /// Whether all but the workspace is to be mounted read-only first, where the system allows it.
    pub read_only_tree: bool,
    /// Processes that the command must not signal, and their groups as negative numbers.
    pub shielded: Vec<i32>,
    /// The most processes that the user may have; none where that does not bind.
    pub most_processes: Option<u64>,
}

/// What the supervisor says at its end, on a channel that no command can reach.
#[derive(Debug, Serialize, Deserialize)]
pub enum Verdict {
    Ended {
        ended: Ended,
        /// What whoever reads the output should know.
        note: Option<String>,
    },
    Failed(String),
}

/// What the second stage says when it could not become the shell.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// The system grants no mounts of one's own; it is to be tried again without.
    NoReadOnlyTree,
    Failed(String),
}

/// More than any command that a system takes (128 KiB), escaped as JSON.
#[cfg(unix)]
const LONGEST_ORDER: u64 = 4 << 20;

/// The order on standard input; none when there is no such line.
#[cfg(unix)]
pub fn read() -> Option<Order> {
    use std::io::{BufRead, Read};
    let mut line = String::new();
    std::io::stdin().lock().take(LONGEST_ORDER).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

//! How a command ends: exit codes, and an error in one line that says what to do.

use crate::store::plain_line;
use crate::workplace;
use std::io::Write;
use std::process::ExitCode;

/// The end of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Done, and the answer is no or cannot tell.
    No,
    /// Somebody interrupted; what there was is saved.
    Interrupted,
    /// Another process did the work and ended with this code, having said why.
    Elsewhere(i32),
}

impl Outcome {
    pub fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::No => 3,
            Self::Interrupted => 130,
            Self::Elsewhere(code) => u8::try_from(code).unwrap_or(1),
        })
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Work(#[from] workplace::Error),

    #[error(transparent)]
    Report(#[from] crate::report::Error),

    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),

    #[error("cannot {action} {name}: {source}")]
    File { action: &'static str, name: String, source: std::io::Error },

    /// A line of an input is not what the command reads.
    #[error("{name}, line {line}: {reason}")]
    Line { name: String, line: usize, reason: String },

    /// Another process does it already.
    #[error("{0}")]
    Busy(String),

    /// Somebody interrupted before there was a result.
    #[error("{INTERRUPTED}")]
    Interrupted,

    /// The arguments make sense, but not with what is there.
    #[error(transparent)]
    Refused(workplace::Error),

    /// An adapter that a variable of the environment asked for.
    #[error("{error} (${variable} asks for it)")]
    FromEnvironment { variable: &'static str, error: workplace::Error },

    /// Nobody reads the output any more.
    #[error("the output was closed")]
    OutputClosed,

    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
}

/// What somebody is told who interrupts what leaves nothing behind.
pub const INTERRUPTED: &str = "interrupted; nothing of this is kept";

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Of going on with what was begun: a name that is not there, or work that has ended, is no wrong
    /// usage, whatever the room below calls it.
    pub fn of_resuming(error: workplace::Error) -> Self {
        match error {
            usage @ workplace::Error::Usage(_) => Self::Refused(usage),
            other => Self::Work(other),
        }
    }
}

/// Lets `?` take the errors of every room.
macro_rules! from_room {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Work(error.into())
            }
        })*
    };
}
from_room!(
    crate::config::Error,
    crate::store::Error,
    crate::model::Error,
    crate::model::source::Error,
    crate::runtime::Error,
    crate::eval::Error,
    crate::train::Error,
    crate::feedback::Error,
    crate::adapters::Error,
    crate::tasks::Error,
);

/// Says what went wrong on stderr and gives the exit code.
pub fn tell(error: &Error, verbose: bool) -> ExitCode {
    match error {
        Error::OutputClosed => return ExitCode::SUCCESS,
        Error::Interrupted => {
            let _ = writeln!(std::io::stderr(), "{error}");
            return Outcome::Interrupted.code();
        }
        Error::Work(nothing @ workplace::Error::NothingToImprove(_)) => {
            let line = plain_line(&nothing.to_string());
            let _ = writeln!(std::io::stderr(), "{line}");
            return Outcome::No.code();
        }
        _ => {}
    }
    tracing::error!("{error}");
    let line = plain_line(&error.to_string());
    let _ = writeln!(std::io::stderr(), "error: {line}");
    if verbose {
        for line in more(error) {
            let _ = writeln!(std::io::stderr(), "  {line}");
        }
    }
    let usage = match error {
        Error::Usage(_) | Error::Work(workplace::Error::Usage(_)) => true,
        Error::Work(workplace::Error::Adapters(error)) => error.is_usage(),
        _ => false,
    };
    ExitCode::from(if usage { 2 } else { 1 })
}

/// What `-v` adds: what lies behind the error, from near to far, and how the program itself holds it.
fn more(error: &Error) -> Vec<String> {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let mut lines: Vec<String> =
        causes.map(|cause| format!("because: {}", plain_line(&cause.to_string()))).collect();
    lines.push(format!("in full: {}", plain_line(&format!("{error:?}"))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, -v tells again what was said, and not what lies behind it.
    #[test]
    fn more_is_the_causes_and_the_error_itself() {
        let source = std::io::Error::other("the plug\u{1b}[31m was pulled");
        let error = Error::File { action: "read", name: "notes".into(), source };
        let lines = more(&error);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("because: the plug"), "{lines:?}");
        assert!(lines[1].starts_with("in full: File {"), "{lines:?}");
        assert!(!lines.concat().contains('\u{1b}'));
    }
}

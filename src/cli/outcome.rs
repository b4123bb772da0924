//! How a command ends: exit codes, and an error in one line that says what to do.

use crate::workplace;
use color_eyre::eyre::Report;
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
    #[error("interrupted")]
    Interrupted,

    /// An adapter that a variable of the environment asked for.
    #[error("{error} (${variable} asks for it)")]
    FromEnvironment { variable: &'static str, error: workplace::Error },

    /// Nobody reads the output any more.
    #[error("the output was closed")]
    OutputClosed,

    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

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
        Error::Interrupted => return Outcome::Interrupted.code(),
        Error::Work(nothing @ workplace::Error::NothingToImprove(_)) => {
            let line = crate::store::plain_line(&nothing.to_string());
            let _ = writeln!(std::io::stderr(), "{line}");
            return Outcome::No.code();
        }
        _ => {}
    }
    tracing::error!("{error}");
    let line = crate::store::plain_line(&error.to_string());
    let _ = writeln!(std::io::stderr(), "error: {line}");
    if verbose {
        let report = Report::msg(line);
        let _ = writeln!(std::io::stderr(), "{report:?}");
    }
    let usage = match error {
        Error::Usage(_) | Error::Work(workplace::Error::Usage(_)) => true,
        Error::Work(workplace::Error::Adapters(error)) => error.is_usage(),
        _ => false,
    };
    ExitCode::from(if usage { 2 } else { 1 })
}

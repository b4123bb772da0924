//! What happens while a model file is looked for, so that a screen can show it.

use std::path::PathBuf;

/// One thing that happened. Its `Display` is the line to show a person ([`Event::Bytes`] is for a
/// bar and comes often).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Another process fetches the same file; its result will be used.
    Waiting { path: PathBuf },
    /// A source is asked.
    Trying { source: String },
    /// So many bytes came earlier; the transfer goes on after them.
    Resuming { bytes: u64 },
    /// Bytes that have arrived from the source asked last.
    Bytes { done: u64, total: Option<u64> },
    /// A file's checksum is computed.
    Checking { path: PathBuf },
    /// A file is not what it must be.
    Altered { path: PathBuf, problem: String },
    /// A source did not give the file; the next one is tried.
    PassedOver { source: String, reason: String },
    /// The file was fetched and is what it must be.
    Fetched { path: PathBuf, source: String },
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Event::Waiting { path } => {
                write!(f, "waiting for another process that fetches {}", path.display())
            }
            Event::Trying { source } => write!(f, "fetching the model from {source}"),
            Event::Resuming { bytes } => {
                write!(f, "going on after the {bytes} bytes that came earlier")
            }
            Event::Bytes { done, total: Some(total) } => write!(f, "{done} of {total} bytes"),
            Event::Bytes { done, total: None } => write!(f, "{done} bytes"),
            Event::Checking { path } => write!(f, "checking {}", path.display()),
            Event::Altered { path, problem } => write!(f, "{} {problem}", path.display()),
            Event::PassedOver { source, reason } => write!(f, "passed over {source}: {reason}"),
            Event::Fetched { path, source } => {
                write!(f, "fetched {} from {source}", path.display())
            }
        }
    }
}

/// Receives the events. Closures `Fn(&Event)` do.
pub trait Progress: Sync {
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Sync> Progress for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: &Event) {}
}

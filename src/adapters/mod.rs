//! The adapters of a home: their versions, and what may be said of each. Owns the registry
//! and what an exported version is called; knows
//! nothing of how an adapter is trained or judged.

mod error;
mod export;
mod registry;

pub use error::{Error, Result};
pub use export::{ExportFormat, Exported};
pub use registry::{AdapterSummary, Registry, State};

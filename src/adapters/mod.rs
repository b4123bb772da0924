//! The adapters of a home: their versions, and what may be said of each. Owns the registry; knows
//! nothing of how an adapter is trained or judged.

mod error;
mod registry;

pub use error::{Error, Result};
pub use registry::{AdapterSummary, Registry, State};

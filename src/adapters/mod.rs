//! The adapters of a home: their versions, who of them answers and how that changed, and how one leaves for
//! other programs. Owns the registry, the routing and its history; knows nothing of how an adapter is
//! trained or judged.

mod error;
mod export;
mod history;
mod registry;
mod routing;

pub use error::{Error, Result};
pub use export::{ExportFormat, Exported};
pub use history::{By, Change, Grounds, History, State, Step, can_roll_back, states};
pub use registry::{AdapterSummary, Registry};
pub use routing::{ArmShare, BASE, Draw, Routing};

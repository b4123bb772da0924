//! An adapter as a folder: PEFT's two files, and beside them what Kaizen knows about its making.
//! Owns the format and what is refused; knows nothing of which adapter is in service.

mod folder;
mod metadata;
mod peft;

pub use folder::{AdapterFolder, LoadedAdapter};
pub use metadata::{AdapterMetadata, BaseModel};

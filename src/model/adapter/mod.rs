//! An adapter as a folder: PEFT's two files, and beside them what Kaizen knows about its making; and as
//! the GGUF files that other programs take. Owns the formats and what is refused; knows nothing of which
//! adapter is in service.

mod folder;
mod gguf_export;
mod metadata;
mod peft;

pub use folder::{AdapterFolder, LoadedAdapter};
pub use gguf_export::{ExportFailure, Origin, write_lora, write_merged};
pub use metadata::{AdapterMetadata, BaseModel};

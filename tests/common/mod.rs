//! What several tests share.
#![allow(dead_code, clippy::unwrap_used)]

pub mod gguf_file;
pub mod model_file;
pub mod model_folder;
pub mod reference;

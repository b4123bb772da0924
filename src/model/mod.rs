//! The language model as a thing: its file, its tokenizer, its chat template, its network. Knows
//! nothing of jobs, sessions or training.

mod error;
pub mod gguf;

pub use error::{Error, Result};
pub use gguf::Gguf;

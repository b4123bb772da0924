//! The language model as a thing: its file, its tokenizer, its chat template, its network. Knows
//! nothing of jobs, sessions or training.

mod architecture;
mod error;
pub mod gguf;
pub mod lora;
pub mod network;
mod projection;
pub mod sampler;
pub mod tokenizer;

pub use architecture::{Architecture, Rope};
pub use error::{Error, Result};
pub use gguf::Gguf;
pub use projection::Projection;
pub use tokenizer::{Special, TextStream, Tokenizer};

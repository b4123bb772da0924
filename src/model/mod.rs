//! The language model as a thing: its file, its tokenizer, its chat template, its network. Knows
//! nothing of jobs, sessions or training.

pub mod chat_template;
mod error;
pub mod gguf;
pub mod tokenizer;

pub use chat_template::{Answered, ChatTemplate};
pub use error::{Error, Result};
pub use gguf::Gguf;
pub use tokenizer::{Special, TextStream, Tokenizer};

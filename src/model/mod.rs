//! The language model as a thing: its file, its tokenizer, its chat template, its network. Knows
//! nothing of jobs, sessions or training.

pub mod adapter;
mod architecture;
pub mod chat_template;
mod error;
pub mod gguf;
mod grammar;
pub mod library;
mod loaded;
pub mod lora;
pub mod network;
mod projection;
pub mod safetensors;
pub mod sampler;
pub mod source;
mod stored_model;
pub mod tokenizer;

pub use architecture::{Architecture, BlockForm, Family, LocalLayers, Rope};
pub use chat_template::{Answered, ChatTemplate};
pub use error::{Error, Result};
pub use gguf::Gguf;
pub use grammar::{CLOSING_TOKENS, Grammar, GrammarCompiler, GrammarError, Matching};
pub use loaded::Model;
pub use projection::Projection;
pub use safetensors::SafetensorsFolder;
pub use stored_model::{BlockTensor, StoredModel, TensorRole};
pub use tokenizer::{Special, TextStream, Tokenizer};

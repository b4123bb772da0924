//! What can go wrong with a model, each in one line: what, why, what to do.

use std::path::PathBuf;

/// An error of the model room.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be opened or read.
    #[error("cannot read the model file {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },

    /// The file is not a GGUF file that Kaizen can use: damaged, or of a kind that is not supported.
    #[error("cannot use the model file {path}: {reason}")]
    Gguf { path: PathBuf, reason: String },

    /// The folder is not a model that Kaizen can use: incomplete, damaged, or of a kind that is not
    /// supported.
    #[error("cannot use the model folder {path}: {reason}")]
    ModelFolder { path: PathBuf, reason: String },

    /// Something that Kaizen does not compute with.
    #[error("{what} is not supported; supported: {supported}")]
    Unsupported { what: String, supported: String },

    /// Metadata and tensors do not fit together.
    #[error("the model file contradicts itself: {0}; get it again or choose another (--model)")]
    Contradiction(String),

    /// A token id that the model does not have.
    #[error("token {token} is outside the model's vocabulary of {vocabulary}")]
    TokenOutOfRange { token: usize, vocabulary: usize },

    /// A device that the configuration asks for and that is not to be had.
    #[error("runtime.device is \"{asked}\", but {reason}; \"auto\" or \"cpu\" always work")]
    NoDevice { asked: &'static str, reason: String },

    /// The GPU, or the library that drives it, gave up.
    #[error(
        "the GPU could not compute this ({reason}); if its memory is full, lower train.batch_size or use --checkpointing, else set runtime.device to \"cpu\""
    )]
    Device { reason: String },

    /// A file of an adapter cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    AdapterFile { path: PathBuf, source: std::io::Error },

    /// An adapter that would not be applied as it was made.
    #[error("cannot use the adapter file {}: {reason}", path.display())]
    Adapter { path: PathBuf, reason: String },

    #[error(transparent)]
    Store(#[from] crate::store::Error),

    /// A text could not be turned into tokens.
    #[error("cannot turn the text into tokens: {reason}")]
    Tokenize { reason: String },

    /// The chat template is faulty, or refuses this conversation.
    #[error("the model's chat template cannot be used here: {reason}")]
    ChatTemplate { reason: String },
}

/// The result of the model room.
pub type Result<T> = std::result::Result<T, Error>;

//! The families of models that Kaizen computes, and what each is called where.

/// A family of decoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Llama and what is built like it (SmolLM2, TinyLlama).
    Llama,
    /// Llama's blocks, with a sliding window where the model says so.
    Mistral,
    Qwen2,
    Qwen3,
    Gemma3,
}

impl Family {
    pub const ALL: [Self; 5] = [Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3, Self::Gemma3];

    /// The family's usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Gemma3 => "gemma3",
        }
    }

    /// GGUF's `general.architecture`; files of Mistral say `llama`.
    pub fn gguf(self) -> &'static str {
        match self {
            Self::Mistral => "llama",
            other => other.name(),
        }
    }

    /// The family behind GGUF's `general.architecture`.
    pub fn from_gguf_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.gguf() == name)
    }

    /// The family behind `model_type` of transformers' `config.json`.
    pub fn from_model_type(name: &str) -> Option<Self> {
        match name {
            "gemma3_text" => Some(Self::Gemma3),
            other => Self::ALL.into_iter().find(|family| family.name() == other),
        }
    }

    /// Whether GGUF's converter interleaves the rows of q and k.
    pub(super) fn interleaves_in_gguf(self) -> bool {
        matches!(self, Self::Llama | Self::Mistral)
    }

    /// Whether the weights of its norms are stored less one outside of GGUF.
    pub fn norms_count_from_one(self) -> bool {
        self == Self::Gemma3
    }

    /// The supported ones, for messages.
    pub fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

//! The seven linear layers of a decoder block that LoRA may adapt, and their names in each world.

pub use crate::config::Projection;

use std::fmt;

impl Projection {
    /// Its place in [`Projection::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// transformers' and PEFT's name, `q_proj`.
    pub fn module(self) -> &'static str {
        match self {
            Self::Q => "q_proj",
            Self::K => "k_proj",
            Self::V => "v_proj",
            Self::O => "o_proj",
            Self::Gate => "gate_proj",
            Self::Up => "up_proj",
            Self::Down => "down_proj",
        }
    }

    /// Where it stands in a layer, `self_attn.q_proj`.
    pub fn path(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// GGUF's name within a block, `attn_q`.
    pub fn gguf(self) -> &'static str {
        match self {
            Self::Q => "attn_q",
            Self::K => "attn_k",
            Self::V => "attn_v",
            Self::O => "attn_output",
            Self::Gate => "ffn_gate",
            Self::Up => "ffn_up",
            Self::Down => "ffn_down",
        }
    }

    /// Reads `q` or `q_proj`, and so on.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| {
            p.module() == name
                || p.module().strip_suffix("_proj").is_some_and(|short| short == name)
        })
    }
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.module())
    }
}

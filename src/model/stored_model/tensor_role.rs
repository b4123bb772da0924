//! What each tensor of a decoder is for, and what it is called in GGUF files and by transformers.

use super::super::{Architecture, Family, Projection};

/// A tensor by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorRole {
    Embedding,
    /// The output head, where it is not the embedding itself.
    Head,
    FinalNorm,
    Block(usize, BlockTensor),
}

/// A tensor of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockTensor {
    /// Before attention.
    AttentionNorm,
    /// Before the feed-forward layer.
    FeedForwardNorm,
    /// Of what attention gives.
    AttentionOutputNorm,
    /// Of what the feed-forward layer gives.
    FeedForwardOutputNorm,
    /// Of each head of queries.
    QueryNorm,
    /// Of each head of keys.
    KeyNorm,
    Weight(Projection),
    Bias(Projection),
}

impl TensorRole {
    /// Its name in a GGUF file.
    pub fn gguf(self) -> String {
        match self {
            Self::Embedding => "token_embd.weight".to_owned(),
            Self::Head => "output.weight".to_owned(),
            Self::FinalNorm => "output_norm.weight".to_owned(),
            Self::Block(layer, tensor) => format!("blk.{layer}.{}", tensor.gguf()),
        }
    }

    /// transformers' name of it in a model of this family.
    pub fn transformers(self, family: Family) -> String {
        match self {
            Self::Embedding => "model.embed_tokens.weight".to_owned(),
            Self::Head => "lm_head.weight".to_owned(),
            Self::FinalNorm => "model.norm.weight".to_owned(),
            Self::Block(layer, tensor) => {
                format!("model.layers.{layer}.{}", tensor.transformers(family))
            }
        }
    }

    /// Whether it is the weight of a norm.
    pub fn is_norm(self) -> bool {
        use BlockTensor::{Bias, Weight};
        match self {
            Self::Embedding | Self::Head | Self::Block(_, Weight(_) | Bias(_)) => false,
            Self::FinalNorm | Self::Block(..) => true,
        }
    }
}

impl BlockTensor {
    fn gguf(self) -> String {
        match self {
            Self::AttentionNorm => "attn_norm.weight".to_owned(),
            Self::FeedForwardNorm => "ffn_norm.weight".to_owned(),
            Self::AttentionOutputNorm => "post_attention_norm.weight".to_owned(),
            Self::FeedForwardOutputNorm => "post_ffw_norm.weight".to_owned(),
            Self::QueryNorm => "attn_q_norm.weight".to_owned(),
            Self::KeyNorm => "attn_k_norm.weight".to_owned(),
            Self::Weight(projection) => format!("{}.weight", projection.gguf()),
            Self::Bias(projection) => format!("{}.bias", projection.gguf()),
        }
    }

    fn transformers(self, family: Family) -> String {
        match (self, family) {
            (Self::AttentionNorm, _) => "input_layernorm.weight".to_owned(),
            // One name, two meanings.
            (Self::FeedForwardNorm, Family::Gemma3) => {
                "pre_feedforward_layernorm.weight".to_owned()
            }
            (Self::FeedForwardNorm, _) | (Self::AttentionOutputNorm, _) => {
                "post_attention_layernorm.weight".to_owned()
            }
            (Self::FeedForwardOutputNorm, _) => "post_feedforward_layernorm.weight".to_owned(),
            (Self::QueryNorm, _) => "self_attn.q_norm.weight".to_owned(),
            (Self::KeyNorm, _) => "self_attn.k_norm.weight".to_owned(),
            (Self::Weight(projection), _) => format!("{}.weight", projection.path()),
            (Self::Bias(projection), _) => format!("{}.bias", projection.path()),
        }
    }
}

impl Architecture {
    /// Every tensor of such a decoder with its shape, `[out, in]` or `[len]`.
    pub fn tensors(&self, separate_head: bool) -> Vec<(TensorRole, Vec<usize>)> {
        let hidden = self.hidden;
        let mut tensors = vec![
            (TensorRole::Embedding, vec![self.vocabulary, hidden]),
            (TensorRole::FinalNorm, vec![hidden]),
        ];
        if separate_head {
            tensors.push((TensorRole::Head, vec![self.vocabulary, hidden]));
        }
        for layer in 0..self.layers {
            let of_block = self.block_tensors().into_iter();
            tensors
                .extend(of_block.map(|(tensor, shape)| (TensorRole::Block(layer, tensor), shape)));
        }
        tensors
    }

    fn block_tensors(&self) -> Vec<(BlockTensor, Vec<usize>)> {
        let (hidden, head_width) = (self.hidden, self.attention.head_width);
        let mut tensors = vec![
            (BlockTensor::AttentionNorm, vec![hidden]),
            (BlockTensor::FeedForwardNorm, vec![hidden]),
        ];
        if self.block.output_norms {
            tensors.push((BlockTensor::AttentionOutputNorm, vec![hidden]));
            tensors.push((BlockTensor::FeedForwardOutputNorm, vec![hidden]));
        }
        if self.block.head_norms {
            tensors.push((BlockTensor::QueryNorm, vec![head_width]));
            tensors.push((BlockTensor::KeyNorm, vec![head_width]));
        }
        for projection in Projection::ALL {
            let (rows, columns) = self.shape_of(projection);
            tensors.push((BlockTensor::Weight(projection), vec![rows, columns]));
            if self.block.has_bias(projection) {
                tensors.push((BlockTensor::Bias(projection), vec![rows]));
            }
        }
        tensors
    }
}

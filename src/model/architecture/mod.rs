//! The shape of a decoder: its sizes, and one description of its blocks that covers every family of models
//! that Kaizen computes. Read from a model's metadata ([`from_gguf`](Architecture::from_gguf),
//! [`from_config`](Architecture::from_config)) and checked before any tensor is touched; knows nothing of
//! weights.

mod config;
mod family;
mod gguf;
mod rope;

pub use family::Family;
pub use rope::Rope;

use super::{Error, Projection, Result};
use crate::kernels::{Activation, Attention, AttentionShape};

/// Sizes and constants of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    pub family: Family,
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the feed-forward layer.
    pub feed_forward: usize,
    pub attention: AttentionShape,
    pub vocabulary: usize,
    /// Longest sequence that the model was made for, in tokens.
    pub context: usize,
    pub norm_epsilon: f32,
    /// What a token's embedding is multiplied by.
    pub embedding_scale: f32,
    /// Logits are kept within this by a soft cap.
    pub logit_cap: Option<f32>,
    pub block: BlockForm,
}

/// What a decoder block does beyond attention and a gated feed-forward layer, each behind a norm.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockForm {
    /// Queries, keys and values have a bias.
    pub biases: bool,
    /// Each head of queries and keys is normed before it turns.
    pub head_norms: bool,
    /// What attention and feed-forward give is normed before it joins the stream.
    pub output_norms: bool,
    pub activation: Activation,
    /// What a query's product with a key is multiplied by.
    pub score_scale: f32,
    /// Attention scores are kept within this by a soft cap.
    pub score_cap: Option<f32>,
    /// How positions turn queries and keys, in layers that look at all of the past.
    pub rope: Rope,
    /// The layers that look back over a window alone.
    pub local: Option<LocalLayers>,
}

/// Layers whose queries look at the newest tokens alone (sliding windows).
#[derive(Debug, Clone, PartialEq)]
pub struct LocalLayers {
    /// Tokens that a query looks at, its own included.
    pub window: usize,
    pub rope: Rope,
    /// For each layer, whether it is such a one.
    pub layers: Vec<bool>,
}

impl Architecture {
    /// Whether a layer looks back over a window alone.
    pub fn is_local(&self, layer: usize) -> bool {
        self.block.local.as_ref().is_some_and(|local| local.layers.get(layer) == Some(&true))
    }

    /// How the queries of a layer look at keys.
    pub fn attention_of(&self, layer: usize) -> Attention {
        let local = self.block.local.as_ref().filter(|_| self.is_local(layer));
        Attention {
            shape: self.attention,
            scale: self.block.score_scale,
            score_cap: self.block.score_cap,
            window: local.map(|local| local.window),
        }
    }

    fn checked(self) -> Result<Self> {
        let AttentionShape { heads, key_heads, head_width } = self.attention;
        let sizes = [
            self.layers,
            self.hidden,
            self.feed_forward,
            heads,
            key_heads,
            head_width,
            self.vocabulary,
            self.context,
        ];
        // Far above any model, far below an overflow of a product of two.
        if sizes.iter().any(|size| *size == 0 || *size > 1 << 24) || self.layers > 4096 {
            return Err(Error::Contradiction(format!(
                "sizes out of range in the metadata: {sizes:?}"
            )));
        }
        if heads % key_heads != 0 {
            return Err(Error::Contradiction(format!(
                "{heads} attention heads cannot share {key_heads} key heads"
            )));
        }
        self.block.rope.check(head_width)?;
        if let Some(local) = &self.block.local {
            local.rope.check(head_width)?;
            if local.window == 0 || local.layers.len() != self.layers {
                return Err(Error::Contradiction(format!(
                    "a window of {} tokens, told for {} of {} layers",
                    local.window,
                    local.layers.len(),
                    self.layers
                )));
            }
        }
        let numbers = [
            ("the norms' epsilon", Some(self.norm_epsilon)),
            ("the scale of embeddings", Some(self.embedding_scale)),
            ("the scale of attention scores", Some(self.block.score_scale)),
            ("the cap of attention scores", self.block.score_cap),
            ("the cap of logits", self.logit_cap),
        ];
        for (what, number) in numbers {
            if number.is_some_and(|number| !(number.is_finite() && number > 0.0)) {
                return Err(Error::Contradiction(format!("{what} is not a usable number")));
            }
        }
        Ok(self)
    }

    /// `(out, in)` of a projection.
    pub fn shape_of(&self, projection: Projection) -> (usize, usize) {
        let (query, key) = (self.attention.query_width(), self.attention.key_width());
        match projection {
            Projection::Q => (query, self.hidden),
            Projection::K | Projection::V => (key, self.hidden),
            Projection::O => (self.hidden, query),
            Projection::Gate | Projection::Up => (self.feed_forward, self.hidden),
            Projection::Down => (self.hidden, self.feed_forward),
        }
    }

    /// For each row of a projection, as transformers (and PEFT's adapters) order them, where it stands in a
    /// GGUF file; none where the orders are the same.
    ///
    /// GGUF interleaves the two halves of each head of q and k in files of the architecture `llama`, which
    /// Mistral's are too.
    pub fn rows_in_file(&self, projection: Projection) -> Option<Vec<usize>> {
        let (rows, _) = self.shape_of(projection);
        let turned = matches!(projection, Projection::Q | Projection::K);
        (turned && self.family.interleaves_in_gguf())
            .then(|| half_split_order(rows, self.attention.head_width))
    }

    /// Weights of the blocks and the embedding (counted once when the head is tied).
    pub fn parameters(&self) -> usize {
        let AttentionShape { head_width, .. } = self.attention;
        let block: usize = Projection::ALL
            .iter()
            .map(|p| {
                let (rows, columns) = self.shape_of(*p);
                rows * columns
            })
            .sum();
        let form = &self.block;
        let norms = if form.output_norms { 4 } else { 2 };
        let biases = self.attention.query_width() + 2 * self.attention.key_width();
        let vectors = norms * self.hidden
            + if form.head_norms { 2 * head_width } else { 0 }
            + if form.biases { biases } else { 0 };
        self.layers * (block + vectors) + self.hidden * (self.vocabulary + 1)
    }
}

/// The converter to GGUF stores row `(half, pair)` of a head as `2 · pair + half`.
fn half_split_order(rows: usize, head_width: usize) -> Vec<usize> {
    let half = head_width / 2;
    (0..rows)
        .map(|row| {
            let (head, within) = (row / head_width, row % head_width);
            head * head_width + 2 * (within % half) + within / half
        })
        .collect()
}

/// A small model of the family `llama`, for the tests of other modules.
#[cfg(test)]
pub(crate) fn small_llama() -> Architecture {
    let attention = AttentionShape { heads: 2, key_heads: 1, head_width: 4 };
    Architecture {
        family: Family::Llama,
        layers: 2,
        hidden: 8,
        feed_forward: 12,
        attention,
        vocabulary: 10,
        context: 16,
        norm_epsilon: 1e-5,
        embedding_scale: 1.0,
        logit_cap: None,
        block: BlockForm::plain(attention, Rope::plain(1e4, 4)),
    }
}

impl BlockForm {
    /// Whether a projection has a bias.
    pub fn has_bias(&self, projection: Projection) -> bool {
        self.biases && matches!(projection, Projection::Q | Projection::K | Projection::V)
    }

    /// The form of `llama`.
    pub fn plain(attention: AttentionShape, rope: Rope) -> Self {
        Self {
            biases: false,
            head_norms: false,
            output_norms: false,
            activation: Activation::Silu,
            score_scale: Attention::full(attention).scale,
            score_cap: None,
            rope,
            local: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// transformers' converter interleaves as `(half, pair) -> 2 · pair + half` in every head; if
    /// this is wrong, every adapter from PEFT is applied to the wrong rows.
    #[test]
    fn the_interleaving_of_q_and_k_is_undone() {
        assert_eq!(half_split_order(8, 4), [0, 2, 1, 3, 4, 6, 5, 7]);
    }

    #[test]
    fn sizes_and_numbers_that_no_model_has_are_refused() {
        assert!(small_llama().checked().is_ok());
        let refused = |change: &dyn Fn(&mut Architecture)| {
            let mut architecture = small_llama();
            change(&mut architecture);
            architecture.checked().unwrap_err().to_string()
        };
        assert!(refused(&|a| a.hidden = 0).contains("out of range"));
        assert!(refused(&|a| a.layers = 1 << 20).contains("out of range"));
        assert!(refused(&|a| a.attention.key_heads = 3).contains("cannot share"));
        assert!(refused(&|a| a.block.rope.rotated = 3).contains("rotated"));
        assert!(refused(&|a| a.logit_cap = Some(0.0)).contains("cap of logits"));
        assert!(refused(&|a| a.block.score_scale = f32::NAN).contains("attention scores"));
        assert!(refused(&|a| a.norm_epsilon = -1.0).contains("epsilon"));
        let local = LocalLayers { window: 4, rope: Rope::plain(1e4, 4), layers: vec![true] };
        assert!(refused(&|a| a.block.local = Some(local.clone())).contains("1 of 2 layers"));
    }
}

//! The shape of a decoder, read from GGUF metadata and checked before any tensor is touched.

use super::gguf::Gguf;
use super::{Error, Projection, Result};
use crate::kernels::AttentionShape;

/// Sizes and constants of a `llama` decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    pub name: String,
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
    pub rope: Rope,
}

/// How positions turn queries and keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    pub base: f32,
    /// Elements of a head that turn.
    pub rotated: usize,
    /// Linear scaling: positions are divided by this.
    pub scale: f32,
}

impl Architecture {
    /// Reads and checks the metadata.
    ///
    /// # Errors
    /// An architecture other than `llama`, mixture of experts, a rope scaling that is not known, a
    /// missing key, or sizes that contradict each other.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let name = gguf.str("general.architecture")?.to_owned();
        if name != "llama" {
            return Err(Error::Unsupported {
                what: format!("a model of the architecture `{name}`"),
                supported: "architecture `llama` (SmolLM2, TinyLlama, Llama 2 and 3, Mistral)"
                    .into(),
            });
        }
        let key = |suffix: &str| format!("{name}.{suffix}");
        if gguf.optional_usize(&key("expert_count"))?.is_some_and(|experts| experts > 0) {
            return Err(Error::Unsupported {
                what: "a mixture of experts".into(),
                supported: "dense models of architecture `llama`".into(),
            });
        }
        let hidden = gguf.usize(&key("embedding_length"))?;
        let heads = gguf.usize(&key("attention.head_count"))?;
        let key_heads = gguf.optional_usize(&key("attention.head_count_kv"))?.unwrap_or(heads);
        let head_width = gguf
            .optional_usize(&key("attention.key_length"))?
            .unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0));
        let layers = gguf.usize(&key("block_count"))?;
        let vocabulary = gguf
            .optional_usize(&key("vocab_size"))?
            .or_else(|| {
                gguf.tensor("token_embd.weight").ok().and_then(|t| t.shape.first().copied())
            })
            .unwrap_or(0);
        let architecture = Self {
            layers,
            hidden,
            feed_forward: gguf.usize(&key("feed_forward_length"))?,
            attention: AttentionShape { heads, key_heads, head_width },
            vocabulary,
            context: gguf.usize(&key("context_length"))?,
            norm_epsilon: gguf.f32(&key("attention.layer_norm_rms_epsilon"))?,
            rope: Rope {
                base: gguf.optional_f32(&key("rope.freq_base"))?.unwrap_or(10_000.0),
                rotated: gguf.optional_usize(&key("rope.dimension_count"))?.unwrap_or(head_width),
                scale: rope_scale(gguf, &name)?,
            },
            name,
        };
        architecture.check()?;
        Ok(architecture)
    }

    fn check(&self) -> Result<()> {
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
        if self.rope.rotated == 0
            || !self.rope.rotated.is_multiple_of(2)
            || self.rope.rotated > head_width
        {
            return Err(Error::Contradiction(format!(
                "{} rotated elements in a head of {head_width}",
                self.rope.rotated
            )));
        }
        if !(self.norm_epsilon.is_finite() && self.rope.base > 0.0 && self.rope.scale > 0.0) {
            return Err(Error::Contradiction(
                "norm epsilon or rope base is not a usable number".into(),
            ));
        }
        Ok(())
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
    /// GGUF interleaves the two halves of each `llama` head of q and k.
    pub fn rows_in_file(&self, projection: Projection) -> Option<Vec<usize>> {
        let (rows, _) = self.shape_of(projection);
        matches!(projection, Projection::Q | Projection::K)
            .then(|| half_split_order(rows, self.attention.head_width))
    }

    /// Weights of the blocks and the embedding (counted once when the head is tied).
    pub fn parameters(&self) -> usize {
        let block: usize = Projection::ALL
            .iter()
            .map(|p| {
                let (rows, columns) = self.shape_of(*p);
                rows * columns
            })
            .sum();
        self.layers * (block + 2 * self.hidden) + self.hidden * (self.vocabulary + 1)
    }
}

fn rope_scale(gguf: &Gguf, name: &str) -> Result<f32> {
    let factor = match gguf.optional_f32(&format!("{name}.rope.scaling.factor"))? {
        Some(factor) => Some(factor),
        None => gguf.optional_f32(&format!("{name}.rope.scale_linear"))?,
    };
    match gguf.optional_str(&format!("{name}.rope.scaling.type"))? {
        // Llama 3's scaling comes as the tensor `rope_freqs.weight`.
        Some("none" | "llama3") => Ok(1.0),
        Some("linear") | None => Ok(factor.unwrap_or(1.0)),
        Some(other) => Err(Error::Unsupported {
            what: format!("rope scaling `{other}`"),
            supported: "none, linear, and Llama 3's".into(),
        }),
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

#[cfg(test)]
mod tests {
    use super::half_split_order;

    /// transformers' converter interleaves as `(half, pair) -> 2 · pair + half` in every head; if
    /// this is wrong, every adapter from PEFT is applied to the wrong rows.
    #[test]
    fn the_interleaving_of_q_and_k_is_undone() {
        assert_eq!(half_split_order(8, 4), [0, 2, 1, 3, 4, 6, 5, 7]);
    }
}

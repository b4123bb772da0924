//! The architecture from GGUF metadata, named as llama.cpp's converter writes it (`gguf-py/gguf/constants.py`).

use super::super::gguf::{Array, Gguf, Value};
use super::super::{Error, Result};
use super::{Architecture, BlockForm, Family, LocalLayers, Rope};
use crate::kernels::{Activation, AttentionShape, BlockFormat, dequantise};

const ROPE_FACTORS: &str = "rope_freqs.weight";

/// Gemma 3 looks at all of the past in every sixth layer, where the file does not say otherwise.
const GEMMA3_PATTERN: usize = 6;
/// Base of the rope in those, and in its other layers.
const GEMMA3_BASE: f32 = 1e6;
const GEMMA3_LOCAL_BASE: f32 = 1e4;
const GEMMA3_EPSILON: f32 = 1e-6;
/// From this context on Gemma 3 stretches the rope of layers that see all, by this.
const GEMMA3_STRETCHED: usize = 131_072;
const GEMMA3_STRETCH: f32 = 8.0;
/// Layers of Gemma 3 27B, which alone divides scores by the root of another width than a head's.
const GEMMA3_27B_LAYERS: usize = 62;

impl Architecture {
    /// Reads and checks the metadata.
    ///
    /// # Errors
    /// A family that is not supported, a mixture of experts, an embedding or vision model, a rope scaling that
    /// is not known, a missing key, or sizes that contradict each other.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let name = gguf.str("general.architecture")?;
        let Some(family) = Family::from_gguf_name(name) else { return Err(unsupported(name)) };
        let keys = Keys { gguf, name };
        if keys.optional_usize("expert_count")?.is_some_and(|experts| experts > 0) {
            return Err(Error::Unsupported {
                what: "a mixture of experts".into(),
                supported: "dense models".into(),
            });
        }
        if keys.optional_usize("pooling_type")?.is_some_and(|pooling| pooling > 0) {
            return Err(Error::Unsupported {
                what: "an embedding model".into(),
                supported: "models that write text".into(),
            });
        }
        let hidden = keys.usize("embedding_length")?;
        let heads = keys.usize("attention.head_count")?;
        let key_heads = keys.optional_usize("attention.head_count_kv")?.unwrap_or(heads);
        let head_width = keys
            .optional_usize("attention.key_length")?
            .unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0));
        if let Some(values) = keys.optional_usize("attention.value_length")?
            && values != head_width
        {
            return Err(Error::Unsupported {
                what: format!("keys of {head_width} and values of {values} elements"),
                supported: "keys and values of the same width".into(),
            });
        }
        let attention = AttentionShape { heads, key_heads, head_width };
        let layers = keys.usize("block_count")?;
        let vocabulary = keys
            .optional_usize("vocab_size")?
            .or_else(|| {
                gguf.tensor("token_embd.weight").ok().and_then(|t| t.shape.first().copied())
            })
            .unwrap_or(0);
        let is_gemma = family == Family::Gemma3;
        let form = BlockForm {
            biases: family == Family::Qwen2,
            head_norms: matches!(family, Family::Qwen3 | Family::Gemma3),
            output_norms: is_gemma,
            activation: if is_gemma { Activation::GeluTanh } else { Activation::Silu },
            score_scale: keys.score_scale(family, layers, hidden, attention)?,
            score_cap: keys.optional_f32("attn_logit_softcapping")?,
            rope: keys.rope(family, head_width)?,
            local: keys.local_layers(family, layers, head_width)?,
        };
        Self {
            family,
            layers,
            hidden,
            feed_forward: keys.usize("feed_forward_length")?,
            attention,
            vocabulary,
            context: keys.usize("context_length")?,
            norm_epsilon: match keys.optional_f32("attention.layer_norm_rms_epsilon")? {
                None if is_gemma => GEMMA3_EPSILON,
                _ => keys.f32("attention.layer_norm_rms_epsilon")?,
            },
            embedding_scale: if is_gemma { (hidden as f32).sqrt() } else { 1.0 },
            logit_cap: keys.logit_cap()?,
            block: form,
        }
        .checked()
    }
}

/// Says what a file of an architecture that we lack is, where it is no language model at all.
fn unsupported(name: &str) -> Error {
    let what = match name {
        "bert" | "modern-bert" | "nomic-bert" | "nomic-bert-moe" | "jina-bert-v2"
        | "jina-bert-v3" | "neo-bert" | "eurobert" | "gemma-embedding" | "t5encoder"
        | "llama-embed" => {
            format!("an embedding model (architecture `{name}`)")
        }
        "clip" | "mmproj" => format!("the vision part of a model (architecture `{name}`)"),
        "whisper" | "wavtokenizer-dec" => format!("a speech model (architecture `{name}`)"),
        "flux" | "sd1" | "sdxl" | "sd3" | "ltxv" | "wan" | "qwen_image" => {
            format!("a model that makes pictures (architecture `{name}`)")
        }
        _ => format!("a model of the architecture `{name}`"),
    };
    Error::Unsupported { what, supported: format!("the architectures {}", Family::list()) }
}

/// The keys of one architecture.
struct Keys<'a> {
    gguf: &'a Gguf,
    name: &'a str,
}

impl Keys<'_> {
    fn key(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.name)
    }

    fn usize(&self, suffix: &str) -> Result<usize> {
        self.gguf.usize(&self.key(suffix))
    }

    fn optional_usize(&self, suffix: &str) -> Result<Option<usize>> {
        self.gguf.optional_usize(&self.key(suffix))
    }

    fn f32(&self, suffix: &str) -> Result<f32> {
        self.gguf.f32(&self.key(suffix))
    }

    /// A number that stands for "none" where it is zero.
    fn optional_f32(&self, suffix: &str) -> Result<Option<f32>> {
        Ok(self.gguf.optional_f32(&self.key(suffix))?.filter(|number| *number != 0.0))
    }

    fn score_scale(
        &self,
        family: Family,
        layers: usize,
        hidden: usize,
        attention: AttentionShape,
    ) -> Result<f32> {
        let width = match (family, layers) {
            (Family::Gemma3, GEMMA3_27B_LAYERS) => hidden / attention.heads.max(1),
            _ => attention.head_width,
        };
        let usual = 1.0 / (width as f32).sqrt();
        Ok(self.optional_f32("attention.scale")?.unwrap_or(usual))
    }

    /// ollama's first Gemma 3 files, which name the two bases of the rope in a way of their own, state a cap
    /// that the published model does not have.
    fn logit_cap(&self) -> Result<Option<f32>> {
        match self.optional_f32("rope.global.freq_base")? {
            Some(_) => Ok(None),
            None => self.optional_f32("final_logit_softcapping"),
        }
    }

    fn rope(&self, family: Family, head_width: usize) -> Result<Rope> {
        let rotated = self.optional_usize("rope.dimension_count")?.unwrap_or(head_width);
        let stated = match self.optional_f32("rope.freq_base")? {
            Some(base) => Some(base),
            None => self.optional_f32("rope.global.freq_base")?,
        };
        let usual = if family == Family::Gemma3 { GEMMA3_BASE } else { 10_000.0 };
        let scale = match (family, self.gguf.metadata.contains_key(&self.key("rope.scaling.type")))
        {
            // Nor do those files say how far its larger models stretch.
            (Family::Gemma3, false) if self.usize("context_length")? >= GEMMA3_STRETCHED => {
                GEMMA3_STRETCH
            }
            _ => self.rope_scale()?,
        };
        let factors = self.rope_factors(rotated)?;
        Ok(Rope { base: stated.unwrap_or(usual), rotated, scale, factors })
    }

    fn rope_scale(&self) -> Result<f32> {
        let factor = match self.optional_f32("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            None => self.optional_f32("rope.scale_linear")?,
        };
        match self.gguf.optional_str(&self.key("rope.scaling.type"))? {
            // Llama 3's scaling comes as the tensor `rope_freqs.weight`.
            Some("none" | "llama3") => Ok(1.0),
            Some("linear") | None => Ok(factor.unwrap_or(1.0)),
            Some(other) => Err(Error::Unsupported {
                what: format!("rope scaling `{other}`"),
                supported: "none, linear, and Llama 3's".into(),
            }),
        }
    }

    /// Llama 3's factors, which come as a tensor.
    fn rope_factors(&self, rotated: usize) -> Result<Vec<f32>> {
        if !self.gguf.tensors.contains_key(ROPE_FACTORS) {
            return Ok(Vec::new());
        }
        let info = self.gguf.tensor(ROPE_FACTORS)?;
        if info.kind != BlockFormat::F32 || info.shape != [rotated / 2] {
            return Err(Error::Contradiction(format!(
                "tensor `{ROPE_FACTORS}` has shape {:?} in {}, the metadata asks for {:?} in F32",
                info.shape,
                info.kind.name(),
                [rotated / 2]
            )));
        }
        let mut factors = vec![0.0; rotated / 2];
        dequantise(info.kind, &self.gguf.read(info)?, &mut factors);
        Ok(factors)
    }

    fn local_layers(
        &self,
        family: Family,
        layers: usize,
        head_width: usize,
    ) -> Result<Option<LocalLayers>> {
        let window = self.optional_usize("attention.sliding_window")?.filter(|window| *window > 0);
        let Some(window) = window else { return Ok(None) };
        let local = match family {
            // Files of these say it of windows that no layer of theirs uses.
            Family::Qwen2 | Family::Qwen3 => return Ok(None),
            Family::Llama | Family::Mistral => vec![true; layers],
            Family::Gemma3 => self.pattern(layers)?,
        };
        let rope = match family {
            Family::Gemma3 => {
                let base = match self.optional_f32("rope.freq_base_swa")? {
                    Some(base) => Some(base),
                    None => self.optional_f32("rope.local.freq_base")?,
                };
                let base = base.unwrap_or(GEMMA3_LOCAL_BASE);
                let rotated = self.optional_usize("rope.dimension_count")?.unwrap_or(head_width);
                Rope::plain(base, rotated)
            }
            _ => self.rope(family, head_width)?,
        };
        Ok(Some(LocalLayers { window, rope, layers: local }))
    }

    /// Which layers have a window: told one by one, or as the distance of those that have none.
    fn pattern(&self, layers: usize) -> Result<Vec<bool>> {
        let key = self.key("attention.sliding_window_pattern");
        let every = match self.gguf.metadata.get(&key) {
            Some(Value::Array(Array::Bool(local))) => return Ok(local.clone()),
            Some(_) => self.gguf.usize(&key)?,
            None => GEMMA3_PATTERN,
        };
        Ok(every_nth_is_full(layers, every))
    }
}

/// All layers but every `every`-th have a window.
pub(super) fn every_nth_is_full(layers: usize, every: usize) -> Vec<bool> {
    (1..=layers).map(|layer| every == 0 || !layer.is_multiple_of(every)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::gguf;
    use std::collections::BTreeMap;

    #[test]
    fn gemmas_every_sixth_layer_sees_all() {
        let local = every_nth_is_full(13, 6);
        let full: Vec<usize> = (0..13).filter(|&layer| !local[layer]).collect();
        assert_eq!(full, [5, 11]);
    }

    fn gemma(more: &[(&str, Value)]) -> Architecture {
        let mut metadata: BTreeMap<String, Value> = [
            ("general.architecture", Value::String("gemma3".into())),
            ("gemma3.block_count", Value::U32(26)),
            ("gemma3.context_length", Value::U32(32_768)),
            ("gemma3.embedding_length", Value::U32(1152)),
            ("gemma3.feed_forward_length", Value::U32(6912)),
            ("gemma3.attention.head_count", Value::U32(4)),
            ("gemma3.attention.head_count_kv", Value::U32(1)),
            ("gemma3.attention.key_length", Value::U32(256)),
            ("gemma3.attention.sliding_window", Value::U32(512)),
            ("gemma3.vocab_size", Value::U32(1000)),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        metadata.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let file = tempfile::NamedTempFile::new().unwrap();
        gguf::write::<std::io::Error>(&mut file.as_file(), &metadata, &[], |_, _| Ok(())).unwrap();
        Architecture::from_gguf(&Gguf::open(file.path()).unwrap()).unwrap()
    }

    /// What ollama pulled for a person leaves out and misnames what llama.cpp's files say; read without that
    /// the model would talk, and talk nonsense over longer texts.
    #[test]
    fn ollamas_gemma3_is_the_one_that_was_published() {
        let usual = gemma(&[
            ("gemma3.rope.freq_base", Value::F32(1e6)),
            ("gemma3.rope.freq_base_swa", Value::F32(1e4)),
            ("gemma3.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ]);
        let ollamas = gemma(&[
            ("gemma3.rope.global.freq_base", Value::F32(1e6)),
            ("gemma3.rope.local.freq_base", Value::F32(1e4)),
            ("gemma3.final_logit_softcapping", Value::F32(30.0)),
        ]);
        assert_eq!(ollamas, usual);
        assert_eq!(gemma(&[]), usual);
        assert_eq!(usual.block.rope.scale, 1.0);
        let large = gemma(&[("gemma3.context_length", Value::U32(131_072))]);
        assert_eq!(large.block.rope.scale, 8.0);
        assert_eq!(large.block.local.unwrap().rope.scale, 1.0);
    }
}

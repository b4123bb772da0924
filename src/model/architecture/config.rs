//! The architecture from `config.json`, as transformers writes it (version 5 and those before, which name the
//! rope's settings otherwise).

use super::super::{Error, Result};
use super::gguf::every_nth_is_full;
use super::rope::Llama3Scaling;
use super::{Architecture, BlockForm, Family, LocalLayers, Rope};
use crate::kernels::{Activation, AttentionShape};
use serde_json::Value;

impl Architecture {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// A family that is not supported, weights quantised in a way of other programs, a vision model, an option
    /// that Kaizen does not compute, a missing key, or sizes that contradict each other.
    pub fn from_config(config: &Value) -> Result<Self> {
        let keys = Keys(config);
        let model_type = keys.text("model_type")?;
        let Some(family) = Family::from_model_type(model_type) else {
            return Err(Error::Unsupported {
                what: format!("a model of the type `{model_type}`"),
                supported: format!("the types {}", Family::list()),
            });
        };
        keys.refuse_what_we_lack()?;
        let hidden = keys.usize("hidden_size")?;
        let heads = keys.usize("num_attention_heads")?;
        let attention = AttentionShape {
            heads,
            key_heads: keys.optional_usize("num_key_value_heads")?.unwrap_or(heads),
            head_width: keys
                .optional_usize("head_dim")?
                .unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0)),
        };
        let layers = keys.usize("num_hidden_layers")?;
        let is_gemma = family == Family::Gemma3;
        let score_width = match is_gemma {
            true => keys.optional_f32("query_pre_attn_scalar")?.unwrap_or(256.0),
            false => attention.head_width as f32,
        };
        let block = BlockForm {
            biases: family == Family::Qwen2,
            head_norms: matches!(family, Family::Qwen3 | Family::Gemma3),
            output_norms: is_gemma,
            activation: keys.activation(family)?,
            score_scale: 1.0 / score_width.sqrt(),
            score_cap: keys.optional_f32("attn_logit_softcapping")?,
            rope: keys.rope(family, "full_attention", attention.head_width)?,
            local: keys.local_layers(family, layers, attention.head_width)?,
        };
        Self {
            family,
            layers,
            hidden,
            feed_forward: keys.usize("intermediate_size")?,
            attention,
            vocabulary: keys.usize("vocab_size")?,
            context: keys.usize("max_position_embeddings")?,
            norm_epsilon: keys.f32("rms_norm_eps")?,
            embedding_scale: if is_gemma { (hidden as f32).sqrt() } else { 1.0 },
            logit_cap: keys.optional_f32("final_logit_softcapping")?,
            block,
        }
        .checked()
    }
}

struct Keys<'a>(&'a Value);

impl<'a> Keys<'a> {
    /// The value under `key`, none where it is absent or null.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| Error::Contradiction(format!("its config.json lacks `{key}`")))
    }

    fn taken<T>(
        &self,
        key: &str,
        wanted: &str,
        take: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match take(value) {
            Some(taken) => Ok(Some(taken)),
            None => Err(Error::Contradiction(format!(
                "`{key}` in its config.json should be {wanted} but is {value:.80}"
            ))),
        }
    }

    fn optional_text(&self, key: &str) -> Result<Option<&'a str>> {
        self.taken(key, "a string", Value::as_str)
    }

    fn text(&self, key: &str) -> Result<&'a str> {
        self.required(key, self.optional_text(key)?)
    }

    fn optional_usize(&self, key: &str) -> Result<Option<usize>> {
        let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        self.taken(key, "a whole number that is not negative", number)
    }

    fn usize(&self, key: &str) -> Result<usize> {
        self.required(key, self.optional_usize(key)?)
    }

    fn optional_f32(&self, key: &str) -> Result<Option<f32>> {
        self.taken(key, "a number", |value| value.as_f64().map(|number| number as f32))
    }

    fn f32(&self, key: &str) -> Result<f32> {
        self.required(key, self.optional_f32(key)?)
    }

    fn is_true(&self, key: &str) -> Result<bool> {
        Ok(self.taken(key, "true or false", Value::as_bool)? == Some(true))
    }

    /// Options that would make another network than the one computed here.
    fn refuse_what_we_lack(&self) -> Result<()> {
        let refused = |what: String, supported: &str| {
            Err(Error::Unsupported { what, supported: supported.to_owned() })
        };
        if self.get("vision_config").is_some() || self.get("text_config").is_some() {
            return refused(
                "a vision model".into(),
                "models of text alone (of Gemma 3, its GGUF files, which are)",
            );
        }
        if let Some(way) = self.get("quantization_config") {
            let method = way["quant_method"].as_str().unwrap_or("unknown");
            return refused(
                format!("a folder with weights quantised by `{method:.40}`"),
                "folders in F32, F16 and BF16, and quantised models as GGUF",
            );
        }
        for key in ["attention_bias", "mlp_bias", "use_bidirectional_attention"] {
            if self.is_true(key)? {
                return refused(format!("a model with `{key}`"), "models without it");
            }
        }
        match self.optional_f32("partial_rotary_factor")? {
            Some(share) if share != 1.0 => {
                refused(format!("a `partial_rotary_factor` of {share}"), "1")
            }
            _ => Ok(()),
        }
    }

    fn activation(&self, family: Family) -> Result<Activation> {
        let key = match family {
            Family::Gemma3 => "hidden_activation",
            _ => "hidden_act",
        };
        let usual = if family == Family::Gemma3 { "gelu_pytorch_tanh" } else { "silu" };
        match self.optional_text(key)?.unwrap_or(usual) {
            "silu" => Ok(Activation::Silu),
            "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
            other => Err(Error::Unsupported {
                what: format!("the activation `{other:.40}`"),
                supported: "silu and gelu_pytorch_tanh".into(),
            }),
        }
    }

    /// The rope of layers of this type.
    fn rope(&self, family: Family, layer_type: &str, head_width: usize) -> Result<Rope> {
        let is_local = layer_type == "sliding_attention";
        let usual_base = if family == Family::Gemma3 && !is_local { 1e6 } else { 1e4 };
        // Version 5 has everything about the rope in one place, by type of layer where they differ.
        let settings = match self.get("rope_parameters") {
            Some(parameters) => Some(parameters.get(layer_type).unwrap_or(parameters)),
            // Gemma 3 never stretches the rope of its windows.
            None if is_local && family == Family::Gemma3 => None,
            None => self.get("rope_scaling"),
        };
        let own_base = match family == Family::Gemma3 && is_local {
            true => self.optional_f32("rope_local_base_freq")?,
            false => self.optional_f32("rope_theta")?,
        };
        let Some(settings) = settings else {
            return Ok(Rope::plain(own_base.unwrap_or(usual_base), head_width));
        };
        let settings = Keys(settings);
        settings.refuse_what_we_lack()?;
        let base = settings.optional_f32("rope_theta")?.or(own_base).unwrap_or(usual_base);
        let rope = Rope::plain(base, head_width);
        let kind = match settings.optional_text("rope_type")? {
            Some(kind) => kind,
            None => settings.optional_text("type")?.unwrap_or("default"),
        };
        match kind {
            "default" => Ok(rope),
            "linear" => Ok(Rope { scale: settings.f32("factor")?, ..rope }),
            "llama3" => Ok(rope.with_llama3(Llama3Scaling {
                factor: settings.f32("factor")?,
                low_frequency: settings.f32("low_freq_factor")?,
                high_frequency: settings.f32("high_freq_factor")?,
                first_context: settings.f32("original_max_position_embeddings")?,
            })),
            other => Err(Error::Unsupported {
                what: format!("rope scaling `{other:.40}`"),
                supported: "default, linear and llama3".into(),
            }),
        }
    }

    fn local_layers(
        &self,
        family: Family,
        layers: usize,
        head_width: usize,
    ) -> Result<Option<LocalLayers>> {
        let Some(window) = self.optional_usize("sliding_window")? else { return Ok(None) };
        let qwen = matches!(family, Family::Qwen2 | Family::Qwen3);
        if family == Family::Llama || (qwen && !self.is_true("use_sliding_window")?) {
            return Ok(None);
        }
        let local = match self.layer_types()? {
            Some(local) => local,
            None if qwen => {
                let full = self.optional_usize("max_window_layers")?.unwrap_or(layers);
                (0..layers).map(|layer| layer >= full).collect()
            }
            None if family == Family::Gemma3 => {
                let every = self.optional_usize("sliding_window_pattern")?;
                every_nth_is_full(layers, every.unwrap_or(6))
            }
            None => vec![true; layers],
        };
        let rope = self.rope(family, "sliding_attention", head_width)?;
        Ok(Some(LocalLayers { window, rope, layers: local }))
    }

    /// For each layer whether it has a window, where the file says so one by one.
    fn layer_types(&self) -> Result<Option<Vec<bool>>> {
        let Some(types) = self.taken("layer_types", "a list", Value::as_array)? else {
            return Ok(None);
        };
        let local = types.iter().map(|kind| match kind.as_str() {
            Some("sliding_attention") => Ok(true),
            Some("full_attention") => Ok(false),
            _ => Err(Error::Unsupported {
                what: format!("layers of the type {kind:.40}"),
                supported: "full_attention and sliding_attention".into(),
            }),
        });
        local.collect::<Result<_>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn llama() -> Value {
        json!({
            "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
            "num_key_value_heads": 2, "num_hidden_layers": 2, "intermediate_size": 96,
            "vocab_size": 100, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
            "rope_theta": 500000.0, "hidden_act": "silu", "sliding_window": null,
        })
    }

    fn with(key: &str, value: Value) -> Value {
        let mut config = llama();
        config[key] = value;
        config
    }

    #[test]
    fn both_ways_of_writing_the_rope_mean_the_same() {
        let scaling = json!({
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 128,
        });
        let before = Architecture::from_config(&with("rope_scaling", scaling.clone())).unwrap();
        let mut now = llama();
        now.as_object_mut().unwrap().remove("rope_theta");
        now["rope_parameters"] = scaling;
        now["rope_parameters"]["rope_theta"] = json!(500000.0);
        assert_eq!(Architecture::from_config(&now).unwrap(), before);
        assert_eq!(before.block.rope.factors.len(), 8);
        assert!(before.block.local.is_none());
    }

    #[test]
    fn gemmas_two_ropes_and_windows_are_read_in_both_ways() {
        let mut before = llama();
        for (key, value) in [
            ("model_type", json!("gemma3_text")),
            ("num_hidden_layers", json!(7)),
            ("rope_theta", json!(1e6)),
            ("rope_local_base_freq", json!(1e4)),
            ("rope_scaling", json!({"rope_type": "linear", "factor": 8.0})),
            ("sliding_window", json!(16)),
            ("sliding_window_pattern", json!(6)),
            ("query_pre_attn_scalar", json!(64)),
        ] {
            before[key] = value;
        }
        let architecture = Architecture::from_config(&before).unwrap();
        let local = architecture.block.local.clone().unwrap();
        assert_eq!((local.rope.base, local.rope.scale), (1e4, 1.0));
        assert_eq!((architecture.block.rope.base, architecture.block.rope.scale), (1e6, 8.0));
        assert_eq!(local.layers, [true, true, true, true, true, false, true]);
        assert_eq!(architecture.block.score_scale, 0.125);
        let mut now = before.clone();
        for key in ["rope_theta", "rope_local_base_freq", "rope_scaling", "sliding_window_pattern"]
        {
            now.as_object_mut().unwrap().remove(key);
        }
        let (window, full) = ("sliding_attention", "full_attention");
        now["layer_types"] = json!([window, window, window, window, window, full, window]);
        now["rope_parameters"] = json!({
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
        });
        assert_eq!(Architecture::from_config(&now).unwrap(), architecture);
    }

    /// Each of these would otherwise be computed as another network, without a word.
    #[test]
    fn what_is_not_computed_is_refused_by_name() {
        for (key, value, named) in [
            ("model_type", json!("phi3"), "phi3"),
            ("model_type", json!(null), "lacks `model_type`"),
            ("hidden_size", json!(-5), "`hidden_size`"),
            ("hidden_size", json!(null), "lacks `hidden_size`"),
            ("attention_bias", json!(true), "attention_bias"),
            ("mlp_bias", json!("yes"), "mlp_bias"),
            ("hidden_act", json!("relu"), "relu"),
            ("rope_scaling", json!({"rope_type": "yarn", "factor": 4.0}), "yarn"),
            ("rope_scaling", json!({"rope_type": "llama3", "factor": 4.0}), "low_freq_factor"),
            ("partial_rotary_factor", json!(0.5), "partial_rotary_factor"),
            ("quantization_config", json!({"quant_method": "gptq"}), "gptq"),
            ("vision_config", json!({}), "vision"),
            ("num_key_value_heads", json!(3), "cannot share"),
        ] {
            let told = Architecture::from_config(&with(key, value)).unwrap_err().to_string();
            assert!(told.contains(named) && !told.contains('\n'), "{key}: {told}");
        }
        assert!(Architecture::from_config(&json!([1])).is_err());
    }

    #[test]
    fn qwens_windows_count_only_where_they_are_switched_on() {
        let mut config = with("model_type", json!("qwen2"));
        config["sliding_window"] = json!(32);
        config["max_window_layers"] = json!(1);
        assert!(Architecture::from_config(&config).unwrap().block.local.is_none());
        config["use_sliding_window"] = json!(true);
        let local = Architecture::from_config(&config).unwrap().block.local.unwrap();
        assert_eq!((local.window, local.layers), (32, vec![false, true]));
    }
}

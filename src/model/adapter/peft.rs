//! PEFT's `adapter_config.json` and `adapter_model.safetensors`
//! (<https://huggingface.co/docs/peft/developer_guides/checkpoint>).

use super::super::lora::{Lora, LoraConfig};
use super::super::{Architecture, Projection};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Why an adapter's files cannot be used.
pub(super) type Refused = String;

/// The configuration as PEFT writes it.
pub(super) fn config_json(config: &LoraConfig, base_name: &str) -> Value {
    let mut targets: Vec<&str> = config.targets.iter().map(|t| t.module()).collect();
    targets.sort_unstable();
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "revision": null,
        "inference_mode": true,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "target_modules": targets,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "use_rslora": config.rank_stabilised,
        "use_dora": false,
        "modules_to_save": null,
        "layers_to_transform": null,
        "layers_pattern": null,
        "rank_pattern": {},
        "alpha_pattern": {},
    })
}

/// Reads the settings that decide shape and strength; refuses what would be silently ignored.
pub(super) fn read_config(text: &str) -> Result<(LoraConfig, Option<String>), Refused> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| format!("it is not valid JSON ({e})"))?;
    let kind = value["peft_type"].as_str().unwrap_or("none");
    if kind != "LORA" {
        return Err(format!("its peft_type is `{kind}`; only LORA is supported"));
    }
    for flag in ["use_dora", "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora"] {
        if !matches!(value[flag], Value::Null | Value::Bool(false)) {
            return Err(format!("it needs `{flag}`, which is not supported"));
        }
    }
    match &value["bias"] {
        Value::Null => {}
        Value::String(bias) if bias == "none" => {}
        bias => return Err(format!("it trains biases (`bias`: {bias}), which is not supported")),
    }
    check_initialisation(&value["init_lora_weights"])?;
    for key in [
        "modules_to_save",
        "layers_to_transform",
        "layer_replication",
        "rank_pattern",
        "alpha_pattern",
        "target_parameters",
        "trainable_token_indices",
        // Acts only behind certain tokens.
        "alora_invocation_tokens",
        // Variants that compute something else than B·A·x.
        "arrow_config",
        "kasa_config",
        "monteclora_config",
        "velora_config",
    ] {
        let empty = match &value[key] {
            Value::Null => true,
            Value::Object(entries) => entries.is_empty(),
            Value::Array(entries) => entries.is_empty(),
            _ => false,
        };
        if !empty {
            return Err(format!("it uses `{key}`, which is not supported"));
        }
    }
    let rank = value["r"]
        .as_u64()
        .filter(|r| (1..=4096).contains(r))
        .ok_or("it has no usable rank `r`")?;
    let alpha = value["lora_alpha"]
        .as_f64()
        .filter(|a| a.is_finite())
        .ok_or("it has no usable `lora_alpha`")?;
    let names: Option<Vec<&str>> = match &value["target_modules"] {
        Value::Array(names) => names.iter().map(Value::as_str).collect(),
        Value::String(all) if all == "all-linear" => {
            Some(Projection::ALL.iter().map(|p| p.module()).collect())
        }
        _ => None,
    };
    let names = names.ok_or_else(|| {
        format!("`target_modules` is {}, a list of names is needed", value["target_modules"])
    })?;
    let mut targets = BTreeSet::new();
    for name in names {
        let last = name.rsplit('.').next().unwrap_or(name);
        let projection = Projection::from_name(last).ok_or_else(|| {
            format!("it adapts `{name}`, which is not one of the seven projections")
        })?;
        targets.insert(projection);
    }
    if targets.is_empty() {
        return Err("it adapts nothing (`target_modules` is empty)".into());
    }
    let config = LoraConfig {
        rank: rank as usize,
        alpha,
        dropout: value["lora_dropout"].as_f64().filter(|d| (0.0..1.0).contains(d)).unwrap_or(0.0),
        targets: targets.into_iter().collect(),
        rank_stabilised: value["use_rslora"].as_bool() == Some(true),
    };
    Ok((config, value["base_model_name_or_path"].as_str().map(str::to_owned)))
}

/// Refuses an adapter whose training began by changing the base model's own weights (PiSSA, OLoRA,
/// LoftQ and others): on the unchanged base it is another adapter.
fn check_initialisation(value: &Value) -> Result<(), Refused> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::String(name) if ["gaussian", "eva", "orthogonal"].contains(&name.as_str()) => Ok(()),
        other => Err(format!(
            "its `init_lora_weights` is {other}, which changes the base model's own weights; convert it to plain LoRA with PEFT (`path_initial_model_for_weight_conversion`)"
        )),
    }
}

fn tensor_name(layer: usize, projection: Projection, matrix: char) -> String {
    format!("base_model.model.model.layers.{layer}.{}.lora_{matrix}.weight", projection.path())
}

/// The parameters as PEFT names them; the same parameters give the same bytes.
pub(super) fn tensors(lora: &Lora) -> Result<Vec<u8>, Refused> {
    let rank = lora.config().rank;
    let mut bytes = BTreeMap::new();
    for place in lora.places() {
        for (matrix, range, shape) in
            [('A', &place.a, [rank, place.inputs]), ('B', &place.b, [place.outputs, rank])]
        {
            let values: Vec<u8> = lora.parameters[range.clone()]
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            bytes.insert(tensor_name(place.layer, place.projection, matrix), (shape, values));
        }
    }
    let mut views = Vec::new();
    for (name, (shape, values)) in &bytes {
        let view =
            TensorView::new(Dtype::F32, shape.to_vec(), values).map_err(|e| e.to_string())?;
        views.push((name.as_str(), view));
    }
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(format)).map_err(|e| e.to_string())
}

/// Fills an adapter of the given shape; a key that is missing, left over, or of another shape is named.
pub(super) fn read_tensors(
    file: &[u8],
    config: LoraConfig,
    architecture: &Architecture,
) -> Result<Lora, Refused> {
    let tensors = SafeTensors::deserialize(file).map_err(|e| format!("it is damaged ({e})"))?;
    let mut lora = Lora::zeros(config, architecture);
    let rank = lora.config().rank;
    let mut left: BTreeSet<String> = tensors.names().into_iter().map(str::to_owned).collect();
    for place in lora.places().to_vec() {
        for (matrix, range, shape) in
            [('A', place.a, [rank, place.inputs]), ('B', place.b, [place.outputs, rank])]
        {
            let name = tensor_name(place.layer, place.projection, matrix);
            let view = tensors.tensor(&name).map_err(|_| format!("`{name}` is missing"))?;
            if view.shape() != shape {
                return Err(format!(
                    "`{name}` has shape {:?}, {shape:?} is needed here: its rank is another than `r`, or it is for a model of other dimensions",
                    view.shape()
                ));
            }
            copy(&view, &mut lora.parameters[range.clone()]).ok_or_else(|| {
                format!("`{name}` is stored as {:?}; F32, F16 or BF16 is needed", view.dtype())
            })?;
            if lora.parameters[range].iter().any(|value| !value.is_finite()) {
                return Err(format!("`{name}` has values that are not finite numbers"));
            }
            left.remove(&name);
        }
    }
    match left.first() {
        Some(name) => Err(format!("`{name}` is not expected ({} such keys)", left.len())),
        None => Ok(lora),
    }
}

fn copy(view: &TensorView, out: &mut [f32]) -> Option<()> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => {
            for (out, bytes) in out.iter_mut().zip(data.as_chunks::<4>().0) {
                *out = f32::from_le_bytes(*bytes);
            }
        }
        Dtype::F16 => {
            for (out, bytes) in out.iter_mut().zip(data.as_chunks::<2>().0) {
                *out = f16::from_le_bytes(*bytes).to_f32();
            }
        }
        Dtype::BF16 => {
            for (out, bytes) in out.iter_mut().zip(data.as_chunks::<2>().0) {
                *out = bf16::from_le_bytes(*bytes).to_f32();
            }
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::architecture::small_llama as architecture;

    fn adapter() -> Lora {
        let targets = vec![Projection::Q, Projection::Down];
        let config =
            LoraConfig { rank: 2, alpha: 4.0, dropout: 0.1, targets, rank_stabilised: false };
        let mut lora = Lora::zeros(config, &architecture());
        for (i, value) in lora.parameters.iter_mut().enumerate() {
            *value = i as f32 / 10.0;
        }
        lora
    }

    #[test]
    fn an_adapter_comes_back_as_it_was_and_always_as_the_same_bytes() {
        let lora = adapter();
        let text = config_json(lora.config(), "a base").to_string();
        let (config, base) = read_config(&text).unwrap();
        assert_eq!((&config, base.as_deref()), (lora.config(), Some("a base")));
        let file = tensors(&lora).unwrap();
        assert_eq!(file, tensors(&lora).unwrap());
        assert_eq!(read_tensors(&file, config, &architecture()).unwrap(), lora);
    }

    /// Each of these would otherwise be applied wrongly without a word.
    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let lora = adapter();
        let file = tensors(&lora).unwrap();
        let wider = LoraConfig { rank: 3, ..lora.config().clone() };
        assert!(read_tensors(&file, wider, &architecture()).unwrap_err().contains("shape"));
        let more = LoraConfig { targets: Projection::ALL.to_vec(), ..lora.config().clone() };
        assert!(read_tensors(&file, more, &architecture()).unwrap_err().contains("missing"));
        let less = LoraConfig { targets: vec![Projection::Q], ..lora.config().clone() };
        assert!(read_tensors(&file, less, &architecture()).unwrap_err().contains("not expected"));
        assert!(read_tensors(&file[..50], lora.config().clone(), &architecture()).is_err());
        for (key, value) in [
            ("use_dora", json!(true)),
            ("use_dora", json!("yes")),
            ("fan_in_fan_out", json!(true)),
            ("lora_bias", json!(true)),
            ("bias", json!("all")),
            ("bias", json!("lora_only")),
            ("bias", json!(true)),
            ("rank_pattern", json!({"q_proj": 4})),
            ("alpha_pattern", json!({"q_proj": 4})),
            ("modules_to_save", json!(["lm_head"])),
            ("layers_to_transform", json!([0])),
            ("layer_replication", json!([[0, 1], [0, 2]])),
            ("trainable_token_indices", json!([7])),
            ("alora_invocation_tokens", json!([1, 2])),
            ("arrow_config", json!({"top_k": 3})),
            ("init_lora_weights", json!("pissa_niter_4")),
            ("init_lora_weights", json!("loftq")),
            ("peft_type", json!("IA3")),
            ("target_modules", json!(["lm_head"])),
            ("target_modules", json!(["q_proj", "embed_tokens"])),
            ("target_modules", json!([7])),
            ("target_modules", json!(".*_proj")),
            ("target_modules", json!([])),
            ("r", json!(0)),
            ("lora_alpha", json!("eight")),
        ] {
            let mut config = config_json(lora.config(), "a base");
            config[key] = value;
            let told = read_config(&config.to_string()).expect_err(key);
            let named = if key == "r" { "rank" } else { key };
            let named = if told.contains("seven projections") { "it adapts" } else { named };
            assert!(told.contains(named) && !told.contains('\n'), "{key}: {told}");
        }
        for init in [json!(true), json!(false), json!("gaussian"), json!("eva"), json!(null)] {
            let mut config = config_json(lora.config(), "a base");
            config["init_lora_weights"] = init;
            assert!(read_config(&config.to_string()).is_ok());
        }
    }

    #[test]
    fn an_adapter_for_other_dimensions_or_with_broken_values_is_refused_by_tensor() {
        let lora = adapter();
        let (file, config) = (tensors(&lora).unwrap(), lora.config().clone());
        let told = |file: &[u8], other: Architecture| {
            read_tensors(file, config.clone(), &other).unwrap_err()
        };
        let wider = told(&file, Architecture { hidden: 16, ..architecture() });
        assert!(wider.contains("other dimensions"), "{wider}");
        let deeper = told(&file, Architecture { layers: 3, ..architecture() });
        assert!(deeper.contains("layers.2.") && deeper.contains("missing"), "{deeper}");
        let shallower = told(&file, Architecture { layers: 1, ..architecture() });
        assert!(
            shallower.contains("layers.1.") && shallower.contains("not expected"),
            "{shallower}"
        );
        for broken in [f32::NAN, f32::INFINITY] {
            let mut lora = lora.clone();
            let place = lora.places()[2].clone();
            lora.parameters[place.b.start] = broken;
            let file = tensors(&lora).unwrap();
            let named = tensor_name(place.layer, place.projection, 'B');
            let told = told(&file, architecture());
            assert!(told.contains(&named) && told.contains("not finite"), "{told}");
        }
    }
}

//! A folder as the hub has it: `config.json` with the sizes, the weights in one or several `.safetensors`
//! files. Only the headers are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::facts::Facts;

/// Configurations have some kilobytes, headers of weights up to some megabytes.
const LARGEST: u64 = 64 << 20;

/// Model types that Kaizen can compute with.
const SUPPORTED: [&str; 6] = ["llama", "mistral", "qwen2", "qwen3", "gemma3", "gemma3_text"];

/// Whether there is a model in this folder: a configuration and weights.
pub(super) fn is_model(folder: &Path) -> bool {
    folder.join("config.json").is_file() && !weight_files(folder).is_empty()
}

/// What the folder says of its model.
pub(super) fn inspect(folder: &Path) -> Facts {
    let files = weight_files(folder);
    let bytes = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len());
    let bytes = bytes.sum();
    let config = match read_json(&folder.join("config.json")) {
        Ok(config) => config,
        Err(why) => return Facts::refused(bytes, format!("its config.json {why}; fetch it again")),
    };
    // Models that also see or hear have their text part's sizes one level down.
    let part = config.get("text_config").unwrap_or(&config);
    let model_type = config.get("model_type").and_then(Value::as_str);
    let context = part.get("max_position_embeddings").and_then(Value::as_u64);
    let weights = weights(folder, &files);
    let refusal = match (refusal(folder, &config, model_type), &weights) {
        (Some(why), _) => Some(why),
        (None, Err(why)) => Some(why.clone()),
        (None, Ok(_)) => None,
    };
    let weights = weights.unwrap_or_default();
    Facts {
        title: config.get("_name_or_path").and_then(Value::as_str).map(crate::store::plain_line),
        architecture: model_type.map(crate::store::plain_line),
        parameters: Some(weights.values().sum()).filter(|count| *count > 0),
        quantisation: weights.into_iter().max_by_key(|(_, count)| *count).map(|(kind, _)| kind),
        context: context.and_then(|tokens| usize::try_from(tokens).ok()),
        bytes,
        shape: None,
        refusal,
    }
}

/// Why Kaizen cannot use a model with this configuration, if it cannot.
fn refusal(folder: &Path, config: &Value, model_type: Option<&str>) -> Option<String> {
    let classes = config.get("architectures").and_then(Value::as_array);
    let classes: Vec<&str> = classes.into_iter().flatten().filter_map(Value::as_str).collect();
    if folder.join("modules.json").is_file() {
        return Some("it is an embedding model: it turns a text into numbers and writes none; choose an instruct model".to_owned());
    }
    if !classes.is_empty() && classes.iter().all(|class| !class.contains("For")) {
        return Some(format!(
            "it is a model without an output head ({}), such as those for embeddings; choose an instruct model",
            classes.join(", ")
        ));
    }
    let quantised = config.get("quantization_config").or_else(|| config.get("quantization"));
    if let Some(quantised) = quantised.filter(|settings| settings.is_object()) {
        let method = quantised.get("quant_method").and_then(Value::as_str).unwrap_or("MLX");
        return Some(format!(
            "its weights are quantised in a form ({}) that is not supported; take the plain ones or a GGUF file",
            crate::store::plain_line(method)
        ));
    }
    match model_type {
        Some(name) if SUPPORTED.contains(&name) => None,
        Some(name) => Some(format!(
            "a model of the type `{}` is not supported; supported: {}",
            crate::store::plain_line(name),
            SUPPORTED.join(", ")
        )),
        None => Some("its config.json names no `model_type`; fetch it again".to_owned()),
    }
}

/// The files with weights, in the order of their names.
fn weight_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect();
    files.sort();
    files
}

/// Elements of all tensors by their type.
fn weights(folder: &Path, files: &[PathBuf]) -> Result<BTreeMap<String, u64>, String> {
    let name = |file: &Path| {
        crate::store::plain_line(&file.file_name().unwrap_or_default().to_string_lossy())
    };
    let index = folder.join("model.safetensors.index.json");
    if index.is_file() {
        let index = read_json(&index).map_err(|why| format!("its index {why}; fetch it again"))?;
        let map = index.get("weight_map").and_then(Value::as_object);
        let wanted: BTreeSet<&str> =
            map.into_iter().flatten().filter_map(|(_, file)| file.as_str()).collect();
        if let Some(missing) = wanted.iter().find(|file| !folder.join(file).is_file()) {
            return Err(format!(
                "its part {} is missing; fetch it again",
                crate::store::plain_line(missing)
            ));
        }
    }
    let mut elements = BTreeMap::new();
    for file in files {
        add(file, &mut elements).map_err(|why| format!("its file {} {why}", name(file)))?;
    }
    Ok(elements)
}

/// Adds what the header of one file announces.
fn add(file: &Path, elements: &mut BTreeMap<String, u64>) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let damaged = || "is damaged; fetch it again".to_owned();
    let mut opened = File::open(file).map_err(unreadable)?;
    let length = opened.metadata().map_err(unreadable)?.len();
    let mut size = [0; 8];
    opened.read_exact(&mut size).map_err(|_| damaged())?;
    let size = u64::from_le_bytes(size);
    if size > LARGEST || size > length.saturating_sub(8) {
        return Err("is cut off or damaged; fetch it again".to_owned());
    }
    let mut header = Vec::new();
    opened.take(size).read_to_end(&mut header).map_err(unreadable)?;
    let header: BTreeMap<String, Value> = serde_json::from_slice(&header).map_err(|_| damaged())?;
    let mut end = 0;
    for (name, tensor) in &header {
        if name == "__metadata__" {
            continue;
        }
        let shape = tensor.get("shape").and_then(Value::as_array).ok_or_else(damaged)?;
        let count = shape
            .iter()
            .try_fold(1u64, |product, n| product.checked_mul(n.as_u64()?))
            .ok_or_else(damaged)?;
        let kind = tensor.get("dtype").and_then(Value::as_str).ok_or_else(damaged)?;
        let sum = elements.entry(crate::store::plain_line(kind)).or_default();
        *sum = sum.saturating_add(count);
        let last = tensor.get("data_offsets").and_then(|offsets| offsets.get(1)?.as_u64());
        end = last.ok_or_else(damaged)?.max(end);
    }
    let needed = end.saturating_add(8).saturating_add(size);
    match needed > length {
        true => Err(format!("is cut off: {length} of {needed} bytes are there; fetch it again")),
        false => Ok(()),
    }
}

fn read_json(file: &Path) -> Result<Value, String> {
    let mut text = Vec::new();
    File::open(file)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut text))
        .map_err(|error| format!("cannot be read: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("is damaged ({error})"))
}

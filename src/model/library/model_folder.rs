//! A folder as the hub has it, seen from its configuration and the headers of its weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::facts::{Facts, reason};
use crate::model::{Architecture, SafetensorsFolder, StoredModel};

/// Whether there is a model in this folder: a configuration and weights.
pub(super) fn is_model(folder: &Path) -> bool {
    folder.join("config.json").is_file() && !weight_files(folder).is_empty()
}

/// What the folder says of its model.
pub(super) fn inspect(path: &Path) -> Facts {
    let sizes = weight_files(path).into_iter().filter_map(|file| std::fs::metadata(file).ok());
    let bytes = sizes.map(|about| about.len()).sum();
    let folder = match SafetensorsFolder::open(path) {
        Ok(folder) => folder,
        Err(error) => return Facts::refused(bytes, reason(&error)),
    };
    let config = folder.config();
    let text = |key: &str| config.get(key).and_then(Value::as_str).map(crate::store::plain_line);
    // Models that also see or hear have their text part's sizes one level down.
    let part = config.get("text_config").unwrap_or(config);
    let context = part.get("max_position_embeddings").and_then(Value::as_u64);
    let (title, architecture) = (text("_name_or_path"), text("model_type"));
    let weights = weights(&folder);
    let shape = match refusal(&folder) {
        Some(why) => Err(why),
        None => checked(folder).map_err(|error| reason(&error)),
    };
    let (shape, refusal) = match shape {
        Ok(shape) => (Some(shape), None),
        Err(why) => (None, Some(why)),
    };
    Facts {
        title,
        architecture,
        parameters: Some(weights.values().sum()).filter(|count| *count > 0),
        quantisation: weights.into_iter().max_by_key(|(_, count)| *count).map(|(kind, _)| kind),
        context: context.and_then(|tokens| usize::try_from(tokens).ok()),
        bytes,
        shape,
        refusal,
    }
}

/// The sizes, once all tensors are known to be there.
fn checked(folder: SafetensorsFolder) -> crate::model::Result<Architecture> {
    let stored = StoredModel::Folder(folder);
    let architecture = stored.architecture()?;
    stored.check(&architecture)?;
    Ok(architecture)
}

/// Why Kaizen cannot use a model of this kind, whatever its sizes.
fn refusal(folder: &SafetensorsFolder) -> Option<String> {
    let classes = folder.config().get("architectures").and_then(Value::as_array);
    let classes: Vec<&str> = classes.into_iter().flatten().filter_map(Value::as_str).collect();
    if folder.path().join("modules.json").is_file() {
        return Some("it is an embedding model: it turns a text into numbers and writes none; choose an instruct model".to_owned());
    }
    if !classes.is_empty() && classes.iter().all(|class| !class.contains("For")) {
        let classes = crate::store::plain_line(&classes.join(", "));
        return Some(format!(
            "it is a model without an output head ({classes}), such as those for embeddings; choose an instruct model"
        ));
    }
    // Only MLX's way of quantising stands under this key; what the others do is told with their names.
    if folder.config().get("quantization").is_some_and(Value::is_object) {
        return Some("its weights are quantised in MLX's form, which is not supported; take the plain ones or a GGUF file".to_owned());
    }
    match folder.path().join("tokenizer.json").is_file() {
        true => None,
        false => Some("it has no tokenizer.json; fetch it".to_owned()),
    }
}

/// The files with weights.
fn weight_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect()
}

/// Elements of all tensors by their type.
fn weights(folder: &SafetensorsFolder) -> BTreeMap<String, u64> {
    let mut elements = BTreeMap::new();
    for info in folder.names().filter_map(|name| folder.tensor(name).ok()) {
        let count = info.shape.iter().fold(1u64, |product, n| product.saturating_mul(*n as u64));
        let sum: &mut u64 = elements.entry(info.kind.name().to_owned()).or_default();
        *sum = sum.saturating_add(count);
    }
    elements
}

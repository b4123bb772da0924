//! Which files of a model folder hold its weights. Owns the names, and that every one of them lies in the
//! folder; knows nothing of what is inside a weight file.
//!
//! Source: transformers' `save_pretrained`: `model.safetensors`, or parts of it beside
//! `model.safetensors.index.json`, whose `weight_map` names the part of each tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

pub(super) const WHOLE: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// A tensor's shard, by the tensor's name.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    pub weight_map: BTreeMap<String, String>,
}

impl Index {
    /// Reads the index's text.
    ///
    /// # Errors
    /// When it is not such an index, or names a file outside the folder.
    pub fn parse(text: &str) -> Result<Self, String> {
        let index: Self = serde_json::from_str(text)
            .map_err(|error| format!("its {INDEX} cannot be read ({error}); fetch it again"))?;
        if index.weight_map.is_empty() {
            return Err(format!("its {INDEX} names no tensor; fetch it again"));
        }
        match index.weight_map.values().find(|name| !is_plain(name)) {
            Some(name) => {
                Err(format!("its {INDEX} names {name:?}, which is no safetensors file beside it"))
            }
            None => Ok(index),
        }
    }

    /// The names of all shards, in order.
    pub fn shards(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }
}

/// Whether the name is that of a file in the folder itself, and may be shown.
fn is_plain(name: &str) -> bool {
    name.ends_with(".safetensors")
        && !name.starts_with('.')
        && !name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

/// Why a weight file is not there, as far as the folder shows it.
pub(super) fn missing(folder: &Path, name: &str) -> String {
    let begun = [".incomplete", ".part"]
        .into_iter()
        .map(|ending| format!("{name}{ending}"))
        .find(|begun| folder.join(begun).exists());
    match begun {
        Some(begun) => format!("{name} was not fetched to its end ({begun}); fetch it again"),
        None => format!("{name} is missing; fetch it"),
    }
}

/// Why a folder with neither [`WHOLE`] nor [`INDEX`] holds no weights for us.
pub(super) fn no_weights(folder: &Path) -> String {
    let beside = [
        ("pytorch_model.bin", "in PyTorch's own format, which may run code when it is read"),
        (
            "pytorch_model.bin.index.json",
            "in PyTorch's own format, which may run code when it is read",
        ),
        ("consolidated.safetensors", "under Mistral's own names"),
        ("tf_model.h5", "in TensorFlow's format"),
        ("flax_model.msgpack", "in Flax's format"),
    ];
    match beside.into_iter().find(|(name, _)| folder.join(name).exists()) {
        Some((name, how)) => format!(
            "its weights ({name}) are {how}; fetch the same model as {WHOLE} or as a GGUF file"
        ),
        None => missing(folder, WHOLE),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_shard_outside_the_folder_is_refused() {
        for name in [
            "../model.safetensors",
            "a/model.safetensors",
            "/model.safetensors",
            "..\\model.safetensors",
            "C:model.safetensors",
            ".safetensors",
            "model\n.safetensors",
            "model.bin",
            "",
        ] {
            let text = serde_json::json!({ "weight_map": { "a": name } }).to_string();
            let told = Index::parse(&text).unwrap_err();
            assert!(told.contains("beside it") && !told.contains('\n'), "{told}");
        }
        let text =
            r#"{"metadata": {}, "weight_map": {"a": "m-1.safetensors", "b": "m-1.safetensors"}}"#;
        assert_eq!(Index::parse(text).unwrap().shards().len(), 1);
        assert!(Index::parse("{\"weight_map\": {}}").unwrap_err().contains("no tensor"));
        assert!(Index::parse("[").unwrap_err().contains("cannot be read"));
    }
}

//! A model that is a folder of safetensors: its identity, and which files of a repository make one up.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::checksum::{Checksums, hex};
use super::error::{Error, Result};
use super::local_store::ModelFile;
use super::progress::Progress;
use crate::model::SafetensorsFolder;

/// Files beside the weights that a model is used with.
const TEXTS: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
];

/// The files of a repository that make up its model, the weights last; none where it has no safetensors of
/// the usual names.
pub(super) fn files_of_model(listed: &[String]) -> Option<Vec<String>> {
    let has = |name: &str| listed.iter().any(|file| file == name);
    let is_weights = |file: &&String| {
        let shard = file.starts_with("model-") && file.ends_with(".safetensors");
        shard || *file == "model.safetensors" || *file == "model.safetensors.index.json"
    };
    let weights: Vec<String> = listed.iter().filter(is_weights).cloned().collect();
    if !has("config.json") || !weights.iter().any(|file| file.ends_with(".safetensors")) {
        return None;
    }
    let texts = TEXTS.iter().filter(|name| has(name)).map(|name| (*name).to_owned());
    Some(texts.chain(weights).collect())
}

/// The folder as a model file: its checksum is taken over the names and checksums of its files.
pub(super) fn check(
    path: &Path,
    checksums: &Checksums,
    progress: &dyn Progress,
) -> Result<ModelFile> {
    let folder = SafetensorsFolder::open(path)
        .map_err(|error| Error::NoSource { reasons: vec![error.to_string()] })?;
    let mut digest = Sha256::new();
    for file in folder.files() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        digest.update(format!("{name} {}\n", checksums.sha256(file, progress)?));
    }
    let sha256 = hex(&digest.finalize());
    Ok(ModelFile { path: path.to_path_buf(), sha256, bytes: folder.bytes() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::files_of_model;

    #[test]
    fn only_what_the_model_needs_is_taken_from_a_repository() {
        let files = |names: &[&str]| {
            files_of_model(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        let wanted = ["config.json", "tokenizer.json", "model.safetensors"];
        let listed = ["README.md", "model.safetensors", "tokenizer.json", "config.json", "x.bin"];
        assert_eq!(files(&listed).unwrap(), wanted);
        let sharded = [
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "config.json",
            "original/model.safetensors",
        ];
        assert_eq!(files(&sharded).unwrap().len(), 4);
        assert!(files(&["config.json", "pytorch_model.bin"]).is_none());
        assert!(files(&["model.safetensors"]).is_none());
    }
}

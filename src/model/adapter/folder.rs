//! Reading and writing an adapter's folder as a whole.

use super::super::lora::Lora;
use super::super::{Error, Model, Result};
use super::{AdapterMetadata, peft};
use crate::store::atomic;
use serde_json::json;
use std::path::{Path, PathBuf};

const CONFIG: &str = "adapter_config.json";
const TENSORS: &str = "adapter_model.safetensors";
const METADATA: &str = "metadata.json";
const TOKENIZER: &str = "tokenizer_config.json";

/// A folder with an adapter in PEFT's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterFolder {
    path: PathBuf,
}

/// An adapter that fits the model it was loaded for.
#[derive(Debug, Clone)]
pub struct LoadedAdapter {
    pub lora: Lora,
    /// Ours only.
    pub metadata: Option<AdapterMetadata>,
    /// What the person should know before using it.
    pub warnings: Vec<String>,
}

impl AdapterFolder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the folder's files (made when missing); existing ones are replaced one by one, each atomically.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(
        &self,
        lora: &Lora,
        metadata: Option<&AdapterMetadata>,
        model: &Model,
    ) -> Result<()> {
        let refused = |reason: String| self.refused(TENSORS, reason);
        std::fs::create_dir_all(&self.path)
            .map_err(|e| crate::store::Error::io("make the folder", &self.path, e))?;
        let config = peft::config_json(lora.config(), model.name());
        self.put(TENSORS, &peft::tensors(lora).map_err(refused)?)?;
        self.put_json(CONFIG, &config)?;
        self.put_json(
            TOKENIZER,
            &json!({
                "chat_template": model.template.source_text(),
                "eos_token": model.tokenizer.eos().map(|id| model.tokenizer.piece(id)),
                "model_max_length": model.network.architecture().context,
            }),
        )?;
        match metadata {
            Some(metadata) => self.write_metadata(metadata),
            None => Ok(()),
        }
    }

    /// Replaces `metadata.json`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write_metadata(&self, metadata: &AdapterMetadata) -> Result<()> {
        self.put_json(METADATA, &json!(metadata))
    }

    /// Reads `metadata.json`, which only our own adapters have.
    ///
    /// # Errors
    /// When it is there and cannot be read or understood.
    pub fn metadata(&self) -> Result<Option<AdapterMetadata>> {
        if !self.path.join(METADATA).exists() {
            return Ok(None);
        }
        let text = self.text(METADATA)?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| self.refused(METADATA, format!("it is damaged ({e})")))
    }

    /// Reads the adapter for `model`.
    ///
    /// # Errors
    /// A file that is missing or damaged, a key that is missing, unexpected or of a wrong shape, an
    /// option that Kaizen does not compute; for our own adapters also another base model or another
    /// chat template.
    pub fn load(&self, model: &Model) -> Result<LoadedAdapter> {
        let (config, base_name) = peft::read_config(&self.text(CONFIG)?)
            .map_err(|reason| self.refused(CONFIG, reason))?;
        // Before any shape is compared: of another model's adapter its name says more than a shape does.
        let metadata = self.metadata()?;
        if let Some(metadata) = &metadata {
            self.check_base(metadata, model)?;
        }
        let file = self.bytes(TENSORS)?;
        let lora = peft::read_tensors(&file, config, model.network.architecture())
            .map_err(|reason| self.refused(TENSORS, reason))?;
        let mut warnings = Vec::new();
        if metadata.is_none() {
            let base = base_name.unwrap_or_else(|| "no base model".into());
            if !names_agree(&base, model.name()) {
                warnings.push(format!(
                    "the adapter names `{base}` as its base, the model here is `{}`; the shapes fit",
                    model.name()
                ));
            }
            warnings.push(
                "the adapter stores no chat template; it is used with the model's own".to_owned(),
            );
        }
        Ok(LoadedAdapter { lora, metadata, warnings })
    }

    fn check_base(&self, metadata: &AdapterMetadata, model: &Model) -> Result<()> {
        let base = model.identity();
        let (what, theirs, ours) = if metadata.base.sha256 != base.sha256 {
            ("model", &metadata.base.sha256, &base.sha256)
        } else if metadata.base.template_sha256 != base.template_sha256 {
            ("chat template", &metadata.base.template_sha256, &base.template_sha256)
        } else {
            return Ok(());
        };
        Err(self.refused(
            METADATA,
            format!(
                "it was trained on another {what} ({}, sha256 {:.12}…; here sha256 {:.12}…); choose that model with --model",
                metadata.base.name, theirs, ours
            ),
        ))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(atomic::write(&self.path.join(name), bytes)?)
    }

    fn put_json(&self, name: &str, value: &serde_json::Value) -> Result<()> {
        self.put(name, format!("{value:#}\n").as_bytes())
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path.join(name);
        std::fs::read(&path).map_err(|source| Error::AdapterFile { path, source })
    }

    fn text(&self, name: &str) -> Result<String> {
        String::from_utf8(self.bytes(name)?)
            .map_err(|_| self.refused(name, "it is not UTF-8 text".into()))
    }

    fn refused(&self, name: &str, reason: String) -> Error {
        Error::Adapter { path: self.path.join(name), reason }
    }
}

/// Whether two spellings (`HuggingFaceTB/SmolLM2-135M-Instruct`, a file name) mean one model.
fn names_agree(a: &str, b: &str) -> bool {
    let plain = |name: &str| -> String {
        let last = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        last.chars().filter(char::is_ascii_alphanumeric).collect()
    };
    let (a, b) = (plain(a), plain(b));
    !a.is_empty() && !b.is_empty() && (a.starts_with(&b) || b.starts_with(&a))
}

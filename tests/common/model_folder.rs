//! Writes small model folders, sound and unsound, for the tests of what reads them.

use std::path::Path;

use kaizen::model::SafetensorsFolder;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A safetensors file in the making.
#[derive(Clone, Default)]
pub struct Weights {
    pub header: Map<String, Value>,
    pub data: Vec<u8>,
}

impl Weights {
    /// Adds a tensor behind those already there.
    pub fn tensor(mut self, name: &str, dtype: &str, shape: &[usize], bytes: &[u8]) -> Self {
        let begin = self.data.len();
        self.data.extend_from_slice(bytes);
        let entry = json!({
            "dtype": dtype, "shape": shape, "data_offsets": [begin, self.data.len()]
        });
        self.header.insert(name.to_owned(), entry);
        self
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        bytes_of(&Value::Object(self.header.clone()).to_string(), &self.data)
    }
}

/// A safetensors file of this header and data, whatever they are.
pub fn bytes_of(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A model folder in the making.
#[derive(Clone)]
pub struct ModelFolder {
    pub files: Vec<(String, Vec<u8>)>,
}

impl Default for ModelFolder {
    /// A configuration alone.
    fn default() -> Self {
        Self { files: Vec::new() }.file("config.json", r#"{"model_type": "llama"}"#)
    }
}

impl ModelFolder {
    /// Adds a file, or replaces it.
    pub fn file(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self = self.without(name);
        self.files.push((name.to_owned(), bytes.as_ref().to_vec()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.files.retain(|(other, _)| other != name);
        self
    }

    pub fn write(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }

    /// Writes the folder and opens it; it lives as long as the first of the pair.
    pub fn open(&self) -> (TempDir, kaizen::model::Result<SafetensorsFolder>) {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        let opened = SafetensorsFolder::open(folder.path());
        (folder, opened)
    }
}

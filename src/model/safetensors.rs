//! A folder as the Hugging Face hub has it: `config.json`, weights as safetensors in one file or in shards,
//! and the tokenizer's files. Owns the folder and trusts nothing in it; knows nothing of what keys and
//! tensors mean to a network or a tokenizer.

mod header;
mod shards;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use self::header::{Described, LENGTH_BYTES, Stored};
use self::shards::{INDEX, Index, WHOLE};
use super::error::{Error, Result};
use crate::kernels::BlockFormat;

const CONFIG: &str = "config.json";
/// A configuration has a few thousand bytes; as values it takes many times its size.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// The largest tokenizers have some thirty million bytes.
const MAX_TEXT_BYTES: u64 = 100_000_000;

/// The files beside the weights that say what the model reads and writes.
const TEXTS: [&str; 5] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
];

/// Where a tensor lies and how it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    pub name: String,
    /// Outermost dimension first: `[out, in]`.
    pub shape: Vec<usize>,
    pub kind: BlockFormat,
    /// First byte, from the start of its file.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: usize,
    /// Which of the folder's weight files.
    file: usize,
}

/// One weight file, open.
#[derive(Debug)]
struct Shard {
    path: PathBuf,
    length: u64,
    file: Mutex<File>,
}

#[derive(Debug)]
enum Tensor {
    Usable(TensorInfo),
    /// The name of the type it is stored as.
    Unsupported(String),
}

/// An opened model folder. Headers are read and checked; tensors are read one by one when asked for.
#[derive(Debug)]
pub struct SafetensorsFolder {
    path: PathBuf,
    config: Value,
    shards: Vec<Shard>,
    tensors: BTreeMap<String, Tensor>,
    files: Vec<PathBuf>,
}

impl SafetensorsFolder {
    /// Opens a folder and checks the header of every weight file against the file's size.
    ///
    /// # Errors
    /// When `config.json` or a weight file is missing, half fetched, damaged or cut off (and by how
    /// much), or cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let unusable = |reason: String| Error::ModelFolder { path: folder.to_owned(), reason };
        let config = read_text(folder, CONFIG, MAX_CONFIG_BYTES)?
            .ok_or_else(|| unusable(format!("{CONFIG} is missing; fetch it")))?;
        let config: Value = serde_json::from_str(&config)
            .map_err(|error| unusable(format!("its {CONFIG} is not valid JSON ({error})")))?;
        if !config.is_object() {
            return Err(unusable(format!("its {CONFIG} is no JSON object")));
        }

        let mut files = vec![folder.join(CONFIG)];
        let index = if folder.join(WHOLE).exists() {
            None
        } else {
            let text = read_text(folder, INDEX, MAX_TEXT_BYTES)?
                .ok_or_else(|| unusable(shards::no_weights(folder)))?;
            files.push(folder.join(INDEX));
            Some(Index::parse(&text).map_err(unusable)?)
        };
        let names = index.as_ref().map_or_else(|| [WHOLE].into(), Index::shards);
        let mut opened = Self {
            path: folder.to_owned(),
            config,
            shards: Vec::with_capacity(names.len()),
            tensors: BTreeMap::new(),
            files,
        };
        for name in names {
            opened.add_shard(name)?;
        }
        let mapped = index.iter().flat_map(|index| &index.weight_map);
        for (tensor, shard) in mapped {
            if !opened.contains(tensor) {
                return Err(unusable(format!(
                    "{shard} lacks tensor {tensor:?}, which {INDEX} promises; fetch it again"
                )));
            }
        }
        let texts = TEXTS.iter().map(|name| folder.join(name));
        opened.files.extend(texts.filter(|path| path.exists()));
        opened.files.sort();
        Ok(opened)
    }

    fn add_shard(&mut self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        let read_error = |source| Error::Read { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.unusable(shards::missing(&self.path, name)));
            }
            file => file.map_err(read_error)?,
        };
        let about = file.metadata().map_err(read_error)?;
        let refuse = |reason: String| self.unusable(format!("{name}: {reason}"));
        if !about.is_file() {
            return Err(refuse("it is not a file".into()));
        }
        let length = about.len();
        if length < LENGTH_BYTES as u64 {
            return Err(refuse(format!("it is cut off: it has {length} bytes; fetch it again")));
        }
        let mut first = [0; LENGTH_BYTES];
        file.read_exact(&mut first).map_err(read_error)?;
        let mut json = vec![0; header::json_length(first, length).map_err(refuse)?];
        file.read_exact(&mut json).map_err(read_error)?;
        let described = header::tensors(&json, length).map_err(refuse)?;
        drop(json);
        for (tensor, Described { shape, stored, offset, bytes }) in described {
            if self.tensors.contains_key(&tensor) {
                return Err(self.unusable(format!(
                    "tensor {tensor:?} stands in {name} and in another of its files"
                )));
            }
            let file = self.shards.len();
            let found = match stored {
                Stored::As(kind) => {
                    let name = tensor.clone();
                    Tensor::Usable(TensorInfo { name, shape, kind, offset, bytes, file })
                }
                Stored::Unsupported(dtype) => Tensor::Unsupported(dtype),
            };
            self.tensors.insert(tensor, found);
        }
        self.files.push(path.clone());
        self.shards.push(Shard { path, length, file: Mutex::new(file) });
        Ok(())
    }

    /// Where the folder lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The object in `config.json`.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// Every file that decides what the model is and says, in order: weights and their index,
    /// configuration, tokenizer and chat template.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Bytes of all weight files.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.length).sum()
    }

    /// The names of all tensors, those included that Kaizen does not compute with.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name, of whatever type.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// When it is missing, or stored as a type that Kaizen does not compute with; both named.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        match self.tensors.get(name) {
            Some(Tensor::Usable(info)) => Ok(info),
            Some(Tensor::Unsupported(dtype)) => Err(Error::Unsupported {
                what: format!("tensor {name:?} as {dtype}{}", self.quantised()),
                supported: "F32, F16, BF16; or a GGUF file of the same model".into(),
            }),
            None => Err(self.unusable(format!("it has no tensor {name:?}{}", self.quantised()))),
        }
    }

    /// The bytes of a tensor, as they are stored.
    pub fn read(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        let outside =
            || self.unusable(format!("tensor {:?} reaches past its file's end", info.name));
        let shard = self.shards.get(info.file).ok_or_else(outside)?;
        if info.offset.checked_add(info.bytes as u64).is_none_or(|end| end > shard.length) {
            return Err(outside());
        }
        let read_error = |source| Error::Read { path: shard.path.clone(), source };
        let mut bytes = vec![0; info.bytes];
        let mut file = shard.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(info.offset)).map_err(read_error)?;
        file.read_exact(&mut bytes).map_err(read_error)?;
        Ok(bytes)
    }

    /// The text of a file in the folder, none when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, is no UTF-8, or is far larger than such files are.
    pub fn text(&self, file_name: &str) -> Result<Option<String>> {
        read_text(&self.path, file_name, MAX_TEXT_BYTES)
    }

    /// An error about this folder.
    pub(super) fn unusable(&self, reason: impl Into<String>) -> Error {
        Error::ModelFolder { path: self.path.clone(), reason: reason.into() }
    }

    /// By whose method the weights were quantised, for a message; empty when they were not.
    fn quantised(&self) -> String {
        match self.config.get("quantization_config") {
            Some(Value::Object(about)) => {
                let method = about.get("quant_method").and_then(Value::as_str).unwrap_or("unknown");
                format!(" (its weights are quantised by the method {method:?})")
            }
            _ => String::new(),
        }
    }
}

fn read_text(folder: &Path, name: &str, most: u64) -> Result<Option<String>> {
    let path = folder.join(name);
    let read_error = |source| Error::Read { path: path.clone(), source };
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(read_error)?,
    };
    let refuse = |reason: String| Error::ModelFolder { path: folder.to_owned(), reason };
    let length = file.metadata().map_err(read_error)?.len();
    if length > most {
        return Err(refuse(format!("its {name} has {length} bytes, more than {most}")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(most).read_to_end(&mut bytes).map_err(read_error)?;
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| refuse(format!("its {name} is not valid UTF-8; fetch it again")))
}

//! A GGUF model file: its metadata, where its tensors lie, and their bytes; and how one is written. Owns
//! the file and trusts nothing in it; knows nothing of what the keys and tensors mean to a network or a
//! tokenizer.

mod header;
mod value;
mod writer;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::header::{Header, Refusal};
use super::error::{Error, Result};
use crate::kernels::BlockFormat;

pub use self::value::{Array, Strings, Value};
pub use self::writer::{NewTensor, write};

/// The metadata of a file whose tensors are of no use: cut off, split in parts, or of a type that we lack.
/// What such a file is can still be told.
///
/// # Errors
/// When the file cannot be read, is no GGUF file, or ends within its metadata.
pub fn read_metadata(path: &Path) -> Result<BTreeMap<String, Value>> {
    let read_error = |source| Error::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read_error)?;
    let length = file.metadata().map_err(read_error)?.len();
    let reader = BufReader::with_capacity(1 << 16, &file);
    Header::read_metadata(reader, length).map_err(|refusal| match refusal {
        Refusal::Io(source) => read_error(source),
        Refusal::Unusable(reason) => Error::Gguf { path: path.to_owned(), reason },
    })
}

/// Where a tensor lies and how it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    pub name: String,
    /// Outermost dimension first, as PyTorch says it: `[out, in]`.
    pub shape: Vec<usize>,
    pub kind: BlockFormat,
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: usize,
}

/// An opened GGUF file. The header is read and checked; tensors are read one by one when asked for.
#[derive(Debug)]
pub struct Gguf {
    pub metadata: BTreeMap<String, Value>,
    pub tensors: BTreeMap<String, TensorInfo>,
    path: PathBuf,
    length: u64,
    file: Mutex<File>,
}

impl Gguf {
    /// Opens a file and checks its whole header against the file's size.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged or cut off (and by how much), or is of a kind that
    /// is not supported (version 1, big-endian, split in parts, a tensor type that we lack).
    pub fn open(path: &Path) -> Result<Self> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read_error)?;
        let about = file.metadata().map_err(read_error)?;
        if !about.is_file() {
            return Err(Error::Gguf { path: path.to_owned(), reason: "it is not a file".into() });
        }
        let length = about.len();
        let header =
            Header::read(BufReader::with_capacity(1 << 16, &file), length).map_err(|refusal| {
                match refusal {
                    Refusal::Io(source) => read_error(source),
                    Refusal::Unusable(reason) => Error::Gguf { path: path.to_owned(), reason },
                }
            })?;
        let Header { metadata, tensors } = header;
        Ok(Self { metadata, tensors, path: path.to_owned(), length, file: Mutex::new(file) })
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tensor of this name; the error names the missing one.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        self.tensors.get(name).ok_or_else(|| self.unusable(format!("it has no tensor {name:?}")))
    }

    /// The bytes of a tensor, as they are stored.
    pub fn read(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        self.read_part(info, 0..info.bytes)
    }

    /// As [`Gguf::read`], only the bytes `part` of the tensor, counted from its first.
    pub fn read_part(&self, info: &TensorInfo, part: Range<usize>) -> Result<Vec<u8>> {
        let end = info.offset.checked_add(info.bytes.max(part.end) as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(self.unusable(format!("tensor {:?} reaches past its end", info.name)));
        }
        let read_error = |source| Error::Read { path: self.path.clone(), source };
        let mut bytes = vec![0; part.len()];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(info.offset + part.start as u64)).map_err(read_error)?;
        file.read_exact(&mut bytes).map_err(read_error)?;
        Ok(bytes)
    }

    /// The string under `key`.
    pub fn str(&self, key: &str) -> Result<&str> {
        self.required(key, self.optional_str(key)?)
    }

    /// The whole number, not negative, under `key`.
    pub fn usize(&self, key: &str) -> Result<usize> {
        self.required(key, self.optional_usize(key)?)
    }

    /// The decimal number under `key`.
    pub fn f32(&self, key: &str) -> Result<f32> {
        self.required(key, self.optional_f32(key)?)
    }

    /// The truth under `key`.
    pub fn bool(&self, key: &str) -> Result<bool> {
        self.required(key, self.optional_bool(key)?)
    }

    /// The list of strings under `key`.
    pub fn strings(&self, key: &str) -> Result<Vec<&str>> {
        self.required(key, self.optional_strings(key)?)
    }

    /// As [`Gguf::str`], none when the key is absent; of another type is still an error.
    pub fn optional_str(&self, key: &str) -> Result<Option<&str>> {
        self.optional(key, "a string", |value| match value {
            Value::String(string) => Some(string.as_str()),
            _ => None,
        })
    }

    /// As [`Gguf::usize`], none when the key is absent; of another type is still an error.
    pub fn optional_usize(&self, key: &str) -> Result<Option<usize>> {
        self.optional(key, "a whole number that is not negative", Value::as_usize)
    }

    /// As [`Gguf::f32`], none when the key is absent; of another type is still an error.
    pub fn optional_f32(&self, key: &str) -> Result<Option<f32>> {
        self.optional(key, "a decimal number", Value::as_f32)
    }

    /// As [`Gguf::bool`], none when the key is absent; of another type is still an error.
    pub fn optional_bool(&self, key: &str) -> Result<Option<bool>> {
        self.optional(key, "true or false", |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    /// As [`Gguf::strings`], none when the key is absent; of another type is still an error.
    pub fn optional_strings(&self, key: &str) -> Result<Option<Vec<&str>>> {
        self.optional(key, "a list of strings", |value| match value {
            Value::Array(Array::String(strings)) => Some(strings.iter().collect()),
            _ => None,
        })
    }

    /// The list of decimal numbers under `key`, none when the key is absent.
    pub fn optional_f32s(&self, key: &str) -> Result<Option<&[f32]>> {
        self.optional(key, "a list of decimal numbers", |value| match value {
            Value::Array(Array::F32(values)) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// The list of 32-bit whole numbers under `key`, none when the key is absent.
    pub fn optional_i32s(&self, key: &str) -> Result<Option<&[i32]>> {
        self.optional(key, "a list of whole numbers", |value| match value {
            Value::Array(Array::I32(values)) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// An error about this file.
    pub(super) fn unusable(&self, reason: impl Into<String>) -> Error {
        Error::Gguf { path: self.path.clone(), reason: reason.into() }
    }

    fn optional<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        take: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.metadata.get(key) else { return Ok(None) };
        match take(value) {
            Some(taken) => Ok(Some(taken)),
            None => Err(self.unusable(format!(
                "its metadata key `{key}` should be {wanted} but is {}",
                value.kind()
            ))),
        }
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.unusable(format!("its metadata lacks `{key}`")))
    }
}

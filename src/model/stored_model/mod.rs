//! A model as it lies on disk: one GGUF file, or a folder of safetensors. Owns the way from a tensor's
//! role to its values, and the check that a model has all of its tensors and none that would be passed over;
//! knows nothing of how they are computed with.

mod tensor_role;

pub use tensor_role::{BlockTensor, TensorRole};

use super::{
    Architecture, ChatTemplate, Error, Family, Gguf, Result, SafetensorsFolder, Tokenizer,
};
use crate::kernels::{BlockFormat, FrozenMatrix, dequantise};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// A model on disk, opened; tensors are read when asked for.
#[derive(Debug)]
pub enum StoredModel {
    Gguf(Gguf),
    Folder(SafetensorsFolder),
}

/// transformers' name of a separate head.
const HEAD: &str = "lm_head.weight";

/// How a tensor is stored.
struct Stored<'a> {
    shape: &'a [usize],
    format: BlockFormat,
}

impl StoredModel {
    /// Opens a GGUF file, or a folder with `config.json` and weights.
    ///
    /// # Errors
    /// As [`Gguf::open`] and [`SafetensorsFolder::open`].
    pub fn open(path: &Path) -> Result<Self> {
        match path.is_dir() {
            true => SafetensorsFolder::open(path).map(Self::Folder),
            false => Gguf::open(path).map(Self::Gguf),
        }
    }

    /// The architecture that its metadata describes.
    ///
    /// # Errors
    /// As [`Architecture::from_gguf`] and [`Architecture::from_config`].
    pub fn architecture(&self) -> Result<Architecture> {
        match self {
            Self::Gguf(gguf) => Architecture::from_gguf(gguf),
            Self::Folder(folder) => Architecture::from_config(folder.config()),
        }
    }

    /// Its tokenizer.
    ///
    /// # Errors
    /// As [`Tokenizer::from_gguf`] and [`Tokenizer::from_folder`].
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        match self {
            Self::Gguf(gguf) => Tokenizer::from_gguf(gguf),
            Self::Folder(folder) => Tokenizer::from_folder(folder),
        }
    }

    /// Its chat template, or a stated default.
    ///
    /// # Errors
    /// As [`ChatTemplate::from_gguf`] and [`ChatTemplate::from_folder`].
    pub fn template(&self, tokenizer: &Tokenizer) -> Result<ChatTemplate> {
        match self {
            Self::Gguf(gguf) => ChatTemplate::from_gguf(gguf),
            Self::Folder(folder) => ChatTemplate::from_folder(folder, tokenizer),
        }
    }

    /// Whether the output head is a matrix of its own.
    pub fn has_separate_head(&self) -> bool {
        match self {
            Self::Gguf(gguf) => gguf.tensors.contains_key(&TensorRole::Head.gguf()),
            Self::Folder(folder) => {
                let tied = folder.config().get("tie_word_embeddings").and_then(Value::as_bool);
                tied.map_or(folder.contains(HEAD), |tied| !tied)
            }
        }
    }

    /// Checks, without reading any, that every tensor of the architecture is there in the right shape and that
    /// none is left over, which would be a part of the model that is not computed.
    ///
    /// # Errors
    /// The first tensor that is missing, of another shape, or not expected.
    pub fn check(&self, architecture: &Architecture) -> Result<()> {
        let mut left = self.names();
        for (role, shape) in architecture.tensors(self.has_separate_head()) {
            let name = self.name_of(role, architecture);
            let stored = self.stored(&name)?;
            if stored.shape != shape {
                return Err(wrong_shape(&name, stored.shape, &shape));
            }
            left.remove(name.as_str());
        }
        match left.into_iter().find(|name| !may_be_passed_over(name)) {
            None => Ok(()),
            Some(name) => Err(Error::Contradiction(format!(
                "tensor `{name}` has no place in the architecture `{}`",
                architecture.family.name()
            ))),
        }
    }

    /// The matrix in this role, its rows in transformers' order.
    ///
    /// # Errors
    /// A tensor that is missing, of another shape than the architecture's, or that cannot be read.
    pub fn matrix(&self, role: TensorRole, architecture: &Architecture) -> Result<FrozenMatrix> {
        let name = self.name_of(role, architecture);
        let stored = self.stored(&name)?;
        let &[rows, columns] = stored.shape else {
            return Err(wrong_shape(&name, stored.shape, &[0, 0]));
        };
        let matrix = FrozenMatrix::from_blocks(stored.format, rows, columns, self.read(&name)?)
            .ok_or_else(|| wrong_shape(&name, stored.shape, &[rows, columns]))?;
        let TensorRole::Block(_, BlockTensor::Weight(projection)) = role else { return Ok(matrix) };
        let order = match self {
            Self::Gguf(_) => architecture.rows_in_file(projection),
            Self::Folder(_) => None,
        };
        Ok(match order {
            Some(order) if order.len() == rows => matrix.with_rows_in_order(&order),
            _ => matrix,
        })
    }

    /// The vector in this role; the weights of norms as they multiply.
    ///
    /// # Errors
    /// As [`matrix`](Self::matrix).
    pub fn vector(&self, role: TensorRole, architecture: &Architecture) -> Result<Vec<f32>> {
        let name = self.name_of(role, architecture);
        let stored = self.stored(&name)?;
        let &[len] = stored.shape else { return Err(wrong_shape(&name, stored.shape, &[0])) };
        if !matches!(stored.format, BlockFormat::F32 | BlockFormat::F16 | BlockFormat::BF16) {
            return Err(Error::Contradiction(format!(
                "tensor `{name}` is stored as {}, a vector is never quantised",
                stored.format.name()
            )));
        }
        let mut values = vec![0.0; len];
        dequantise(stored.format, &self.read(&name)?, &mut values);
        if role.is_norm() && self.stores_norms_less_one(architecture.family) {
            values.iter_mut().for_each(|value| *value += 1.0);
        }
        Ok(values)
    }

    /// Gemma's norms multiply by one more than is stored; GGUF's converter adds it.
    fn stores_norms_less_one(&self, family: Family) -> bool {
        matches!(self, Self::Folder(_)) && family.norms_count_from_one()
    }

    fn name_of(&self, role: TensorRole, architecture: &Architecture) -> String {
        match self {
            Self::Gguf(_) => role.gguf(),
            Self::Folder(_) => role.transformers(architecture.family),
        }
    }

    fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::Gguf(gguf) => gguf.tensors.keys().map(String::as_str).collect(),
            Self::Folder(folder) => folder.names().collect(),
        }
    }

    fn stored(&self, name: &str) -> Result<Stored<'_>> {
        match self {
            Self::Gguf(gguf) => {
                let info = gguf.tensor(name)?;
                Ok(Stored { shape: &info.shape, format: info.kind })
            }
            Self::Folder(folder) => {
                let info = folder.tensor(name)?;
                Ok(Stored { shape: &info.shape, format: info.kind })
            }
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        match self {
            Self::Gguf(gguf) => gguf.read(gguf.tensor(name)?),
            Self::Folder(folder) => folder.read(folder.tensor(name)?),
        }
    }
}

/// Tensors that say nothing which the metadata does not (frequencies of the rope, a head that is stored
/// although it is the embedding), and the parts of a model that see: ollama keeps them in the file of the part
/// that writes, which works without them.
fn may_be_passed_over(name: &str) -> bool {
    let sees = name.starts_with("v.") || name.starts_with("mm.");
    name == "rope_freqs.weight" || name.ends_with("rotary_emb.inv_freq") || name == HEAD || sees
}

fn wrong_shape(name: &str, found: &[usize], wanted: &[usize]) -> Error {
    Error::Contradiction(format!(
        "tensor `{name}` has shape {found:?}, the metadata asks for {wanted:?}"
    ))
}

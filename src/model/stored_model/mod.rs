//! A model as it lies on disk: one GGUF file. Owns the way from a tensor's
//! role to its values, and the check that a model has all of its tensors and none that would be passed over;
//! knows nothing of how they are computed with.

mod tensor_role;

pub use tensor_role::{BlockTensor, TensorRole};

use super::{Architecture, ChatTemplate, Error, Gguf, Result, Tokenizer};
use crate::kernels::{BlockFormat, FrozenMatrix, dequantise};
use std::collections::BTreeSet;
use std::path::Path;

/// A model on disk, opened; tensors are read when asked for.
#[derive(Debug)]
pub enum StoredModel {
    Gguf(Gguf),
}

/// How a tensor is stored.
struct Stored<'a> {
    shape: &'a [usize],
    format: BlockFormat,
}

impl StoredModel {
    /// Opens a GGUF file.
    ///
    /// # Errors
    /// As [`Gguf::open`].
    pub fn open(path: &Path) -> Result<Self> {
        Gguf::open(path).map(Self::Gguf)
    }

    /// The architecture that its metadata describes.
    ///
    /// # Errors
    /// As [`Architecture::from_gguf`].
    pub fn architecture(&self) -> Result<Architecture> {
        match self {
            Self::Gguf(gguf) => Architecture::from_gguf(gguf),
        }
    }

    /// Its tokenizer.
    ///
    /// # Errors
    /// As [`Tokenizer::from_gguf`].
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        match self {
            Self::Gguf(gguf) => Tokenizer::from_gguf(gguf),
        }
    }

    /// Its chat template, or a stated default.
    ///
    /// # Errors
    /// As [`ChatTemplate::from_gguf`].
    pub fn template(&self) -> Result<ChatTemplate> {
        match self {
            Self::Gguf(gguf) => ChatTemplate::from_gguf(gguf),
        }
    }

    /// Whether the output head is a matrix of its own.
    pub fn has_separate_head(&self) -> bool {
        match self {
            Self::Gguf(gguf) => gguf.tensors.contains_key(&TensorRole::Head.gguf()),
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
        Ok(values)
    }

    fn name_of(&self, role: TensorRole, _: &Architecture) -> String {
        match self {
            Self::Gguf(_) => role.gguf(),
        }
    }

    fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::Gguf(gguf) => gguf.tensors.keys().map(String::as_str).collect(),
        }
    }

    fn stored(&self, name: &str) -> Result<Stored<'_>> {
        match self {
            Self::Gguf(gguf) => {
                let info = gguf.tensor(name)?;
                Ok(Stored { shape: &info.shape, format: info.kind })
            }
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        match self {
            Self::Gguf(gguf) => gguf.read(gguf.tensor(name)?),
        }
    }
}

/// Tensors that say nothing which the metadata does not: frequencies of the rope, and a head that is stored
/// although it is the embedding.
fn may_be_passed_over(name: &str) -> bool {
    name == "rope_freqs.weight" || name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight"
}

fn wrong_shape(name: &str, found: &[usize], wanted: &[usize]) -> Error {
    Error::Contradiction(format!(
        "tensor `{name}` has shape {found:?}, the metadata asks for {wanted:?}"
    ))
}

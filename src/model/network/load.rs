//! From a GGUF file to a [`Network`], every tensor's shape checked against the metadata.

use super::super::gguf::Gguf;
use super::super::{Architecture, Error, Projection, Result};
use super::{Block, Network};
use crate::config::Precision;
use crate::kernels::{BlockFormat, FrozenMatrix, Rotary, dequantise};

impl Network {
    /// Reads all weights; `loaded` is told the share done, from 0 to 1.
    ///
    /// With [`Precision::Quantised`] the weights stay as the file has them; with
    /// [`Precision::F32`] they are expanded once.
    ///
    /// # Errors
    /// What [`Architecture::from_gguf`] refuses, a tensor that is missing or of the wrong shape, or
    /// a read that fails.
    pub fn load(gguf: &Gguf, precision: Precision, mut loaded: impl FnMut(f32)) -> Result<Self> {
        let architecture = Architecture::from_gguf(gguf)?;
        let (hidden, vocabulary) = (architecture.hidden, architecture.vocabulary);
        let keep = |matrix: FrozenMatrix| match precision {
            Precision::Quantised => matrix,
            Precision::F32 => matrix.expanded(),
        };
        let embedding = keep(matrix(gguf, "token_embd.weight", vocabulary, hidden)?);
        let separate_head = match gguf.tensors.contains_key("output.weight") {
            true => Some(keep(matrix(gguf, "output.weight", vocabulary, hidden)?)),
            false => None,
        };
        let rope_factors = match gguf.tensors.contains_key("rope_freqs.weight") {
            true => Some(vector(gguf, "rope_freqs.weight", architecture.rope.rotated / 2)?),
            false => None,
        };
        let mut blocks = Vec::new();
        for layer in 0..architecture.layers {
            let mut projections = Vec::with_capacity(7);
            for projection in Projection::ALL {
                let (rows, columns) = architecture.shape_of(projection);
                let name = format!("blk.{layer}.{}.weight", projection.gguf());
                let mut weight = matrix(gguf, &name, rows, columns)?;
                if let Some(order) = architecture.rows_in_file(projection) {
                    weight = weight.with_rows_in_order(&order);
                }
                projections.push(keep(weight));
            }
            blocks.push(Block {
                attention_norm: vector(gguf, &format!("blk.{layer}.attn_norm.weight"), hidden)?,
                feed_forward_norm: vector(gguf, &format!("blk.{layer}.ffn_norm.weight"), hidden)?,
                projections,
            });
            loaded((layer + 1) as f32 / architecture.layers as f32);
        }
        let rope = &architecture.rope;
        let rotary = Rotary::new(
            architecture.attention.head_width,
            rope.rotated,
            rope.base,
            rope.scale,
            rope_factors.as_deref(),
        );
        let final_norm = vector(gguf, "output_norm.weight", hidden)?;
        Ok(Self {
            exact: precision == Precision::F32,
            embedding,
            blocks,
            final_norm,
            separate_head,
            rotary,
            architecture,
            device: None,
        })
    }
}

fn matrix(gguf: &Gguf, name: &str, rows: usize, columns: usize) -> Result<FrozenMatrix> {
    let info = gguf.tensor(name)?;
    if info.shape != [rows, columns] {
        return Err(wrong_shape(name, &info.shape, &[rows, columns]));
    }
    FrozenMatrix::from_blocks(info.kind, rows, columns, gguf.read(info)?)
        .ok_or_else(|| wrong_shape(name, &info.shape, &[rows, columns]))
}

fn vector(gguf: &Gguf, name: &str, len: usize) -> Result<Vec<f32>> {
    let info = gguf.tensor(name)?;
    if info.shape != [len]
        || !matches!(info.kind, BlockFormat::F32 | BlockFormat::F16 | BlockFormat::BF16)
    {
        return Err(wrong_shape(name, &info.shape, &[len]));
    }
    let mut values = vec![0.0; len];
    dequantise(info.kind, &gguf.read(info)?, &mut values);
    Ok(values)
}

fn wrong_shape(name: &str, found: &[usize], wanted: &[usize]) -> Error {
    Error::Contradiction(format!(
        "tensor `{name}` has shape {found:?}, the metadata asks for {wanted:?}"
    ))
}

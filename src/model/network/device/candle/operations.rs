//! The operations of a decoder block that are not linear, each of parts that candle can
//! differentiate.

use crate::kernels::{Activation, Attention, AttentionShape, Rotary};
use candle_core::{D, Device, Result, Tensor};
use std::ops::Range;

/// `x / rms(x) · weight`, row by row.
pub fn rms_norm(x: &Tensor, weight: &Tensor, epsilon: f32) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    let scale = (mean + f64::from(epsilon))?.sqrt()?.recip()?;
    x.broadcast_mul(&scale)?.broadcast_mul(weight)
}

/// `activation(gate) · up`.
pub fn gated_unit(activation: Activation, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    let activated = match activation {
        Activation::Silu => gate.silu()?,
        // candle's `gelu` is the tanh form.
        Activation::GeluTanh => gate.gelu()?,
    };
    activated * up
}

/// `cap · tanh(x / cap)`.
pub fn soft_cap(x: &Tensor, cap: Option<f32>) -> Result<Tensor> {
    match cap.map(f64::from) {
        Some(cap) => (x / cap)?.tanh()? * cap,
        None => Ok(x.clone()),
    }
}

/// The sines and cosines by which queries and keys turn, for the positions of one pass.
#[derive(Debug)]
pub struct Turns {
    /// `(n, 1, pairs)` each.
    cosines: Tensor,
    sines: Tensor,
    pairs: usize,
}

impl Turns {
    /// Taken from the processor's own rotation, so that the two cannot differ: what it makes of a
    /// head whose first halves are one and second halves zero.
    pub fn new(
        rotary: &Rotary,
        pairs: usize,
        head_width: usize,
        positions: &[usize],
        device: &Device,
    ) -> Result<Self> {
        let mut head = vec![0.0; head_width];
        head[..pairs].fill(1.0);
        let mut turned = head.repeat(positions.len());
        rotary.angles(positions).turn(&mut turned);
        let half = |first: usize| {
            let values: Vec<f32> = turned
                .chunks_exact(head_width)
                .flat_map(|head| &head[first..first + pairs])
                .copied()
                .collect();
            Tensor::from_vec(values, (positions.len(), 1, pairs), device)
        };
        Ok(Self { cosines: half(0)?, sines: half(pairs)?, pairs })
    }

    /// Turns every head of `x` `(n, heads, head_width)`.
    pub fn applied(&self, x: &Tensor) -> Result<Tensor> {
        let first = x.narrow(2, 0, self.pairs)?;
        let second = x.narrow(2, self.pairs, self.pairs)?;
        let turned_first =
            (first.broadcast_mul(&self.cosines)? - second.broadcast_mul(&self.sines)?)?;
        let turned_second =
            (second.broadcast_mul(&self.cosines)? + first.broadcast_mul(&self.sines)?)?;
        let rest = x.dim(2)? - 2 * self.pairs;
        if rest == 0 {
            return Tensor::cat(&[turned_first, turned_second], 2);
        }
        Tensor::cat(&[turned_first, turned_second, x.narrow(2, 2 * self.pairs, rest)?], 2)
    }
}

/// Rows of one sequence of `x` `(n, heads, width)`, head by head: `(heads, len, width)`.
pub fn by_head(x: &Tensor, rows: &Range<usize>) -> Result<Tensor> {
    x.narrow(0, rows.start, rows.len())?.transpose(0, 1)?.contiguous()
}

/// What is added to the scores of `new` tokens after `past` others: nothing where a token may look,
/// and otherwise what the softmax turns into zero; none where every token may look at all. With a `window`
/// a token looks at so many, its own included.
pub fn causal_mask(
    past: usize,
    new: usize,
    window: Option<usize>,
    device: &Device,
) -> Result<Option<Tensor>> {
    const NEVER: f32 = -1e30;
    let total = past + new;
    let window = window.unwrap_or(total);
    if new <= 1 && total <= window {
        return Ok(None);
    }
    let hidden = |row: usize, column: usize| column > row || column + window <= row;
    let values: Vec<f32> = (past..total)
        .flat_map(|row| (0..total).map(move |column| if hidden(row, column) { NEVER } else { 0.0 }))
        .collect();
    Tensor::from_vec(values, (new, total), device).map(Some)
}

/// Causal attention of one sequence: queries `(heads, len, width)`, keys and values
/// `(key_heads, total, width)`, all that it may look at. Gives `(len, heads · width)`.
pub fn attend(
    attention: &Attention,
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let AttentionShape { heads, key_heads, head_width } = attention.shape;
    let (len, total) = (queries.dim(1)?, keys.dim(1)?);
    let group = heads / key_heads;
    // The heads that share a key head stand one below the other, so that keys are never repeated.
    let queries = (queries * f64::from(attention.scale))?;
    let queries = queries.reshape((key_heads, group * len, head_width))?;
    let scores = queries.matmul(&keys.t()?)?.reshape((key_heads, group, len, total))?;
    let scores = soft_cap(&scores, attention.score_cap)?;
    let scores = match mask {
        Some(mask) => scores.broadcast_add(mask)?,
        None => scores,
    };
    let weights = softmax(&scores)?.reshape((key_heads, group * len, total))?;
    let attended = weights.matmul(values)?.reshape((heads, len, head_width))?;
    attended.transpose(0, 1)?.contiguous()?.reshape((len, heads * head_width))
}

/// Over the last dimension. The greatest value is only there for safety, and gets no gradient.
fn softmax(x: &Tensor) -> Result<Tensor> {
    let exponentials = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?.exp()?;
    exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)
}

//! The output head on a device: final norm, logits, and the loss with its gradient, a few rows at a
//! time.

use super::operations::soft_cap;
use super::weights::{DeviceNetwork, download};
use crate::model::Result;
use crate::model::network::{HEAD_ROWS, Target};
use candle_core::{D, Tensor, Var};

impl DeviceNetwork {
    /// The logits of each row of the residual stream.
    pub fn logits(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        if rows.is_empty() {
            return Ok(rows);
        }
        let rows = self.upload(rows)?;
        let logits = self.head.of(&self.normed(&rows)?)?;
        download(&soft_cap(&logits, self.architecture.logit_cap)?)
    }

    /// The negative log-likelihood of each target; `rows` has the stream at each of them.
    pub fn losses(&self, rows: Vec<f32>, targets: &[Target]) -> Result<Vec<f32>> {
        let width = self.architecture.hidden;
        let mut losses = Vec::with_capacity(targets.len());
        for (rows, targets) in rows.chunks(HEAD_ROWS * width).zip(targets.chunks(HEAD_ROWS)) {
            let normed = self.normed(&self.upload(rows.to_vec())?)?;
            losses.extend(self.chunk(&normed, targets)?.losses()?);
        }
        Ok(losses)
    }

    /// As [`losses`](Self::losses), with the gradient of `Σ weight · loss` for `rows`.
    pub fn losses_and_gradient(
        &self,
        rows: Vec<f32>,
        targets: &[Target],
        weights: &[f32],
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let width = self.architecture.hidden;
        let mut losses = Vec::with_capacity(targets.len());
        let mut d_rows = Vec::with_capacity(rows.len());
        let chunks = rows.chunks(HEAD_ROWS * width).zip(targets.chunks(HEAD_ROWS));
        for ((rows, targets), weights) in chunks.zip(weights.chunks(HEAD_ROWS)) {
            let rows = Var::from_tensor(&self.upload(rows.to_vec())?)?;
            let normed = self.normed(&rows)?;
            let chunk = self.chunk(&normed.detach(), targets)?;
            losses.extend(chunk.losses()?);
            // Of the loss for the logits: weight · (softmax − one at the target), times W.
            let weights = Tensor::from_slice(weights, (weights.len(), 1), &self.device)?;
            let mut shares = chunk.exponentials.broadcast_mul(&(&weights / chunk.sums)?)?;
            let mut at_targets = weights;
            if let (Some(slopes), Some(at)) = (chunk.slopes, chunk.slopes_at_targets) {
                shares = (shares * slopes)?;
                at_targets = (at_targets * at)?;
            }
            let rows_of_targets = self.head.weight().index_select(&chunk.tokens, 0)?;
            let d_normed = (shares.matmul(self.head.weight())?
                - rows_of_targets.broadcast_mul(&at_targets)?)?;
            let gradients = (normed * d_normed)?.sum_all()?.backward()?;
            match gradients.get(&rows) {
                Some(d_chunk) => d_rows.extend(download(d_chunk)?),
                None => return Err(super::record::lost()),
            }
        }
        Ok((losses, d_rows))
    }

    fn chunk(&self, normed: &Tensor, targets: &[Target]) -> candle_core::Result<Chunk> {
        let tokens: Vec<u32> = targets.iter().map(|target| target.token).collect();
        let tokens = Tensor::from_vec(tokens, targets.len(), &self.device)?;
        let cap = self.architecture.logit_cap;
        let logits = soft_cap(&self.head.of(normed)?, cap)?;
        let slopes = match cap.map(f64::from) {
            Some(cap) => Some(((&logits / cap)?.sqr()?.neg()? + 1.0)?),
            None => None,
        };
        let places = tokens.unsqueeze(1)?;
        let slopes_at_targets = slopes.as_ref().map(|s| s.gather(&places, 1)).transpose()?;
        let greatest = logits.max_keepdim(D::Minus1)?;
        let chosen = (logits.gather(&places, 1)? - &greatest)?;
        let exponentials = logits.broadcast_sub(&greatest)?.exp()?;
        let sums = exponentials.sum_keepdim(D::Minus1)?;
        Ok(Chunk { tokens, chosen, exponentials, sums, slopes, slopes_at_targets })
    }
}

/// The softmax of some rows, not yet divided.
struct Chunk {
    tokens: Tensor,
    /// The logit of each target less the row's greatest, `(n, 1)`.
    chosen: Tensor,
    /// `(n, vocabulary)`.
    exponentials: Tensor,
    /// `(n, 1)`.
    sums: Tensor,
    /// The slopes of the logits' soft cap `(n, vocabulary)`, and those at the targets `(n, 1)`.
    slopes: Option<Tensor>,
    slopes_at_targets: Option<Tensor>,
}

impl Chunk {
    fn losses(&self) -> Result<Vec<f32>> {
        download(&(self.sums.log()? - &self.chosen)?)
    }
}

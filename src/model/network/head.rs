//! The output head: final norm, logits, and the loss with its gradient, a few rows at a time, so
//! that the logits of all positions are never in memory together.

use super::super::Result;
use super::Network;
use crate::kernels::{
    Buffer, cross_entropy_backward, for_each_chunk, log_sum_exp, rms_norm, rms_norm_backward,
    soft_cap, soft_cap_backward,
};

/// Rows whose logits are held at one time: enough that expanding the head's weights costs little
/// beside multiplying them.
pub const HEAD_ROWS: usize = 192;

/// A position whose next token is known: row of the residual stream, and the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub row: usize,
    pub token: u32,
}

impl Network {
    /// Logits `(rows.len(), vocabulary)` at the chosen rows of `hidden` `(n, hidden)`.
    ///
    /// # Errors
    /// Only where a GPU computes and fails, as for all of the head.
    pub fn logits(&self, hidden: &[f32], rows: &[usize]) -> Result<Buffer> {
        if let Some(device) = &self.device {
            let logits = device.logits(self.gather(hidden, rows.iter().copied()))?;
            return Ok(Buffer::copy_of(&logits));
        }
        Ok(self.logits_of(&self.gather(hidden, rows.iter().copied())))
    }

    /// The negative log-likelihood of each target, in nats.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn losses(&self, hidden: &[f32], targets: &[Target]) -> Result<Vec<f32>> {
        if let Some(device) = &self.device {
            let rows = self.gather(hidden, targets.iter().map(|target| target.row));
            return device.losses(rows, targets);
        }
        let mut losses = Vec::with_capacity(targets.len());
        for chunk in targets.chunks(HEAD_ROWS) {
            let rows = self.gather(hidden, chunk.iter().map(|target| target.row));
            losses.extend(self.chunk_logits(&rows, chunk).1);
        }
        Ok(losses)
    }

    /// As [`losses`](Self::losses), and adds the gradient of `Σ weight · loss` to `d_hidden`.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn losses_and_gradient(
        &self,
        hidden: &[f32],
        targets: &[Target],
        weights: &[f32],
        d_hidden: &mut [f32],
    ) -> Result<Vec<f32>> {
        let width = self.architecture.hidden;
        if let Some(device) = &self.device {
            let rows = self.gather(hidden, targets.iter().map(|target| target.row));
            let (losses, d_rows) = device.losses_and_gradient(rows, targets, weights)?;
            for (target, d_row) in targets.iter().zip(d_rows.chunks_exact(width)) {
                let at = target.row * width;
                super::forward::add(&mut d_hidden[at..at + width], d_row);
            }
            return Ok(losses);
        }
        let mut losses = Vec::with_capacity(targets.len());
        for (chunk, weights) in targets.chunks(HEAD_ROWS).zip(weights.chunks(HEAD_ROWS)) {
            let rows = self.gather(hidden, chunk.iter().map(|target| target.row));
            let (mut logits, chunk_losses, log_sums) = self.chunk_logits(&rows, chunk);
            let cap = self.architecture.logit_cap;
            for_each_chunk(&mut logits, self.architecture.vocabulary, |i, logits| {
                let target = chunk[i].token as usize;
                let capped = cap.map(|cap| (cap, Buffer::copy_of(logits)));
                cross_entropy_backward(logits, log_sums[i], target, weights[i]);
                if let Some((cap, capped)) = capped {
                    soft_cap_backward(&capped, cap, logits);
                }
            });
            let mut d_normed = Buffer::new(rows.len());
            self.head().product_backward(&logits, None, &mut d_normed, false);
            let mut d_rows = Buffer::zeroed(rows.len());
            rms_norm_backward(
                &rows,
                &self.final_norm,
                self.architecture.norm_epsilon,
                &d_normed,
                &mut d_rows,
            );
            for (target, d_row) in chunk.iter().zip(d_rows.chunks_exact(width)) {
                super::forward::add(
                    &mut d_hidden[target.row * width..(target.row + 1) * width],
                    d_row,
                );
            }
            losses.extend(chunk_losses);
        }
        Ok(losses)
    }

    /// Logits, losses and log-sums of one chunk of gathered rows.
    fn chunk_logits(&self, rows: &[f32], targets: &[Target]) -> (Buffer, Vec<f32>, Vec<f32>) {
        let vocabulary = self.architecture.vocabulary;
        let logits = self.logits_of(rows);
        let mut log_sums = vec![0.0; targets.len()];
        for_each_chunk(&mut log_sums, 1, |i, log_sum| {
            log_sum[0] = log_sum_exp(&logits[i * vocabulary..(i + 1) * vocabulary]);
        });
        let losses = targets
            .iter()
            .zip(&log_sums)
            .zip(logits.chunks_exact(vocabulary))
            .map(|((target, log_sum), logits)| log_sum - logits[target.token as usize])
            .collect();
        (logits, losses, log_sums)
    }

    /// Logits of gathered rows of the residual stream.
    fn logits_of(&self, rows: &[f32]) -> Buffer {
        let vocabulary = self.architecture.vocabulary;
        let mut logits = Buffer::new(rows.len() / self.architecture.hidden * vocabulary);
        self.head().product(&self.normed(rows), &mut logits);
        if let Some(cap) = self.architecture.logit_cap {
            for_each_chunk(&mut logits, vocabulary, |_, logits| soft_cap(logits, cap));
        }
        logits
    }

    fn gather(&self, hidden: &[f32], rows: impl Iterator<Item = usize>) -> Vec<f32> {
        let width = self.architecture.hidden;
        rows.flat_map(|row| &hidden[row * width..(row + 1) * width]).copied().collect()
    }

    fn normed(&self, rows: &[f32]) -> Buffer {
        let mut normed = Buffer::new(rows.len());
        rms_norm(rows, &self.final_norm, self.architecture.norm_epsilon, &mut normed);
        normed
    }
}

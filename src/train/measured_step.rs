//! One training step on tokens without meaning, whole and in its parts, for measurements of speed:
//! all projections adapted, every token trained, no dropout, the gradient not clipped.

use super::{AdamW, Result};
use crate::kernels::Buffer;
use crate::model::lora::{Lora, LoraConfig};
use crate::model::network::{Dropout, Network, Recording, Target};
use crate::model::{Model, Projection};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

const LEARNING_RATE: f64 = 2e-4;

/// What decides how much work a step is.
#[derive(Debug, Clone, Copy)]
pub struct StepShape {
    pub batch: usize,
    /// Tokens of each sequence.
    pub length: usize,
    pub rank: usize,
    /// As `--checkpointing`: only each block's input is kept.
    pub recompute: bool,
}

impl StepShape {
    /// Of all sequences together.
    pub fn tokens(&self) -> usize {
        self.batch * self.length
    }
}

/// A step that can be done again and again.
pub struct MeasuredStep<'a> {
    network: &'a Network,
    pub lora: Lora,
    optimizer: AdamW,
    shape: StepShape,
    tokens: Vec<u32>,
    sequences: Vec<Range<usize>>,
    targets: Vec<Target>,
    weights: Vec<f32>,
}

impl<'a> MeasuredStep<'a> {
    pub fn new(model: &'a Model, shape: StepShape) -> Self {
        let config = LoraConfig {
            rank: shape.rank,
            alpha: 2.0 * shape.rank as f64,
            dropout: 0.0,
            targets: Projection::ALL.to_vec(),
            rank_stabilised: false,
        };
        let network = &model.network;
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let lora = Lora::fresh(config, network.architecture(), &mut random);
        let optimizer = AdamW::new(lora.parameters.len(), 0.0, 0.0);
        let tokens = meaningless_tokens(model, 0, shape.tokens());
        let sequences: Vec<Range<usize>> =
            (0..shape.batch).map(|i| i * shape.length..(i + 1) * shape.length).collect();
        let targets: Vec<Target> = sequences
            .iter()
            .flat_map(|rows| rows.start + 1..rows.end)
            .map(|place| Target { row: place - 1, token: tokens[place] })
            .collect();
        let weights = vec![1.0 / targets.len() as f32; targets.len()];
        Self { network, lora, optimizer, shape, tokens, sequences, targets, weights }
    }

    /// A gradient of zeros.
    pub fn gradient(&self) -> Vec<f32> {
        vec![0.0; self.lora.parameters.len()]
    }

    /// The forward pass.
    ///
    /// # Errors
    /// As [`Network::record`], as for all parts.
    pub fn record(&self) -> Result<Recording> {
        let (tokens, sequences) = (&self.tokens, &self.sequences);
        let recompute = self.shape.recompute;
        Ok(self.network.record(&self.lora, tokens, sequences, Dropout::OFF, recompute)?)
    }

    /// The losses, and their gradient for the last block's output, which is returned.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn head(&self, recording: &Recording) -> Result<Buffer> {
        let (hidden, mut d_hidden) = (&recording.hidden, Buffer::zeroed(recording.hidden.len()));
        self.network.losses_and_gradient(hidden, &self.targets, &self.weights, &mut d_hidden)?;
        Ok(d_hidden)
    }

    /// Adds to `gradient`.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn backward(
        &self,
        recording: Recording,
        d_hidden: Buffer,
        gradient: &mut [f32],
    ) -> Result<()> {
        Ok(self.network.backward(&self.lora, recording, d_hidden, gradient)?)
    }

    /// AdamW's step.
    pub fn update(&mut self, gradient: &[f32]) {
        self.optimizer.update(&mut self.lora.parameters, gradient, LEARNING_RATE);
    }

    /// All of it. As the trainer does, `gradient` is kept from step to step.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn whole(&mut self, gradient: &mut [f32]) -> Result<()> {
        let recording = self.record()?;
        let d_hidden = self.head(&recording)?;
        self.backward(recording, d_hidden, gradient)?;
        self.update(gradient);
        gradient.fill(0.0);
        Ok(())
    }
}

/// Ordinary token ids in no order that means anything, another text for each `text`.
pub fn meaningless_tokens(model: &Model, text: usize, count: usize) -> Vec<u32> {
    let vocabulary = model.network.architecture().vocabulary;
    (0..count).map(|i| ((i * 7919 + text * 104_729 + 13) % vocabulary) as u32).collect()
}

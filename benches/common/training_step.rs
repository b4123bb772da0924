//! One training step on the real model, in its parts: all projections adapted, every token trained, no
//! dropout, the gradient not clipped.

use kaizen::kernels::Buffer;
use kaizen::model::lora::{Lora, LoraConfig};
use kaizen::model::network::{Dropout, Network, Recording, Target};
use kaizen::model::{Model, Projection};
use kaizen::train::AdamW;
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
    pub fn tokens(&self) -> usize {
        self.batch * self.length
    }
}

pub struct TrainingStep<'a> {
    network: &'a Network,
    pub lora: Lora,
    optimizer: AdamW,
    shape: StepShape,
    tokens: Vec<u32>,
    sequences: Vec<Range<usize>>,
    targets: Vec<Target>,
    weights: Vec<f32>,
}

impl<'a> TrainingStep<'a> {
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
        let tokens = tokens(model, shape.tokens());
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

    pub fn record(&self) -> Recording {
        let recompute = self.shape.recompute;
        self.network
            .record(&self.lora, &self.tokens, &self.sequences, Dropout::OFF, recompute)
            .unwrap()
    }

    /// The losses, and their gradient for the last block's output, which is returned.
    pub fn head(&self, recording: &Recording) -> Buffer {
        let mut d_hidden = Buffer::zeroed(recording.hidden.len());
        self.network
            .losses_and_gradient(&recording.hidden, &self.targets, &self.weights, &mut d_hidden)
            .unwrap();
        d_hidden
    }

    pub fn backward(&self, recording: Recording, d_hidden: Buffer, gradient: &mut [f32]) {
        self.network.backward(&self.lora, recording, d_hidden, gradient).unwrap();
    }

    pub fn update(&mut self, gradient: &[f32]) {
        self.optimizer.update(&mut self.lora.parameters, gradient, LEARNING_RATE);
    }

    /// All of it. As the trainer does, `gradient` is kept from step to step.
    pub fn whole(&mut self, gradient: &mut [f32]) {
        let recording = self.record();
        let d_hidden = self.head(&recording);
        self.backward(recording, d_hidden, gradient);
        self.update(gradient);
        gradient.fill(0.0);
    }
}

/// Ordinary token ids in no order that means anything.
pub fn tokens(model: &Model, count: usize) -> Vec<u32> {
    let vocabulary = model.network.architecture().vocabulary;
    (0..count).map(|i| ((i * 7919 + 13) % vocabulary) as u32).collect()
}

//! What a run will do, known before it starts: its steps, their examples, its memory.

use super::{Dataset, Error, Result, TrainSettings};
use crate::model::Architecture;
use crate::model::lora::{Lora, LoraConfig};
use crate::model::network::{HEAD_ROWS, Network};
use crate::runtime::READ_TOKENS;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Steps below which the default accumulation is lowered.
const FEW_STEPS: usize = 10;

/// The order of a run: a function of data, settings and seed alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// For each step, its micro-batches of sample indices.
    pub steps: Vec<Vec<Vec<usize>>>,
}

impl Plan {
    /// Every epoch shuffles all samples anew; a step takes `batch_size · accumulate` of them, the last
    /// of an epoch what is left.
    pub fn new(samples: usize, settings: &TrainSettings) -> Self {
        let mut steps = Vec::new();
        for epoch in 0..settings.epochs {
            let mut order: Vec<usize> = (0..samples).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            rng.set_stream(1 + epoch as u64);
            order.shuffle(&mut rng);
            for step in dealt(&order, settings) {
                steps.push(step.chunks(settings.batch_size).map(<[usize]>::to_vec).collect());
            }
        }
        Self { steps }
    }

    /// Steps that a run over so many samples has, without planning it; at least one sample a step.
    pub fn count(samples: usize, settings: &TrainSettings) -> usize {
        let step = settings.batch_size.saturating_mul(settings.accumulate).max(1);
        let steps = settings.steps_per_epoch.map(|steps| steps.min(samples));
        settings.epochs.saturating_mul(steps.unwrap_or_else(|| samples.div_ceil(step)))
    }

    /// The largest accumulation up to `wanted` that still gives ten steps, for a person who did not
    /// choose one.
    pub fn fitting_accumulation(
        samples: usize,
        epochs: usize,
        batch_size: usize,
        wanted: usize,
    ) -> usize {
        (1..=wanted)
            .rev()
            .find(|accumulate| epochs * samples.div_ceil(batch_size * accumulate) >= FEW_STEPS)
            .unwrap_or(1)
    }

    /// Tokens of the longest micro-batch.
    pub fn longest_micro_batch(&self, dataset: &Dataset) -> usize {
        self.steps
            .iter()
            .flatten()
            .map(|batch| batch.iter().map(|&i| dataset.samples[i].ids.len()).sum())
            .max()
            .unwrap_or(0)
    }
}

/// The samples of each step of an epoch.
fn dealt<'a>(order: &'a [usize], settings: &TrainSettings) -> Vec<&'a [usize]> {
    let Some(steps) = settings.steps_per_epoch else {
        return order.chunks(settings.batch_size * settings.accumulate).collect();
    };
    let steps = steps.min(order.len());
    let end = |step: usize| step * order.len() / steps;
    (0..steps).filter_map(|step| order.get(end(step)..end(step + 1))).collect()
}

/// Where the memory of a run goes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryEstimate {
    pub weights: usize,
    /// The process itself, and the tokenizer.
    pub process: usize,
    /// Parameters, gradient and the two moments.
    pub adapter: usize,
    /// Activations of the longest micro-batch, the logits of one chunk, and working space.
    pub activations: usize,
}

/// The process itself with its threads, in bytes.
const PROCESS: usize = 33 << 20;
/// What the tokenizer keeps of each token, in bytes: its text in three tables, and its merges.
const TOKEN: usize = 256;

/// What a process with such a model takes beside weights and activations, in bytes.
fn process(architecture: &Architecture) -> usize {
    PROCESS + TOKEN * architecture.vocabulary
}

/// Numbers that one token takes beside what the blocks keep: the stream at the end and its gradient; and in
/// one block's backward the gradients of stream, normed (twice), queries, attended, keys, values, three
/// feed-forward rows, and one masked copy.
fn working(architecture: &Architecture) -> usize {
    let (query, key) = (architecture.attention.query_width(), architecture.attention.key_width());
    6 * architecture.hidden + 2 * query + 2 * key + 3 * architecture.feed_forward
}

/// Bytes that answering takes with `context` tokens of past: the weights, keys and values (those of one layer
/// twice, while they move to more room), and what reading a slice of a prompt needs.
pub fn memory_of_answering(architecture: &Architecture, weights: Weights, context: usize) -> usize {
    let past = 2 * (architecture.layers + 1) * architecture.attention.key_width() * context;
    let reading = READ_TOKENS * working(architecture) + architecture.vocabulary;
    process(architecture) + weights.bytes + 4 * (past + reading)
}

/// How the weights of a model stand in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    pub bytes: usize,
    /// Nothing may be rounded (`precision = "f32"`).
    pub exact: bool,
}

impl MemoryEstimate {
    /// The estimate for micro-batches of up to `tokens` tokens, all of them trained.
    pub fn new(network: &Network, lora: &Lora, tokens: usize, recompute: bool) -> Self {
        let weights = Weights { bytes: network.bytes(), exact: network.is_exact() };
        Self::of_sizes(network.architecture(), weights, lora.config(), tokens, recompute)
    }

    /// The same for a model that is not loaded.
    pub fn of_sizes(
        architecture: &Architecture,
        weights: Weights,
        lora: &LoraConfig,
        tokens: usize,
        recompute: bool,
    ) -> Self {
        let (hidden, feed_forward) = (architecture.hidden, architecture.feed_forward);
        let (query, key) =
            (architecture.attention.query_width(), architecture.attention.key_width());
        let inner = lora.rank * lora.targets.len();
        // Gate and up wait in half the memory, unless nothing may be rounded.
        let gate_and_up = if weights.exact { 2 * feed_forward } else { feed_forward };
        // What is normed a second time is kept as it was before, too.
        let form = &architecture.block;
        let before_norms = if form.head_norms { query + key } else { 0 }
            + if form.output_norms { 2 * hidden } else { 0 };
        // Kept a token: input, middle (hidden); queries, attended; keys, values; log-sums; A·x.
        let block = 2 * hidden
            + 2 * query
            + 2 * key
            + architecture.attention.heads
            + gate_and_up
            + inner
            + before_norms;
        let working = working(architecture);
        let kept = match recompute {
            false => architecture.layers * block,
            true => architecture.layers * hidden + block,
        };
        let logits = tokens.min(HEAD_ROWS) * architecture.vocabulary;
        // Their gradient is multiplied in half the memory beside it, unless nothing may be rounded.
        let logits = if weights.exact { logits } else { logits + logits / 2 };
        Self {
            weights: weights.bytes,
            process: process(architecture),
            adapter: 4 * 4 * lora.parameters(architecture),
            activations: 4 * (tokens * (kept + working) + logits),
        }
    }

    /// The whole process, in MiB.
    pub fn mib(&self) -> usize {
        (self.process + self.weights + self.adapter + self.activations) >> 20
    }

    /// Fails when less than this is free.
    ///
    /// # Errors
    /// With the settings that would need less.
    pub fn check(&self, settings: &TrainSettings, free_mib: Option<usize>) -> Result<()> {
        let (needed, Some(free)) = (self.mib(), free_mib) else { return Ok(()) };
        if needed <= free {
            return Ok(());
        }
        let mut advice = Vec::new();
        if settings.batch_size > 1 {
            advice.push(format!(
                "--batch 1 --accumulate {}",
                settings.batch_size * settings.accumulate
            ));
        }
        if !settings.recompute {
            advice.push("--checkpointing".to_owned());
        }
        advice.push(format!("--max-seq {}", (settings.max_seq / 2).max(32)));
        if settings.lora.rank > 4 {
            advice.push(format!("--rank {}", settings.lora.rank / 2));
        }
        Err(Error::WouldNotFit { needed, free, advice: advice.join(", ") })
    }
}

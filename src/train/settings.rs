//! Every setting of a run, as stored with it.

use super::Schedule;
use crate::model::lora::LoraConfig;
use serde::{Deserialize, Serialize};

/// The hyper-parameters of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainSettings {
    pub lora: LoraConfig,
    pub epochs: usize,
    /// Examples in a micro-batch.
    pub batch_size: usize,
    /// Micro-batches in a step.
    pub accumulate: usize,
    /// So many steps an epoch, however many examples: they are dealt out evenly, and a step has as many
    /// micro-batches as that takes. For arms of an experiment, which must differ in nothing but data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps_per_epoch: Option<usize>,
    pub learning_rate: f64,
    pub schedule: Schedule,
    /// Share of the steps over which the learning rate rises.
    pub warmup: f64,
    /// Greatest gradient norm; 0 is off.
    pub clip: f64,
    pub weight_decay: f64,
    /// Longest example, in tokens; longer ones are left out and named.
    pub max_seq: usize,
    pub seed: u64,
    /// Save after every so many steps; otherwise by time.
    pub checkpoint_steps: Option<usize>,
    pub checkpoint_seconds: u64,
    /// Keep only each block's input and compute the rest again: less memory, more time.
    pub recompute: bool,
}

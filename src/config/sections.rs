//! The sections of `config.toml`, their keys and their defaults.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::dashboard::{Keys, Tui};
use super::model_source::ModelSource;
use super::theme::Theme;

/// Every setting of Kaizen. [`Config::default`] is what holds without a `config.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The version of this file's format; its presence marks a folder as a home.
    pub kaizen: u32,
    pub model: Model,
    pub generate: Generate,
    pub act: Act,
    pub train: Train,
    pub error_driven: ErrorDriven,
    pub feedback: Feedback,
    pub routing: Routing,
    pub runtime: Runtime,
    pub tui: Tui,
    pub keys: Keys,
    pub theme: Theme,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kaizen: 1,
            model: Model::default(),
            generate: Generate::default(),
            act: Act::default(),
            train: Train::default(),
            error_driven: ErrorDriven::default(),
            feedback: Feedback::default(),
            routing: Routing::default(),
            runtime: Runtime::default(),
            tui: Tui::default(),
            keys: Keys::default(),
            theme: Theme::default(),
        }
    }
}

/// `[model]`: which model is used and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// Used when `--model` is not given.
    pub default: DefaultModel,
    pub precision: Precision,
    /// Files, and folders of files, where models are looked for beside the folders of other programs; a
    /// relative one starts at the folder of the configuration.
    pub paths: Vec<String>,
    /// Places of the default model's file, tried in order.
    pub sources: Vec<ModelSource>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            default: DefaultModel::Sources,
            precision: Precision::Quantised,
            paths: Vec::new(),
            sources: ModelSource::defaults(),
        }
    }
}

/// The model used when `--model` is not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultModel {
    /// Whatever `model.sources` leads to, written `"sources"`.
    Sources,
    /// As `--model` takes it: a path to a GGUF file, a name on the hub, or one of ollama's.
    Named(String),
}

const SOURCES: &str = "sources";

impl Serialize for DefaultModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            DefaultModel::Sources => SOURCES,
            DefaultModel::Named(name) => name,
        })
    }
}

impl<'de> Deserialize<'de> for DefaultModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(if text == SOURCES { DefaultModel::Sources } else { DefaultModel::Named(text) })
    }
}

/// How the frozen weights stand in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As in the file: little memory.
    Quantised,
    /// Dequantised when loaded: the yardstick.
    F32,
}

/// `[generate]`: how answers are sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generate {
    /// 0 is greedy.
    pub temperature: f64,
    /// 1 is off.
    pub top_p: f64,
    /// 0 is off.
    pub min_p: f64,
    /// 1 is off.
    pub repetition_penalty: f64,
    /// Tokens of one answer at most.
    pub max_tokens: usize,
}

impl Default for Generate {
    /// Temperature and top-p as the default model's authors advise.
    fn default() -> Self {
        Self { temperature: 0.2, top_p: 0.9, min_p: 0.0, repetition_penalty: 1.0, max_tokens: 512 }
    }
}

/// `[act]`: how far a task goes that is carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Act {
    /// Actions of one task at most.
    pub max_steps: usize,
    /// Seconds that one action may take.
    pub action_seconds: u64,
    /// Seconds that a task may take.
    pub task_seconds: u64,
    /// Tokens of one action at most.
    pub action_tokens: usize,
    /// Tokens of what the actor is shown of the files, and of each output.
    pub observation_tokens: usize,
    /// Whether the actor may use the desktop, where there is one.
    pub desktop: bool,
}

impl Default for Act {
    /// With these, most steps fit into `train.max_seq`.
    fn default() -> Self {
        Self {
            max_steps: 8,
            action_seconds: 30,
            task_seconds: 300,
            action_tokens: 256,
            observation_tokens: 160,
            desktop: false,
        }
    }
}

/// `[train]`: the LoRA adapter and how it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    pub rank: usize,
    /// The adapter's product is scaled by `alpha / rank`.
    pub alpha: f64,
    /// Share of the adapter's inputs set to zero while training; 0 is off.
    pub dropout: f64,
    /// Projections that get an adapter, each at most once.
    pub targets: Vec<Projection>,
    pub epochs: usize,
    /// Examples of one micro-batch.
    pub batch_size: usize,
    /// Micro-batches of one step.
    pub gradient_accumulation_steps: usize,
    pub learning_rate: f64,
    pub schedule: Schedule,
    /// Share of the steps over which the learning rate rises; 0 is off.
    pub warmup: f64,
    /// Greatest norm of a step's gradient; 0 is off.
    pub clip: f64,
    pub weight_decay: f64,
    /// Tokens of one example at most.
    pub max_seq: usize,
    pub seed: u64,
    /// Share of good answers of the past among the training examples; 0 is off.
    pub replay: f64,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: u64,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            rank: 16,
            alpha: 32.0,
            dropout: 0.05,
            targets: Projection::ALL.to_vec(),
            epochs: 3,
            batch_size: 4,
            gradient_accumulation_steps: 4,
            learning_rate: 2e-4,
            schedule: Schedule::Cosine,
            warmup: 0.03,
            clip: 1.0,
            weight_decay: 0.0,
            max_seq: 512,
            seed: 0,
            replay: 0.25,
            checkpoint_seconds: 30,
        }
    }
}

/// A linear map of a transformer layer that may carry an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Projection {
    Q,
    K,
    V,
    O,
    Gate,
    Up,
    Down,
}

impl Projection {
    /// All of them, in the order of the forward pass.
    pub const ALL: [Projection; 7] = [
        Projection::Q,
        Projection::K,
        Projection::V,
        Projection::O,
        Projection::Gate,
        Projection::Up,
        Projection::Down,
    ];
}

/// How the learning rate goes down after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    Cosine,
    Linear,
    Constant,
}

/// `[error_driven]`: what counts as weak, and what is made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorDriven {
    pub perplexity_threshold: PerplexityThreshold,
    /// Examples made for every weak one.
    pub variations_per_error: usize,
    /// Share of the sound examples that is kept, the least surprising ones; 1 keeps all.
    pub filter_threshold: f64,
    /// An example whose different word pairs are a smaller share of all its word pairs repeats itself.
    pub min_diversity_score: f64,
    /// How examples are sampled.
    pub temperature: f64,
    pub top_p: f64,
}

impl Default for ErrorDriven {
    fn default() -> Self {
        Self {
            perplexity_threshold: PerplexityThreshold::Auto,
            variations_per_error: 5,
            filter_threshold: 0.5,
            min_diversity_score: 0.4,
            temperature: 0.8,
            top_p: 0.9,
        }
    }
}

/// Above which perplexity an example is weak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PerplexityThreshold {
    /// Chosen from the evaluation set itself, written `"auto"`.
    Auto,
    Fixed(f64),
}

impl Serialize for PerplexityThreshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PerplexityThreshold::Auto => serializer.serialize_str("auto"),
            PerplexityThreshold::Fixed(perplexity) => serializer.serialize_f64(*perplexity),
        }
    }
}

impl<'de> Deserialize<'de> for PerplexityThreshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = PerplexityThreshold;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"auto\" or a number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "auto" => Ok(PerplexityThreshold::Auto),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
                Ok(PerplexityThreshold::Fixed(number))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(PerplexityThreshold::Fixed(number as f64))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// `[feedback]`: what ratings mean and when they ask for training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feedback {
    /// A session with this many stars or fewer is failed.
    pub failed_rating: u8,
    /// Failed sessions with a correction that training from them needs.
    pub min_failed: usize,
    /// Retraining is advised when the average of the window falls below this.
    pub retrain_below: f64,
    /// Rated sessions that the average looks back on.
    pub window: usize,
    /// Retraining is also advised after so many new ratings since the last training.
    pub retrain_after: usize,
}

impl Default for Feedback {
    fn default() -> Self {
        Self { failed_rating: 3, min_failed: 5, retrain_below: 3.8, window: 50, retrain_after: 50 }
    }
}

/// `[routing]`: who answers, and what happens by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// Share of the tasks that a canary gets.
    pub canary: f64,
    /// Promote and roll back without being asked, when the evidence crosses its bound.
    pub automatic: bool,
}

impl Default for Routing {
    fn default() -> Self {
        Self { canary: 0.1, automatic: true }
    }
}

/// `[runtime]`: the machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Runtime {
    /// Threads that compute; 0 is one for each core.
    pub threads: usize,
    pub device: DeviceChoice,
}

/// Where the model computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The GPU, where the build has support for one and the machine has it; else the processor.
    #[default]
    Auto,
    Cpu,
    Cuda,
    Metal,
}

//! `metadata.json`: where an adapter comes from, so that it is never used on something else unnoticed.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The base model that an adapter belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseModel {
    pub name: String,
    /// SHA-256 of the model file, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of the chat template's text.
    pub template_sha256: String,
}

/// What is known about an adapter beyond its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdapterMetadata {
    /// Version of Kaizen that wrote it.
    pub kaizen: String,
    /// RFC 3339.
    pub created: String,
    pub base: BaseModel,
    /// The adapter that training started from.
    #[serde(default)]
    pub parent: Option<String>,
    /// The training run.
    #[serde(default)]
    pub run: Option<String>,
    /// SHA-256 over the training examples.
    pub data_sha256: String,
    /// How many examples came from where.
    pub examples: BTreeMap<String, usize>,
    /// The areas of the training examples: what the gate's primary question is about.
    #[serde(default)]
    pub areas: Vec<String>,
    /// The ids of the training examples, so that seen and unseen can be told apart.
    #[serde(default)]
    pub example_ids: Vec<String>,
    /// SHA-256 of each training prompt: an item of a set under another id is still recognised.
    #[serde(default)]
    pub prompts_sha256: Vec<String>,
    /// Every setting of the run.
    pub settings: serde_json::Value,
    /// Mean loss of each step, in nats per trained token.
    pub losses: Vec<f64>,
    /// The last comparison with its base, once there is one.
    #[serde(default)]
    pub evaluation: Option<serde_json::Value>,
    /// The gate's decision over the person's own corrections that were held back, once it was asked.
    #[serde(default)]
    pub own_work: Option<serde_json::Value>,
}

//! How a round is done.

use super::filter::Strictness;
use super::generate::Wanted;
use crate::config::{ErrorDriven, PerplexityThreshold};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who makes the examples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "file")]
pub enum GeneratorKind {
    /// The model itself goes on with a list of three items.
    #[serde(rename = "self")]
    FewShot,
    /// Items of a file that the person gives, chosen for the weak ones.
    Pool(PathBuf),
    /// As [`FewShot`](Self::FewShot), then the model criticises its answers and writes them again.
    Critique,
}

/// How much an example counts in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    Uniform,
    /// By its perplexity: ln(perplexity + 1) / ln 100.
    Uncertainty,
}

/// Every setting of the making of examples, as stored with a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub threshold: PerplexityThreshold,
    pub generator: GeneratorKind,
    /// Examples made for every weak one.
    pub variations: usize,
    /// Examples to keep for training, however many must be made; wins over `variations`.
    pub count: Option<usize>,
    pub strictness: Strictness,
    /// Share of the sound examples that is kept.
    pub keep_top: f64,
    pub min_diversity: f64,
    pub temperature: f64,
    pub top_p: f64,
    pub weighting: Weighting,
    pub seed: u64,
}

impl Settings {
    /// The configured settings.
    pub fn from_config(config: &ErrorDriven, seed: u64) -> Self {
        Self {
            threshold: config.perplexity_threshold,
            generator: GeneratorKind::FewShot,
            variations: config.variations_per_error,
            count: None,
            strictness: Strictness::On,
            keep_top: config.filter_threshold,
            min_diversity: config.min_diversity_score,
            temperature: config.temperature,
            top_p: config.top_p,
            weighting: Weighting::Uniform,
            seed,
        }
    }
}

/// Candidates at most, where no number of good ones is asked for.
pub fn limit(settings: &Settings, weak: usize) -> Option<usize> {
    match (settings.count, &settings.generator) {
        (None, _) => Some(settings.variations.saturating_mul(weak)),
        // A file has as many as it has: more are looked at than are needed.
        (Some(count), GeneratorKind::Pool(_)) => Some(count.saturating_mul(4)),
        (Some(_), _) => None,
    }
}

/// How many good ones are made.
pub fn wanted(settings: &Settings) -> Wanted {
    settings.count.map_or(Wanted::All, Wanted::Kept)
}

//! What an experiment asked, did and found, as it is kept in `experiments/<experiment>/experiment.json`.

use crate::train::TrainSettings;
use serde::{Deserialize, Serialize};

/// An experiment with all of its results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentRecord {
    /// The folder's name, `experiment_YYYYMMDD_HHMMSS`.
    pub experiment: String,
    /// Which one it is: `control`, `threshold`, …
    pub name: String,
    pub hypothesis: String,
    /// RFC 3339; `ended` is none while it goes on or was stopped.
    pub started: String,
    pub ended: Option<String>,
    pub setup: Setup,
    /// In the order of the plan.
    pub arms: Vec<ArmResult>,
    pub comparisons: Vec<Contrast>,
    /// The claim's answer: that of the first comparison.
    pub verdict: Option<Claim>,
}

/// What all arms share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The set's file and SHA-256 over its items.
    pub set: String,
    pub set_sha256: String,
    pub base: String,
    pub base_sha256: String,
    pub seeds: Vec<u64>,
    /// Perplexity above which a find item is weak, and how many are.
    pub threshold: f64,
    pub weak: usize,
    /// The weak areas: what is trained for, and what the comparisons are about.
    pub targeted: Vec<String>,
    /// Held-out items of the targeted areas, and the groups of near-duplicates they form.
    pub held_out: usize,
    pub groups: usize,
    /// Examples of the first arm, whose target tokens and steps every other arm gets.
    pub examples: usize,
    pub settings: TrainSettings,
    /// Seconds that it was expected to take, and took so far.
    pub estimated_seconds: f64,
    pub seconds: f64,
}

/// The three parts of a score, in nats, as means over held-out items of the targeted areas.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    pub first: f64,
    pub rest: Option<f64>,
    pub end_of_turn: f64,
}

/// One arm, over all of its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    pub name: String,
    /// What it learns from, in words.
    pub what: String,
    /// The place on the x axis of a dose-response chart: variations, iterations or threshold.
    pub dose: Option<f64>,
    pub seeds: Vec<SeedResult>,
    /// Perplexities over the held-out items of the targeted areas: base's, and the arm's as the mean
    /// over seeds of the scores.
    pub before: f64,
    pub after: f64,
    /// after/before − 1, and its 95 % interval over seeds and items.
    pub change: f64,
    pub ci95: Option<[f64; 2]>,
    pub parts_before: Parts,
    pub parts_after: Parts,
    /// Shares of right greedy answers among what can be checked, and the change's 95 % interval.
    pub checked: usize,
    pub accuracy_before: Option<f64>,
    pub accuracy_after: Option<f64>,
    pub accuracy_ci95: Option<[f64; 2]>,
    /// Nats that the score falls by for every hundred different examples; none without training.
    pub effect_per_100_examples: Option<f64>,
    /// Every area of the set, the targeted ones included.
    pub areas: Vec<ArmArea>,
}

/// One arm under one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedResult {
    pub seed: u64,
    /// Different examples, and the tokens trained in an epoch (repeats included).
    pub examples: usize,
    pub tokens: usize,
    pub steps: usize,
    /// Candidates by what became of them: `kept` or the rule that rejected them.
    pub candidates: std::collections::BTreeMap<String, usize>,
    pub losses: Vec<f64>,
    /// As the arm's, under this seed.
    pub change: f64,
    pub accuracy: Option<f64>,
    pub seconds: f64,
}

/// How one area fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmArea {
    pub area: String,
    pub n: usize,
    pub before: f64,
    pub after: f64,
    pub change: f64,
    pub ci95: Option<[f64; 2]>,
}

/// Two arms on the same held-out items of the targeted areas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// The arm that is claimed to be better, and the one it is held against.
    pub better: String,
    pub than: String,
    /// Perplexity of the first over that of the second, less 1; below zero supports the claim.
    pub change: f64,
    pub ci95: Option<[f64; 2]>,
    /// Two-sided p, and after Holm's correction over all comparisons of the experiment.
    pub p: Option<f64>,
    pub p_holm: Option<f64>,
    pub claim: Claim,
    /// The verdict with its figures.
    pub words: String,
    /// About how many more items would decide, where more could.
    pub needs_more: Option<usize>,
}

/// What the figures say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    #[serde(rename = "supported")]
    Supported,
    #[serde(rename = "not supported")]
    NotSupported,
    #[serde(rename = "cannot tell")]
    CannotTell,
}

impl Claim {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::NotSupported => "not supported",
            Self::CannotTell => "cannot tell",
        }
    }
}

//! What a round was asked for, what it found, and its end: the documents of its folder.

use super::candidate::Rule;
use super::filter::Filtered;
use super::generate::MakingEvent;
use super::settings::Settings;
use super::weak_areas::WeakAreas;
use crate::eval::{AccuracyOutcome, AreaOutcome, Decision, Guard, ItemScore, Summary, Verdict};
use crate::train::TrainSettings;
use crate::workplace::{Event, Measurements};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The files of a round's folder. Each is written when its phase has ended; a phase whose file is there
/// is not done again.
pub mod files {
    pub const ROUND: &str = "round.json";
    pub const SET: &str = "set.jsonl";
    pub const SCORES: &str = "scores.json";
    pub const POOL: &str = "pool.jsonl";
    pub const BASELINE: &str = "baseline.json";
    pub const WEAK: &str = "weak.json";
    pub const CANDIDATES: &str = "candidates.jsonl";
    pub const EXAMPLES: &str = "examples.jsonl";
    pub const JUDGED: &str = "judged.json";
    pub const TRAINING: &str = "training.json";
    pub const MEASURED: &str = "measured.json";
    pub const RESULT: &str = "result.json";
}

/// What a round was asked for: with the set beside it, all that going on with it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundRecord {
    /// RFC 3339.
    pub started: String,
    /// The set's name, for people.
    pub set: String,
    pub base: String,
    pub base_sha256: String,
    /// The arm that the round starts from and is held against: `base` or an adapter.
    pub reference: String,
    pub settings: Settings,
    pub train: TrainSettings,
    pub accumulation_is_default: bool,
    /// Share of good answers of the past among the training examples.
    pub replay: f64,
    pub control: Control,
    /// Which of how many rounds, and the round before it.
    pub iteration: usize,
    pub iterations: usize,
    #[serde(default)]
    pub previous: Option<String>,
    /// Sentinel items an area; none: all, with accuracy and diversity, as the gate asks.
    #[serde(default)]
    pub sentinels: Option<usize>,
}

/// What else is trained beside the targeted examples, to be held against them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    #[default]
    None,
    /// The same training on examples made in the same way from find items drawn at random.
    RandomFind,
}

/// What the reference scores: enough to know whether anything is weak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    pub find: Vec<ItemScore>,
    pub held_out: Vec<ItemScore>,
}

/// The reference before anything is done, in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    pub find: Vec<ItemScore>,
    pub held_out: Measurements,
    /// Distinct-2 of samples on the set's own prompts.
    pub diversity: Option<f64>,
}

/// Where the training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    pub run: String,
    /// Once it has ended.
    pub adapter: Option<String>,
    pub steps: usize,
    pub losses: Vec<f64>,
    pub seconds: f64,
}

/// The candidate's side of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub held_out: Measurements,
    pub diversity: Option<f64>,
}

/// What became of the examples.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExampleCounts {
    pub generated: usize,
    pub kept: usize,
    /// By the rule that rejected them.
    pub rejected: BTreeMap<Rule, usize>,
    /// Kept examples whose answers can be checked, and how many of them fail.
    pub checked: usize,
    pub failed_check: usize,
}

impl From<&Filtered> for ExampleCounts {
    fn from(filtered: &Filtered) -> Self {
        Self {
            generated: filtered.judged.len(),
            kept: filtered.kept().count(),
            rejected: filtered.rejected(),
            checked: filtered.checked,
            failed_check: filtered.failed_check,
        }
    }
}

/// A set as one arm sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Showing {
    /// The *find* part: shown, never evidence. Only of the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub find: Option<Summary>,
    #[serde(flatten)]
    pub held_out: Option<Summary>,
    pub diversity: Option<f64>,
}

/// The end of a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundResult {
    pub round: String,
    pub set: String,
    pub reference: String,
    pub started: String,
    pub ended: String,
    pub before: Showing,
    pub after: Option<Showing>,
    pub weak: WeakAreas,
    pub examples: ExampleCounts,
    pub run: Option<String>,
    pub adapter: Option<String>,
    pub held_out: Option<HeldOut>,
    pub accuracy: Option<AccuracyOutcome>,
    pub areas: Vec<AreaOutcome>,
    pub sentinels: Vec<AreaOutcome>,
    pub guards: Vec<Guard>,
    pub decision: Ending,
    #[serde(default)]
    pub style: bool,
    pub reason: String,
    /// The setting to change, where there is one.
    pub advice: Option<String>,
    pub needs_more: Option<usize>,
    pub control: Option<ControlResult>,
    pub seconds: f64,
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    #[serde(rename = "accepted")]
    Accepted,
    #[serde(rename = "rejected")]
    Rejected,
    #[serde(rename = "cannot tell")]
    CannotTell,
    /// No area is weak: nothing was trained.
    #[serde(rename = "nothing to improve")]
    NothingToImprove,
    /// Weak areas, but no example that is good enough to train on.
    #[serde(rename = "no examples")]
    NoExamples,
}

impl Ending {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::CannotTell => "cannot tell",
            Self::NothingToImprove => "nothing to improve",
            Self::NoExamples => "no examples",
        }
    }
}

impl From<Verdict> for Ending {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accepted => Self::Accepted,
            Verdict::Rejected => Self::Rejected,
            Verdict::CannotTell => Self::CannotTell,
        }
    }
}

/// The primary question's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    pub a: f64,
    pub b: f64,
    pub change: f64,
    pub ci95: Option<[f64; 2]>,
    pub p: f64,
    pub alpha: f64,
    pub items: usize,
    pub groups: usize,
    /// Decisions that this held-out set has made, this one included.
    pub used: u32,
    /// The same question was answered before: nothing was spent.
    pub repeated: bool,
}

impl HeldOut {
    pub fn of(decision: &Decision, repeated: bool) -> Self {
        Self {
            a: decision.a,
            b: decision.b,
            change: decision.change,
            ci95: decision.ci95,
            p: decision.p,
            alpha: decision.spending.alpha,
            items: decision.items,
            groups: decision.groups,
            used: decision.spending.k,
            repeated,
        }
    }
}

/// Targeted examples against the control's, on the same held-out items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlResult {
    pub control: Control,
    pub examples: usize,
    /// The control's perplexity over the reference's, less 1.
    pub change: f64,
    /// The targeted adapter's perplexity over the control's, less 1; below zero: targeting helped.
    pub targeted_against_control: f64,
    pub ci95: Option<[f64; 2]>,
}

/// A part of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Baseline,
    WeakAreas,
    Examples,
    Training,
    Measuring,
    Deciding,
    Control,
}

impl Phase {
    pub const ALL: [Self; 7] = [
        Self::Baseline,
        Self::WeakAreas,
        Self::Examples,
        Self::Training,
        Self::Measuring,
        Self::Deciding,
        Self::Control,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::WeakAreas => "weak areas",
            Self::Examples => "examples",
            Self::Training => "training",
            Self::Measuring => "measuring",
            Self::Control => "control",
            Self::Deciding => "deciding",
        }
    }
}

/// What happens in a round.
#[derive(Debug, Clone)]
pub enum RoundEvent {
    /// It has its folder, or is gone on with.
    Began {
        round: String,
        iteration: usize,
        iterations: usize,
    },
    Phase(Phase),
    Weak(WeakAreas),
    /// After every batch: the figures, and the last example with its fate.
    Examples {
        counts: ExampleCounts,
        last: Option<(String, String, Option<Rule>)>,
    },
    /// A run has begun or goes on; its steps come as [`Event::Train`].
    Training {
        run: String,
        steps: usize,
    },
    Ended(Box<RoundResult>),
    /// Progress of one piece of work.
    Work(Event),
}

impl From<MakingEvent<'_>> for RoundEvent {
    fn from(event: MakingEvent<'_>) -> Self {
        match event {
            MakingEvent::Work(event) => Self::Work(event),
            MakingEvent::Judged(filtered) => Self::Examples {
                counts: ExampleCounts::from(filtered),
                last: filtered.judged.last().map(|one| {
                    let candidate = &one.candidate;
                    (candidate.question.clone(), candidate.answer.clone(), one.rejected)
                }),
            },
        }
    }
}

/// Who is told.
pub type RoundSeen<'a> = &'a mut dyn FnMut(RoundEvent);

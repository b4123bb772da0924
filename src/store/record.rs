//! What Kaizen adds to a session file: the one `kaizen` object beside the shared fields. Knows the
//! fields, not what they are used for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::act::ActRecord;
use super::issue::Issue;
use super::message::Message;
use super::session_id::SessionId;
use super::stars::Stars;

/// Everything of ours about a session. Fields that a newer Kaizen wrote are kept in `extra`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The turns before the answer, oldest first; the last is what was asked.
    pub messages: Vec<Message>,
    /// What came back, as far as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The arm that routing chose: `base` or an adapter's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// The probability with which it was chosen, in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm_probability: Option<f64>,
    /// The random number in [0, 1) that chose it; none when a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm_draw: Option<f64>,
    /// The adapter that answered; none for the base model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The base model's hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction: Option<Correction>,
    /// Another answer to the same task that the person found better than this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub better: Option<BetterAnswer>,
    /// Every rating this session ever had, oldest first; the last is the present one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<RatingEntry>,
    /// The session that this one tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported_from: Option<ImportedFrom>,
    /// Of a task in act mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<ActRecord>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The settings an answer was sampled with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generation {
    /// 0 is greedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How a session ended; `running` on disk with no process running it means that it was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Outcome {
    Running,
    Finished,
    Cancelled,
    Failed { error: String },
}

impl Outcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Running => "running",
            Outcome::Finished => "finished",
            Outcome::Cancelled => "cancelled",
            Outcome::Failed { .. } => "failed",
        }
    }
}

/// The answer that the person says was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub answer: String,
    pub at: Timestamp,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An answer that the person chose over the session's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BetterAnswer {
    pub answer: String,
    pub from: BetterFrom,
    /// The session that gave it; none for a replay, whose answers are no sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    pub at: Timestamp,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Where a better answer was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BetterFrom {
    /// Another session with the same task (answered again, or by the other arm in Compare) got four
    /// stars or five.
    Rating,
    /// It won a blind pair.
    Replay,
}

/// One state of a session's rating. `at` is none when it was rated elsewhere, before an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingEntry {
    pub at: Option<Timestamp>,
    pub stars: Option<Stars>,
    pub issues: Vec<Issue>,
    pub comment: Option<String>,
    pub correction: Option<String>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Where an imported session came from; the hash is of the file's bytes, so that a second import
/// recognises it whatever was rated here since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFrom {
    pub path: String,
    pub sha256: String,
    pub at: Timestamp,
}

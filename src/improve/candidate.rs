//! An example that was made and is not yet trusted.

use crate::eval::{Example, Provenance};
use crate::store::Message;
use serde::{Deserialize, Serialize};

/// One made example, as it is kept beside the verdict on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub id: String,
    pub area: String,
    /// Ids of the find items that it was imitated from, or chosen for.
    pub seeds: Vec<String>,
    pub question: String,
    pub answer: String,
    /// It came to its own end; one that did not was cut off.
    pub complete: bool,
    /// The generator itself would not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Rule>,
    /// Nats per token of the answer under base, as the example is trained on.
    #[serde(default = "unscored", skip_serializing_if = "is_unscored")]
    pub nll: f64,
    /// Its own turns before the question; where there are none, those of the item that it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Message>,
}

fn unscored() -> f64 {
    f64::NAN
}

fn is_unscored(nll: &f64) -> bool {
    !nll.is_finite()
}

impl Candidate {
    /// As training and scoring read it: the turns of `seed` with its question and answer replaced.
    pub fn example(&self, seed: &Example) -> Example {
        let earlier = match self.before.is_empty() {
            true => &seed.messages[..seed.messages.len().saturating_sub(1)],
            false => self.before.as_slice(),
        };
        let mut messages = earlier.to_vec();
        messages.push(Message::user(self.question.clone()));
        Example {
            id: self.id.clone(),
            area: self.area.clone(),
            messages,
            answer: self.answer.clone(),
            weight: 1.0,
            provenance: Provenance::Targeted,
            check: None,
        }
    }
}

/// Why a made example is not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Question or answer has no letter and no digit.
    Empty,
    /// It was cut off before its end.
    CutOff,
    /// Its question is near to an item that decides. Always in force.
    NearHeldOut,
    /// It copies an item that it was to imitate, or answers with its question.
    Echo,
    /// The answer says the same words over and over.
    Repetition,
    /// Marks of a chat template or of the list it was written in stand in it.
    TemplateTokens,
    /// Another kept example asks nearly the same.
    NearDuplicate,
    /// Its perplexity is far from the others'.
    PerplexityOutlier,
    /// Too few different word pairs.
    LowDiversity,
    /// Its answer fails what can be checked without knowing the right one.
    FailedCheck,
    /// A rewrite after criticism was not better.
    NoBetterRewrite,
    /// It is sound, but among the more surprising ones.
    LessExpected,
    /// It is good, and there were enough before it.
    NotNeeded,
}

impl Rule {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::CutOff => "cut-off",
            Self::NearHeldOut => "near-held-out",
            Self::Echo => "echo",
            Self::Repetition => "repetition",
            Self::TemplateTokens => "template-tokens",
            Self::NearDuplicate => "near-duplicate",
            Self::PerplexityOutlier => "perplexity-outlier",
            Self::LowDiversity => "low-diversity",
            Self::FailedCheck => "failed-check",
            Self::NoBetterRewrite => "no-better-rewrite",
            Self::LessExpected => "less-expected",
            Self::NotNeeded => "not-needed",
        }
    }
}

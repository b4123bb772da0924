//! What the gate says about an adapter, in full, as it is shown, printed as JSON and kept.

use serde::{Deserialize, Serialize};

use super::guard::Guard;
use super::statistics::Spending;

/// The gate's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    #[serde(rename = "accepted")]
    Accepted,
    #[serde(rename = "rejected")]
    Rejected,
    #[serde(rename = "cannot tell")]
    CannotTell,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::Rejected => "rejected",
            Verdict::CannotTell => "cannot tell",
        }
    }
}

/// A comparison of reference `a` and candidate `b`, and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    /// Perplexity fell but accuracy, where it can be checked, did not rise: what was learned may
    /// be style alone.
    pub style: bool,
    /// Why, in one line, with the setting to change or what is missing.
    pub reason: String,
    /// One-sided p-value of the primary question; at most `spending.alpha` accepts.
    pub p: f64,
    #[serde(flatten)]
    pub spending: Spending,
    /// Perplexities over all held-out items of the targeted areas.
    pub a: f64,
    pub b: f64,
    /// b/a − 1, and its 95 % interval; none with fewer than two groups.
    pub change: f64,
    pub ci95: Option<[f64; 2]>,
    /// Held-out items of the targeted areas, and the groups of near-duplicates they form.
    pub items: usize,
    pub groups: usize,
    /// Accuracy over the checkable among these items.
    pub accuracy: Option<AccuracyOutcome>,
    /// Every area of the set, in order of name.
    pub areas: Vec<AreaOutcome>,
    /// Every sentinel area; empty when sentinels were not scored.
    pub sentinels: Vec<AreaOutcome>,
    pub guards: Vec<Guard>,
    /// About how many more items would be needed, where more could decide.
    pub needs_more: Option<usize>,
}

/// How an area fared. The interval describes; it decides nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AreaOutcome {
    pub area: String,
    /// Items.
    pub n: usize,
    /// Perplexities.
    pub a: f64,
    pub b: f64,
    /// b/a − 1.
    pub change: f64,
    pub ci95: Option<[f64; 2]>,
    /// Over the items checked for both; none where there are none.
    pub accuracy_a: Option<f64>,
    pub accuracy_b: Option<f64>,
}

/// Shares of right answers on the same items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccuracyOutcome {
    /// Items checked for both.
    pub n: usize,
    pub a: f64,
    pub b: f64,
    /// b − a and its 95 % interval.
    pub change: f64,
    pub ci95: [f64; 2],
}

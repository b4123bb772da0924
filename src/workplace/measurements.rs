//! What one arm shows on the items that a decision rests on, and the decision from two arms' showings.
//! Measured once, a reference serves every candidate that is held against it.

use super::event::measuring;
use super::{Event, Result, Seen, sentinel_set};
use crate::eval::sentinels::{GivenAnswer, Passed, answers, diversity_samples, pair_answers};
use crate::eval::statistics::Spending;
use crate::eval::{
    Decision, Example, GateInput, ItemScore, Samples, decide, groups, measure, pair,
};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How much is measured to guard what the adapter was not trained for.
#[derive(Debug, Clone, PartialEq)]
pub enum Sentinels {
    /// All of the built-in ones, as the gate asks.
    All,
    /// So many an area and scores only; accuracy and diversity are "not measured".
    Sample(usize),
}

/// The sentinel items, and those among them that base can be expected to answer.
#[derive(Debug, Clone)]
pub struct SentinelItems {
    pub all: Vec<Example>,
    /// None: only scores are measured.
    passed: Option<Passed>,
}

impl SentinelItems {
    /// Gathers them; what base passes is found out once per base and kept in `experiments`.
    ///
    /// # Errors
    /// When the model cannot answer or the folder cannot be written.
    pub fn gather(
        runtime: &Runtime,
        experiments: &Path,
        wanted: &Sentinels,
        seen: Seen,
    ) -> Result<Self> {
        let mut all = sentinel_set()?;
        if let Sentinels::Sample(count) = wanted {
            let mut taken = BTreeMap::<String, usize>::new();
            all.retain(|sentinel| {
                let area = taken.entry(sentinel.area.clone()).or_default();
                *area += 1;
                *area <= *count
            });
            return Ok(Self { all, passed: None });
        }
        let progress = &mut measuring("asking base the sentinels (once)", seen);
        let passed = Some(Passed::of_base(runtime, &all, experiments, progress)?);
        Ok(Self { all, passed })
    }

    /// How many base passes; none when that is not measured.
    pub fn passed(&self) -> Option<usize> {
        self.passed.as_ref().map(|passed| passed.select(&self.all).len())
    }
}

/// What one arm showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// `base` or the adapter.
    pub arm: String,
    pub items: Vec<ItemScore>,
    pub sentinels: Vec<ItemScore>,
    /// None: not measured.
    pub sentinel_answers: Option<Vec<GivenAnswer>>,
    /// Token ids of samples for diversity; none: not measured.
    pub samples: Option<Vec<Vec<u32>>>,
}

/// Scores items with one arm, and answers those that can be checked if `answers` asks for it.
///
/// # Errors
/// An item that does not fit the model.
pub fn scored(
    runtime: &Runtime,
    examples: &[Example],
    arm: &Arm,
    answers: bool,
    seen: Seen,
) -> Result<Vec<ItemScore>> {
    let lora = arm.lora.as_ref();
    let mut scores = measure::score(runtime, examples, lora, &mut measuring("scoring", seen))?;
    if answers {
        let progress = &mut measuring("answering", seen);
        measure::check_answers(runtime, examples, lora, &mut scores, progress)?;
    }
    Ok(scores)
}

impl Measurements {
    /// Measures `arm` on `items` and the sentinels.
    ///
    /// # Errors
    /// An item that does not fit the model.
    pub fn of(
        runtime: &Runtime,
        items: &[Example],
        sentinels: &SentinelItems,
        arm: &Arm,
        answers: bool,
        seen: Seen,
    ) -> Result<Self> {
        let items = scored(runtime, items, arm, answers, seen)?;
        Self::with_scores(runtime, items, sentinels, arm, seen)
    }

    /// As [`of`](Self::of), for items that were scored already.
    ///
    /// # Errors
    /// When the model cannot answer the sentinels.
    pub fn with_scores(
        runtime: &Runtime,
        items: Vec<ItemScore>,
        sentinels: &SentinelItems,
        arm: &Arm,
        seen: Seen,
    ) -> Result<Self> {
        let lora = arm.lora.as_ref();
        let all = &sentinels.all;
        let scores = measure::score(runtime, all, lora, &mut measuring("scoring sentinels", seen))?;
        let mut measured = Self {
            arm: arm.name.clone(),
            items,
            sentinels: scores,
            sentinel_answers: None,
            samples: None,
        };
        if let Some(passed) = &sentinels.passed {
            let passed = passed.select(all);
            measured.sentinel_answers =
                Some(answers(runtime, &passed, lora, &mut measuring("answering sentinels", seen))?);
            measured.samples = Some(diversity_samples(
                runtime,
                all,
                lora,
                &mut measuring("sampling for diversity", seen),
            )?);
        }
        Ok(measured)
    }
}

/// The question that two arms' measurements answer.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    pub reference: &'a Measurements,
    pub candidate: &'a Measurements,
    pub sentinels: &'a SentinelItems,
    /// Ids of the items to the groups that they form.
    pub groups: &'a BTreeMap<String, String>,
    /// The areas that the candidate was trained for; where the items have none of them: all areas.
    pub targeted: &'a BTreeSet<String>,
    /// The share of a set's new items that will be held-out.
    pub held_out_share: f64,
    pub seed: u64,
}

impl Judging<'_> {
    /// The gate's decision, spending what `spending` says.
    ///
    /// # Errors
    /// Scores of different items, or none in the targeted areas.
    pub fn decide(&self, spending: Spending) -> crate::eval::Result<Decision> {
        let (a, b) = (self.reference, self.candidate);
        let held_out = pair(&a.items, &b.items, self.groups)?;
        let sentinels = pair(&a.sentinels, &b.sentinels, &groups(&self.sentinels.all))?;
        let areas: BTreeSet<String> = a.items.iter().map(|item| item.area.clone()).collect();
        let mut targeted: BTreeSet<String> = self.targeted.intersection(&areas).cloned().collect();
        if targeted.is_empty() {
            targeted = areas;
        }
        let sentinel_answers = match (&a.sentinel_answers, &b.sentinel_answers) {
            (Some(a), Some(b)) => Some(pair_answers(a, b)),
            _ => None,
        };
        let samples = match (&a.samples, &b.samples) {
            (Some(reference), Some(candidate)) => Some(Samples { reference, candidate }),
            _ => None,
        };
        decide(&GateInput {
            held_out: &held_out,
            targeted: &targeted,
            sentinels: Some(&sentinels),
            sentinel_answers: sentinel_answers.as_deref(),
            samples,
            spending,
            held_out_share: self.held_out_share,
            seed: self.seed,
        })
    }
}

/// Tells which items of a set take no part.
pub(super) fn tell_left_out(left_out: &[crate::eval::LeftOut], seen: Seen) {
    for item in left_out {
        seen(Event::Note(format!("{} is left out: {}", item.id, item.reason)));
    }
}

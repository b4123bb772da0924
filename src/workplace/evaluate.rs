//! Scoring a set by the one definition, and finding where the model is weak.

use super::event::measuring;
use super::{Result, Seen};
use crate::config::PerplexityThreshold;
use crate::eval::measure::{self, TokenScores};
use crate::eval::{
    Assignment, Example, ItemScore, Ledger, LeftOut, Place, Summary, Weakness, distinct_2,
    sentinels, summarise, weakness,
};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use serde::Serialize;

/// Which part of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitChoice {
    /// All but *final*, which only a closing report opens.
    All,
    Find,
    HeldOut,
}

impl SplitChoice {
    fn holds(self, place: Place) -> bool {
        match self {
            Self::All => place != Place::Final,
            Self::Find => place == Place::Find,
            Self::HeldOut => place == Place::HeldOut,
        }
    }
}

/// What to score, and how thoroughly.
#[derive(Debug, Clone, Copy)]
pub struct EvaluateRequest<'a> {
    pub examples: &'a [Example],
    pub split: SplitChoice,
    /// Also answer what can be checked, and write samples for diversity.
    pub answers: bool,
}

/// One scored example.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExampleScore {
    pub id: String,
    pub area: String,
    pub split: Place,
    pub tokens: usize,
    pub nll: f64,
    pub perplexity: f64,
    pub first: f64,
    pub rest: Option<f64>,
    pub end_of_turn: f64,
    pub correct: Option<bool>,
}

/// A set as one arm sees it.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// None when the chosen part of the set is empty.
    pub summary: Option<Summary>,
    pub diversity: Option<f64>,
    pub examples: Vec<ExampleScore>,
    pub left_out: Vec<LeftOut>,
}

/// The items of one part of a set.
pub fn part(examples: &[Example], assignment: &Assignment, split: SplitChoice) -> Vec<Example> {
    examples
        .iter()
        .filter(|example| {
            assignment.places.get(&example.id).is_some_and(|place| split.holds(*place))
        })
        .cloned()
        .collect()
}

/// Scores a set with one arm.
///
/// # Errors
/// When the splits cannot be kept or an example does not fit the model.
pub fn evaluate(
    runtime: &Runtime,
    ledger: &Ledger,
    request: EvaluateRequest,
    arm: &Arm,
    seen: Seen,
) -> Result<Evaluation> {
    let assignment = ledger.assign(request.examples)?;
    let chosen = part(request.examples, &assignment, request.split);
    let lora = arm.lora.as_ref();
    let mut scores = measure::score(runtime, &chosen, lora, &mut measuring("scoring", seen))?;
    let mut diversity = None;
    if request.answers && !chosen.is_empty() {
        measure::check_answers(
            runtime,
            &chosen,
            lora,
            &mut scores,
            &mut measuring("answering", seen),
        )?;
        let samples =
            sentinels::diversity_samples(runtime, &chosen, lora, &mut measuring("sampling", seen))?;
        diversity = distinct_2(&samples);
    }
    let examples = scores
        .iter()
        .filter_map(|score| {
            Some(ExampleScore {
                id: score.id.clone(),
                area: score.area.clone(),
                split: *assignment.places.get(&score.id)?,
                tokens: score.tokens,
                nll: score.nll,
                perplexity: score.nll.exp(),
                first: score.first,
                rest: score.rest,
                end_of_turn: score.end_of_turn,
                correct: score.correct,
            })
        })
        .collect();
    Ok(Evaluation {
        summary: summarise(&scores),
        diversity,
        examples,
        left_out: assignment.left_out,
    })
}

/// Finds the weak examples of a set's *find* part.
///
/// # Errors
/// As [`evaluate`].
pub fn find_weak(
    runtime: &Runtime,
    ledger: &Ledger,
    examples: &[Example],
    threshold: PerplexityThreshold,
    arm: &Arm,
    seen: Seen,
) -> Result<Weakness> {
    let found = score_find(runtime, ledger, examples, arm, seen)?;
    let scores: Vec<ItemScore> = found.items.into_iter().map(|(_, tokens)| tokens.score).collect();
    Ok(weakness(&scores, threshold))
}

/// The *find* part of a set, scored.
pub struct FindScores {
    pub items: Vec<(Example, TokenScores)>,
    pub left_out: Vec<LeftOut>,
}

/// Scores the *find* part of a set token by token.
///
/// # Errors
/// As [`evaluate`].
pub fn score_find(
    runtime: &Runtime,
    ledger: &Ledger,
    examples: &[Example],
    arm: &Arm,
    seen: Seen,
) -> Result<FindScores> {
    let assignment = ledger.assign(examples)?;
    let find = part(examples, &assignment, SplitChoice::Find);
    let progress = &mut measuring("scoring", seen);
    let scores = measure::score_tokens(runtime, &find, arm.lora.as_ref(), progress)?;
    Ok(FindScores { items: find.into_iter().zip(scores).collect(), left_out: assignment.left_out })
}

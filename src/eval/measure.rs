//! Asking the model: the scores of a set, its greedy answers, and samples for diversity. Turns examples
//! into jobs and their results into the plain data that the rest of this room computes with.

use super::error::Result;
use super::{Example, ItemScore};
use crate::model::Model;
use crate::model::lora::Lora;
use crate::model::sampler::Sampling;
use crate::runtime::{
    Alternatives, Expected, Generate, GenerateEvent, GenerateRequest, Generation, Runtime, Score,
    ScoreItem, Until,
};
use std::sync::Arc;

/// Texts written at the same time in a measurement.
const TOGETHER: usize = 16;

/// Tokens that a checked answer may take; what is not said by then is not said.
pub const ANSWER_TOKENS: usize = 192;

/// How far a measurement is: items done, of how many.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// One example's score, with what it was computed from.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenScores {
    pub score: ItemScore,
    /// The scored tokens: the answer's and the end of the turn.
    pub ids: Vec<u32>,
    /// Nats of each of them.
    pub losses: Vec<f32>,
}

/// Scores the answer of every example, in order; checks are not run.
///
/// # Errors
/// An example that the chat template refuses or that is longer than the model's context.
pub fn score(
    runtime: &Runtime,
    examples: &[Example],
    lora: Option<&Arc<Lora>>,
    progress: Progress,
) -> Result<Vec<ItemScore>> {
    let scored = score_tokens(runtime, examples, lora, progress)?;
    Ok(scored.into_iter().map(|tokens| tokens.score).collect())
}

/// As [`score`], and keeps what every single token cost.
///
/// # Errors
/// As [`score`].
pub fn score_tokens(
    runtime: &Runtime,
    examples: &[Example],
    lora: Option<&Arc<Lora>>,
    progress: Progress,
) -> Result<Vec<TokenScores>> {
    let items = items(runtime.model(), examples)?;
    let answers: Vec<Vec<u32>> = items
        .iter()
        .map(|item| item.ids.get(item.scored.clone()).unwrap_or_default().to_vec())
        .collect();
    let mut done = 0;
    let losses = runtime.run(Score::new(items, lora.cloned()), |_| {
        done += 1;
        progress(done, examples.len());
    })?;
    let scored = examples.iter().zip(answers).zip(losses).map(|((example, ids), losses)| {
        TokenScores { score: item_score(example, &losses), ids, losses }
    });
    Ok(scored.collect())
}

/// What one model expected at every scored token of an example: the likeliest tokens, and how likely the right one
/// was. Takes one pass, before whatever is measured at the time.
///
/// # Errors
/// As [`score`].
pub fn expected(
    runtime: &Runtime,
    example: &Example,
    lora: Option<&Arc<Lora>>,
    count: usize,
) -> Result<Vec<Expected>> {
    let Some(item) = items(runtime.model(), std::slice::from_ref(example))?.pop() else {
        return Ok(Vec::new());
    };
    Ok(runtime.run(Alternatives::new(item, lora.cloned(), count), |()| {})?)
}

/// What the model reads of every example, and which of it counts: the answer and its end-of-turn.
///
/// # Errors
/// An example that the chat template refuses.
pub fn items(model: &Model, examples: &[Example]) -> Result<Vec<ScoreItem>> {
    examples
        .iter()
        .map(|example| {
            let answered = model.template.encode_answered(
                &model.tokenizer,
                &example.messages,
                &example.answer,
            )?;
            let scored = answered.answer_start..answered.ids.len();
            Ok(ScoreItem { ids: answered.ids, scored })
        })
        .collect()
}

/// An example's score: nats per scored token.
pub fn mean(losses: &[f32]) -> f64 {
    losses.iter().map(|l| f64::from(*l)).sum::<f64>() / losses.len().max(1) as f64
}

/// The three parts of one example's token losses: the last one is the end of the turn.
fn item_score(example: &Example, losses: &[f32]) -> ItemScore {
    let rest = losses.get(1..losses.len().saturating_sub(1)).filter(|rest| !rest.is_empty());
    ItemScore {
        id: example.id.clone(),
        area: example.area.clone(),
        tokens: losses.len(),
        nll: mean(losses),
        first: losses.first().map_or(f64::NAN, |l| f64::from(*l)),
        rest: rest.map(mean),
        end_of_turn: losses.last().map_or(f64::NAN, |l| f64::from(*l)),
        correct: None,
    }
}

/// Writes an answer to every example.
///
/// # Errors
/// An example that the chat template refuses or that is longer than the model's context.
pub fn answer(
    runtime: &Runtime,
    examples: &[&Example],
    lora: Option<&Arc<Lora>>,
    sampling: impl Fn(usize) -> Sampling,
    length: Length,
    progress: Progress,
) -> Result<Vec<Generation>> {
    let model = runtime.model();
    let mut requests = Vec::with_capacity(examples.len());
    for (i, example) in examples.iter().enumerate() {
        let prompt = model.template.encode(&model.tokenizer, &example.messages, true)?;
        let (max_tokens, until) = match length {
            Length::UpTo(tokens) => (tokens, Until::EndOfTurn),
            Length::Exactly(tokens) => (tokens, Until::MaxTokens),
        };
        requests.push(GenerateRequest { prompt, sampling: sampling(i), max_tokens, until });
    }
    let mut done = 0;
    Ok(runtime.run(Generate::measured(requests, lora.cloned(), TOGETHER), |event| {
        if let GenerateEvent::Ended { .. } = event {
            done += 1;
            progress(done, examples.len());
        }
    })?)
}

/// How long an answer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    UpTo(usize),
    /// Past the end of the turn, so that samples of one length are compared.
    Exactly(usize),
}

/// Fills `correct` of every score whose example can be checked, from the greedy answer.
///
/// # Errors
/// As for [`answer`].
pub fn check_answers(
    runtime: &Runtime,
    examples: &[Example],
    lora: Option<&Arc<Lora>>,
    scores: &mut [ItemScore],
    progress: Progress,
) -> Result<()> {
    let checked: Vec<(usize, &Example)> =
        examples.iter().enumerate().filter(|(_, e)| e.effective_check().is_some()).collect();
    let asked: Vec<&Example> = checked.iter().map(|(_, e)| *e).collect();
    let answers =
        answer(runtime, &asked, lora, |_| Sampling::GREEDY, Length::UpTo(ANSWER_TOKENS), progress)?;
    for ((index, example), answer) in checked.into_iter().zip(answers) {
        if let (Some(check), Some(score)) = (example.effective_check(), scores.get_mut(index)) {
            score.correct = Some(check.passes(&example.answer, &answer.text));
        }
    }
    Ok(())
}

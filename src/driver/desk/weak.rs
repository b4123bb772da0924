//! Finding where an arm is weak.

use super::super::{MeasuredItem, TokenAlternatives, WeakFound, WorkEvent};
use super::{Inner, Work};
use crate::config::PerplexityThreshold;
use crate::eval::measure::{self, TokenScores};
use crate::eval::{Example, ItemScore, weakness};
use crate::model::tokenizer::Tokenizer;
use crate::runtime::Expected;
use crate::store::PlainStream;
use crate::workplace::score_find;
use crate::workplace::{ArmChoice, Result, SetChoice};

/// Tokens that are named in place of one.
const ALTERNATIVES: usize = 5;

/// How the end of a turn is shown: it is scored like a word, but has no text.
const END_OF_TURN: &str = "⏎";

/// How any other token of the template is shown: it has no text either.
const CONTROL: &str = "⟨control⟩";

impl Inner {
    pub(super) fn find_weak(
        &self,
        work: &Work,
        set: &SetChoice,
        arm: &ArmChoice,
    ) -> Result<WorkEvent> {
        // First, so that a bad line is known at once and not when the model has come.
        let examples = self.workplace.set(set)?;
        let runtime = self.runtime(work)?;
        let arm = self.arm(arm, &runtime, work)?;
        let ledger = self.workplace.ledger();
        let found =
            score_find(&runtime, &ledger, &examples, &arm, &mut |event| work.progress(event))?;
        let scores: Vec<ItemScore> = found.items.iter().map(|(_, t)| t.score.clone()).collect();
        let tokenizer = &runtime.model().tokenizer;
        Ok(WorkEvent::WeakFound(Box::new(WeakFound {
            arm: arm.name,
            items: found
                .items
                .into_iter()
                .map(|(example, scored)| measured(example, scored, tokenizer))
                .collect(),
            left_out: found.left_out,
            auto_threshold: weakness(&scores, PerplexityThreshold::Auto).threshold,
        })))
    }
}

impl Inner {
    pub(super) fn look_at_tokens(
        &self,
        work: &Work,
        example: &Example,
        arm: &ArmChoice,
    ) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let arm = self.arm(arm, &runtime, work)?;
        let expected = measure::expected(&runtime, example, arm.lora.as_ref(), ALTERNATIVES)?;
        Ok(WorkEvent::TokensLookedAt(alternatives(&runtime.model().tokenizer, &expected)))
    }
}

/// Each alternative as it would read in its place, after what stands before it.
fn alternatives(tokenizer: &Tokenizer, expected: &[Expected]) -> Vec<TokenAlternatives> {
    let mut stream = tokenizer.stream();
    let mut plain = PlainStream::default();
    let mut found = Vec::with_capacity(expected.len());
    for place in expected {
        let text = |id: u32| match tokenizer.is_end_of_turn(id) {
            true => END_OF_TURN.to_owned(),
            false if tokenizer.is_special(id) => CONTROL.to_owned(),
            false => plain.clone().push(&stream.clone().push(tokenizer, id)),
        };
        let likeliest =
            place.likeliest.iter().map(|(id, probability)| (text(*id), *probability)).collect();
        let (probability, rank) = (place.probability, place.rank);
        found.push(TokenAlternatives { probability, rank, likeliest });
        if !tokenizer.is_end_of_turn(place.token) {
            plain.push(&stream.push(tokenizer, place.token));
        }
    }
    found
}

fn measured(example: Example, scored: TokenScores, tokenizer: &Tokenizer) -> MeasuredItem {
    let texts = token_texts(tokenizer, &scored.ids);
    MeasuredItem {
        example,
        score: scored.score,
        tokens: texts.into_iter().zip(scored.losses).collect(),
    }
}

/// The text of each token, safe to show; joined, and without the mark for the end of the turn, they
/// are the whole text. A token that only begins a character is empty: the one that ends it has it.
fn token_texts(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
    let mut stream = tokenizer.stream();
    let mut plain = PlainStream::default();
    ids.iter()
        .map(|&id| match tokenizer.is_end_of_turn(id) {
            true => END_OF_TURN.to_owned(),
            false => plain.push(&stream.push(tokenizer, id)),
        })
        .collect()
}

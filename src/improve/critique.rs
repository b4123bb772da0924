//! The model criticises its own examples and writes their answers again (Saunders et al. 2022,
//! arXiv:2206.05802). A rewrite is kept only where it is right by the area's check and the first answer
//! was not, or where the model finds it likelier; else the example is refused.

use super::candidate::{Candidate, Rule};
use super::few_shot::FewShot;
use super::generate::Generator;
use super::plausible::Plausible;
use crate::eval::measure::{self, Length};
use crate::eval::{Example, Provenance};
use crate::model::sampler::Sampling;
use crate::runtime::{Generation, Runtime, Stop};
use crate::store::Message;
use crate::workplace::{Result, Seen, measuring};
use std::collections::BTreeMap;

/// Tokens of a criticism, and of an answer that is written again.
const CRITICISM: usize = 64;
const REWRITE: usize = 192;

/// The generator `critique`.
pub struct Critique {
    pub first: FewShot,
    pub checks: BTreeMap<String, Plausible>,
}

impl Generator for Critique {
    fn batch(&self, runtime: &Runtime, nth: usize, seen: Seen) -> Result<Vec<Candidate>> {
        let mut candidates = self.first.batch(runtime, nth, seen)?;
        let whole: Vec<usize> = (0..candidates.len())
            .filter(|at| candidates[*at].complete && !candidates[*at].answer.is_empty())
            .collect();
        let asked: Vec<Example> = whole
            .iter()
            .map(|at| conversation(&candidates[*at], vec![criticise(&candidates[*at])]))
            .collect();
        let criticisms = self.said(runtime, &asked, CRITICISM, "criticising examples", seen)?;
        let asked: Vec<Example> = whole
            .iter()
            .zip(&criticisms)
            .map(|(at, (criticism, _))| {
                let turns = vec![
                    criticise(&candidates[*at]),
                    Message::assistant(criticism.clone()),
                    Message::user(
                        "Now write the corrected answer alone, in the style of the proposed one.",
                    ),
                ];
                conversation(&candidates[*at], turns)
            })
            .collect();
        let rewrites = self.said(runtime, &asked, REWRITE, "rewriting examples", seen)?;
        let rewritten: Vec<Candidate> = whole
            .iter()
            .zip(&rewrites)
            .map(|(at, (text, whole))| {
                // A rewrite that was cut off is none.
                let answer = if *whole { text.trim().into() } else { String::new() };
                Candidate { answer, ..candidates[*at].clone() }
            })
            .collect();
        let lora = self.first.lora.as_ref();
        let mut score = |candidates: Vec<&Candidate>| {
            let examples: Vec<Example> = candidates
                .into_iter()
                .map(|one| Example {
                    answer: one.answer.clone(),
                    ..conversation(one, vec![Message::user(one.question.clone())])
                })
                .collect();
            measure::score(runtime, &examples, lora, &mut measuring("scoring examples", seen))
        };
        let before = score(whole.iter().map(|at| &candidates[*at]).collect())?;
        // An empty rewrite has no score of its own.
        let after = score(
            rewritten
                .iter()
                .zip(&whole)
                .map(|(own, at)| match own.answer.is_empty() {
                    true => &candidates[*at],
                    false => own,
                })
                .collect(),
        )?;
        for (nth, at) in whole.into_iter().enumerate() {
            let check = self.checks.get(&candidates[at].area);
            let right = |answer: &str| check.map(|check| check.holds(answer));
            let (old, new) = (&candidates[at].answer, &rewritten[nth].answer);
            let better = match (right(old), right(new)) {
                (Some(false), Some(true)) => true,
                (Some(true), Some(false)) => false,
                _ => after[nth].nll < before[nth].nll,
            };
            if better && !new.is_empty() {
                candidates[at].answer.clone_from(new);
            } else {
                candidates[at].refused = Some(Rule::NoBetterRewrite);
            }
        }
        Ok(candidates)
    }
}

fn criticise(candidate: &Candidate) -> Message {
    Message::user(format!(
        "Question: {}\nProposed answer: {}\n\nSay in one or two sentences what is wrong with the \
         proposed answer, or that it is right.",
        candidate.question, candidate.answer
    ))
}

fn conversation(candidate: &Candidate, messages: Vec<Message>) -> Example {
    Example {
        id: candidate.id.clone(),
        area: candidate.area.clone(),
        messages,
        answer: String::new(),
        weight: 1.0,
        provenance: Provenance::Targeted,
        check: None,
    }
}

impl Critique {
    fn said(
        &self,
        runtime: &Runtime,
        asked: &[Example],
        tokens: usize,
        what: &'static str,
        seen: Seen,
    ) -> Result<Vec<(String, bool)>> {
        let asked: Vec<&Example> = asked.iter().collect();
        let answers = measure::answer(
            runtime,
            &asked,
            self.first.lora.as_ref(),
            |_| Sampling::GREEDY,
            Length::UpTo(tokens),
            &mut measuring(what, seen),
        )?;
        // A text that was cut off is no answer.
        let whole = |answer: &Generation| answer.stop == Stop::EndOfTurn;
        Ok(answers.into_iter().map(|answer| (answer.text.clone(), whole(&answer))).collect())
    }
}

//! The person's own work as the judge: which corrections may be learned, which are held back to decide,
//! and the gate over those. Owns that division; what a correction is, is the business of feedback.

use super::compare::{CompareRequest, Comparison, compare};
use super::compare_arms::trained_prompts;
use super::evaluate::SplitChoice;
use super::measurements::Sentinels;
use super::{Error, Result, Seen, Workplace};
use crate::eval::{Example, Ledger, LeftOut, Place};
use crate::feedback::{self, Corrective, OWN_WORK, Settings};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use serde_json::Value;

/// From so many corrections on, one in four is held back; with fewer, all are needed to learn anything.
pub const FEWEST_CORRECTIONS: usize = 20;

/// A person's corrections, divided once and for good.
#[derive(Debug, Clone, Default)]
pub struct OwnWork {
    /// What may be trained on.
    pub learn: Vec<Example>,
    /// What decides whether an adapter is better; empty with fewer than [`FEWEST_CORRECTIONS`].
    pub held_back: Vec<Example>,
    /// Corrections that are near to both sides.
    pub left_out: Vec<LeftOut>,
}

impl OwnWork {
    pub fn corrections(&self) -> usize {
        self.learn.len() + self.held_back.len() + self.left_out.len()
    }
}

/// Divides corrections: one in four decides, near-duplicates stay on one side, and a side once given is
/// kept in `experiments/own-work.jsonl`.
///
/// # Errors
/// When that file cannot be read or written.
pub fn divide(workplace: &Workplace, corrections: &[Corrective]) -> Result<OwnWork> {
    let examples: Vec<Example> = corrections.iter().map(Corrective::example).collect();
    let ledger = Ledger::at(workplace.home.experiments().join("own-work.jsonl"));
    // Once divided, a side stays, however many corrections are taken back later.
    if examples.len() < FEWEST_CORRECTIONS && !ledger.path().exists() {
        return Ok(OwnWork { learn: examples, ..OwnWork::default() });
    }
    let assignment = ledger.assign_by(&examples, Place::of_own_work)?;
    let select = |place| assignment.select(&examples, place).into_iter().cloned().collect();
    Ok(OwnWork {
        learn: select(Place::Find),
        held_back: select(Place::HeldOut),
        left_out: assignment.left_out,
    })
}

/// All corrections of the home, divided.
///
/// # Errors
/// As [`divide`], or an index that cannot be read.
pub fn own_work(workplace: &Workplace) -> Result<OwnWork> {
    let settings = Settings { min_failed: 0, ..Settings::from(&workplace.config.feedback) };
    let found = feedback::corrective(&workplace.home, &workplace.index()?, &settings)?;
    divide(workplace, &found.examples)
}

/// The primary gate: whether `b` is better than `a` on the corrections that are held back. The decision
/// is kept, spends a share of what they may decide, and stays with the adapter where `a` is base.
///
/// # Errors
/// Too few corrections, or as [`compare`].
pub fn judge_own_work(
    workplace: &Workplace,
    runtime: &Runtime,
    a: &Arm,
    b: &Arm,
    seen: Seen,
) -> Result<Comparison> {
    let own = own_work(workplace)?;
    if own.held_back.is_empty() {
        return Err(Error::Unproven { corrections: own.corrections(), needed: FEWEST_CORRECTIONS });
    }
    let mut trained_on = trained_prompts(workplace, a)?;
    trained_on.extend(trained_prompts(workplace, b)?);
    let request = CompareRequest {
        examples: &own.held_back,
        split: SplitChoice::All,
        no_split: true,
        targeted: [OWN_WORK.to_owned()].into(),
        trained_on,
        sentinels: Sentinels::All,
        answers: true,
        spends: true,
        seed: 0,
    };
    let experiments = workplace.home.experiments();
    let comparison = compare(runtime, &workplace.ledger(), &experiments, &request, a, b, seen)?;
    if a.lora.is_none() && b.lora.is_some() {
        let folder = workplace.registry().folder(&b.name)?;
        if let Some(mut metadata) = folder.metadata()? {
            metadata.own_work = Some(comparison.document());
            folder.write_metadata(&metadata)?;
        }
    }
    Ok(comparison)
}

/// What the person's own work said of an adapter, and so whether it may be promoted by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// There are too few corrections, or nobody has asked.
    Unproven,
    Accepted,
    /// The gate's other verdicts, in its words.
    NotAccepted(String),
}

/// Reads the proof that an adapter carries.
///
/// # Errors
/// An adapter that is not there, or metadata that cannot be read.
pub fn proof(workplace: &Workplace, adapter: &str) -> Result<Proof> {
    let metadata = workplace.registry().folder(adapter)?.metadata()?;
    let Some(own_work) = metadata.and_then(|metadata| metadata.own_work) else {
        return Ok(Proof::Unproven);
    };
    let text = |key| own_work.get(key).and_then(Value::as_str).unwrap_or_default();
    Ok(match text("verdict") {
        "accepted" => Proof::Accepted,
        verdict => Proof::NotAccepted(format!("{verdict}: {}", text("reason"))),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::feedback::Rating;
    use crate::store::{Message, Outcome, Stars, logs};
    use std::collections::BTreeSet;

    fn corrected(workplace: &Workplace, minute: usize, task: &str) {
        let at = format!("2026-01-01T{:02}:{:02}:00[UTC]", minute / 60, minute % 60);
        let mut session = logs::create_at(&workplace.home, task, &at.parse().unwrap()).unwrap();
        let record = session.record_mut();
        record.messages = vec![Message::user(task)];
        record.answer = Some("wrong".into());
        record.outcome = Some(Outcome::Finished);
        logs::save(&workplace.home, &session).unwrap();
        let rating = Rating {
            correction: Some(format!("right {task}")),
            ..Rating::stars(Stars::try_from(1).unwrap())
        };
        let index = workplace.index().unwrap();
        feedback::rate(&workplace.home, &index, session.session_id.as_str(), &rating).unwrap();
    }

    fn ids(examples: &[Example]) -> BTreeSet<String> {
        examples.iter().map(|example| example.id.clone()).collect()
    }

    // If this fails, an adapter is judged by what it was trained on, or the few corrections that a person
    // wrote at first are not learned from.
    #[test]
    fn from_twenty_corrections_on_one_in_four_is_held_back_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let workplace = Workplace::open(folder.path(), None, None).unwrap();
        let words = ["alpha", "bravo", "carrot", "delta", "eagle", "fruit", "guitar", "hotel"];
        let task = |n: usize| format!("{} {} number{n}", words[n % 8], words[(n / 8) % 8]);
        for n in 0..19 {
            corrected(&workplace, n, &task(n));
        }
        let few = own_work(&workplace).unwrap();
        assert_eq!((few.learn.len(), few.held_back.len()), (19, 0));
        for n in 19..120 {
            corrected(&workplace, n, &task(n));
        }
        let many = own_work(&workplace).unwrap();
        assert_eq!(many.corrections(), 120);
        let share = many.held_back.len() as f64 / 120.0;
        assert!((0.15..0.35).contains(&share), "{share}");
        assert!(ids(&many.learn).is_disjoint(&ids(&many.held_back)));
        // A near-duplicate joins its neighbour's side, and nobody changes sides.
        let neighbour = many.held_back.first().unwrap().question().to_owned();
        corrected(&workplace, 200, &neighbour.to_uppercase());
        let later = own_work(&workplace).unwrap();
        assert!(ids(&many.held_back).is_subset(&ids(&later.held_back)));
        assert!(ids(&many.learn).is_subset(&ids(&later.learn)));
        assert_eq!(later.held_back.len(), many.held_back.len() + 1, "{:?}", later.left_out);
    }
}

//! Two arms on one set, judged by the gate. A comparison spends nothing of what promotion may spend.

use super::evaluate::{SplitChoice, part};
use super::event::{Event, measuring};
use super::{Result, Seen, sentinel_set};
use crate::eval::{
    Decision, Example, GateInput, HeldOutSet, ItemScore, Ledger, Pair, Samples, SentinelAnswer,
    decide, groups, measure, pair, sentinels, statistics::Spending,
};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use std::collections::BTreeSet;
use std::path::Path;

/// How much is measured to guard what the adapter was not trained for.
#[derive(Debug, Clone, PartialEq)]
pub enum Sentinels {
    /// All of the built-in ones, as the gate asks.
    All,
    /// So many an area and scores only; accuracy and diversity are "not measured".
    Sample(usize),
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct CompareRequest<'a> {
    pub examples: &'a [Example],
    pub split: SplitChoice,
    /// The file decides as a whole: it is unseen by construction.
    pub no_split: bool,
    /// The areas that B was trained for; empty when that is not known: then all of them.
    pub targeted: BTreeSet<String>,
    /// SHA-256 of the prompts that either arm was trained on: such items decide nothing.
    pub trained_on: BTreeSet<String>,
    pub sentinels: Sentinels,
    /// Also answer what can be checked.
    pub answers: bool,
    pub seed: u64,
}

/// A judged comparison.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub a: String,
    pub b: String,
    pub decision: Decision,
    /// Decisions that this held-out set has made before.
    pub used: u32,
    /// Sentinel items that base passes in 4 of 5 samples; none when not measured.
    pub sentinels_passed: Option<usize>,
}

/// Compares reference `a` and candidate `b`.
///
/// # Errors
/// When the splits cannot be kept, an example does not fit the model, or nothing is held out.
pub fn compare(
    runtime: &Runtime,
    ledger: &Ledger,
    experiments: &Path,
    request: &CompareRequest,
    a: &Arm,
    b: &Arm,
    seen: Seen,
) -> Result<Comparison> {
    let (mut chosen, groups) = if request.no_split {
        (request.examples.to_vec(), groups(request.examples))
    } else {
        let assignment = ledger.assign(request.examples)?;
        for item in &assignment.left_out {
            seen(Event::Note(format!("{} is left out: {}", item.id, item.reason)));
        }
        (part(request.examples, &assignment, request.split), assignment.groups)
    };
    let before = chosen.len();
    chosen.retain(|example| !request.trained_on.contains(&example.prompt_sha256()));
    if chosen.len() < before {
        seen(Event::Note(format!(
            "{} of {before} items are left out: an adapter was trained on them",
            before - chosen.len()
        )));
    }
    let held_out_set = HeldOutSet::new(&chosen)?;
    let used = ledger.used(&held_out_set)?;
    let scores_a = scored(runtime, &chosen, a, request.answers, seen)?;
    let scores_b = scored(runtime, &chosen, b, request.answers, seen)?;
    let held_out = pair(&scores_a, &scores_b, &groups)?;
    let guards = guards(runtime, experiments, &request.sentinels, a, b, seen)?;
    let areas: BTreeSet<String> = chosen.iter().map(|example| example.area.clone()).collect();
    let mut targeted: BTreeSet<String> = request.targeted.intersection(&areas).cloned().collect();
    if targeted.is_empty() {
        targeted = areas;
    }
    let input = GateInput {
        held_out: &held_out,
        targeted: &targeted,
        sentinels: Some(&guards.pairs),
        sentinel_answers: guards.answers.as_deref(),
        samples: guards.samples.as_ref().map(|(a, b)| Samples { reference: a, candidate: b }),
        spending: Spending::of(used + 1),
        held_out_share: if request.no_split { 1.0 } else { 0.5 },
        seed: request.seed,
    };
    Ok(Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        decision: decide(&input)?,
        used,
        sentinels_passed: guards.answers.as_ref().map(Vec::len),
    })
}

fn scored(
    runtime: &Runtime,
    examples: &[Example],
    arm: &Arm,
    answers: bool,
    seen: Seen,
) -> Result<Vec<ItemScore>> {
    let lora = arm.lora.as_ref();
    let mut scores = measure::score(runtime, examples, lora, &mut measuring("scoring", seen))?;
    if answers {
        measure::check_answers(
            runtime,
            examples,
            lora,
            &mut scores,
            &mut measuring("answering", seen),
        )?;
    }
    Ok(scores)
}

struct Guards {
    pairs: Vec<Pair>,
    answers: Option<Vec<SentinelAnswer>>,
    samples: Option<BothSamples>,
}

/// Token ids sampled from reference and candidate.
type BothSamples = (Vec<Vec<u32>>, Vec<Vec<u32>>);

fn guards(
    runtime: &Runtime,
    experiments: &Path,
    wanted: &Sentinels,
    a: &Arm,
    b: &Arm,
    seen: Seen,
) -> Result<Guards> {
    let mut all = sentinel_set()?;
    if let Sentinels::Sample(count) = wanted {
        let mut taken = std::collections::BTreeMap::<String, usize>::new();
        all.retain(|sentinel| {
            let area = taken.entry(sentinel.area.clone()).or_default();
            *area += 1;
            *area <= *count
        });
    }
    let score = |arm: &Arm, seen: Seen| {
        measure::score(runtime, &all, arm.lora.as_ref(), &mut measuring("scoring sentinels", seen))
    };
    let pairs = pair(&score(a, seen)?, &score(b, seen)?, &groups(&all))?;
    if *wanted != Sentinels::All {
        return Ok(Guards { pairs, answers: None, samples: None });
    }
    let passed = sentinels::Passed::of_base(
        runtime,
        &all,
        experiments,
        &mut measuring("asking base the sentinels (once)", seen),
    )?;
    let answers = sentinels::compare_answers(
        runtime,
        &passed.select(&all),
        a.lora.as_ref(),
        b.lora.as_ref(),
        &mut measuring("answering sentinels", seen),
    )?;
    let mut samples = |arm: &Arm| {
        sentinels::diversity_samples(
            runtime,
            &all,
            arm.lora.as_ref(),
            &mut measuring("sampling for diversity", seen),
        )
    };
    let samples = (samples(a)?, samples(b)?);
    Ok(Guards { pairs, answers: Some(answers), samples: Some(samples) })
}

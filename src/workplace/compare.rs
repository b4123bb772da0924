//! Two arms on one set, judged by the gate. A comparison spends nothing of what promotion may spend.

use super::evaluate::{SplitChoice, part};
use super::event::Event;
use super::measurements::{Judging, Measurements, SentinelItems, Sentinels, scored, tell_left_out};
use super::{Result, Seen};
use crate::eval::{Decision, Example, HeldOutSet, Ledger, Question, groups, statistics::Spending};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use std::collections::BTreeSet;
use std::path::Path;

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
    /// The decision is kept in the ledger and spends a share of what the held-out set may decide.
    pub spends: bool,
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
        tell_left_out(&assignment.left_out, seen);
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
    let used = ledger.used(&HeldOutSet::new(&chosen)?)?;
    // The items themselves first: what base passes may take minutes to find out.
    let mut score = |arm: &Arm| scored(runtime, &chosen, arm, request.answers, seen);
    let (scores_a, scores_b) = (score(a)?, score(b)?);
    let sentinels = SentinelItems::gather(runtime, experiments, &request.sentinels, seen)?;
    let mut measured =
        |scores, arm| Measurements::with_scores(runtime, scores, &sentinels, arm, seen);
    let (reference, candidate) = (measured(scores_a, a)?, measured(scores_b, b)?);
    let judging = Judging {
        reference: &reference,
        candidate: &candidate,
        sentinels: &sentinels,
        groups: &groups,
        targeted: &request.targeted,
        held_out_share: if request.no_split { 1.0 } else { 0.5 },
        seed: request.seed,
    };
    let (decision, used) = match request.spends {
        false => (judging.decide(Spending::of(used + 1))?, used),
        true => {
            let question = Question {
                adapter_hash: &arm_hash(b, runtime),
                reference_hash: &arm_hash(a, runtime),
                held_out: &HeldOutSet::new(&chosen)?,
            };
            let decision = ledger.decide(question, |spending| judging.decide(spending))?.decision;
            let used = decision.spending.k.saturating_sub(1);
            (decision, used)
        }
    };
    Ok(Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        decision,
        used,
        sentinels_passed: sentinels.passed(),
    })
}

/// Identifies what an arm answers with: the adapter's values, or the base model's file.
pub fn arm_hash(arm: &Arm, runtime: &Runtime) -> String {
    match &arm.lora {
        Some(lora) => lora.sha256(),
        None => runtime.model().identity().sha256.clone(),
    }
}

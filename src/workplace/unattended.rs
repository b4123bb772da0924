//! One unattended turn: train on the corrections, let the gate decide, and give what it accepts a small part
//! of the tasks. Never straight to everyone. When a turn is due is the caller's business.

use super::own_work::{FEWEST_CORRECTIONS, judge_own_work, own_work};
use super::{
    ArmsRequest, Comparison, Material, Result, Seen, SetChoice, SplitChoice, TrainRequest, Trained,
    Workplace, compare_arms, prepare, run,
};
use crate::adapters::{Change, Grounds};
use crate::eval::Verdict;
use crate::runtime::Runtime;
use crate::tasks::Arm;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a turn came to.
#[derive(Debug, Clone)]
pub struct Turn {
    pub trained: Trained,
    /// None when training was stopped.
    pub comparison: Option<Comparison>,
    /// The person's own corrections judged, not the built-in set: there were enough of them.
    pub by_own_work: bool,
    /// The canary, if the gate allowed one.
    pub canary: Option<Change>,
}

/// Trains on the corrections with the configured settings, judges the result against base, and makes it a
/// canary when it is accepted, or when too few corrections are held back to accept anything yet but what
/// there is points the right way and every guard holds.
///
/// # Errors
/// Too few corrections, or any step that fails.
pub fn turn(
    workplace: &Workplace,
    runtime: &Runtime,
    mut started: impl FnMut(Arc<AtomicBool>),
    seen: Seen,
) -> Result<Turn> {
    let config = &workplace.config;
    let request = TrainRequest::configured(config, Material::Failed);
    let prepared = prepare(workplace, runtime, request)?;
    let trained = run(workplace, runtime, prepared, &mut started, seen)?;
    let by_own_work = own_work(workplace)?.corrections() >= FEWEST_CORRECTIONS;
    let Some(adapter) = trained.adapter.clone() else {
        return Ok(Turn { trained, comparison: None, by_own_work, canary: None });
    };
    let lora = workplace.registry().load(&adapter, runtime.model())?.lora;
    let (base, candidate) = (Arm::base(), Arm::chosen(&adapter, Some(Arc::new(lora))));
    let comparison = match by_own_work {
        true => judge_own_work(workplace, runtime, &base, &candidate, seen)?,
        false => {
            let examples = workplace.set(&SetChoice::BuiltIn)?;
            let request = ArmsRequest {
                examples: &examples,
                split: SplitChoice::HeldOut,
                no_split: false,
                seed: 0,
            };
            compare_arms(workplace, runtime, request, &base, &candidate, seen)?
        }
    };
    let canary = match deserves_trial(&comparison) {
        true => {
            let grounds = Grounds::automatic(
                format!("the gate, unattended: {}", comparison.decision.reason),
                comparison.document(),
            );
            let history = workplace.registry().history();
            Some(history.canary(&adapter, config.routing.canary, grounds)?)
        }
        false => None,
    };
    Ok(Turn { trained, comparison: Some(comparison), by_own_work, canary })
}

/// Accepted, or not to be told yet while nothing speaks against it.
fn deserves_trial(comparison: &Comparison) -> bool {
    let decision = &comparison.decision;
    let guards_hold = decision.guards.iter().all(|guard| guard.passed != Some(false));
    match decision.verdict {
        Verdict::Accepted => true,
        Verdict::CannotTell => decision.change < 0.0 && guards_hold,
        Verdict::Rejected => false,
    }
}

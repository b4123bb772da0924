//! The closing figure: the *final* split, which nothing before has looked at, by the last adapter that was
//! accepted and by what it was held against. Opened once a round, and kept.

use super::analysis::{ArmScores, Ground, arm_result};
use super::plan::{ArmPlan, Data};
use super::record::{ArmArea, SeedResult};
use crate::eval::{Example, FieldMap, ItemScore, Place, set};
use crate::improve::{Ending, RoundRecord, stored_rounds};
use crate::runtime::Runtime;
use crate::store::Documents;
use crate::workplace::{ArmChoice, Event, Result, Seen, Workplace, scored};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const CLOSING: &str = "final.json";

/// What the final split says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosingFigure {
    pub round: String,
    pub adapter: String,
    pub reference: String,
    /// RFC 3339: when the split was opened.
    pub opened: String,
    pub areas: Vec<ArmArea>,
}

/// The closing figure of the last accepted round; none where no round was accepted.
///
/// # Errors
/// When the round's adapter or set is gone, or an item does not fit the model.
pub fn closing_figure(
    workplace: &Workplace,
    runtime: impl FnOnce() -> Result<Runtime>,
    seen: Seen,
) -> Result<Option<ClosingFigure>> {
    let accepted = stored_rounds(workplace).into_iter().find(|round| {
        round.result.as_ref().is_some_and(|result| result.decision == Ending::Accepted)
    });
    let Some(round) = accepted else { return Ok(None) };
    let folder = Documents::at(workplace.home.experiments().join(&round.name))?;
    if let Some(figure) = folder.read(CLOSING)? {
        return Ok(Some(figure));
    }
    let RoundRecord { settings, reference, .. } = round.record;
    let Some(result) = round.result else { return Ok(None) };
    let adapter = result.adapter.clone().unwrap_or_default();
    let examples = set::read(&folder.path().join("set.jsonl"), &FieldMap::default())?;
    let assignment = workplace.ledger().assign(&examples)?;
    let items: Vec<Example> =
        assignment.select(&examples, Place::Final).into_iter().cloned().collect();
    if items.is_empty() {
        seen(Event::Note("the set has no final items: there is no closing figure".into()));
        return Ok(None);
    }
    let runtime = runtime()?;
    let mut scores = |name: &str| -> Result<Vec<ItemScore>> {
        let arm = workplace.arm(&ArmChoice::parse(name), &runtime, seen)?;
        scored(&runtime, &items, &arm, false, seen)
    };
    let (before, after) = (scores(&reference)?, scores(&adapter)?);
    let ground = Ground { base: &before, groups: &assignment.groups, targeted: &result.weak.areas };
    let plan = ArmPlan {
        name: adapter.clone(),
        what: String::new(),
        dose: None,
        data: Data::Targeted,
        settings,
        continues: false,
    };
    let seed = SeedResult {
        seed: 0,
        examples: 0,
        tokens: 0,
        steps: 0,
        candidates: BTreeMap::new(),
        losses: Vec::new(),
        change: 0.0,
        accuracy: None,
        seconds: 0.0,
    };
    let areas = arm_result(&ground, &ArmScores { plan: &plan, seeds: vec![(seed, after)] }).areas;
    let figure =
        ClosingFigure { round: round.name, adapter, reference, opened: super::run::now(), areas };
    folder.write(CLOSING, &figure)?;
    Ok(Some(figure))
}

//! The closing figure: the *final* split, which nothing before has looked at, by the last adapter that was
//! accepted and by what it was held against. Opened once a round, and kept.

use super::analysis::{Ground, areas};
use super::record::ArmArea;
use crate::eval::{Example, FieldMap, ItemScore, Place, set};
use crate::improve::{Ending, stored_rounds};
use crate::runtime::Runtime;
use crate::store::{Documents, clock};
use crate::workplace::{ArmChoice, Event, Result, Seen, Workplace, prompts_of_adapter, scored};
use serde::{Deserialize, Serialize};

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

/// The closing figure of the last accepted round; none where no round was accepted, where the set has no
/// final items, or where another base model is loaded.
///
/// # Errors
/// When the round's adapter or set is gone, or an item does not fit the model.
pub fn closing_figure(
    workplace: &Workplace,
    runtime: impl FnOnce() -> Result<Runtime>,
    seen: Seen,
) -> Result<Option<ClosingFigure>> {
    let accepted = stored_rounds(workplace).into_iter().find_map(|round| {
        let result = round.result.filter(|result| result.decision == Ending::Accepted)?;
        Some((round.name, round.record, result))
    });
    let Some((round, record, result)) = accepted else { return Ok(None) };
    let folder = Documents::open(workplace.home.experiments().join(&round));
    if let Some(figure) = folder.read(CLOSING)? {
        return Ok(Some(figure));
    }
    let adapter = result.adapter.clone().unwrap_or_default();
    let examples = set::read(&folder.path().join("set.jsonl"), &FieldMap::default())?;
    let assignment = workplace.ledger().assign(&examples)?;
    let mut items: Vec<Example> =
        assignment.select(&examples, Place::Final).into_iter().cloned().collect();
    for name in [&record.reference, &adapter] {
        let learned = prompts_of_adapter(workplace, name)?;
        items.retain(|item| !learned.contains(&item.prompt_sha256()));
    }
    if items.is_empty() {
        seen(Event::Note("the set has no final items: there is no closing figure".into()));
        return Ok(None);
    }
    let runtime = runtime()?;
    if runtime.model().identity().sha256 != record.base_sha256 {
        seen(Event::Note(format!(
            "no closing figure: {round} was done on {}; choose that with --model",
            record.base
        )));
        return Ok(None);
    }
    let mut scores = |name: &str| -> Result<Vec<ItemScore>> {
        let arm = workplace.arm(&ArmChoice::parse(name), &runtime, seen)?;
        scored(&runtime, &items, &arm, false, seen)
    };
    let (before, after) = (scores(&record.reference)?, scores(&adapter)?);
    let ground = Ground { base: &before, groups: &assignment.groups, targeted: &result.weak.areas };
    let figure = ClosingFigure {
        areas: areas(&ground, &[&after]),
        round,
        adapter,
        reference: record.reference,
        opened: clock::now(),
    };
    folder.write(CLOSING, &figure)?;
    Ok(Some(figure))
}

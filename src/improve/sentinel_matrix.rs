//! What every adapter that a round made cost elsewhere: adapter by sentinel area, and behind each cell the
//! answers before and after.

use super::record::{Baseline, Measured, RoundResult, files};
use super::series::stored_rounds;
use crate::eval::AreaOutcome;
use crate::store::Documents;
use crate::workplace::{Result, Workplace, sentinel_set};

/// Adapter by sentinel area.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SentinelMatrix {
    /// The columns, in order of name.
    pub areas: Vec<String>,
    /// Oldest adapter first.
    pub rows: Vec<SentinelRow>,
}

/// One adapter's row.
#[derive(Debug, Clone, PartialEq)]
pub struct SentinelRow {
    /// The round that made it.
    pub round: String,
    pub adapter: String,
    /// In the order of the areas; none where an area was not measured.
    pub cells: Vec<Option<AreaOutcome>>,
}

/// One sentinel answered by the reference and by the adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentinelPair {
    pub id: String,
    pub prompt: String,
    /// The answer that counts as right.
    pub answer: String,
    pub before: String,
    pub before_right: bool,
    pub after: String,
    pub after_right: bool,
}

/// The matrix over all rounds of a home.
pub fn sentinel_matrix(workplace: &Workplace) -> SentinelMatrix {
    let results: Vec<RoundResult> =
        stored_rounds(workplace).into_iter().rev().filter_map(|round| round.result).collect();
    let mut areas: Vec<String> = results
        .iter()
        .flat_map(|result| result.sentinels.iter().map(|outcome| outcome.area.clone()))
        .collect();
    areas.sort();
    areas.dedup();
    let row = |result: &RoundResult| {
        let cell = |area: &String| result.sentinels.iter().find(|o| o.area == *area).cloned();
        Some(SentinelRow {
            round: result.round.clone(),
            adapter: result.adapter.clone()?,
            cells: areas.iter().map(cell).collect(),
        })
    };
    let rows = results.iter().filter(|result| !result.sentinels.is_empty()).filter_map(row);
    SentinelMatrix { rows: rows.collect(), areas: areas.clone() }
}

/// The sentinels of an area as a round's reference and adapter answered them, those whose fate changed
/// first.
///
/// # Errors
/// A round whose documents cannot be read.
pub fn sentinel_pairs(workplace: &Workplace, round: &str, area: &str) -> Result<Vec<SentinelPair>> {
    let folder = Documents::open(workplace.home.experiments().join(round));
    let before = folder.read::<Baseline>(files::BASELINE)?;
    let after = folder.read::<Measured>(files::MEASURED)?;
    let (Some(before), Some(after)) = (
        before.and_then(|baseline| baseline.held_out.sentinel_answers),
        after.and_then(|measured| measured.held_out.sentinel_answers),
    ) else {
        return Ok(Vec::new());
    };
    let items = sentinel_set()?;
    let mut pairs: Vec<SentinelPair> = before
        .into_iter()
        .filter_map(|before| {
            let item = items.iter().find(|item| item.id == before.id && item.area == area)?;
            let after = after.iter().find(|after| after.id == before.id)?;
            Some(SentinelPair {
                id: before.id,
                prompt: item.prompt(),
                answer: item.answer.clone(),
                before: before.text,
                before_right: before.right,
                after: after.text.clone(),
                after_right: after.right,
            })
        })
        .collect();
    pairs.sort_by_key(|pair| (pair.before_right == pair.after_right, !pair.before_right));
    Ok(pairs)
}

//! What an experiment leaves for people in its own folder and in the log, once it is through.

use super::tables::ItemRow;
use super::{Result, append_entry, experiment_section, write_charts, write_tables};
use crate::experiments::{ExperimentRecord, raw_items};
use crate::store::atomic;
use crate::workplace::Workplace;
use std::path::PathBuf;

/// Charts, tables and a Markdown page into the experiment's folder, and an entry in `experiments/log.md`.
/// Returns the files.
///
/// # Errors
/// A folder that cannot be read or written.
pub fn keep_experiment(workplace: &Workplace, record: &ExperimentRecord) -> Result<Vec<PathBuf>> {
    let experiments = workplace.home.experiments();
    let folder = experiments.join(&record.experiment);
    let rows: Vec<ItemRow> = raw_items(workplace, record)?
        .into_iter()
        .map(|raw| ItemRow {
            arm: raw.arm,
            seed: Some(raw.seed),
            id: raw.before.id,
            area: raw.before.area,
            group: raw.group,
            tokens: raw.before.tokens,
            nll_before: raw.before.nll,
            nll_after: raw.after.nll,
            first_before: raw.before.first,
            first_after: raw.after.first,
            rest_before: raw.before.rest,
            rest_after: raw.after.rest,
            end_of_turn_before: raw.before.end_of_turn,
            end_of_turn_after: raw.after.end_of_turn,
            correct_before: raw.before.correct,
            correct_after: raw.after.correct,
        })
        .collect();
    let mut files = write_tables(record, &rows, &folder)?;
    files.extend(write_charts(record, &folder)?);
    let page = folder.join("experiment.md");
    atomic::write(&page, experiment_section(record, false).as_bytes())?;
    files.push(page);
    let log = experiments.join("log.md");
    append_entry(&log, record)?;
    files.push(log);
    Ok(files)
}

//! The figures of an experiment as CSV, for whoever wants to compute with them: full precision, text as it
//! is in the record. A field is empty where there is no figure; names with commas, quotes or line breaks
//! are quoted as RFC 4180 says.

use super::error::{Error, Result, make_folder};
use crate::experiments::{ArmResult, ExperimentRecord};
use crate::store::atomic;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One held-out item under one arm and seed, before and after: what all other figures are computed from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRow {
    pub arm: String,
    /// None for an arm without training.
    pub seed: Option<u64>,
    pub id: String,
    pub area: String,
    /// Near-duplicates carry the same name.
    pub group: String,
    pub tokens: usize,
    pub nll_before: f64,
    pub nll_after: f64,
    pub first_before: f64,
    pub first_after: f64,
    pub rest_before: Option<f64>,
    pub rest_after: Option<f64>,
    pub end_of_turn_before: f64,
    pub end_of_turn_after: f64,
    pub correct_before: Option<bool>,
    pub correct_after: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SeedRow<'a> {
    arm: &'a str,
    seed: u64,
    examples: usize,
    tokens: usize,
    steps: usize,
    change: f64,
    accuracy: Option<f64>,
    seconds: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ArmRow<'a> {
    arm: &'a str,
    what: &'a str,
    dose: Option<f64>,
    seeds: usize,
    before: f64,
    after: f64,
    change: f64,
    change_low: Option<f64>,
    change_high: Option<f64>,
    first_before: f64,
    first_after: f64,
    rest_before: Option<f64>,
    rest_after: Option<f64>,
    end_of_turn_before: f64,
    end_of_turn_after: f64,
    checked: usize,
    accuracy_before: Option<f64>,
    accuracy_after: Option<f64>,
    accuracy_change_low: Option<f64>,
    accuracy_change_high: Option<f64>,
    effect_per_100_examples: Option<f64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct AreaRow<'a> {
    arm: &'a str,
    area: &'a str,
    targeted: bool,
    n: usize,
    before: f64,
    after: f64,
    change: f64,
    change_low: Option<f64>,
    change_high: Option<f64>,
}

impl<'a> ArmRow<'a> {
    fn of(arm: &'a ArmResult) -> Self {
        Self {
            arm: &arm.name,
            what: &arm.what,
            dose: arm.dose,
            seeds: arm.seeds.len(),
            before: arm.before,
            after: arm.after,
            change: arm.change,
            change_low: arm.ci95.map(|ends| ends[0]),
            change_high: arm.ci95.map(|ends| ends[1]),
            first_before: arm.parts_before.first,
            first_after: arm.parts_after.first,
            rest_before: arm.parts_before.rest,
            rest_after: arm.parts_after.rest,
            end_of_turn_before: arm.parts_before.end_of_turn,
            end_of_turn_after: arm.parts_after.end_of_turn,
            checked: arm.checked,
            accuracy_before: arm.accuracy_before,
            accuracy_after: arm.accuracy_after,
            accuracy_change_low: arm.accuracy_ci95.map(|ends| ends[0]),
            accuracy_change_high: arm.accuracy_ci95.map(|ends| ends[1]),
            effect_per_100_examples: arm.effect_per_100_examples,
        }
    }
}

/// Writes `seeds.csv`, `arms.csv`, `areas.csv` and `items.csv` into `folder` (made when missing).
/// `items.csv` is left as it is where there are no rows: a record alone does not hold them.
///
/// # Errors
/// A file cannot be written.
pub fn write_tables(
    record: &ExperimentRecord,
    rows: &[ItemRow],
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    make_folder(folder)?;
    let seeds = record.arms.iter().flat_map(|arm| {
        arm.seeds.iter().map(|seed| SeedRow {
            arm: &arm.name,
            seed: seed.seed,
            examples: seed.examples,
            tokens: seed.tokens,
            steps: seed.steps,
            change: seed.change,
            accuracy: seed.accuracy,
            seconds: seed.seconds,
        })
    });
    let areas = record.arms.iter().flat_map(|arm| {
        arm.areas.iter().map(|area| AreaRow {
            arm: &arm.name,
            area: &area.area,
            targeted: record.setup.targeted.contains(&area.area),
            n: area.n,
            before: area.before,
            after: area.after,
            change: area.change,
            change_low: area.ci95.map(|ends| ends[0]),
            change_high: area.ci95.map(|ends| ends[1]),
        })
    });
    let mut written = vec![
        write("seeds.csv", seeds, folder)?,
        write("arms.csv", record.arms.iter().map(ArmRow::of), folder)?,
        write("areas.csv", areas, folder)?,
    ];
    if !rows.is_empty() {
        written.push(write("items.csv", rows.iter(), folder)?);
    }
    Ok(written)
}

fn write<R: Serialize>(
    table: &'static str,
    rows: impl Iterator<Item = R>,
    folder: &Path,
) -> Result<PathBuf> {
    let failed = |source| Error::Table { table, source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    let path = folder.join(table);
    atomic::write(&path, &bytes)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::report::example::record;

    fn item(id: &str) -> ItemRow {
        ItemRow {
            arm: "targeted, \"best\"".into(),
            seed: Some(u64::MAX),
            id: id.into(),
            area: "two\nlines".into(),
            group: "ünï 好".into(),
            tokens: 7,
            nll_before: 0.1 + 0.2,
            nll_after: 1e-17,
            first_before: 1.0 / 3.0,
            first_after: -0.0,
            rest_before: None,
            rest_after: Some(f64::MIN_POSITIVE),
            end_of_turn_before: 12345678.9,
            end_of_turn_after: f64::INFINITY,
            correct_before: None,
            correct_after: Some(true),
        }
    }

    // If this fails, whoever computes from the tables gets other figures than were measured, or columns
    // that are shifted by a comma in a name.
    #[test]
    fn every_item_comes_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let rows = [item("a,b"), item("\"quoted\"\r\nid"), item("")];
        let paths = write_tables(&record(), &rows, folder.path()).unwrap();
        assert_eq!(paths.len(), 4);
        let read: Vec<ItemRow> = csv::Reader::from_path(&paths[3])
            .unwrap()
            .deserialize()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(read, rows);
    }

    #[test]
    fn each_table_has_a_row_for_each_of_its_things() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record();
        record.arms[0].change = f64::NAN;
        record.arms[0].name = "one,\n\"two\"".into();
        let paths = write_tables(&record, &[], folder.path()).unwrap();
        let rows = |path: &Path| -> Vec<csv::StringRecord> {
            csv::Reader::from_path(path).unwrap().records().collect::<Result<_, _>>().unwrap()
        };
        let [seeds, arms, areas] = paths.as_slice() else { panic!("items.csv of no rows") };
        assert_eq!((rows(seeds).len(), rows(arms).len(), rows(areas).len()), (18, 6, 24));
        assert_eq!(&rows(arms)[0][0], "one,\n\"two\"");
        assert_eq!(&rows(arms)[0][6], "NaN");
        // Missing is empty, never a zero.
        assert_eq!((&rows(arms)[5][7], &rows(arms)[5][2]), ("", ""));
        let header = csv::Reader::from_path(seeds).unwrap().headers().unwrap().clone();
        assert_eq!(
            header.iter().collect::<Vec<_>>(),
            ["arm", "seed", "examples", "tokens", "steps", "change", "accuracy", "seconds"]
        );
    }

    // If this fails, making a report again from the record wipes the figures of every item.
    #[test]
    fn items_that_are_there_stay_when_none_are_given() {
        let folder = tempfile::tempdir().unwrap();
        write_tables(&record(), &[item("a")], folder.path()).unwrap();
        write_tables(&record(), &[], folder.path()).unwrap();
        assert!(folder.path().join("items.csv").exists());
    }
}

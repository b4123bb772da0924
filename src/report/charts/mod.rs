//! Charts of an experiment, each drawn once by a function that does not know what it draws on, and kept as
//! SVG and as PNG. Owns what is shown and how it looks; every figure comes from the record.
//!
//! A figure that is no number is left out, an interval that is none has no whisker, a name that is too
//! long is cut: what one arm lacks must not cost the chart of the others.

mod area_bars;
mod before_after;
mod canvas;
mod change;
mod dose_response;
mod legend;
mod losses;
mod run_losses;
mod sharp;
mod style;
#[cfg(test)]
mod tests;

use super::error::{Error, Result, make_folder};
use super::taken_out::Format;
use crate::experiments::ExperimentRecord;
use std::path::{Path, PathBuf};

pub use area_bars::AreaBars;
pub use canvas::{Chart, drawn};
pub use change::{ChangeRow, Changes};
pub use run_losses::{Line, RunLosses};

use before_after::BeforeAfter;
use change::Change;
use dose_response::DoseResponse;
use losses::Losses;

/// A chart's file, without its ending, and what it shows in a few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartName {
    pub stem: &'static str,
    pub shows: &'static str,
}

/// The charts that a record has something to show for, in the order in which they are read.
struct Applicable {
    before_after: Option<BeforeAfter>,
    change: Option<Change>,
    losses: Option<Losses>,
    dose_response: Option<DoseResponse>,
}

impl Applicable {
    fn of(record: &ExperimentRecord) -> Self {
        Self {
            before_after: BeforeAfter::of(record),
            change: Change::of(record),
            losses: Losses::of(record),
            dose_response: DoseResponse::of(record),
        }
    }
}

/// The charts that [`write_charts`] writes of `record`.
pub fn chart_names(record: &ExperimentRecord) -> Vec<ChartName> {
    let charts = Applicable::of(record);
    let name = |applies: bool, stem, shows| applies.then_some(ChartName { stem, shows });
    [
        name(charts.before_after.is_some(), before_after::STEM, "perplexity before and after"),
        name(charts.change.is_some(), change::STEM, "change of perplexity with its interval"),
        name(charts.losses.is_some(), losses::STEM, "training loss by step"),
        name(charts.dose_response.is_some(), dose_response::STEM, "change of perplexity by dose"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The charts that apply to `record`, by their names, as files of this kind.
///
/// # Errors
/// There is no arm to show, or a chart cannot be drawn.
pub fn charts_of(
    record: &ExperimentRecord,
    format: Format,
) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let charts = Applicable::of(record);
    let failed =
        |stem: &'static str| move |reason: String| Error::Draw { chart: stem.to_owned(), reason };
    let mut all = Vec::new();
    if let Some(chart) = &charts.before_after {
        let stem = before_after::STEM;
        all.push((stem, drawn(chart, format).map_err(failed(stem))?));
    }
    if let Some(chart) = &charts.change {
        all.push((change::STEM, drawn(chart, format).map_err(failed(change::STEM))?));
    }
    if let Some(chart) = &charts.losses {
        all.push((losses::STEM, drawn(chart, format).map_err(failed(losses::STEM))?));
    }
    if let Some(chart) = &charts.dose_response {
        let stem = dose_response::STEM;
        all.push((stem, drawn(chart, format).map_err(failed(stem))?));
    }
    match all.is_empty() {
        true => Err(Error::NoArms { experiment: record.experiment.clone() }),
        false => Ok(all),
    }
}

/// Writes the charts that apply to `record` into `folder` (made when missing), each as SVG and PNG.
///
/// # Errors
/// There is no arm to show, or a file cannot be written.
pub fn write_charts(record: &ExperimentRecord, folder: &Path) -> Result<Vec<PathBuf>> {
    if record.arms.is_empty() {
        return Err(Error::NoArms { experiment: record.experiment.clone() });
    }
    make_folder(folder)?;
    let charts = Applicable::of(record);
    let mut written = Vec::new();
    if let Some(chart) = &charts.before_after {
        written.extend(canvas::write(chart, before_after::STEM, folder)?);
    }
    if let Some(chart) = &charts.change {
        written.extend(canvas::write(chart, change::STEM, folder)?);
    }
    if let Some(chart) = &charts.losses {
        written.extend(canvas::write(chart, losses::STEM, folder)?);
    }
    if let Some(chart) = &charts.dose_response {
        written.extend(canvas::write(chart, dose_response::STEM, folder)?);
    }
    Ok(written)
}

//! Charts of an experiment, each drawn once by a function that does not know what it draws on, and kept as
//! SVG and as PNG. Owns what is shown and how it looks; every figure comes from the record.
//!
//! A figure that is no number is left out, an interval that is none has no whisker, a name that is too
//! long is cut: what one arm lacks must not cost the chart of the others.

mod before_after;
mod canvas;
mod change;
mod dose_response;
mod legend;
mod losses;
mod sharp;
mod style;
#[cfg(test)]
mod tests;

use super::error::{Error, Result, make_folder};
use crate::experiments::ExperimentRecord;
use std::path::{Path, PathBuf};

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

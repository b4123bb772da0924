//! What was found, for people: charts, tables, the experiment log, a Markdown report. Owns how findings are
//! said and drawn; reads records and computes no result of its own.

mod charts;
mod document;
mod error;
mod escape;
#[cfg(test)]
mod example;
mod figures;
mod keep;
mod learnings;
mod log;
mod markdown;
mod tables;

pub use charts::{ChartName, chart_names, write_charts};
pub use document::{Closing, ReportParts, RoundLine, write_report};
pub use error::{Error, Result};
pub use keep::keep_experiment;
pub use learnings::{decision, learnings, next_step};
pub use log::append_entry;
pub use markdown::experiment_section;
pub use tables::{ItemRow, write_tables};

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
mod taken_out;

pub use charts::{
    AreaBars, ChangeRow, Changes, ChartName, Line, RunLosses, chart_names, write_charts,
};
pub use document::{Closing, ReportParts, RoundLine, write_report};
pub use error::{Error, Result};
pub use keep::keep_experiment;
pub use learnings::{decision, learnings, next_step};
pub use log::append_entry;
pub use markdown::experiment_section;
pub use tables::{ItemRow, write_tables};
pub use taken_out::{Figure, Format, Table, TakenOut, Written, endings, write_taken_out};

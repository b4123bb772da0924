//! Checked tasks: a file of tasks, each with the commands that set its folder up and a check that looks
//! at the folder afterwards. Owns the file's format and the run of one task; knows nothing of how
//! many are run or how results are told.

mod file;
mod run;

pub use file::{CheckedTask, read, shipped};
pub use run::{CheckedMeans, CheckedResult, demonstrate, run};

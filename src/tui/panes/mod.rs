//! The numbered screens, one folder or file each: state, what keys do to it, and how it looks.

mod compare;
mod experiments;
mod outcome;
mod sessions;
mod step_lines;
mod tasks;
mod training;
mod weak;

pub use compare::ComparePane;
pub use experiments::ExperimentsPane;
#[cfg(test)]
pub use experiments::tests::samples as experiment_samples;
pub use sessions::SessionsPane;
pub use tasks::TasksPane;
pub use training::TrainingPane;
pub use weak::WeakPane;

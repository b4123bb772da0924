//! What can be done in Kaizen, for the command line and the dashboard alike: a home, its model and
//! the pieces of work on them. Owns the order of steps; knows nothing of screens or arguments.

mod built_in;
mod compare;
mod compare_arms;
mod desk;
mod effect;
mod error;
mod evaluate;
mod event;
mod machine;
mod report;
mod train;
mod watched;
mod workplace;

pub use built_in::{evaluation_set, sentinel_set};
pub use compare::{CompareRequest, Comparison, Sentinels, compare};
pub use compare_arms::{ArmsRequest, compare_arms};
pub use desk::{Desk, Tell};
pub use effect::{AskTask, Effect, SetChoice, TrainingMaterial, WorkId};
pub use error::{Error, Result};
pub use evaluate::{EvaluateRequest, Evaluation, ExampleScore, SplitChoice, evaluate, find_weak};
pub use event::{Event, Seen};
pub use machine::{free_memory_mib, memory_mib, peak_memory_mib};
pub use report::{
    Answered, ArmRating, FailedCompared, FailedTask, MeasuredItem, ModelFacts, ModelReport,
    PreviewSample, Report, RunSummary, Sessions, TrainingPreview, TrainingStarted, WeakFound,
    WorkEvent,
};
pub use train::{Material, Prepared, TrainRequest, Trained, prepare, prepare_resume, run};
pub use workplace::{ArmChoice, Workplace};

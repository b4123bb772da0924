//! What the dashboard asks for, as data, and the desk that does it: each effect on a thread where it
//! belongs, what happens as reports. Knows nothing of screens or arguments.

mod desk;
mod effect;
mod report;

pub use crate::workplace::replay::{Choice as PairChoice, Judgement};
pub use desk::{Desk, Tell};
pub use desk::{refusal, shown_step};
pub use effect::{
    ActDecision, ActTask, AskTask, Effect, ExperimentOrder, ImproveOrder, TrainingMaterial, WorkId,
};
pub use report::{
    ActShown, Acted, Answered, ArmRating, FailedCompared, FailedTask, JudgedPair, MeasuredItem,
    ModelFacts, ModelReport, PreviewSample, ReplayState, Report, RunSummary, ServiceState,
    Sessions, ShownPair, ShownProposal, ShownStep, StoredExperiments, TokenAlternatives,
    TrainingPreview, TrainingStarted, WeakFound, WorkEvent,
};

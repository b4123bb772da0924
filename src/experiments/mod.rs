//! Experiments: does training on examples made from the model's failures help more than the same training
//! on others? Owns hypotheses, arms, what they share, and the comparison of their results over seeds
//! and items; rounds are `improve/`'s, the definition of better is `eval/`'s, charts are `report/`'s.

mod analysis;
mod arm;
mod chat;
mod closing;
mod plan;
mod record;
mod run;

pub use closing::{ClosingFigure, closing_figure};
pub use plan::{ArmPlan, Data, Experiment, Plan};
pub use record::{ArmArea, ArmResult, Claim, Contrast, ExperimentRecord, Parts, SeedResult, Setup};
pub use run::{
    ExperimentEvent, ExperimentRequest, ExperimentSeen, RawItem, Unfinished, raw_items,
    resume_experiment, run_experiment, stored_experiments, unfinished_experiments,
};

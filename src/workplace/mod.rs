//! A home, its model, and the single pieces of work on them: measuring a set, comparing two arms, training
//! an adapter. Owns the order of steps inside one piece; knows nothing of rounds, experiments, screens
//! or arguments.

mod acting;
mod arms;
mod background;
mod built_in;
mod compare;
mod compare_arms;
mod error;
mod evaluate;
mod event;
mod home;
mod machine;
mod measurements;
mod models;
pub mod own_work;
pub mod progress;
pub mod replay;
pub mod service;
mod train;
pub mod unattended;
mod watched;

pub use acting::{Acting, is_throw_away};
pub use background::{Background, Begun, leave_terminal, start as start_in_background};
pub use built_in::{evaluation_set, sentinel_set};
pub use compare::{CompareRequest, Comparison, arm_hash, compare};
pub use compare_arms::{
    ArmsRequest, compare_arms, keep_evaluation, prompts_of_adapter, trained_prompts,
};
pub use error::{Error, Result};
pub use evaluate::{
    EvaluateRequest, Evaluation, ExampleScore, FindScores, SplitChoice, evaluate, find_weak, part,
    score_find,
};
pub use event::{Event, Seen, measuring};
pub use home::{ArmChoice, SetChoice, Workplace};
pub use machine::{free_memory_mib, load, memory_mib, memory_mib_of, on_battery, peak_memory_mib};
pub use measurements::{Judging, Measurements, SentinelItems, Sentinels, scored};
pub use models::{
    ChosenDefault, FetchedModel, Fits, ListedModel, MemoryFit, ModelList, Suggestion,
};
pub use train::{
    Learned, Material, Prepared, TrainRequest, Trained, learn, prepare, prepare_resume, run,
};
pub use watched::watched_candidates;

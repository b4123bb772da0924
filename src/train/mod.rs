//! Training a LoRA adapter: what is learned from, in which order, how fast, and how it survives a
//! stop. Owns runs and their files; knows nothing of ratings, or of which adapter is in service.

mod adamw;
mod checkpoint;
mod dataset;
mod error;
mod measured_step;
mod plan;
mod run_folder;
mod schedule;
mod settings;
mod trainer;
mod watch;

pub use adamw::AdamW;
pub use checkpoint::Checkpoint;
pub use dataset::{Dataset, LeftOut, Sample};
pub use error::{Error, Result};
pub use measured_step::{MeasuredStep, StepShape, meaningless_tokens};
pub use plan::{MemoryEstimate, Plan, Weights, memory_of_answering};
pub use run_folder::{RunFolder, RunRecord, StepMetrics};
pub use schedule::Schedule;
pub use settings::TrainSettings;
pub use trainer::{TrainEvent, TrainOutcome, Trainer};
pub use watch::looks;

//! One round of improvement: weak areas, examples made for them, training, and the gate's decision. Owns
//! how examples are made and which are good enough; knows nothing of the many rounds of an
//! experiment, or of who asks.

mod advice;
mod candidate;
mod control;
mod critique;
mod few_shot;
mod filter;
mod generate;
mod kept_batches;
mod lesson;
mod make;
mod phrase;
mod plausible;
mod pool;
mod record;
mod round;
mod sentinel_matrix;
mod series;
mod settings;
mod weak_areas;
mod workbench;

pub use candidate::{Candidate, Rule};
pub use filter::{Filtered, Judged, Strictness};
pub use generate::{BATCH, Batches, Generator, MakingEvent, Origin, Source, Sources};
pub use kept_batches::KeptBatches;
pub use lesson::{
    LessonRecord, Matched, Start, learn_into, lessons, matched, steps_per_epoch, trained_tokens,
    with_steps,
};
pub use make::{Made, Making, make_examples, read_pool};
pub use record::{
    Control, ControlResult, Ending, ExampleCounts, HeldOut, Phase, RoundEvent, RoundRecord,
    RoundResult, RoundSeen, Showing,
};
pub use sentinel_matrix::{
    SentinelMatrix, SentinelPair, SentinelRow, sentinel_matrix, sentinel_pairs,
};
pub use series::{ImproveRequest, StoredRound, improve, kept_set, resume, stored_rounds};
pub use settings::{GeneratorKind, Settings, Weighting};
pub use weak_areas::{FEWEST_ITEMS, FEWEST_WEAK, WeakAreas, weak_areas};
pub use workbench::Workbench;

//! How good a model is, and whether an adapter is better: the one definition that comparing,
//! improving, training and promotion share.
//!
//! This room owns the sets and how they are divided, the checks, the scores' arithmetic, the
//! statistics, the gate, and the ledger of what was decided on which held-out items. It must not
//! know how a model is trained, where adapters are kept, or who asks.

mod check;
mod decision;
mod diversity;
mod error;
mod example;
mod field_map;
mod gate;
mod guard;
mod ledger;
pub mod measure;
mod near;
mod number;
mod outcome;
pub mod promotion;
pub mod sentinels;
pub mod set;
mod split;
pub mod statistics;
mod weak;

pub use check::{Check, inferred};
pub use decision::{AccuracyOutcome, AreaOutcome, Decision, Verdict};
pub use diversity::{distinct_2, diversity_change};
pub use error::{Error, Result};
pub use example::{Example, Provenance};
pub use field_map::{Field, FieldMap};
pub use gate::{FEWEST_GROUPS, GateInput, RELEVANT_FALL, decide};
pub use guard::{
    ACCURACY_LIMIT, DIVERSITY_LIMIT, FEWEST_PASSED_SENTINELS, Guard, PERPLEXITY_LIMIT, Samples,
    SentinelAnswer, Watched,
};
pub use ledger::{HeldOutSet, Ledger, Question, Recorded};
pub use near::{Neighbourhood, same_text, words};
pub use outcome::{AreaScore, ItemScore, Pair, Summary, pair, summarise};
pub use split::{Assignment, LeftOut, Place, assign, groups};
pub use weak::{WeakExample, Weakness, weakness};

//! The sets that come with Kaizen.

use super::Result;
use crate::eval::{Example, FieldMap, set};

/// The built-in evaluation set: shell, maths, code, facts, reasoning, writing.
///
/// # Errors
/// Never for an unchanged build: a test reads it.
pub fn evaluation_set() -> Result<Vec<Example>> {
    let text = include_bytes!("../../assets/eval/evaluation.jsonl");
    Ok(set::read_from(text.as_slice(), "the built-in evaluation set", &FieldMap::default())?)
}

/// The built-in sentinels: abilities that no adapter may cost.
///
/// # Errors
/// Never for an unchanged build: a test reads it.
pub fn sentinel_set() -> Result<Vec<Example>> {
    let text = include_bytes!("../../assets/eval/sentinels.jsonl");
    Ok(set::read_from(text.as_slice(), "the built-in sentinels", &FieldMap::default())?)
}

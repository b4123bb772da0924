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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeMap;

    fn by_area(examples: &[Example]) -> BTreeMap<&str, (usize, usize)> {
        let mut areas = BTreeMap::new();
        for example in examples {
            let (items, checked): &mut (usize, usize) = areas.entry(&*example.area).or_default();
            *items += 1;
            *checked += usize::from(example.effective_check().is_some());
        }
        areas
    }

    /// If this fails, a person without data of their own cannot judge an adapter.
    #[test]
    fn the_built_in_sets_are_whole_and_large_enough() {
        let evaluation = evaluation_set().unwrap();
        let areas = by_area(&evaluation);
        let names: Vec<&str> = areas.keys().copied().collect();
        assert_eq!(names, ["code", "facts", "maths", "reasoning", "shell", "writing"]);
        assert!(areas.values().all(|(items, _)| *items >= 50), "{areas:?}");
        assert!(areas.values().map(|(_, checked)| checked).sum::<usize>() * 2 >= evaluation.len());

        let sentinels = sentinel_set().unwrap();
        let areas = by_area(&sentinels);
        let names: Vec<&str> = areas.keys().copied().collect();
        assert_eq!(names, ["code", "maths", "reasoning", "safety", "writing"]);
        assert!(
            areas.values().all(|(items, checked)| *items >= 40 && checked == items),
            "{areas:?}"
        );
    }

    /// A check that its own reference answer fails would call every right answer wrong; one that an
    /// empty answer passes would call every answer right.
    #[test]
    fn every_check_takes_its_reference_and_refuses_silence() {
        for example in evaluation_set().unwrap().iter().chain(&sentinel_set().unwrap()) {
            if let Some(check) = example.effective_check() {
                assert!(check.passes(&example.answer, &example.answer), "{}", example.id);
                assert!(!check.passes(&example.answer, ""), "{}", example.id);
            }
        }
    }
}

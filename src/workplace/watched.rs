//! Which held-out examples a training run watches.

use super::{Result, SetChoice, Workplace};
use crate::eval::{Example, Place, groups};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, HashSet};

/// Most examples that a run watches: enough to see a trend, few enough not to hold the training up.
const MOST: usize = 16;

/// The held-out part of the built-in set and the home's own items.
///
/// # Errors
/// When the set or its splits cannot be read or kept.
pub fn watched_candidates(workplace: &Workplace) -> Result<Vec<Example>> {
    let set = workplace.set(&SetChoice::BuiltIn)?;
    let assignment = workplace.ledger().assign(&set)?;
    Ok(assignment.select(&set, Place::HeldOut).into_iter().cloned().collect())
}

/// Up to 16 of `candidates`, by seed: of the areas that are trained, where the candidates have any of
/// them, and none that is trained on or near to what is.
pub(super) fn choose(candidates: &[Example], trained: &[Example], seed: u64) -> Vec<Example> {
    let apart = apart(candidates, trained);
    let areas: HashSet<&str> = trained.iter().map(|example| example.area.as_str()).collect();
    let in_areas: Vec<&Example> =
        apart.iter().copied().filter(|example| areas.contains(example.area.as_str())).collect();
    let mut chosen = if in_areas.is_empty() { apart } else { in_areas };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // The streams of the epochs and of the replay are others.
    rng.set_stream(u64::MAX - 1);
    chosen.shuffle(&mut rng);
    chosen.into_iter().take(MOST).cloned().collect()
}

/// The candidates whose prompt is neither trained on nor near to one that is. Nearness counts within an
/// area, and a person's own file may name areas as it likes: what is trained is held against every
/// area of the candidates.
fn apart<'a>(candidates: &'a [Example], trained: &[Example]) -> Vec<&'a Example> {
    let prompts: HashSet<String> = trained.iter().map(Example::prompt_sha256).collect();
    let areas: BTreeSet<&str> = candidates.iter().map(|example| example.area.as_str()).collect();
    let named = |kind: &str, nth: usize| format!("{kind} {nth}");
    let mut all = Vec::new();
    for (nth, candidate) in candidates.iter().enumerate() {
        all.push(Example { id: named("held-out", nth), ..candidate.clone() });
    }
    for (nth, example) in trained.iter().enumerate() {
        for area in &areas {
            all.push(Example {
                id: format!("{} {area}", named("trained", nth)),
                area: (*area).to_owned(),
                ..example.clone()
            });
        }
    }
    let groups = groups(&all);
    let taken: HashSet<&String> =
        all.iter().skip(candidates.len()).filter_map(|example| groups.get(&example.id)).collect();
    candidates
        .iter()
        .enumerate()
        .filter(|(nth, candidate)| {
            let group = groups.get(&named("held-out", *nth));
            group.is_some_and(|group| !taken.contains(group))
                && !prompts.contains(&candidate.prompt_sha256())
        })
        .map(|(_, candidate)| candidate)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Provenance;
    use crate::store::Message;

    fn example(id: &str, area: &str, prompt: &str) -> Example {
        Example {
            id: id.into(),
            area: area.into(),
            messages: vec![Message::user(prompt)],
            answer: "y".into(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        }
    }

    fn ids(examples: &[Example]) -> Vec<&str> {
        examples.iter().map(|example| example.id.as_str()).collect()
    }

    // If this fails, the held-out curve falls because its examples are learned by heart.
    #[test]
    fn nothing_trained_on_or_near_to_it_is_watched() {
        let candidates = [
            example("same", "shell", "Count the lines of notes.txt"),
            example("near", "shell", "please count the lines of notes.txt!"),
            example("other", "shell", "Delete all empty folders below src"),
        ];
        for area in ["shell", "own-work"] {
            let trained = [example("same", area, "Count the lines of notes.txt")];
            assert_eq!(ids(&choose(&candidates, &trained, 1)), ["other"], "{area}");
        }
    }

    // If this fails, a run on shell commands is watched by poems, or one on own work by nothing.
    #[test]
    fn the_areas_that_are_trained_are_watched_where_there_are_any() {
        let candidates: Vec<Example> = (0..40)
            .map(|i| {
                let area = if i % 2 == 0 { "shell" } else { "maths" };
                example(&format!("{area}-{i}"), area, &format!("question{i} about thing{i}"))
            })
            .collect();
        let shell = choose(&candidates, &[example("x", "shell", "something else")], 7);
        assert_eq!(shell.len(), 16);
        assert!(shell.iter().all(|example| example.area == "shell"));
        let own = choose(&candidates, &[example("x", "own-work", "something else")], 7);
        assert!(own.len() == 16 && own.iter().any(|example| example.area == "maths"));
        assert_eq!(ids(&own), ids(&choose(&candidates, &[example("x", "own-work", "b")], 7)));
    }
}

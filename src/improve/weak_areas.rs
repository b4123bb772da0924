//! Which areas are weak enough to make examples for.

use crate::config::PerplexityThreshold;
use crate::eval::{ItemScore, Summary, WeakExample, summarise, weakness};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An area says something about itself only from so many find items on,
pub const FEWEST_ITEMS: usize = 5;

/// and is weak when so many of them are over the threshold.
pub const FEWEST_WEAK: usize = 3;

/// What a round works on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeakAreas {
    /// Perplexity above which an example is weak.
    pub threshold: f64,
    /// The weak areas.
    pub areas: BTreeSet<String>,
    /// Their weak examples, worst first.
    pub examples: Vec<WeakExample>,
    /// Weak examples of areas that are not weak: too few to learn an area from.
    pub stray: usize,
}

/// Finds the weak areas among the scores of *find* items.
pub fn weak_areas(find: &[ItemScore], threshold: PerplexityThreshold) -> WeakAreas {
    let weakness = weakness(find, threshold);
    let count = |areas: &mut dyn Iterator<Item = &String>| {
        let mut counts = BTreeMap::<String, usize>::new();
        for area in areas {
            *counts.entry(area.clone()).or_default() += 1;
        }
        counts
    };
    let items = count(&mut find.iter().map(|score| &score.area));
    let weak = count(&mut weakness.weak.iter().map(|example| &example.area));
    let areas: BTreeSet<String> = weak
        .into_iter()
        .filter(|(area, weak)| {
            *weak >= FEWEST_WEAK && items.get(area).is_some_and(|items| *items >= FEWEST_ITEMS)
        })
        .map(|(area, _)| area)
        .collect();
    let all = weakness.weak.len();
    let examples: Vec<WeakExample> =
        weakness.weak.into_iter().filter(|example| areas.contains(&example.area)).collect();
    let stray = all - examples.len();
    WeakAreas { threshold: weakness.threshold, areas, examples, stray }
}

/// Why a round ends before it has trained, and what would find something.
pub(super) fn nothing_to_improve(find: &[ItemScore], weak: &WeakAreas) -> String {
    let worst = |scores: &[ItemScore]| {
        let summary: Option<Summary> = summarise(scores);
        summary.and_then(|summary| {
            summary.areas.into_iter().max_by(|a, b| a.perplexity.total_cmp(&b.perplexity))
        })
    };
    let mut reason = format!("no area is weak: nothing is over perplexity {:.1}", weak.threshold);
    if weak.stray > 0 {
        reason = format!(
            "no area is weak: {} items are over perplexity {:.1}, but no area has {} of them among at least \
             {} find items",
            weak.stray, weak.threshold, FEWEST_WEAK, FEWEST_ITEMS
        );
    }
    if let Some(area) = worst(find) {
        reason += &format!(
            "; the worst area is {} at {:.1} on {} find items",
            area.area, area.perplexity, area.n
        );
    }
    reason
        + "; a lower --threshold, or harder items and more of them in the set, would find something"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(area: &str, perplexities: &[f64]) -> Vec<ItemScore> {
        let score = |(nth, perplexity): (usize, &f64)| ItemScore {
            id: format!("{area}-{nth}"),
            area: area.into(),
            tokens: 8,
            nll: perplexity.ln(),
            first: 1.0,
            rest: None,
            end_of_turn: 1.0,
            correct: None,
        };
        perplexities.iter().enumerate().map(score).collect()
    }

    // If this fails, a round trains for an area of which one odd item is bad, or misses a weak one.
    #[test]
    fn an_area_is_weak_with_three_weak_items_of_at_least_five() {
        let mut find = scores("shell", &[60.0, 70.0, 80.0, 2.0, 2.0]);
        find.extend(scores("few", &[60.0, 70.0, 80.0, 90.0]));
        find.extend(scores("two", &[60.0, 70.0, 2.0, 2.0, 2.0, 2.0]));
        let found = weak_areas(&find, PerplexityThreshold::Fixed(50.0));
        assert_eq!(found.areas, ["shell".to_owned()].into());
        let ids: Vec<&str> = found.examples.iter().map(|example| example.id.as_str()).collect();
        assert_eq!(ids, ["shell-2", "shell-1", "shell-0"]);
        assert_eq!(found.stray, 6);
    }

    #[test]
    fn nothing_over_the_threshold_is_no_weak_area() {
        let find = scores("shell", &[2.0; 12]);
        let found = weak_areas(&find, PerplexityThreshold::Auto);
        assert!(found.areas.is_empty() && found.examples.is_empty());
    }
}

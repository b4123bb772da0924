//! What scoring one model on a set gives, item by item, and how items add up.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};

/// One model's score of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemScore {
    pub id: String,
    pub area: String,
    /// Scored tokens: the answer's and the end of the turn.
    pub tokens: usize,
    /// Mean negative log-likelihood per scored token, in nats.
    pub nll: f64,
    /// That of the first token alone.
    pub first: f64,
    /// The mean over the tokens between; none where the answer is a single token.
    pub rest: Option<f64>,
    /// That of the end-of-turn token: a model can learn when to stop and nothing else.
    pub end_of_turn: f64,
    /// Whether the greedy answer passed the item's check; none where there is no check.
    pub correct: Option<bool>,
}

/// The scores of one area's items together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AreaScore {
    pub area: String,
    /// Items.
    pub n: usize,
    /// Mean over items of their mean nats per token.
    pub nll: f64,
    /// exp(`nll`).
    pub perplexity: f64,
    /// The three parts of the score, as means over items; `rest` over the items that have one.
    pub first: f64,
    pub rest: Option<f64>,
    pub end_of_turn: f64,
    /// Items with a check.
    pub checked: usize,
    /// The share of them that passed.
    pub accuracy: Option<f64>,
}

/// A model's score on a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The headline: exp of the mean over areas of their scores, so that a large area counts no
    /// more than a small one.
    pub perplexity: f64,
    /// exp of the mean over all tokens, as published perplexities are computed.
    pub pooled_perplexity: f64,
    /// In order of name.
    pub areas: Vec<AreaScore>,
}

/// Adds up the scores of a set; `None` without items.
pub fn summarise(scores: &[ItemScore]) -> Option<Summary> {
    let mut by_area: BTreeMap<&str, Vec<&ItemScore>> = BTreeMap::new();
    for score in scores {
        by_area.entry(&score.area).or_default().push(score);
    }
    let areas: Vec<AreaScore> =
        by_area.into_iter().map(|(area, items)| area_score(area, &items)).collect();
    let tokens: usize = scores.iter().map(|score| score.tokens).sum();
    let nats: f64 = scores.iter().map(|score| score.nll * score.tokens as f64).sum();
    Some(Summary {
        perplexity: mean(areas.iter().map(|area| area.nll))?.exp(),
        pooled_perplexity: (nats / tokens.max(1) as f64).exp(),
        areas,
    })
}

fn area_score(area: &str, items: &[&ItemScore]) -> AreaScore {
    let over_items = |part: fn(&ItemScore) -> f64| mean(items.iter().map(|item| part(item)));
    let nll = over_items(|item| item.nll).unwrap_or_default();
    let checked: Vec<bool> = items.iter().filter_map(|item| item.correct).collect();
    AreaScore {
        area: area.to_owned(),
        n: items.len(),
        nll,
        perplexity: nll.exp(),
        first: over_items(|item| item.first).unwrap_or_default(),
        rest: mean(items.iter().filter_map(|item| item.rest)),
        end_of_turn: over_items(|item| item.end_of_turn).unwrap_or_default(),
        checked: checked.len(),
        accuracy: mean(checked.into_iter().map(|correct| f64::from(u8::from(correct)))),
    }
}

/// The mean; `None` of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// One item scored by both models.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The item's near-duplicates carry the same name.
    pub group: String,
    /// By the reference.
    pub a: ItemScore,
    /// By the candidate.
    pub b: ItemScore,
}

impl Pair {
    /// The candidate's score less the reference's, in nats a token: below zero is better.
    pub fn difference(&self) -> f64 {
        self.b.nll - self.a.nll
    }
}

/// Brings the scores of the same items by reference `a` and candidate `b` together, in the order
/// of `a`. `groups` maps ids to groups, as [`super::Assignment::groups`].
///
/// # Errors
/// An item was scored by one of them only, or twice, has no group, or a score is not finite.
pub fn pair(
    a: &[ItemScore],
    b: &[ItemScore],
    groups: &BTreeMap<String, String>,
) -> Result<Vec<Pair>> {
    let mut candidates: HashMap<&str, &ItemScore> = HashMap::new();
    for score in b {
        if candidates.insert(&score.id, score).is_some() {
            return Err(Error::ScoredTwice { id: score.id.clone() });
        }
    }
    let mut pairs = Vec::with_capacity(a.len());
    let mut seen = std::collections::HashSet::new();
    for reference in a {
        let id = &reference.id;
        if !seen.insert(id) {
            return Err(Error::ScoredTwice { id: id.clone() });
        }
        let Some(candidate) = candidates.remove(id.as_str()) else {
            return Err(Error::Unpaired { id: id.clone(), present: "the reference" });
        };
        let Some(group) = groups.get(id) else {
            return Err(Error::NoGroup { id: id.clone() });
        };
        for score in [reference, candidate] {
            if !score.nll.is_finite() {
                return Err(Error::NotFinite { id: id.clone(), nll: score.nll });
            }
        }
        pairs.push(Pair { group: group.clone(), a: reference.clone(), b: candidate.clone() });
    }
    match candidates.into_keys().min() {
        Some(id) => Err(Error::Unpaired { id: id.to_owned(), present: "the candidate" }),
        None => Ok(pairs),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn score(id: &str, area: &str, tokens: usize, nll: f64, correct: Option<bool>) -> ItemScore {
        let (first, end_of_turn) = (nll + 1.0, nll - 1.0);
        let rest = (tokens > 2).then_some(nll);
        ItemScore {
            id: id.into(),
            area: area.into(),
            tokens,
            nll,
            first,
            rest,
            end_of_turn,
            correct,
        }
    }

    #[test]
    fn a_large_area_or_a_long_answer_does_not_hide_the_others() {
        let scores = [
            score("a", "maths", 2, 1.0, Some(true)),
            score("b", "maths", 10, 3.0, Some(false)),
            score("c", "shell", 3, 4.0, None),
        ];
        let summary = summarise(&scores).unwrap();
        assert!((summary.perplexity - 3.0f64.exp()).abs() < 1e-12);
        assert!((summary.pooled_perplexity - (44.0f64 / 15.0).exp()).abs() < 1e-12);
        let [maths, shell] = summary.areas.as_slice() else { panic!() };
        assert_eq!((maths.n, maths.nll, maths.checked, maths.accuracy), (2, 2.0, 2, Some(0.5)));
        assert_eq!((maths.first, maths.rest, maths.end_of_turn), (3.0, Some(3.0), 1.0));
        assert_eq!((shell.checked, shell.accuracy), (0, None));
        assert_eq!(summarise(&[]), None);
    }

    #[test]
    fn scores_of_different_items_are_never_compared() {
        let groups: BTreeMap<String, String> =
            ["a", "b"].map(|id| (id.to_owned(), "a".to_owned())).into();
        let one = |id: &str, nll| score(id, "x", 1, nll, None);
        let pairs = pair(&[one("a", 2.0), one("b", 1.0)], &[one("b", 0.5), one("a", 1.5)], &groups);
        let pairs = pairs.unwrap();
        assert_eq!(pairs[0].difference(), -0.5);
        assert_eq!((pairs[1].a.id.as_str(), pairs[1].group.as_str()), ("b", "a"));

        let error = |a: &[ItemScore], b: &[ItemScore]| pair(a, b, &groups).unwrap_err();
        assert!(matches!(error(&[one("a", 1.0)], &[]), Error::Unpaired { .. }));
        assert!(matches!(error(&[], &[one("a", 1.0)]), Error::Unpaired { .. }));
        let twice = [one("a", 1.0), one("a", 1.0)];
        assert!(matches!(error(&twice, &[one("a", 1.0)]), Error::ScoredTwice { .. }));
        assert!(matches!(error(&[one("a", 1.0)], &twice), Error::ScoredTwice { .. }));
        let nan = [one("a", f64::NAN)];
        assert!(matches!(error(&[one("a", 1.0)], &nan), Error::NotFinite { .. }));
        let unknown = [one("z", 1.0)];
        assert!(matches!(error(&unknown, &unknown), Error::NoGroup { .. }));
    }
}

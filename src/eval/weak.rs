//! Where a model is weak: the find items whose answers it did not expect.

use super::ItemScore;
use crate::config::PerplexityThreshold;
use serde::{Deserialize, Serialize};

/// An example below this perplexity is no weakness, however much better the others are.
pub const FLOOR: f64 = 10.0;

/// Shorter answers have perplexities too noisy to set a threshold by.
const FEWEST_TOKENS: usize = 4;

/// The weak examples of a set, worst first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weakness {
    /// Perplexity above which an example is weak.
    pub threshold: f64,
    pub weak: Vec<WeakExample>,
}

/// One weak example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeakExample {
    pub id: String,
    pub area: String,
    pub perplexity: f64,
}

/// Finds the weak examples among the scores of *find* items. `auto` takes the worst quarter, above
/// [`FLOOR`] and among answers of at least four tokens; a number is taken as it is.
pub fn weakness(find: &[ItemScore], threshold: PerplexityThreshold) -> Weakness {
    let automatic = matches!(threshold, PerplexityThreshold::Auto);
    let counted = |score: &&ItemScore| !automatic || score.tokens >= FEWEST_TOKENS;
    let threshold = match threshold {
        PerplexityThreshold::Fixed(perplexity) => perplexity,
        PerplexityThreshold::Auto => {
            let mut all: Vec<f64> = find.iter().filter(counted).map(|s| s.nll.exp()).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() * 3 / 4).copied().unwrap_or(FLOOR).max(FLOOR)
        }
    };
    let over = |perplexity: f64| match automatic {
        true => perplexity >= threshold && perplexity > FLOOR,
        false => perplexity > threshold,
    };
    let mut weak: Vec<WeakExample> = find
        .iter()
        .filter(counted)
        .map(|s| WeakExample { id: s.id.clone(), area: s.area.clone(), perplexity: s.nll.exp() })
        .filter(|example| over(example.perplexity))
        .collect();
    weak.sort_by(|a, b| b.perplexity.total_cmp(&a.perplexity).then_with(|| a.id.cmp(&b.id)));
    Weakness { threshold, weak }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(id: usize, perplexity: f64, tokens: usize) -> ItemScore {
        ItemScore {
            id: format!("i{id:02}"),
            area: "shell".into(),
            tokens,
            nll: perplexity.ln(),
            first: 0.0,
            rest: None,
            end_of_turn: 0.0,
            correct: None,
        }
    }

    #[test]
    fn auto_takes_the_worst_quarter_and_nothing_of_an_easy_set() {
        let hard: Vec<ItemScore> = (0..20).map(|i| score(i, 5.0 + i as f64, 8)).collect();
        let found = weakness(&hard, PerplexityThreshold::Auto);
        assert!((found.threshold - 20.0).abs() < 1e-9);
        let ids: Vec<&str> = found.weak.iter().map(|w| w.id.as_str()).collect();
        assert_eq!(ids, ["i19", "i18", "i17", "i16", "i15"]);
        let easy: Vec<ItemScore> = (0..20).map(|i| score(i, 2.0 + i as f64 / 10.0, 8)).collect();
        assert!(weakness(&easy, PerplexityThreshold::Auto).weak.is_empty());
    }

    #[test]
    fn short_answers_neither_set_the_threshold_nor_count_as_weak() {
        let mut scores: Vec<ItemScore> = (0..8).map(|i| score(i, 12.0, 8)).collect();
        scores.push(score(9, 5000.0, 2));
        let found = weakness(&scores, PerplexityThreshold::Auto);
        assert!((found.threshold - 12.0).abs() < 1e-9 && found.weak.len() == 8);
        assert_eq!(weakness(&scores, PerplexityThreshold::Fixed(100.0)).weak.len(), 1);
        assert!(weakness(&[], PerplexityThreshold::Auto).weak.is_empty());
    }
}

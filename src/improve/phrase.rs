//! Words and their repetitions, as the quality rules see them. Pure.

use std::collections::{HashMap, HashSet};

/// The words of a text as nearness sees them, lower case.
pub fn words(text: &str) -> Vec<String> {
    crate::eval::words(&text.to_lowercase()).map(str::to_owned).collect()
}

/// Different pairs of neighbouring words, as a share of all pairs; 1 for a text too short to repeat.
pub fn distinct_pairs(words: &[String]) -> f64 {
    let pairs: Vec<&[String]> = words.windows(2).collect();
    if pairs.is_empty() {
        return 1.0;
    }
    let distinct: HashSet<&[String]> = pairs.iter().copied().collect();
    distinct.len() as f64 / pairs.len() as f64
}

/// How often the most frequent run of `length` words stands in a text.
pub fn most_frequent_run(words: &[String], length: usize) -> usize {
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for run in words.windows(length) {
        *counts.entry(run).or_default() += 1;
    }
    counts.into_values().max().unwrap_or(0)
}

/// Cosine of two texts' words, each weighted by how rare it is among `documents`
/// (Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval").
#[derive(Debug, Clone)]
pub struct Similarity {
    rarity: HashMap<String, f64>,
    unknown: f64,
}

impl Similarity {
    pub fn over<'a>(documents: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found_in: HashMap<String, usize> = HashMap::new();
        let mut count = 0usize;
        for document in documents {
            count += 1;
            for word in words(document).into_iter().collect::<HashSet<_>>() {
                *found_in.entry(word).or_default() += 1;
            }
        }
        let weight = |found: usize| ((1.0 + count as f64) / (1.0 + found as f64)).ln() + 1.0;
        let rarity = found_in.into_iter().map(|(word, found)| (word, weight(found))).collect();
        Self { rarity, unknown: weight(0) }
    }

    /// The words of a text with their weights, of length 1.
    pub fn vector(&self, text: &str) -> HashMap<String, f64> {
        let mut vector: HashMap<String, f64> = HashMap::new();
        for word in words(text) {
            let weight = self.rarity.get(&word).copied().unwrap_or(self.unknown);
            *vector.entry(word).or_default() += weight;
        }
        // In a fixed order: the last digits must not depend on the map's.
        let mut squares: Vec<f64> = vector.values().map(|weight| weight * weight).collect();
        squares.sort_by(f64::total_cmp);
        let length = squares.iter().sum::<f64>().sqrt();
        if length > 0.0 {
            vector.values_mut().for_each(|weight| *weight /= length);
        }
        vector
    }

    /// From 0 (no word in common) to 1.
    pub fn cosine(a: &HashMap<String, f64>, b: &HashMap<String, f64>) -> f64 {
        let mut products: Vec<f64> =
            a.iter().filter_map(|(word, weight)| Some(weight * b.get(word)?)).collect();
        products.sort_by(f64::total_cmp);
        products.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_goes_round_in_circles_has_few_different_pairs() {
        let varied = words("find all files below src that end in log");
        assert_eq!(distinct_pairs(&varied), 1.0);
        let circling = words(&"the same thing ".repeat(8));
        assert!(distinct_pairs(&circling) < 0.2);
        assert_eq!(most_frequent_run(&circling, 3), 8);
        assert_eq!(distinct_pairs(&words("ls")), 1.0);
        assert_eq!(most_frequent_run(&[], 3), 0);
    }

    #[test]
    fn rare_words_in_common_count_more_than_frequent_ones() {
        let texts = ["list the files", "list the users", "list the mounts", "count the inodes"];
        let similarity = Similarity::over(texts);
        let of = |text| similarity.vector(text);
        let cosine = Similarity::cosine(&of("show the inodes"), &of("count the inodes"));
        assert!(cosine > Similarity::cosine(&of("show the inodes"), &of("list the files")));
        let same = Similarity::cosine(&of("list the files"), &of("list the files"));
        assert!((same - 1.0).abs() < 1e-12);
        assert_eq!(Similarity::cosine(&of("a b"), &of("c d")), 0.0);
    }
}

//! Choosing the next token from its logits: greedy, or drawn with temperature, top-p (Holtzman et al.
//! 2020), min-p (Nguyen et al. 2024) and a repetition penalty (Keskar et al. 2019).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f64,
    /// Smallest set of tokens whose probability reaches this; 1 is off.
    pub top_p: f64,
    /// Tokens below this share of the likeliest one's probability are left out; 0 is off.
    pub min_p: f64,
    /// Divides (or, below zero, multiplies) the logits of tokens already there; 1 is off.
    pub repetition_penalty: f64,
    pub seed: u64,
}

impl Sampling {
    /// Always the likeliest token.
    pub const GREEDY: Self =
        Self { temperature: 0.0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0, seed: 0 };
}

/// Draws the tokens of one sequence; the same seed and logits give the same tokens.
#[derive(Debug)]
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
}

impl Sampler {
    pub fn new(sampling: Sampling) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(sampling.seed);
        Self { sampling, rng }
    }

    /// The next token after `history`. `logits` `(vocabulary)` is used up.
    pub fn pick(&mut self, logits: &mut [f32], history: &[u32]) -> u32 {
        self.penalise(logits, history);
        if self.sampling.temperature <= 0.0 {
            return likeliest(logits);
        }
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let temperature = self.sampling.temperature;
        let weight = |logit: f32| (f64::from(logit - top) / temperature).exp();
        // Whatever lies far below min-p, or adds up to less than one part in a million, is not
        // worth an exponential.
        let floor = self.sampling.min_p.max(1e-9);
        let lowest = f64::from(top) + temperature * floor.ln();
        let mut candidates: Vec<(u32, f64)> = logits
            .iter()
            .enumerate()
            .filter(|(_, logit)| f64::from(**logit) >= lowest)
            .map(|(token, logit)| (token as u32, weight(*logit)))
            .collect();
        if candidates.is_empty() {
            return likeliest(logits);
        }
        let total: f64 = candidates.iter().map(|c| c.1).sum();
        let kept = nucleus(&mut candidates, self.sampling.top_p * total);
        candidates.truncate(kept);
        let total: f64 = candidates.iter().map(|c| c.1).sum();
        let mut place = self.rng.random::<f64>() * total;
        for (token, weight) in &candidates {
            place -= weight;
            if place < 0.0 {
                return *token;
            }
        }
        candidates[candidates.len() - 1].0
    }

    fn penalise(&self, logits: &mut [f32], history: &[u32]) {
        let penalty = self.sampling.repetition_penalty as f32;
        if penalty == 1.0 {
            return;
        }
        let mut seen: Vec<u32> = history.to_vec();
        seen.sort_unstable();
        seen.dedup();
        for token in seen {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }
}

/// Brings the likeliest candidates whose weights reach `wanted` to the front, in order; returns how many.
///
/// Only as many are sorted as are needed: most of a vocabulary never is.
fn nucleus(candidates: &mut [(u32, f64)], wanted: f64) -> usize {
    let order = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let (mut sorted, mut reached) = (0, 0.0);
    while sorted < candidates.len() {
        let rest = &mut candidates[sorted..];
        let count = (3 * sorted).max(64).min(rest.len());
        if count < rest.len() {
            rest.select_nth_unstable_by(count, order);
        }
        rest[..count].sort_unstable_by(order);
        for (i, candidate) in rest[..count].iter().enumerate() {
            reached += candidate.1;
            if reached >= wanted {
                return sorted + i + 1;
            }
        }
        sorted += count;
    }
    candidates.len()
}

/// The first of the largest logits.
pub fn likeliest(logits: &[f32]) -> u32 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.iter().position(|logit| *logit == top).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(sampling: Sampling, logits: &[f32], history: &[u32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling);
        (0..count).map(|_| sampler.pick(&mut logits.to_vec(), history)).collect()
    }

    const PLAIN: Sampling =
        Sampling { temperature: 1.0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0, seed: 7 };

    #[test]
    fn draws_follow_the_softmax_and_repeat_with_the_seed() {
        let logits = [0.0, 2f32.ln(), 5f32.ln()];
        let tokens = drawn(PLAIN, &logits, &[], 8000);
        for (token, share) in [(0, 0.125), (1, 0.25), (2, 0.625)] {
            let found = tokens.iter().filter(|t| **t == token).count() as f64 / 8000.0;
            assert!((found - share).abs() < 0.02, "token {token}: {found} instead of {share}");
        }
        assert_eq!(tokens, drawn(PLAIN, &logits, &[], 8000));
        assert_ne!(tokens, drawn(Sampling { seed: 8, ..PLAIN }, &logits, &[], 8000));
    }

    #[test]
    fn top_p_and_min_p_leave_out_what_they_say() {
        let logits = [0.0, 2f32.ln(), 5f32.ln()];
        let top_p = drawn(Sampling { top_p: 0.8, ..PLAIN }, &logits, &[], 500);
        assert!(top_p.iter().all(|t| *t != 0) && top_p.contains(&1));
        let min_p = drawn(Sampling { min_p: 0.5, ..PLAIN }, &logits, &[], 500);
        assert!(min_p.iter().all(|t| *t == 2));
        assert!(drawn(Sampling { top_p: 1e-9, ..PLAIN }, &logits, &[], 50).iter().all(|t| *t == 2));
    }

    /// If this fails, top-p draws from other tokens than it says once there are many.
    #[test]
    fn the_nucleus_is_that_of_a_full_sort() {
        let weights: Vec<(u32, f64)> =
            (0..5000u32).map(|i| (i, f64::from(i.wrapping_mul(2_654_435_761) % 1000))).collect();
        let total: f64 = weights.iter().map(|c| c.1).sum();
        let mut sorted = weights.clone();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for share in [0.0, 1e-4, 0.02, 0.3, 0.9, 1.0, 1.1] {
            let mut found = weights.clone();
            let kept = nucleus(&mut found, share * total);
            assert_eq!(found[..kept], sorted[..kept]);
            let reached: f64 = sorted[..kept].iter().map(|c| c.1).sum();
            assert!(kept == 5000 || reached >= share * total);
            assert!(kept <= 1 || reached - sorted[kept - 1].1 < share * total);
        }
    }

    #[test]
    fn greedy_takes_the_likeliest_and_the_penalty_moves_it() {
        assert_eq!(drawn(Sampling::GREEDY, &[1.0, 3.0, 3.0], &[], 1), [1]);
        let penalised = Sampling { repetition_penalty: 2.0, ..Sampling::GREEDY };
        assert_eq!(drawn(penalised.clone(), &[2.0, 3.0], &[1, 1], 1), [0]);
        assert_eq!(drawn(penalised, &[-3.0, -2.0], &[1], 1), [0]);
    }

    #[test]
    fn broken_logits_give_a_token_and_no_panic() {
        for logits in [[f32::NAN; 3], [f32::NEG_INFINITY; 3], [f32::INFINITY; 3]] {
            assert!(drawn(PLAIN, &logits, &[], 1)[0] < 3);
        }
    }
}

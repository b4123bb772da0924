//! The test that decides: is the mean of paired differences below zero?

use rand::Rng;

use super::RESAMPLES;
use super::random::{Purpose, generator};

/// Up to so many values all sign patterns are looked at, 65,536 at most.
const EXACT_UP_TO: usize = 16;

/// More resamples than this would only refine a p-value beyond any α in use.
const MOST_RESAMPLES: usize = 2_000_000;

/// One-sided p-value of a sign-flip permutation test (Fisher 1935, "The design of experiments",
/// §21) for a mean below zero: the share of sign patterns whose sum is as low as the observed
/// one or lower.
///
/// Exact under the assumption that, were there no difference, each value would be as likely
/// with either sign. (It is then a t test without its normal assumption: under sign changes the
/// t statistic is a monotone function of the mean.) With over 16 values `resamples` random
/// patterns are drawn, and p = (1 + hits)/(1 + resamples), which is never too small (Phipson
/// and Smyth 2010). No values give 1.
pub fn p_value(values: &[f64], resamples: usize, seed: u64) -> f64 {
    let observed: f64 = values.iter().sum();
    // Sums of the same numbers in another order differ in the last bits; equal must count as hit.
    let rounding = 1e-12 * values.iter().map(|value| value.abs()).sum::<f64>();
    let is_hit = |sum: f64| sum <= observed + rounding;
    if values.is_empty() {
        return 1.0;
    }
    if values.len() <= EXACT_UP_TO {
        let patterns = 1u64 << values.len();
        let hits = (0..patterns).filter(|&signs| is_hit(flipped_sum(values, signs))).count();
        return hits as f64 / patterns as f64;
    }
    let mut generator = generator(seed, Purpose::SignFlip);
    let hits = (0..resamples)
        .filter(|_| {
            let sums = values.chunks(64).map(|part| flipped_sum(part, generator.next_u64()));
            is_hit(sums.sum())
        })
        .count();
    (1 + hits) as f64 / (1 + resamples) as f64
}

/// How many resamples a test at level `alpha` needs: [`RESAMPLES`], or more where the smallest
/// p-value those can give would be too coarse for a level that many decisions have used up.
pub fn resamples_for(alpha: f64) -> usize {
    let wanted = if alpha > 0.0 { (20.0 / alpha).ceil() as usize } else { MOST_RESAMPLES };
    wanted.clamp(RESAMPLES, MOST_RESAMPLES)
}

/// The sum of at most 64 values, those at the one bits of `signs` turned round.
fn flipped_sum(values: &[f64], signs: u64) -> f64 {
    let turned = values.iter().enumerate().map(|(bit, value)| {
        let sign = (signs >> bit & 1) << 63;
        f64::from_bits(value.to_bits() ^ sign)
    });
    turned.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_samples_give_the_exact_value() {
        // All of one sign: only the observed pattern is as low.
        assert_eq!(p_value(&[-1.0, -2.0, -3.0], 0, 0), 1.0 / 8.0);
        assert_eq!(p_value(&[1.0, 2.0, 3.0], 0, 0), 1.0);
        // Sums of ±1 ±2 ±3 at or below −2: −6, −4, −2.
        assert_eq!(p_value(&[-3.0, 2.0, -1.0], 0, 0), 3.0 / 8.0);
        assert_eq!(p_value(&[], 0, 0), 1.0);
        assert_eq!(p_value(&[0.0; 12], 0, 0), 1.0);
        assert_eq!(p_value(&[0.0; 40], 1000, 0), 1.0);
    }

    #[test]
    fn darwins_maize_gives_fishers_published_value() {
        // Fisher 1935, §21: Darwin's 15 pairs of plants, differences in eighths of an inch. Of
        // 32,768 patterns 863 have a sum at least as large as the observed 314.
        let differences = [
            49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0,
            -48.0,
        ];
        let turned: Vec<f64> = differences.iter().map(|value| -value).collect();
        assert_eq!(p_value(&turned, 0, 0), 863.0 / 32_768.0);
    }

    #[test]
    fn resampling_agrees_with_the_exact_value() {
        // Twenty values of −1 and +1 in equal measure, one pair unequal: the number of ones is
        // binomial, P(sum ≤ −4) = P(at most 8 of 20 heads) = 0.2517.
        let values: Vec<f64> = (0..20).map(|i| if i < 8 { 1.0 } else { -1.0 }).collect();
        let p = p_value(&values, 100_000, 3);
        // Four standard errors of 100,000 draws: 0.0055.
        assert!((p - 0.251_722).abs() < 0.0055, "{p}");
    }

    #[test]
    fn the_same_seed_gives_the_same_value_and_another_a_similar_one() {
        let values: Vec<f64> = (0..30).map(|i| f64::from((i * 37) % 23) - 12.5).collect();
        let p = p_value(&values, 10_000, 1);
        assert_eq!(p, p_value(&values, 10_000, 1));
        assert_ne!(p, p_value(&values, 10_000, 2));
        assert!((p - p_value(&values, 10_000, 2)).abs() < 0.03);
    }

    #[test]
    fn late_decisions_can_still_be_won() {
        // At k = 60 the level is 1.4e-5, below what 10,000 resamples can show at all.
        let alpha = super::super::Spending::of(60).alpha;
        assert!(1.0 / (1.0 + resamples_for(alpha) as f64) < alpha);
        assert_eq!(resamples_for(0.025), 10_000);
    }
}

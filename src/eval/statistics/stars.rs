//! The stars of an arm as counts, and what they say about its mean.
//!
//! The posterior of the five shares is a Dirichlet distribution (Jeffreys' prior, half a rating for each
//! star: Jeffreys 1946, Proceedings of the Royal Society A 186:453), so the mean's interval is a
//! credible one and stays within 1 and 5 stars with few ratings as well.

use super::Interval;
use super::random::{Purpose, generator};
use rand_distr::{Distribution, Gamma};

/// Half a rating for each star.
const PRIOR: f64 = 0.5;

/// Draws from the posterior; the share above a value is then off by half a percent at most.
const DRAWS: usize = 20_000;

/// How often each of 1 to 5 stars was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StarCounts(pub [usize; 5]);

impl StarCounts {
    /// Counts stars; what is not 1 to 5 is left out.
    pub fn of(stars: impl IntoIterator<Item = u8>) -> Self {
        let mut counts = [0; 5];
        for stars in stars {
            if let Some(count) = usize::from(stars).checked_sub(1).and_then(|s| counts.get_mut(s)) {
                *count += 1;
            }
        }
        Self(counts)
    }

    pub fn ratings(&self) -> usize {
        self.0.iter().sum()
    }

    /// The mean in stars; 0 without ratings.
    pub fn mean(&self) -> f64 {
        self.weighted(|stars| stars) / self.ratings().max(1) as f64
    }

    /// The sum of squared distances from the mean.
    pub(super) fn squares(&self) -> f64 {
        let mean = self.mean();
        self.weighted(|stars| (stars - mean).powi(2))
    }

    /// The standard deviation in stars; none with fewer than two ratings.
    pub fn deviation(&self) -> Option<f64> {
        let n = self.ratings();
        (n > 1).then(|| (self.squares() / (n as f64 - 1.0)).sqrt())
    }

    fn weighted(&self, value: impl Fn(f64) -> f64) -> f64 {
        self.0.iter().zip(1u8..).map(|(count, stars)| *count as f64 * value(f64::from(stars))).sum()
    }

    /// The 95 % credible interval of the mean, reaching to the mean of the stars themselves where these are
    /// all the same and the prior draws it away; none without ratings.
    pub fn credible(&self, seed: u64) -> Option<Interval> {
        if self.ratings() == 0 {
            return None;
        }
        let mut means = self.means(seed, Purpose::Reference);
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means.get((share * means.len() as f64) as usize).copied();
        let mean = self.mean();
        Some(Interval { low: at(0.025)?.min(mean), high: at(0.975)?.max(mean) })
    }

    /// The probability that this arm's mean is above `other`'s; none while either has no ratings.
    pub fn better_than(&self, other: &Self, seed: u64) -> Option<f64> {
        if self.ratings() == 0 || other.ratings() == 0 {
            return None;
        }
        let own = self.means(seed, Purpose::Candidate);
        let others = other.means(seed, Purpose::Reference);
        let above = own.iter().zip(&others).filter(|(own, other)| own > other).count();
        Some(above as f64 / own.len().max(1) as f64)
    }

    /// Means drawn from the posterior.
    fn means(&self, seed: u64, purpose: Purpose) -> Vec<f64> {
        let mut generator = generator(seed, purpose);
        let shares: Vec<Gamma<f64>> =
            self.0.iter().filter_map(|n| Gamma::new(*n as f64 + PRIOR, 1.0).ok()).collect();
        (0..DRAWS)
            .map(|_| {
                // A Dirichlet draw is independent gamma draws over their sum.
                let (sum, weighted) =
                    shares.iter().zip(1u8..).fold((0.0, 0.0), |(sum, weighted), (share, stars)| {
                        let drawn = share.sample(&mut generator);
                        (sum + drawn, weighted + drawn * f64::from(stars))
                    });
                weighted / sum
            })
            .collect()
    }
}

/// Ratings an arm that it takes to see a difference of `difference` stars in four of five tries, where
/// stars spread by `deviation` (two-sided 5 %): n = 2(z₀.₉₇₅ + z₀.₈)²σ²/δ².
pub fn ratings_needed(difference: f64, deviation: f64) -> Option<usize> {
    let quantiles = super::normal_quantile(0.975) + super::normal_quantile(0.8);
    let needed = 2.0 * (quantiles * deviation / difference).powi(2);
    (needed.is_finite() && needed <= 1e6).then_some(needed.ceil() as usize)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, the screen shows an interval that the ratings do not give.
    #[test]
    fn the_credible_interval_has_the_posteriors_mean_and_spread() {
        let stars = StarCounts([3, 5, 10, 20, 12]);
        // Moments of Σ k·p_k under a Dirichlet distribution, in closed form.
        let weights: Vec<f64> = stars.0.iter().map(|n| *n as f64 + 0.5).collect();
        let total: f64 = weights.iter().sum();
        let mean: f64 = weights.iter().zip(1u8..).map(|(w, s)| w / total * f64::from(s)).sum();
        let square: f64 =
            weights.iter().zip(1u8..).map(|(w, s)| w / total * f64::from(s).powi(2)).sum();
        let deviation = ((square - mean * mean) / (total + 1.0)).sqrt();
        let drawn = stars.means(1, Purpose::Reference);
        let drawn_mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((drawn_mean - mean).abs() < 4.0 * deviation / (DRAWS as f64).sqrt());
        let interval = stars.credible(1).unwrap();
        assert!(
            (interval.high - interval.low - 2.0 * 1.96 * deviation).abs() < 0.03,
            "{interval:?}"
        );
    }

    #[test]
    fn better_is_likelier_the_further_the_stars_are_apart() {
        let (low, high) = (StarCounts([5, 10, 10, 3, 2]), StarCounts([1, 2, 5, 12, 10]));
        let p = high.better_than(&low, 3).unwrap();
        assert!(p > 0.99, "{p}");
        assert!((p + low.better_than(&high, 3).unwrap() - 1.0).abs() < 0.02);
        let same = low.better_than(&low, 3).unwrap();
        assert!((same - 0.5).abs() < 0.02, "{same}");
        assert_eq!(low.better_than(&StarCounts::default(), 3), None);
        assert_eq!(StarCounts::default().credible(3), None);
    }

    #[test]
    fn one_rating_leaves_a_wide_interval_within_the_scale() {
        let interval = StarCounts::of([5]).credible(0).unwrap();
        assert!(interval.low > 1.0 && interval.low < 3.5 && interval.high == 5.0, "{interval:?}");
        assert_eq!(StarCounts::of([0, 6, 3]).0, [0, 0, 1, 0, 0]);
    }

    #[test]
    fn the_ratings_needed_are_the_published_ones() {
        // 2 · (1.96 + 0.8416)² · 1.44 / 0.04 = 565.1
        assert_eq!(ratings_needed(0.2, 1.2), Some(566));
        assert_eq!(ratings_needed(0.0, 1.2), None);
    }
}

//! Whether one arm's stars are better than another's, in a form that may be looked at after every
//! rating.
//!
//! The mixture sequential probability ratio test for a difference of means (Robbins 1970, Annals of
//! Mathematical Statistics 41:1397; for comparing two arms: Johari, Koomen, Pekelis and Walsh 2022,
//! "Always valid inference", Operations Research 70:1806), one-sided. It is exact for normal values of
//! known variance; stars are neither, so how often it errs on stars is simulated in
//! `promotion/simulation.rs`, and it says nothing before [`FEWEST`] ratings an arm.

use super::StarCounts;
use super::distribution::normal_probability;

/// Ratings an arm below which the test is silent: its variance is an estimate.
pub const FEWEST: usize = 20;

/// The differences that are looked for, as the scale of a normal distribution cut at zero, in stars.
const SCALE: f64 = 0.5;

/// The estimated variance is drawn towards that of a person's stars (1.2²), as if so many ratings had
/// been seen before, so that an arm with equal stars only does not look certain.
const PRIOR_RATINGS: f64 = 10.0;
const PRIOR_VARIANCE: f64 = 1.44;

/// The logarithm of the evidence that `b` has better stars than `a`; 0, which is none, while an arm has
/// too few.
pub fn star_evidence(a: &StarCounts, b: &StarCounts) -> f64 {
    if a.ratings() < FEWEST || b.ratings() < FEWEST {
        return 0.0;
    }
    let (n_a, n_b) = (a.ratings() as f64, b.ratings() as f64);
    let squares = a.squares() + b.squares() + PRIOR_RATINGS * PRIOR_VARIANCE;
    let variance = squares / (n_a + n_b - 2.0 + PRIOR_RATINGS);
    evidence(b.mean() - a.mean(), variance * (1.0 / n_a + 1.0 / n_b))
}

/// ln of ∫ N(d; δ, v) / N(d; 0, v) over δ > 0 with the density of a half-normal of scale [`SCALE`].
fn evidence(difference: f64, variance: f64) -> f64 {
    let total = variance + SCALE * SCALE;
    let both_sides = 0.5 * (variance / total).ln()
        + 0.5 * difference * difference * SCALE * SCALE / (variance * total);
    // The share of the posterior of δ above zero, twice since the prior's other half is left out.
    let place = difference * SCALE / (variance * total).sqrt();
    both_sides + (2.0 * normal_probability(place).max(f64::MIN_POSITIVE)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, the evidence is no ratio of likelihoods, and its bound promises nothing.
    #[test]
    fn the_closed_form_is_the_integral() {
        for (difference, variance) in [(0.3, 0.02), (-0.4, 0.05), (0.0, 0.5), (1.1, 0.01)] {
            let steps = 200_000;
            let width = 6.0 * SCALE / f64::from(steps);
            let normal =
                |x: f64, v: f64| (-0.5 * x * x / v).exp() / (std::f64::consts::TAU * v).sqrt();
            let mean: f64 = (0..steps)
                .map(|step| (f64::from(step) + 0.5) * width)
                .map(|delta| {
                    2.0 * normal(delta, SCALE * SCALE)
                        * normal(difference - delta, variance)
                        * width
                })
                .sum();
            let ratio = (mean / normal(difference, variance)).ln();
            assert!(
                (evidence(difference, variance) - ratio).abs() < 1e-4,
                "{difference} {variance}"
            );
        }
    }

    #[test]
    fn few_ratings_say_nothing_and_equal_stars_are_not_certain() {
        let all = |stars: usize, count: usize| {
            let mut counts = [0; 5];
            counts[stars - 1] = count;
            StarCounts(counts)
        };
        assert_eq!(star_evidence(&all(1, 19), &all(5, 500)), 0.0);
        assert!(star_evidence(&all(3, 40), &all(5, 40)) > 100f64.ln());
        assert!(star_evidence(&all(5, 40), &all(3, 40)) < 0.0);
        assert!(star_evidence(&all(4, 40), &all(4, 40)) < 0.0);
    }
}

//! How many groups it would take to decide.

use super::distribution::normal_quantile;

/// The chance that a difference as large as the one looked for is found, given enough groups.
const POWER: f64 = 0.8;

/// The number of groups at which a one-sided test at level `alpha` finds a mean difference of
/// size `effect` in four of five tries, for groups that spread by `deviation`:
/// n = ((z₁₋α + z₀.₈)·σ/δ)², Lachin 1981, Controlled Clinical Trials 2:93.
///
/// `None` where no number is enough (an effect of zero).
pub fn needed_for(effect: f64, deviation: f64, alpha: f64) -> Option<usize> {
    let quantiles = normal_quantile(1.0 - alpha) + normal_quantile(POWER);
    let needed = (quantiles * deviation / effect).powi(2).ceil();
    // Beyond a million, "more items" is no advice.
    (needed.is_finite() && needed <= 1e6).then_some(needed as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_case_comes_out() {
        // One-sided 5 %, power 80 %, half a standard deviation: (1.645 + 0.842)² · 4 = 24.7.
        assert_eq!(needed_for(-0.5, 1.0, 0.05), Some(25));
        // A quarter of a standard deviation takes four times as many.
        assert_eq!(needed_for(0.25, 1.0, 0.05), Some(99));
        assert_eq!(needed_for(0.0, 1.0, 0.05), None);
        assert_eq!(needed_for(0.0, 0.0, 0.05), None);
        assert_eq!(needed_for(1.0, 0.0, 0.05), Some(0));
    }
}

//! Intervals for shares of right answers: of one model, and between two on the same items.

use super::Interval;
use super::distribution::normal_quantile;

/// Wilson's score interval for a share (Wilson 1927, JASA 22:209): sensible also for few trials
/// and for none or all of them right. `None` without trials.
pub fn wilson(successes: usize, trials: usize, level: f64) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let z = normal_quantile(0.5 + level / 2.0);
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Some(Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) })
}

/// How two models fared on the same items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PairedCounts {
    pub items: usize,
    /// Right for the candidate only.
    pub gained: usize,
    /// Right for the reference only.
    pub lost: usize,
}

impl PairedCounts {
    /// Counts pairs of (reference right, candidate right).
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        pairs.into_iter().fold(Self::default(), |counts, (reference, candidate)| Self {
            items: counts.items + 1,
            gained: counts.gained + usize::from(candidate && !reference),
            lost: counts.lost + usize::from(reference && !candidate),
        })
    }

    /// The candidate's share of right answers less the reference's.
    pub fn difference(self) -> f64 {
        match self.items {
            0 => 0.0,
            items => (self.gained as f64 - self.lost as f64) / items as f64,
        }
    }
}

/// The interval for the difference of two shares on the same items (candidate − reference):
/// Tango's score interval (Tango 1998, Statistics in Medicine 17:891), good also for few items
/// and few changes, where Wald's collapses to a point. `None` without items.
pub fn paired_difference_interval(counts: PairedCounts, level: f64) -> Option<Interval> {
    let z = normal_quantile(0.5 + level / 2.0);
    if counts.items == 0 || counts.gained + counts.lost > counts.items {
        return None;
    }
    Some(Interval { low: score_bound(counts, z), high: score_bound(counts, -z) })
}

/// The one-sided bound that lies below the true difference with probability `level`.
pub fn paired_difference_bound(counts: PairedCounts, level: f64) -> Option<f64> {
    paired_difference_interval(counts, 2.0 * level - 1.0).map(|interval| interval.low)
}

/// The difference at which the score statistic, which falls as the difference grows, is `z`.
fn score_bound(counts: PairedCounts, z: f64) -> f64 {
    let (mut low, mut high) = (-1.0, 1.0);
    // Sixty halvings leave less than 2e-18.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if score(counts, middle) > z { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Tango's statistic for a supposed difference: observed less supposed, over the standard error
/// under the supposition, with the most likely share of losses given it.
fn score(counts: PairedCounts, supposed: f64) -> f64 {
    let n = counts.items as f64;
    let (gained, lost) = (counts.gained as f64, counts.lost as f64);
    let linear = (2.0 * n - gained + lost) * supposed - gained - lost;
    let constant = -lost * supposed * (1.0 - supposed);
    let root = (linear * linear - 8.0 * n * constant).max(0.0).sqrt();
    let losses = (root - linear) / (4.0 * n);
    let variance = (n * (2.0 * losses + supposed * (1.0 - supposed))).max(0.0);
    let distance = gained - lost - n * supposed;
    match variance > 0.0 {
        true => distance / variance.sqrt(),
        false if distance == 0.0 => 0.0,
        false => f64::INFINITY.copysign(distance),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn counts(items: usize, gained: usize, lost: usize) -> PairedCounts {
        PairedCounts { items, gained, lost }
    }

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() < tolerance
    }

    #[test]
    fn wilson_gives_newcombes_published_intervals() {
        // Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
        for (successes, trials, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(successes, trials, 0.95).unwrap();
            assert!(close(interval.low, low, 6e-5) && close(interval.high, high, 6e-5));
        }
        assert_eq!(wilson(0, 0, 0.95), None);
        assert!(close(wilson(5, 5, 0.95).unwrap().high, 1.0, 1e-12));
    }

    #[test]
    fn paired_differences_agree_with_another_implementation() {
        // R, PropCIs 0.3-0: scoreci.mp(b = 60, c = 20, n = 1000, conf.level = 0.95) and
        // scoreci.mp(25, 28, 618, conf.level = 0.90); its estimate is (c − b)/n.
        let interval = paired_difference_interval(counts(1000, 20, 60), 0.95).unwrap();
        assert!(close(interval.low, -0.0584, 6e-5) && close(interval.high, -0.0231, 6e-5));
        let interval = paired_difference_interval(counts(618, 28, 25), 0.90).unwrap();
        assert!(close(interval.low, -0.0148, 6e-5) && close(interval.high, 0.0247, 6e-5));
    }

    #[test]
    fn with_no_change_at_all_the_bound_is_wilsons_for_none() {
        // Put gained = lost = 0 into Tango's equation: d/(1 − d) = z²/n.
        let z2 = normal_quantile(0.95).powi(2);
        for items in [10, 60, 200] {
            let bound = paired_difference_bound(counts(items, 0, 0), 0.95).unwrap();
            assert!(close(bound, -z2 / (items as f64 + z2), 1e-9), "{items}: {bound}");
        }
    }

    #[test]
    fn gains_mirror_losses() {
        let a = paired_difference_interval(counts(80, 9, 2), 0.95).unwrap();
        let b = paired_difference_interval(counts(80, 2, 9), 0.95).unwrap();
        assert!(close(a.low, -b.high, 1e-9) && close(a.high, -b.low, 1e-9));
        assert!(a.low < 7.0 / 80.0 && 7.0 / 80.0 < a.high);
        let all_lost = paired_difference_interval(counts(10, 0, 10), 0.95).unwrap();
        assert!(close(all_lost.low, -1.0, 1e-6) && all_lost.high < -0.4, "{all_lost:?}");
    }

    #[test]
    fn pairs_are_counted() {
        let pairs = [(true, true), (true, false), (false, true), (true, false), (false, false)];
        assert_eq!(PairedCounts::of(pairs), counts(5, 1, 2));
        assert!(close(counts(5, 1, 2).difference(), -0.2, 1e-12));
        assert_eq!(PairedCounts::of([]).difference(), 0.0);
        assert!(paired_difference_interval(counts(0, 0, 0), 0.95).is_none());
    }
}

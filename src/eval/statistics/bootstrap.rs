//! How sure a mean difference is: the studentized bootstrap over groups.

use super::Interval;
use super::distribution::student_quantile;
use super::random::{Purpose, generator, index_below};

/// The differences of one group of items that belong together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    pub sum: f64,
    pub size: f64,
}

impl Cluster {
    /// A group of one.
    pub fn single(value: f64) -> Self {
        Self { sum: value, size: 1.0 }
    }
}

/// The studentized bootstrap ("bootstrap-t") of a mean over items that come in groups.
///
/// Resamples whole groups. The mean is the ratio of the groups' sums to their sizes, and its
/// standard error the ratio estimator's (Cochran 1977, "Sampling techniques", §6.4 and §9A);
/// with groups of one these are the ordinary mean and s/√n. The distribution of
/// (mean* − mean)/error* over the resamples stands in for Student's t, which follows the data's
/// skew (Efron and Tibshirani 1993, "An introduction to the bootstrap", §12.5).
#[derive(Debug, Clone)]
pub struct Bootstrap {
    mean: f64,
    error: f64,
    freedom: f64,
    /// Sorted; empty where resampling can say nothing.
    studentized: Vec<f64>,
}

/// From so few groups, Student's t is used: too many resamples are one group repeated.
const FEWEST_RESAMPLED: usize = 6;

impl Bootstrap {
    /// Resamples `clusters`. `None` for fewer than two: nothing is known of the spread.
    pub fn new(clusters: &[Cluster], resamples: usize, seed: u64) -> Option<Self> {
        if clusters.len() < 2 {
            return None;
        }
        let (mean, error) = mean_and_error(clusters.iter().copied());
        let freedom = (clusters.len() - 1) as f64;
        let mut studentized = Vec::new();
        if error > 0.0 && clusters.len() >= FEWEST_RESAMPLED {
            let mut generator = generator(seed, Purpose::Interval);
            let mut drawn = Vec::with_capacity(clusters.len());
            // An error this small next to the sample's own is rounding: the draw is constant.
            let rounding = error * 1e-9;
            for _ in 0..resamples {
                drawn.clear();
                drawn.extend(
                    clusters.iter().map(|_| clusters[index_below(&mut generator, clusters.len())]),
                );
                let (drawn_mean, drawn_error) = mean_and_error(drawn.iter().copied());
                let distance = drawn_mean - mean;
                studentized.push(match drawn_error > rounding {
                    true => distance / drawn_error,
                    false if distance.abs() <= rounding => 0.0,
                    false => f64::INFINITY.copysign(distance),
                });
            }
            studentized.sort_unstable_by(f64::total_cmp);
        }
        Some(Self { mean, error, freedom, studentized })
    }

    /// The mean over all items.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Its standard error over groups.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// The two-sided interval that covers the true mean with probability `level`.
    pub fn interval(&self, level: f64) -> Interval {
        let tail = (1.0 - level) / 2.0;
        Interval { low: self.lower_bound(1.0 - tail), high: self.upper_bound(1.0 - tail) }
    }

    /// The one-sided bound that lies above the true mean with probability `level`.
    pub fn upper_bound(&self, level: f64) -> f64 {
        self.mean - self.quantile(1.0 - level) * self.error
    }

    /// The one-sided bound that lies below the true mean with probability `level`.
    pub fn lower_bound(&self, level: f64) -> f64 {
        self.mean - self.quantile(level) * self.error
    }

    /// The quantile of the studentized mean; Student's where resampling gives none, as when
    /// most values are equal and resamples without any spread put it at infinity.
    fn quantile(&self, probability: f64) -> f64 {
        if self.error == 0.0 {
            return 0.0;
        }
        let count = self.studentized.len();
        // The same rank from either end, so that turning all signs turns the interval round.
        let rank = |p: f64| ((count + 1) as f64 * p).floor() as usize;
        let value = match probability < 0.5 {
            true => rank(probability).checked_sub(1).and_then(|i| self.studentized.get(i)),
            false => {
                count.checked_sub(rank(1.0 - probability)).and_then(|i| self.studentized.get(i))
            }
        };
        match value {
            Some(value) if value.is_finite() => *value,
            _ => student_quantile(probability, self.freedom),
        }
    }
}

/// The ratio of sums to sizes, and its standard error.
fn mean_and_error(clusters: impl Iterator<Item = Cluster> + Clone) -> (f64, f64) {
    let mut count = 0.0;
    let (mut sum, mut size) = (0.0, 0.0);
    for cluster in clusters.clone() {
        count += 1.0;
        sum += cluster.sum;
        size += cluster.size;
    }
    let mean = sum / size;
    let squares: f64 = clusters.map(|c| (c.sum - mean * c.size).powi(2)).sum();
    (mean, (squares * count / (count - 1.0)).sqrt() / size)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn singles(values: &[f64]) -> Vec<Cluster> {
        values.iter().copied().map(Cluster::single).collect()
    }

    #[test]
    fn with_groups_of_one_the_error_is_that_of_the_mean() {
        // Mean 5, sample variance 20/3, so the error is √(20/3/4).
        let bootstrap = Bootstrap::new(&singles(&[2.0, 4.0, 6.0, 8.0]), 0, 0).unwrap();
        assert_eq!(bootstrap.mean(), 5.0);
        assert!((bootstrap.error() - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
        // Four groups are too few to resample: Student's t, 3 degrees of freedom.
        let interval = bootstrap.interval(0.95);
        assert!((interval.high - (5.0 + 3.182_446 * (5.0f64 / 3.0).sqrt())).abs() < 1e-4);
    }

    #[test]
    fn groups_weigh_by_their_items() {
        let clusters = [Cluster { sum: -3.0, size: 3.0 }, Cluster { sum: 1.0, size: 1.0 }];
        assert_eq!(Bootstrap::new(&clusters, 10, 0).unwrap().mean(), -0.5);
        // Groups of different size but the same mean leave no doubt about it.
        let even: Vec<Cluster> =
            (1..9).map(|n| Cluster { sum: 0.5 * f64::from(n), size: f64::from(n) }).collect();
        let interval = Bootstrap::new(&even, 100, 0).unwrap().interval(0.95);
        assert!((interval.low - 0.5).abs() < 1e-9 && (interval.high - 0.5).abs() < 1e-9);
    }

    #[test]
    fn no_spread_and_too_few_groups_are_no_trouble() {
        assert!(Bootstrap::new(&[], 100, 0).is_none());
        assert!(Bootstrap::new(&singles(&[1.0]), 100, 0).is_none());
        let constant = Bootstrap::new(&singles(&[0.25; 30]), 100, 0).unwrap();
        assert_eq!(constant.interval(0.95), Interval { low: 0.25, high: 0.25 });
        // One value in thirty differs: a third of the resamples are constant.
        let mut values = vec![0.0; 29];
        values.push(-1.0);
        let interval = Bootstrap::new(&singles(&values), 2_000, 0).unwrap().interval(0.95);
        assert!(interval.low.is_finite() && interval.high.is_finite());
        assert!(interval.low < -1.0 / 30.0 && interval.high > -1.0 / 30.0, "{interval:?}");
    }

    #[test]
    fn a_long_tail_widens_the_interval_on_its_own_side() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i).exp2().ln_1p().powi(3)).collect();
        let bootstrap = Bootstrap::new(&singles(&values), 4_000, 1).unwrap();
        let interval = bootstrap.interval(0.95);
        assert!(interval.high - bootstrap.mean() > bootstrap.mean() - interval.low);
    }

    #[test]
    fn for_normal_values_it_is_close_to_students() {
        // Normal quantiles as a sample of 200: Student's interval is ±1.972 errors.
        let values: Vec<f64> =
            (0..200).map(|i| super::super::normal_quantile((f64::from(i) + 0.5) / 200.0)).collect();
        let bootstrap = Bootstrap::new(&singles(&values), 20_000, 5).unwrap();
        let interval = bootstrap.interval(0.95);
        assert!((interval.high / bootstrap.error() - 1.972).abs() < 0.07, "{interval:?}");
        assert!((interval.low / bootstrap.error() + 1.972).abs() < 0.07, "{interval:?}");
        assert_eq!(interval, Bootstrap::new(&singles(&values), 20_000, 5).unwrap().interval(0.95));
    }
}

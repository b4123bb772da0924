//! How sure a mean difference is that was measured on the same items with several seeds.

use std::collections::{BTreeMap, BTreeSet};

use super::Interval;
use super::distribution::{student_probability, student_quantile};

/// The mean of a difference measured for every pair of a seed and an item, where both are samples:
/// other training runs and other items would have given another mean.
///
/// Its variance is that of two-way clustering (Cameron, Gelbach and Miller 2011, "Robust inference
/// with multiway clustering", Journal of Business & Economic Statistics 29:238): that over seeds,
/// plus that over groups of items, less that of their intersection, which both count. Two things
/// depart from theirs, because with three to five seeds theirs errs too often (the figures are in
/// `docs/statistics.md`):
///
/// - The intersection's residuals are those left once seed and group are taken off, and are
///   counted over (seeds − 1)(groups − 1). Plain residuals hold a share of both spreads, a third
///   of the groups' with three seeds, which would be taken off again. With groups of one the
///   variance is then the unbiased one of a crossed design with random effects (Searle, Casella
///   and McCulloch 1992, "Variance components", chapter 4). It is never less than any of the
///   three alone.
/// - The freedom of Student's t weighs the two freedoms by variance, 1/f = Σ Vᵢ/(V·fᵢ), where
///   Satterthwaite's (1946, Biometrics Bulletin 2:110; in Clark's min F′, 1973, Journal of Verbal
///   Learning and Verbal Behavior 12:335) weighs by its square, 1/f = Σ (Vᵢ/V)²/fᵢ. A spread over
///   two degrees of freedom is often found far too small, and Satterthwaite then grants the many
///   degrees of the items on top. Weights in proportion are those that Cochran and Cox (1957,
///   "Experimental designs") give to the quantiles themselves.
///
/// With a single seed only the items vary: the figures then hold for that training run, and nothing
/// is known about how another would have turned out. Two seeds are too few for the level to hold:
/// their spread has one degree of freedom, and a twentieth becomes up to a twelfth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossed {
    mean: f64,
    error: f64,
    freedom: f64,
}

impl Crossed {
    /// From `differences[seed][item]`; `groups[item]` is the number of the item's group, of which
    /// only those that occur count. The items of a group count together, as near-duplicates.
    ///
    /// `None` without a seed, with fewer than two groups, where a seed does not have one value for
    /// each item, and where a value is not finite.
    pub fn new(differences: &[Vec<f64>], groups: &[usize]) -> Option<Self> {
        let numbers: BTreeSet<usize> = groups.iter().copied().collect();
        let is_whole =
            |row: &Vec<f64>| row.len() == groups.len() && row.iter().all(|d| d.is_finite());
        if differences.is_empty() || numbers.len() < 2 || !differences.iter().all(is_whole) {
            return None;
        }
        let (seed_count, group_count) = (differences.len() as f64, numbers.len() as f64);
        let item_count = groups.len() as f64;
        let total = seed_count * item_count;
        let mean = differences.iter().flatten().sum::<f64>() / total;

        // What each seed's share of each group, each seed and each group lies off the mean, summed
        // over items: the ratio estimator's residuals.
        let by_group = |values: &mut dyn Iterator<Item = f64>| -> Vec<f64> {
            let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
            for (group, value) in groups.iter().zip(values) {
                *sums.entry(*group).or_default() += value;
            }
            sums.into_values().collect()
        };
        let sizes = by_group(&mut std::iter::repeat(1.0));
        let pairs: Vec<Vec<f64>> =
            differences.iter().map(|row| by_group(&mut row.iter().map(|d| d - mean))).collect();
        let of_seeds: Vec<f64> = pairs.iter().map(|row| row.iter().sum()).collect();
        let of_groups: Vec<f64> =
            (0..sizes.len()).map(|group| pairs.iter().map(|row| row[group]).sum()).collect();

        let (seed_freedom, group_freedom) = (seed_count - 1.0, group_count - 1.0);
        let (seed_factor, group_factor) = (seed_count / seed_freedom, group_count / group_freedom);
        let square = |residual: f64| (residual / total).powi(2);
        let over_groups = group_factor * of_groups.iter().map(|r| square(*r)).sum::<f64>();
        let (mut variance, mut freedom) = (over_groups, group_freedom);
        if differences.len() > 1 {
            let over_seeds = seed_factor * of_seeds.iter().map(|r| square(*r)).sum::<f64>();
            let mut squares = 0.0;
            for (row, seed) in pairs.iter().zip(&of_seeds) {
                for ((pair, group), size) in row.iter().zip(&of_groups).zip(&sizes) {
                    squares += square(pair - seed * size / item_count - group / seed_count);
                }
            }
            let of_both = seed_factor * group_factor * squares;
            let parts = [over_seeds, over_groups, of_both];
            variance = parts.into_iter().fold(over_seeds + over_groups - of_both, f64::max);
            // Between those of the part that has least and the part that has most. (The maximum
            // comes first: it turns 0/0, where nothing varies, into a number.)
            freedom = (variance / (over_seeds / seed_freedom + over_groups / group_freedom))
                .max(seed_freedom.min(group_freedom))
                .min(seed_freedom * group_freedom);
        }
        Some(Self { mean, error: variance.sqrt(), freedom })
    }

    /// The mean over all seeds and items.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Its standard error over seeds and groups.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// The degrees of freedom of Student's t.
    pub fn freedom(&self) -> f64 {
        self.freedom
    }

    /// The two-sided interval that covers the true mean with probability `level`.
    pub fn interval(&self, level: f64) -> Interval {
        let half = student_quantile(0.5 + level / 2.0, self.freedom) * self.error;
        Interval { low: self.mean - half, high: self.mean + half }
    }

    /// The two-sided p-value of a true mean of zero.
    pub fn p_value(&self) -> f64 {
        2.0 * student_probability(-self.distance().abs(), self.freedom)
    }

    /// The one-sided p-value, small when the mean is below zero.
    pub fn p_below(&self) -> f64 {
        student_probability(self.distance(), self.freedom)
    }

    /// The mean in standard errors; without any spread, infinitely far from zero or on it.
    fn distance(&self) -> f64 {
        if self.mean == 0.0 { 0.0 } else { self.mean / self.error }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Bootstrap, Cluster};
    use super::*;

    fn assert_close(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
    }

    /// Seven items in groups of 1, 3, 2 and 1, numbered with a gap.
    const GROUPS: [usize; 7] = [0, 1, 1, 7, 1, 7, 3];
    const ITEMS: [f64; 7] = [0.5, -1.5, -1.0, 0.25, -2.0, 0.75, -0.5];

    fn uneven() -> Vec<Vec<f64>> {
        let value = |seed: usize, item: usize| {
            ITEMS[item] + 0.3 * seed as f64 + f64::from(((seed * 7 + item) * 37 % 23) as u32) / 20.0
        };
        (0..4).map(|seed| (0..7).map(|item| value(seed, item)).collect()).collect()
    }

    #[test]
    fn where_seeds_agree_it_is_the_t_over_groups() {
        let clusters: Vec<Cluster> = [0, 1, 3, 7]
            .map(|group| {
                let members = || ITEMS.iter().zip(GROUPS).filter(move |(_, g)| *g == group);
                Cluster {
                    sum: members().map(|(value, _)| value).sum(),
                    size: members().count() as f64,
                }
            })
            .to_vec();
        let one_way = Bootstrap::new(&clusters, 0, 0).unwrap();
        for seeds in [1, 2, 5] {
            let crossed = Crossed::new(&vec![ITEMS.to_vec(); seeds], &GROUPS).unwrap();
            assert_close(crossed.mean(), one_way.mean());
            assert_close(crossed.error(), one_way.error());
            assert_close(crossed.freedom(), 3.0);
            assert_close(crossed.interval(0.95).low, one_way.interval(0.95).low);
            assert_close(crossed.interval(0.95).high, one_way.interval(0.95).high);
        }
    }

    #[test]
    fn where_items_agree_it_is_the_t_over_the_seeds_means() {
        // Student's own example (1908), each patient a seed: R prints t = 4.0621 on 9 degrees of
        // freedom, p = 0.002833 and the interval 0.7001142 to 2.4598858.
        let gained = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let crossed = Crossed::new(&gained.map(|value| vec![value; 7]), &GROUPS).unwrap();
        assert_close(crossed.mean(), 1.58);
        assert_close(crossed.freedom(), 9.0);
        assert!((crossed.interval(0.95).low - 0.700_114_2).abs() < 1e-6);
        assert!((crossed.interval(0.95).high - 2.459_885_8).abs() < 1e-6);
        assert!((crossed.mean() / crossed.error() - 4.0621).abs() < 1e-4);
        assert!((crossed.p_value() - 0.002_833).abs() < 1e-6, "{}", crossed.p_value());
        assert_close(crossed.p_below(), 1.0 - crossed.p_value() / 2.0);
    }

    #[test]
    fn the_case_worked_by_hand_comes_out() {
        // Two seeds, three items, mean 4: the seeds' means are 2 and 6, the items' 3, 3.5 and 5.5,
        // and ±1, ±0.5 and ±0.5 are left once both are taken off. The sums of squares are 24 over
        // one degree of freedom, 7 over two, and 3 over two.
        let crossed =
            Crossed::new(&[vec![2.0, 1.0, 3.0], vec![4.0, 6.0, 8.0]], &[0, 1, 2]).unwrap();
        assert_close(crossed.mean(), 4.0);
        let [seeds, items, rest] = [24.0 / 6.0, 3.5 / 6.0, 1.5 / 6.0];
        let variance: f64 = seeds + items - rest;
        assert_close(crossed.error(), variance.sqrt());
        assert_close(crossed.freedom(), 104.0 / 103.0);
    }

    #[test]
    fn the_variance_is_at_least_that_of_each_part_alone() {
        // Seeds that only differ by a shift add their own spread to the items' and take off nothing.
        let over_items = Crossed::new(&[ITEMS.to_vec()], &GROUPS).unwrap();
        let shifted: Vec<f64> = ITEMS.iter().map(|value| value + 1.0).collect();
        let crossed = Crossed::new(&[ITEMS.to_vec(), shifted], &GROUPS).unwrap();
        assert_close(crossed.error(), over_items.error().hypot(0.5));
        // By chance the seeds' means are equal, and the items' too: what is left over, a sum of
        // squares of 4 over two degrees of freedom, still leaves doubt about the mean of six.
        let crossed =
            Crossed::new(&[vec![2.0, 1.0, 0.0], vec![0.0, 1.0, 2.0]], &[0, 1, 2]).unwrap();
        assert_eq!((crossed.mean(), crossed.freedom()), (1.0, 2.0));
        assert_close(crossed.error(), (2.0f64 / 6.0).sqrt());
    }

    #[test]
    fn shifting_and_scaling_the_values_does_so_to_the_answer_and_order_is_nothing() {
        let plain = Crossed::new(&uneven(), &GROUPS).unwrap();
        let changed: Vec<Vec<f64>> =
            uneven().iter().map(|row| row.iter().map(|d| 5.0 - 2.0 * d).collect()).collect();
        let changed = Crossed::new(&changed, &GROUPS).unwrap();
        assert_close(changed.mean(), 5.0 - 2.0 * plain.mean());
        assert_close(changed.error(), 2.0 * plain.error());
        assert_close(changed.freedom(), plain.freedom());
        assert_close(changed.interval(0.9).low, 5.0 - 2.0 * plain.interval(0.9).high);

        let turned: Vec<Vec<f64>> =
            uneven().iter().map(|row| row.iter().map(|d| -d).collect()).collect();
        let turned = Crossed::new(&turned, &GROUPS).unwrap();
        assert_close(turned.p_value(), plain.p_value());
        assert_close(turned.p_below(), 1.0 - plain.p_below());

        let reordered: Vec<Vec<f64>> =
            uneven().iter().rev().map(|row| row.iter().rev().copied().collect()).collect();
        let groups: Vec<usize> = GROUPS.iter().rev().map(|group| group * 10).collect();
        let reordered = Crossed::new(&reordered, &groups).unwrap();
        assert_close(reordered.mean(), plain.mean());
        assert_close(reordered.error(), plain.error());
        assert_close(reordered.freedom(), plain.freedom());
    }

    #[test]
    fn the_p_value_is_the_level_at_which_the_interval_reaches_zero() {
        let crossed = Crossed::new(&uneven(), &GROUPS).unwrap();
        let interval = crossed.interval(1.0 - crossed.p_value());
        assert!(interval.low.abs().min(interval.high.abs()) < 1e-6, "{interval:?}");
    }

    #[test]
    fn too_little_to_go_by_gives_nothing_and_no_spread_is_no_trouble() {
        assert_eq!(Crossed::new(&[], &[0, 1]), None);
        assert_eq!(Crossed::new(&[vec![], vec![]], &[]), None);
        assert_eq!(Crossed::new(&[vec![1.0, 2.0], vec![2.0, 3.0]], &[4, 4]), None);
        assert_eq!(Crossed::new(&[vec![1.0, 2.0], vec![2.0]], &[0, 1]), None);
        assert_eq!(Crossed::new(&[vec![1.0, f64::NAN]], &[0, 1]), None);
        let zero = Crossed::new(&vec![vec![0.0; 3]; 3], &[0, 1, 2]).unwrap();
        assert_eq!(zero.interval(0.95), Interval { low: 0.0, high: 0.0 });
        assert_eq!(zero.p_value(), 1.0);
        let below = Crossed::new(&vec![vec![-0.5; 3]; 3], &[0, 1, 2]).unwrap();
        assert_eq!(below.interval(0.95), Interval { low: -0.5, high: -0.5 });
        assert_eq!((below.p_value(), below.p_below()), (0.0, 0.0));
    }
}

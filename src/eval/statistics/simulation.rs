//! Simulations: how often the test errs and the interval misses, over populations it was not
//! made for. The figures in `docs/statistics.md` come from here, with `KAIZEN_FULL=1`:
//!
//! `KAIZEN_FULL=1 cargo test --lib eval::statistics::simulation -- --nocapture`
#![allow(clippy::unwrap_used)]

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::random::{Purpose, generator};
use super::*;

/// A population with mean zero.
#[derive(Debug, Clone, Copy)]
enum Population {
    Normal,
    /// Student's t with 3 degrees of freedom: heavy tails.
    StudentThree,
    /// Student's t with 2: infinite variance.
    StudentTwo,
    /// A normal with its sign drawn apart and exponential size: heavy, symmetric.
    LognormalBothSides,
    /// A lognormal less its mean: a few items got much worse, most a little better.
    LognormalUp,
    /// An exponential less its mean: the same, but milder.
    ExponentialUp,
    /// A lognormal turned round: a few items got much better, most a little worse.
    LognormalDown,
}

use Population::*;

impl Population {
    fn draw(self, generator: &mut ChaCha8Rng) -> f64 {
        let normal = |generator: &mut ChaCha8Rng| {
            // 53 bits, the middle of each step, so that neither 0 nor 1 comes out.
            let uniform = ((generator.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            normal_quantile(uniform)
        };
        let z = normal(generator);
        match self {
            Normal => z,
            StudentThree => z / (0..3).map(|_| normal(generator).powi(2) / 3.0).sum::<f64>().sqrt(),
            StudentTwo => z / (0..2).map(|_| normal(generator).powi(2) / 2.0).sum::<f64>().sqrt(),
            LognormalBothSides => z.exp().copysign(normal(generator)),
            ExponentialUp => (z * z + normal(generator).powi(2)) / 2.0 - 1.0,
            LognormalUp => z.exp() - 0.5f64.exp(),
            LognormalDown => 0.5f64.exp() - z.exp(),
        }
    }
}

fn is_full() -> bool {
    std::env::var_os("KAIZEN_FULL").is_some()
}

/// Trials and resamples.
fn effort() -> (usize, usize) {
    if is_full() { (20_000, 2_000) } else { (2_000, 199) }
}

/// The largest count, of `trials`, that an event of probability `rate` or less may reach: four
/// standard deviations over its mean, which chance passes once in 30,000 tests.
fn at_most(rate: f64, trials: usize) -> usize {
    let n = trials as f64;
    (rate * n + 4.0 * (n * rate * (1.0 - rate)).sqrt()).floor() as usize
}

/// How often the test at `alpha` calls a mean of zero "below zero".
fn false_acceptances(population: Population, n: usize, alpha: f64) -> (usize, usize) {
    let (trials, resamples) = effort();
    let mut draws = generator(n as u64 * 1_000 + population as u64, Purpose::Interval);
    let accepted = (0..trials)
        .filter(|trial| {
            let values: Vec<f64> = (0..n).map(|_| population.draw(&mut draws)).collect();
            p_value(&values, resamples, *trial as u64) <= alpha
        })
        .count();
    println!(
        "false acceptance {population:?} n={n} α={alpha}: {:.2} %",
        100.0 * accepted as f64 / trials as f64
    );
    (accepted, trials)
}

#[test]
fn an_adapter_that_is_no_better_is_accepted_in_at_most_one_case_in_twenty() {
    for population in [Normal, StudentThree, StudentTwo, LognormalBothSides] {
        for n in [20, 50, 100] {
            let (accepted, trials) = false_acceptances(population, n, 0.05);
            assert!(accepted <= at_most(0.05, trials), "{population:?} n={n}: {accepted}");
        }
    }
}

#[test]
fn skew_is_the_tests_weakness_and_is_no_worse_than_written_down() {
    // A sign-flip test assumes symmetry. It is on the safe side where a few items get much
    // better, and NOT where a few get much worse: there it accepts more often than it says. The
    // limits below are no allowance anyone derived; they are what was measured (docs/statistics.md)
    // at the level of a first decision, pinned so that the page stays true.
    for (population, n, rate) in [
        (LognormalDown, 20, 0.025),
        (LognormalDown, 50, 0.025),
        (LognormalDown, 100, 0.025),
        (ExponentialUp, 20, 0.075),
        (ExponentialUp, 50, 0.057),
        (ExponentialUp, 100, 0.048),
        (LognormalUp, 20, 0.130),
        (LognormalUp, 50, 0.101),
        (LognormalUp, 100, 0.083),
    ] {
        let (accepted, trials) = false_acceptances(population, n, 0.025);
        assert!(accepted <= at_most(rate, trials), "{population:?} n={n}: {accepted}");
    }
}

#[test]
fn where_skew_fools_the_test_the_interval_shown_beside_it_often_reaches_zero() {
    let (trials, resamples) = if is_full() { (20_000, 2_000) } else { (1_000, 199) };
    let mut draws = generator(78, Purpose::Interval);
    let (mut accepted, mut warned) = (0, 0);
    for trial in 0..trials {
        let values: Vec<f64> = (0..20).map(|_| LognormalUp.draw(&mut draws)).collect();
        if p_value(&values, resamples, trial) <= 0.025 {
            let clusters: Vec<Cluster> = values.into_iter().map(Cluster::single).collect();
            let interval = Bootstrap::new(&clusters, resamples, trial).unwrap().interval(0.95);
            accepted += 1;
            warned += usize::from(interval.high >= 0.0);
        }
    }
    println!("false acceptance LognormalUp n=20: {accepted} of {trials}, {warned} with a warning");
    assert!(4 * warned > accepted, "{warned} of {accepted}");
}

#[test]
fn a_real_difference_is_found() {
    // Half a standard deviation and 50 groups: by the textbook (Lachin 1981) the power of the
    // t test at 2.5 % is 0.94; it must not be far below for the permutation test.
    let (trials, resamples) = effort();
    let mut draws = generator(77, Purpose::Interval);
    let found = (0..trials)
        .filter(|trial| {
            let values: Vec<f64> = (0..50).map(|_| Normal.draw(&mut draws) - 0.5).collect();
            p_value(&values, resamples, *trial as u64) <= 0.025
        })
        .count();
    println!("power: {:.1} %", 100.0 * found as f64 / trials as f64);
    assert!(found as f64 > 0.90 * trials as f64, "{found} of {trials}");
}

/// How often the two-sided interval holds the true mean, and the upper bound is above it.
fn coverage(population: Population, n: usize) -> (f64, f64) {
    let (trials, resamples) = if is_full() { (5_000, 2_000) } else { (400, 400) };
    let mut draws = generator(n as u64 * 1_000 + 500 + population as u64, Purpose::Interval);
    let (mut within, mut below) = (0, 0);
    for trial in 0..trials {
        let clusters: Vec<Cluster> =
            (0..n).map(|_| Cluster::single(population.draw(&mut draws))).collect();
        let bootstrap = Bootstrap::new(&clusters, resamples, trial as u64).unwrap();
        let interval = bootstrap.interval(0.95);
        within += usize::from(interval.low <= 0.0 && 0.0 <= interval.high);
        below += usize::from(bootstrap.upper_bound(0.95) >= 0.0);
    }
    let share = |count: usize| count as f64 / trials as f64;
    println!(
        "coverage {population:?} n={n}: interval {:.1} %, upper bound {:.1} %",
        100.0 * share(within),
        100.0 * share(below)
    );
    (share(within), share(below))
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    for n in [20, 50, 100] {
        let (within, below) = coverage(Normal, n);
        // Four standard errors of 400 trials at 95 % are 4.4 points.
        assert!((within - 0.95).abs() < 0.044, "n={n}: {within}");
        assert!((below - 0.95).abs() < 0.044, "n={n}: {below}");
        // Skew costs some coverage; the ordinary t interval is at 85 % and below for n = 20.
        let (within, below) = coverage(LognormalUp, n);
        assert!(within > 0.88 && below > 0.88, "n={n}: {within} {below}");
        if is_full() {
            coverage(LognormalDown, n);
            coverage(StudentThree, n);
        }
    }
}

#[test]
fn the_bound_on_lost_answers_is_exceeded_as_rarely_as_it_says() {
    // A candidate that truly loses 10 points must pass the accuracy guard in 5 % of cases or
    // less, here over 60 items of which base gets 95 % right. Tango's interval is approximate:
    // 2 points are granted for its steps at so few items.
    let (trials, _) = effort();
    let mut draws = generator(9, Purpose::Interval);
    let passed = (0..trials)
        .filter(|_| {
            let pairs = (0..60).map(|_| {
                let u = (draws.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
                match u {
                    lost if lost < 0.12 => (true, false),
                    gained if gained < 0.14 => (false, true),
                    _ => (true, true),
                }
            });
            paired_difference_bound(PairedCounts::of(pairs), 0.95).unwrap() > -0.10
        })
        .count();
    println!(
        "accuracy guard passes a loss of 10 points: {:.1} %",
        100.0 * passed as f64 / trials as f64
    );
    assert!(passed <= at_most(0.07, trials), "{passed} of {trials}");
}

/// A difference with true mean zero, measured for seeds and items that both vary: the effects of
/// the seed, of the item's group and of the item, and what is left over, added up. Groups have one
/// to three items.
#[derive(Debug, Clone, Copy)]
struct CrossedSetting {
    seeds: usize,
    groups: usize,
    /// The seeds' share in the variance of the mean, as a multiple of all the rest.
    seed_effect: f64,
    /// The variance of the groups' and items' effects together, next to 1 for what is left over.
    item_effect: f64,
    /// The distribution of the groups' and items' effects.
    items: Population,
}

impl CrossedSetting {
    fn groups(&self) -> Vec<usize> {
        (0..self.groups).flat_map(|group| vec![group; 1 + group % 3]).collect()
    }

    /// The variance of the mean that does not come from seeds.
    fn rest(&self, groups: &[usize]) -> f64 {
        // Half of the items' variance is their group's, and half of what is left over too: those
        // parts of a mean vary like Σ size²/n², the others like 1/n.
        let n = groups.len() as f64;
        let squares: f64 = (0..self.groups).map(|group| (1.0 + (group % 3) as f64).powi(2)).sum();
        let of_mean = (squares / n + 1.0) / 2.0 / n;
        of_mean * (self.item_effect + 1.0 / self.seeds as f64)
    }

    fn draw(&self, groups: &[usize], generator: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
        let seed_deviation = (self.seed_effect * self.rest(groups) * self.seeds as f64).sqrt();
        let item_deviation = (self.item_effect / 2.0).sqrt();
        let left_deviation = 0.5f64.sqrt();

        let of_groups: Vec<f64> = (0..self.groups).map(|_| self.items.draw(generator)).collect();
        let of_items: Vec<f64> = groups
            .iter()
            .map(|group| item_deviation * (of_groups[*group] + self.items.draw(generator)))
            .collect();
        (0..self.seeds)
            .map(|_| {
                let of_seed = seed_deviation * Normal.draw(generator);
                let left: Vec<f64> = (0..self.groups).map(|_| Normal.draw(generator)).collect();
                let values = groups.iter().zip(&of_items).map(|(group, item)| {
                    of_seed + item + left_deviation * (left[*group] + Normal.draw(generator))
                });
                values.collect()
            })
            .collect()
    }
}

/// The two-sided p-value by the letter: the three clusterings' variances from the same residuals
/// (Cameron, Gelbach and Miller 2011), at least the larger of the first two, and Satterthwaite's
/// degrees of freedom. What [`Crossed`] does instead is justified by how often this errs.
fn by_the_letter(differences: &[Vec<f64>], groups: &[usize]) -> f64 {
    let total = (differences.len() * groups.len()) as f64;
    let mean = differences.iter().flatten().sum::<f64>() / total;
    let clustered = |cluster: &dyn Fn(usize, usize) -> (usize, usize)| {
        let mut sums = std::collections::BTreeMap::<(usize, usize), f64>::new();
        for (seed, row) in differences.iter().enumerate() {
            for (difference, group) in row.iter().zip(groups) {
                *sums.entry(cluster(seed, *group)).or_default() += (difference - mean) / total;
            }
        }
        let (count, squares) = (sums.len() as f64, sums.values().map(|sum| sum * sum).sum::<f64>());
        (count / (count - 1.0) * squares, count - 1.0)
    };
    let (over_seeds, seed_freedom) = clustered(&|seed, _| (seed, 0));
    let (over_groups, group_freedom) = clustered(&|_, group| (0, group));
    let (of_both, _) = clustered(&|seed, group| (seed, group));
    let variance = (over_seeds + over_groups - of_both).max(over_seeds).max(over_groups);
    let freedom = variance.powi(2)
        / (over_seeds.powi(2) / seed_freedom + over_groups.powi(2) / group_freedom);
    2.0 * student_probability(-mean.abs() / variance.sqrt(), freedom)
}

/// How often zero, the true mean, is rejected at 5 % on two sides and on the lower one, how often
/// the 95 % interval misses it, and the trials.
fn crossed_errors(setting: CrossedSetting) -> ([usize; 3], usize) {
    let (trials, _) = effort();
    let groups = setting.groups();
    let mut draws = generator(
        (setting.seeds * 1_000 + setting.groups) as u64 + (setting.seed_effect * 1e6) as u64,
        Purpose::Interval,
    );
    let (mut rejected, mut below, mut missed) = (0, 0, 0);
    let (mut by_letter, mut by_smaller) = (0, 0);
    let smaller_freedom = (setting.seeds.min(setting.groups) - 1) as f64;
    let deviation = (setting.rest(&groups) * (1.0 + setting.seed_effect)).sqrt();
    let mut width = 0.0;
    for _ in 0..trials {
        let differences = setting.draw(&groups, &mut draws);
        let crossed = Crossed::new(&differences, &groups).unwrap();
        let interval = crossed.interval(0.95);
        rejected += usize::from(crossed.p_value() <= 0.05);
        below += usize::from(crossed.p_below() <= 0.05);
        missed += usize::from(interval.low > 0.0 || interval.high < 0.0);
        by_letter += usize::from(by_the_letter(&differences, &groups) <= 0.05);
        let distance = -crossed.mean().abs() / crossed.error();
        by_smaller += usize::from(student_probability(distance, smaller_freedom) <= 0.025);
        width += (interval.high - interval.low) / 2.0 / deviation / trials as f64;
    }
    let share = |count: usize| 100.0 * count as f64 / trials as f64;
    println!(
        "crossed {} seeds, {} groups, seeds ×{}, items {} ({:?}): two-sided {:.2} %, below {:.2} %, \
         coverage {:.2} % of ±{width:.2}σ; by the letter {:.2} %, by the smaller freedom \
         {:.2} %",
        setting.seeds,
        setting.groups,
        setting.seed_effect,
        setting.item_effect,
        setting.items,
        share(rejected),
        share(below),
        share(trials - missed),
        share(by_letter),
        share(by_smaller),
    );
    ([rejected, below, missed], trials)
}

#[test]
fn over_seeds_and_items_no_difference_is_found_in_little_more_than_one_case_in_twenty() {
    // Without any seed effect, with one as large as all else, with four times as much (where
    // Satterthwaite's freedom does most harm), and with little but the seeds to speak of.
    for seed_effect in [0.0, 1.0, 4.0, 25.0] {
        for seeds in [3, 5] {
            for groups in [20, 50] {
                for item_effect in [0.0, 1.0, 10.0] {
                    let items = Normal;
                    let setting = CrossedSetting { seeds, groups, seed_effect, item_effect, items };
                    let (errors, trials) = crossed_errors(setting);
                    for errors in errors {
                        assert!(errors <= at_most(0.06, trials), "{setting:?}: {errors}");
                    }
                }
            }
        }
    }
}

#[test]
fn two_seeds_and_skewed_items_fool_it_no_more_than_written_down() {
    // As for the sign-flip test above: the limits are what was measured (docs/statistics.md), two
    // sides first, then the side where a skew with a few items much worse does harm.
    for (seeds, groups, seed_effect, items, limits) in [
        (2, 20, 0.0, Normal, [0.020, 0.026]),
        (2, 20, 4.0, Normal, [0.069, 0.053]),
        (2, 50, 25.0, Normal, [0.084, 0.061]),
        (3, 20, 0.0, ExponentialUp, [0.026, 0.042]),
        (3, 20, 1.0, ExponentialUp, [0.035, 0.044]),
        (5, 20, 0.0, ExponentialUp, [0.044, 0.064]),
        (5, 20, 1.0, ExponentialUp, [0.036, 0.047]),
        (5, 50, 0.0, ExponentialUp, [0.040, 0.057]),
        (5, 50, 1.0, ExponentialUp, [0.040, 0.047]),
    ] {
        let setting = CrossedSetting { seeds, groups, seed_effect, item_effect: 1.0, items };
        let ([two_sided, below, _], trials) = crossed_errors(setting);
        for (errors, limit) in [two_sided, below].into_iter().zip(limits) {
            assert!(errors <= at_most(limit, trials), "{setting:?}: {errors}");
        }
    }
}

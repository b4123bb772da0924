//! How often promotion errs, and how soon it finds what is there. The figures in `docs/statistics.md`
//! come from here:
//!
//! `cargo test --lib eval::promotion::simulation -- --nocapture`

use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const RUNS: u64 = 2_000;

/// Stars with mean 3.3 and standard deviation 1.18, and with mean 3.8 and 1.19.
const PLAIN: [f64; 5] = [0.08, 0.17, 0.30, 0.27, 0.18];
const BETTER: [f64; 5] = [0.05, 0.11, 0.20, 0.27, 0.37];
/// People who give one star or five: the spread is as wide as it can be.
const EXTREME: [f64; 5] = [0.5, 0.0, 0.0, 0.0, 0.5];
/// People who give four stars nearly always.
const NARROW: [f64; 5] = [0.0, 0.01, 0.04, 0.9, 0.05];

fn uniform(generator: &mut ChaCha8Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

fn rate(arm: &mut ArmRecord, shares: &[f64; 5], generator: &mut ChaCha8Rng) {
    let mut left = uniform(generator);
    for (count, share) in arm.stars.0.iter_mut().zip(shares) {
        left -= share;
        if left < 0.0 {
            *count += 1;
            return;
        }
    }
    arm.stars.0[4] += 1;
}

/// One pair is judged after every `every`-th rating of each arm; looks after every event. What was found
/// first, if anything.
struct Course {
    pairs: usize,
    win: f64,
    ratings: usize,
    reference: [f64; 5],
    candidate: [f64; 5],
    /// Ratings of the reference for one of the candidate, as in a canary of 10 %.
    reference_share: usize,
}

impl Course {
    fn first(&self, seed: u64) -> Finding {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut evidence = ServiceEvidence::default();
        for step in 0..self.pairs.max(self.ratings) {
            if step < self.pairs {
                match uniform(&mut generator) < self.win {
                    true => evidence.pairs.wins += 1,
                    false => evidence.pairs.losses += 1,
                }
                if evidence.finding() != Finding::Open {
                    return evidence.finding();
                }
            }
            if step < self.ratings {
                for _ in 0..self.reference_share {
                    rate(&mut evidence.reference, &self.reference, &mut generator);
                    if evidence.finding() != Finding::Open {
                        return evidence.finding();
                    }
                }
                rate(&mut evidence.candidate, &self.candidate, &mut generator);
                if evidence.finding() != Finding::Open {
                    return evidence.finding();
                }
            }
        }
        Finding::Open
    }

    /// Shares of runs that found better, and worse.
    fn run(&self, what: &str) -> (f64, f64) {
        let found: Vec<Finding> = (0..RUNS).map(|seed| self.first(seed)).collect();
        let share = |wanted| {
            found.iter().filter(|finding| **finding == wanted).count() as f64 / RUNS as f64
        };
        let (better, worse) = (share(Finding::Better), share(Finding::Worse));
        println!("{what}: better {:.2} %, worse {:.2} %", 100.0 * better, 100.0 * worse);
        (better, worse)
    }
}

const NONE: Course = Course {
    pairs: 0,
    win: 0.5,
    ratings: 0,
    reference: PLAIN,
    candidate: PLAIN,
    reference_share: 1,
};

// If this fails, an adapter that is no better is promoted, or one that is no worse rolled back, more
// often than the documents promise.
#[test]
fn without_a_difference_hardly_any_run_is_ever_decided() {
    let course = Course { pairs: 400, ratings: 800, ..NONE };
    let (better, worse) =
        course.run("no difference: 400 pairs and 800 ratings an arm, a look after each");
    assert!(better <= 0.05 && worse <= 0.05, "{better} {worse}");
}

#[test]
fn stars_of_other_shapes_do_not_cry_wolf() {
    for (what, shares) in [("one or five stars", EXTREME), ("four stars nearly always", NARROW)] {
        let course = Course { ratings: 800, reference: shares, candidate: shares, ..NONE };
        let (better, worse) = course.run(&format!("no difference, {what}: 800 ratings an arm"));
        assert!(better <= STAR_ALPHA + 0.009 && worse <= STAR_ALPHA + 0.009, "{better} {worse}");
    }
    let canary = Course { ratings: 120, reference_share: 9, ..NONE };
    let (better, worse) = canary.run("no difference, a canary of 10 %: 120 ratings against 1,080");
    assert!(better <= STAR_ALPHA + 0.009 && worse <= STAR_ALPHA + 0.009, "{better} {worse}");
}

#[test]
fn an_adapter_that_wins_two_of_three_pairs_is_found_within_120() {
    let course = Course { pairs: 120, win: 0.65, ..NONE };
    let (better, worse) = course.run("win probability 0.65: within 120 pairs");
    assert!(better >= 0.80 && worse < 0.01, "{better} {worse}");
    let turned = Course { win: 0.35, ..course };
    let (better, worse) = turned.run("win probability 0.35: within 120 pairs");
    assert!(worse >= 0.80 && better < 0.01, "{better} {worse}");
}

#[test]
fn half_a_star_more_is_found_within_400_ratings_an_arm() {
    let course = Course { ratings: 400, candidate: BETTER, ..NONE };
    let (better, worse) = course.run("+0.5 stars (deviation 1.2): within 400 ratings an arm");
    assert!(better >= 0.80 && worse < 0.01, "{better} {worse}");
}

//! The statistics behind every decision: numbers in, numbers out, the same for the same seed.
//!
//! Knows nothing of models, sets or verdicts. What each method assumes, and how well it holds
//! up where the assumption fails, is measured by simulation in `simulation.rs` and written down
//! in `docs/statistics.md`.

mod bootstrap;
mod crossed;
mod distribution;
mod holm;
mod jackknife;
mod proportion;
mod random;
mod sample_size;
mod sign_flip;
#[cfg(test)]
mod simulation;
mod spending;
mod star_test;
mod stars;
mod win_process;

pub use bootstrap::{Bootstrap, Cluster};
pub use crossed::Crossed;
pub use distribution::{
    normal_probability, normal_quantile, student_probability, student_quantile,
};
pub use holm::holm;
pub use jackknife::{Estimate, jackknife};
pub use proportion::{PairedCounts, paired_difference_bound, paired_difference_interval, wilson};
pub use random::Purpose;
pub use sample_size::needed_for;
pub use sign_flip::{p_value, resamples_for};
pub use spending::{ALPHA, Spending};
pub use star_test::{FEWEST as FEWEST_RATINGS, star_evidence};
pub use stars::{StarCounts, ratings_needed};
pub use win_process::{pairs_needed, win_evidence};

/// Resamples of every bootstrap and, at least, of every permutation test.
pub const RESAMPLES: usize = 10_000;

/// Two ends of an interval, low before high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// The interval of `change(x)` for an increasing `change`.
    pub fn map(self, change: impl Fn(f64) -> f64) -> [f64; 2] {
        [change(self.low), change(self.high)]
    }
}

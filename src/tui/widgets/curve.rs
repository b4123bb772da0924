//! Curves as numbers: smoothing, and the held-out losses among a run's lines. A value that is no number is a
//! gap.

use super::axis::Scale;
use crate::train::StepMetrics;

/// How strongly the loss is smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Smoothing(usize);

impl Smoothing {
    /// Weights of what came before.
    const WEIGHTS: [f64; Self::COUNT] = [0.8, 0.95, 0.0, 0.5];

    pub const COUNT: usize = 4;

    pub fn next(self) -> Self {
        Self((self.0 + 1) % Self::COUNT)
    }

    pub fn weight(self) -> f64 {
        Self::WEIGHTS.get(self.0).copied().unwrap_or_default()
    }

    /// Its place among all, under [`COUNT`](Self::COUNT).
    pub fn place(self) -> usize {
        self.0 % Self::COUNT
    }
}

/// The exponential moving average with its bias towards the start corrected, as for Adam's moments
/// (Kingma & Ba 2015); where a value is no number, so is the average, and the next goes on.
#[derive(Debug, Clone, Copy)]
pub struct Average {
    weight: f64,
    sum: f64,
    share: f64,
}

impl Average {
    pub fn new(smoothing: Smoothing) -> Self {
        Self { weight: smoothing.weight(), sum: 0.0, share: 0.0 }
    }

    /// The average with one more value.
    pub fn next(&mut self, value: f64) -> f64 {
        if Scale::Even.place(value).is_none() {
            return f64::NAN;
        }
        self.sum = self.weight * self.sum + (1.0 - self.weight) * value;
        self.share = self.weight * self.share + (1.0 - self.weight);
        self.sum / self.share
    }
}

/// A whole curve smoothed.
pub fn smoothed(losses: impl IntoIterator<Item = f64>, smoothing: Smoothing) -> Vec<f64> {
    let mut average = Average::new(smoothing);
    losses.into_iter().map(|loss| average.next(loss)).collect()
}

/// The held-out losses of a run: step and nats, the start as step 0.
pub fn held_out(metrics: &[StepMetrics]) -> Vec<(usize, f64)> {
    metrics
        .iter()
        .flat_map(|line| {
            let before = line.held_out_before.map(|loss| (line.step.saturating_sub(1), loss));
            before.into_iter().chain(line.held_out_loss.map(|loss| (line.step, loss)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, the smoothed loss starts far too low and a falling curve seems to rise.
    #[test]
    fn smoothing_starts_at_the_first_loss_and_passes_over_gaps() {
        let weak = Smoothing::default();
        assert!(smoothed([3.0; 5], weak).iter().all(|value| (value - 3.0).abs() < 1e-12));
        let curve = smoothed([4.0, f64::NAN, 2.0, f64::INFINITY, 2.0], weak);
        assert_eq!(curve[0], 4.0);
        assert!(curve[1].is_nan() && curve[3].is_nan());
        assert!(curve[2] < 3.0 && curve[4] < curve[2] && curve[4] > 2.0, "{curve:?}");
        let all: Vec<Smoothing> =
            std::iter::successors(Some(weak), |one| Some(one.next())).take(5).collect();
        assert_eq!(all.last(), Some(&weak));
        let raw = all.iter().find(|one| one.weight() == 0.0);
        assert!(raw.is_some_and(|raw| smoothed([1.0, 5.0], *raw) == [1.0, 5.0]));
    }
}

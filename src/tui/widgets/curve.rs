//! Curves as numbers: smoothing, and what of them can be drawn. A value that is no number is a gap and
//! never reaches an axis.

use crate::train::StepMetrics;

/// Larger ones would flatten everything else; they are gaps as well.
const GREATEST: f64 = 1e6;

/// How strongly the loss is smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Smoothing(usize);

impl Smoothing {
    /// Weights of what came before.
    const WEIGHTS: [f64; 4] = [0.8, 0.95, 0.0, 0.5];

    pub fn next(self) -> Self {
        Self((self.0 + 1) % Self::WEIGHTS.len())
    }

    pub fn weight(self) -> f64 {
        Self::WEIGHTS.get(self.0).copied().unwrap_or_default()
    }
}

fn is_drawable(value: f64) -> bool {
    value.is_finite() && value.abs() <= GREATEST
}

/// The exponential moving average with its bias towards the start corrected, as for Adam's moments
/// (Kingma & Ba 2015); where a value is no number, so is the average, and the next goes on.
pub fn smoothed(losses: impl IntoIterator<Item = f64>, smoothing: Smoothing) -> Vec<f64> {
    let weight = smoothing.weight();
    let (mut average, mut share) = (0.0, 0.0);
    losses
        .into_iter()
        .map(|loss| {
            if !is_drawable(loss) {
                return f64::NAN;
            }
            average = weight * average + (1.0 - weight) * loss;
            share = weight * share + (1.0 - weight);
            average / share
        })
        .collect()
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

/// The parts of a curve between its gaps.
pub fn parts(points: impl IntoIterator<Item = (f64, f64)>) -> Vec<Vec<(f64, f64)>> {
    let mut parts = vec![Vec::new()];
    for point in points {
        match (is_drawable(point.1), parts.last_mut()) {
            (true, Some(part)) => part.push(point),
            _ => parts.push(Vec::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// An axis that holds all drawable values with a little air; none where there are none.
pub fn bounds(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    let mut found: Option<[f64; 2]> = None;
    for value in values.into_iter().filter(|value| is_drawable(*value)) {
        found = Some(match found {
            None => [value, value],
            Some([low, high]) => [low.min(value), high.max(value)],
        });
    }
    let [low, high] = found?;
    let air = ((high - low) * 0.06).max(high.abs() * 0.02).max(0.005);
    let bottom = if low >= 0.0 { (low - air).max(0.0) } else { low - air };
    Some([bottom, high + air])
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

    // If this fails, one bad value empties or flattens the chart.
    #[test]
    fn what_is_no_number_is_a_gap_and_never_an_axis() {
        let points = [1.0, 2.0, f64::NAN, 3.0, f64::NEG_INFINITY, 1e30];
        let parts = parts(points.iter().enumerate().map(|(x, y)| (x as f64, *y)));
        assert_eq!(parts, [vec![(0.0, 1.0), (1.0, 2.0)], vec![(3.0, 3.0)]]);
        assert!(bounds(points).is_some_and(|[low, high]| low > 0.8 && high < 3.3));
        assert_eq!(bounds([f64::NAN, f64::INFINITY]), None);
        assert!(bounds([2.0, 2.0]).is_some_and(|[low, high]| low < 2.0 && high > 2.0));
        assert!(bounds([0.0]).is_some_and(|[low, high]| low == 0.0 && high > 0.0));
    }
}

//! The spread of a figure that cannot be resampled with repetition.

use super::distribution::student_quantile;

/// A figure and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub error: f64,
    freedom: f64,
}

impl Estimate {
    /// The one-sided bound that lies below the true figure with probability `level`.
    pub fn lower_bound(&self, level: f64) -> f64 {
        self.value - student_quantile(level, self.freedom) * self.error
    }
}

/// Quenouille and Tukey's jackknife: the figure computed `units` times, each time without one
/// unit. `without(None)` is the figure itself, `without(Some(i))` that without unit i.
///
/// Its variance is too large on average rather than too small (Efron and Stein 1981, Annals of
/// Statistics 9:586). `None` with fewer than two units or when a figure is not finite.
pub fn jackknife(units: usize, without: impl Fn(Option<usize>) -> f64) -> Option<Estimate> {
    if units < 2 {
        return None;
    }
    let value = without(None);
    let parts: Vec<f64> = (0..units).map(|unit| without(Some(unit))).collect();
    let n = units as f64;
    let centre = parts.iter().sum::<f64>() / n;
    let squares: f64 = parts.iter().map(|part| (part - centre).powi(2)).sum();
    let error = ((n - 1.0) / n * squares).sqrt();
    (value.is_finite() && error.is_finite()).then_some(Estimate { value, error, freedom: n - 1.0 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn for_a_mean_it_is_the_ordinary_standard_error() {
        let values: [f64; 5] = [1.0, 4.0, 2.0, 8.0, 5.0];
        let mean_without = |left_out: Option<usize>| {
            let kept: Vec<f64> =
                (0..5).filter(|i| Some(*i) != left_out).map(|i| values[i]).collect();
            kept.iter().sum::<f64>() / kept.len() as f64
        };
        let estimate = jackknife(5, mean_without).unwrap();
        // Mean 4, sum of squares about it 30, so the error is √(30/4/5).
        assert_eq!(estimate.value, 4.0);
        assert!((estimate.error - 1.5f64.sqrt()).abs() < 1e-12);
        assert!((estimate.lower_bound(0.95) - (4.0 - 2.131_847 * 1.5f64.sqrt())).abs() < 1e-4);
        assert_eq!(jackknife(1, |_| 0.0), None);
        assert_eq!(jackknife(3, |_| f64::NAN), None);
    }
}

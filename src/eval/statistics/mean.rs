//! The interval for the mean of independent values, such as ratings in stars.

use super::Interval;
use super::distribution::student_quantile;

/// Student's interval for the mean (Student 1908, Biometrika 6:1), cut off at the ends of the `scale`
/// that the values are on. `None` with fewer than two values, or where one is not finite.
pub fn mean_interval(values: &[f64], level: f64, scale: [f64; 2]) -> Option<Interval> {
    if values.len() < 2 || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student_quantile(0.5 + level / 2.0, n - 1.0) * (variance / n).sqrt();
    let [low, high] = scale;
    Some(Interval { low: (mean - half).max(low), high: (mean + half).min(high) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, two arms look further apart, or closer, than their ratings say.
    #[test]
    fn the_interval_is_the_published_one() {
        // Student's own example (1908), hours of sleep gained by ten patients; the interval is the one
        // that R's manual prints for it (`t.test` on `sleep`, paired).
        let gained = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let interval = mean_interval(&gained, 0.95, [-24.0, 24.0]).unwrap();
        assert!((interval.low - 0.700_114_2).abs() < 1e-6, "{interval:?}");
        assert!((interval.high - 2.459_885_8).abs() < 1e-6, "{interval:?}");
    }

    #[test]
    fn no_interval_leaves_the_scale_and_none_comes_of_a_single_value() {
        assert_eq!(
            mean_interval(&[5.0, 1.0], 0.95, [1.0, 5.0]),
            Some(Interval { low: 1.0, high: 5.0 })
        );
        assert_eq!(
            mean_interval(&[4.0, 4.0, 4.0], 0.95, [1.0, 5.0]),
            Some(Interval { low: 4.0, high: 4.0 })
        );
        assert_eq!(mean_interval(&[4.0], 0.95, [1.0, 5.0]), None);
        assert_eq!(mean_interval(&[4.0, f64::NAN], 0.95, [1.0, 5.0]), None);
    }
}

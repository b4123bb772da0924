//! Quantiles and probabilities of the two distributions in use, from `statrs`.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The standard normal quantile; infinite at 0 and 1, NaN outside.
pub fn normal_quantile(probability: f64) -> f64 {
    match Normal::new(0.0, 1.0) {
        Ok(normal) if (0.0..=1.0).contains(&probability) => normal.inverse_cdf(probability),
        _ => f64::NAN,
    }
}

/// The probability that a standard normal value is at most `value`; NaN for NaN.
pub fn normal_probability(value: f64) -> f64 {
    Normal::new(0.0, 1.0).map_or(f64::NAN, |normal| normal.cdf(value))
}

/// The quantile of Student's t with `freedom` degrees of freedom; NaN where there is none.
pub fn student_quantile(probability: f64, freedom: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) if (0.0..=1.0).contains(&probability) => student.inverse_cdf(probability),
        _ => f64::NAN,
    }
}

/// The probability that Student's t with `freedom` degrees of freedom is at most `value`; NaN where
/// there is none.
pub fn student_probability(value: f64, freedom: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) if !value.is_nan() => student.cdf(value),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        // Abramowitz and Stegun 1964, tables 26.1 and 26.10.
        for (p, z) in [(0.5, 0.0), (0.95, 1.644_853_6), (0.975, 1.959_964_0), (0.995, 2.575_829_3)]
        {
            assert!((normal_quantile(p) - z).abs() < 1e-6, "{p}");
            assert!((normal_quantile(1.0 - p) + z).abs() < 1e-6, "{p}");
        }
        for (p, freedom, t) in [
            (0.95, 1.0, 6.314),
            (0.975, 2.0, 4.303),
            (0.975, 10.0, 2.228),
            (0.95, 30.0, 1.697),
            (0.995, 120.0, 2.617),
        ] {
            assert!((student_quantile(p, freedom) - t).abs() < 6e-4, "{p} {freedom}");
        }
        assert!((student_quantile(0.975, 5_000.0) - 1.9604).abs() < 1e-4);
        assert!(student_quantile(0.975, 0.0).is_nan() && normal_quantile(1.5).is_nan());
    }

    #[test]
    fn probabilities_undo_quantiles() {
        for (freedom, t) in [(1.0, 6.314), (10.0, 1.812), (30.0, 1.697), (120.0, 1.658)] {
            assert!((student_probability(t, freedom) - 0.95).abs() < 1e-4, "{freedom}");
            assert!((student_probability(-t, freedom) - 0.05).abs() < 1e-4, "{freedom}");
        }
        // Freedoms between whole numbers, and the closed form for two: ½ + t/(2√(2 + t²)).
        for (p, freedom) in [(0.001, 1.3), (0.025, 2.6), (0.5, 4.4), (0.975, 17.2), (0.999, 63.5)] {
            assert!((student_probability(student_quantile(p, freedom), freedom) - p).abs() < 1e-6);
        }
        for t in [-40.0f64, -3.0, 0.0, 1.5, 40.0] {
            let wanted = 0.5 + t / (2.0 * (2.0 + t * t).sqrt());
            assert!((student_probability(t, 2.0) - wanted).abs() < 1e-12, "{t}");
        }
        assert_eq!(student_probability(f64::NEG_INFINITY, 3.0), 0.0);
        assert_eq!(student_probability(f64::INFINITY, 3.0), 1.0);
        assert!(student_probability(1.0, 0.0).is_nan());
        assert!(student_probability(f64::NAN, 3.0).is_nan());
    }
}

//! Soft caps (Gemma Team 2024): `cap · tanh(x / cap)` keeps scores and logits within `±cap`.

use super::cpu::for_each_cpu_level;
use super::exponential::exponential;

for_each_cpu_level! {
    /// Replaces every value by `cap · tanh(value / cap)`.
    pub fn soft_cap(values: &mut [f32], cap: f32) {
        let twice = 2.0 / cap;
        for value in values {
            // tanh z = 1 - 2 / (e^2z + 1).
            *value = cap - 2.0 * cap / (exponential(*value * twice) + 1.0);
        }
    }
}

for_each_cpu_level! {
    /// Multiplies `gradient` by the slope of [`soft_cap`], given what it made: `1 - (capped / cap)²`.
    pub fn soft_cap_backward(capped: &[f32], cap: f32, gradient: &mut [f32]) {
        for (gradient, capped) in gradient.iter_mut().zip(capped) {
            let share = capped / cap;
            *gradient *= 1.0 - share * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_slopes_are_those_of_the_hyperbolic_tangent() {
        let x: Vec<f32> = (-60..=60).map(|i| i as f32 * 2.5).collect();
        let (mut capped, mut slope) = (x.clone(), vec![1.0; x.len()]);
        soft_cap(&mut capped, 30.0);
        soft_cap_backward(&capped, 30.0, &mut slope);
        for ((x, capped), slope) in x.iter().zip(capped).zip(slope) {
            let tanh = (f64::from(*x) / 30.0).tanh();
            assert!((30.0 * tanh - f64::from(capped)).abs() < 1e-5, "{x}");
            assert!((1.0 - tanh * tanh - f64::from(slope)).abs() < 1e-5, "{x}");
        }
    }
}

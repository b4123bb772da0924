//! The loss over the vocabulary: log-sum-exp and the gradient of the negative log-likelihood.

use super::cpu::for_each_cpu_level;
use super::exponential::exponential;

for_each_cpu_level! {
    /// `ln Σ exp(logits)`, in nats; the negative log-likelihood of token `t` is this minus `logits[t]`.
    pub fn log_sum_exp(logits: &[f32]) -> f32 {
        let mut tops = [f32::NEG_INFINITY; 16];
        let (blocks, rest) = logits.as_chunks::<16>();
        for block in blocks {
            for i in 0..16 {
                tops[i] = if block[i] > tops[i] { block[i] } else { tops[i] };
            }
        }
        let mut top = f32::NEG_INFINITY;
        for value in tops.iter().chain(rest) {
            top = if *value > top { *value } else { top };
        }
        // Sixteen f32 sums of at most a few thousand terms each: the rounding stays near 1e-7.
        let mut sums = [0.0f32; 16];
        for block in blocks {
            for i in 0..16 {
                sums[i] += exponential(block[i] - top);
            }
        }
        let sum = sums.iter().map(|s| f64::from(*s)).sum::<f64>()
            + rest.iter().map(|v| f64::from(exponential(v - top))).sum::<f64>();
        top + (sum.ln() as f32)
    }
}

for_each_cpu_level! {
    /// Replaces one position's `logits` by the gradient of `weight · nll(target)` for them.
    pub fn cross_entropy_backward(logits: &mut [f32], log_sum_exp: f32, target: usize, weight: f32) {
        for value in logits.iter_mut() {
            *value = exponential(*value - log_sum_exp) * weight;
        }
        logits[target] -= weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits() -> Vec<f32> {
        (0..77).map(|i| ((i * 37 % 41) as f32 - 20.0) / 3.0).collect()
    }

    #[test]
    fn log_sum_exp_agrees_with_the_definition_also_for_huge_logits() {
        for shift in [0.0, 3000.0, -3000.0] {
            let shifted: Vec<f32> = logits().iter().map(|v| v + shift).collect();
            let exact =
                logits().iter().map(|v| f64::from(*v).exp()).sum::<f64>().ln() + f64::from(shift);
            assert!((f64::from(log_sum_exp(&shifted)) - exact).abs() < 3e-4);
        }
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let values = logits();
        let nll = |values: &[f32]| f64::from(log_sum_exp(values) - values[5]);
        let mut gradient = values.clone();
        cross_entropy_backward(&mut gradient, log_sum_exp(&values), 5, 2.0);
        for i in 0..values.len() {
            let (mut above, mut below) = (values.clone(), values.clone());
            above[i] += 0.05;
            below[i] -= 0.05;
            let difference = (nll(&above) - nll(&below)) / 0.1 * 2.0;
            assert!((difference - f64::from(gradient[i])).abs() < 1e-3);
        }
    }

    /// If a NaN were swallowed here, a broken run would look healthy.
    #[test]
    fn a_nan_among_the_logits_shows_in_the_loss() {
        let mut values = logits();
        values[40] = f32::NAN;
        assert!(log_sum_exp(&values).is_nan());
    }
}

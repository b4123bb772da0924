//! AdamW (Loshchilov & Hutter 2019) with clipping by the global norm.

use crate::kernels::{MomentsUpdate, norm, update_moments};

/// The optimizer's state over one flat vector of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    pub weight_decay: f64,
    /// Greatest norm of the whole gradient; 0 is off.
    pub clip: f64,
    /// First and second moments.
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    /// Updates done.
    pub updates: u64,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl AdamW {
    pub fn new(parameters: usize, weight_decay: f64, clip: f64) -> Self {
        Self {
            weight_decay,
            clip,
            first: vec![0.0; parameters],
            second: vec![0.0; parameters],
            updates: 0,
        }
    }

    /// Moves `parameters` one step against `gradient`; returns the gradient's norm before clipping.
    /// Where that is not finite nothing is changed.
    pub fn update(&mut self, parameters: &mut [f32], gradient: &[f32], learning_rate: f64) -> f64 {
        let norm = norm(gradient);
        if !norm.is_finite() {
            return norm;
        }
        // torch.nn.utils.clip_grad_norm_ adds the same 1e-6.
        let scale = match self.clip > 0.0 && norm > self.clip {
            true => self.clip / (norm + 1e-6),
            false => 1.0,
        };
        self.updates += 1;
        let count = self.updates as i32;
        let correction_1 = 1.0 - BETA_1.powi(count);
        let correction_2 = (1.0 - BETA_2.powi(count)).sqrt();
        let decay = (1.0 - learning_rate * self.weight_decay) as f32;
        let step = (learning_rate / correction_1) as f32;
        let constants = MomentsUpdate {
            gradient_scale: scale as f32,
            beta_1: BETA_1 as f32,
            beta_2: BETA_2 as f32,
            decay,
            step,
            correction_2: correction_2 as f32,
            epsilon: EPSILON as f32,
        };
        update_moments(constants, parameters, gradient, &mut self.first, &mut self.second);
        norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of torch.optim.AdamW for the same two steps (lr 0.1, weight decay 0.01).
    #[test]
    fn two_steps_equal_the_published_algorithm() {
        let mut optimizer = AdamW::new(2, 0.01, 0.0);
        let mut parameters = [1.0, -2.0];
        optimizer.update(&mut parameters, &[0.5, -0.25], 0.1);
        assert!((parameters[0] - 0.899).abs() < 1e-5 && (parameters[1] + 1.898).abs() < 1e-5);
        optimizer.update(&mut parameters, &[-0.1, 0.3], 0.1);
        // By hand in f64: m = 0.035, v = 2.5975e-4 and so on.
        let exact = |p: f64, g1: f64, g2: f64| {
            let (m, v) = (0.9 * 0.1 * g1 + 0.1 * g2, 0.999 * 0.001 * g1 * g1 + 0.001 * g2 * g2);
            let (m, v) = (m / (1.0 - 0.81), v / (1.0 - 0.999f64.powi(2)));
            p * (1.0 - 0.001) - 0.1 * m / (v.sqrt() + 1e-8)
        };
        assert!((f64::from(parameters[0]) - exact(0.899, 0.5, -0.1)).abs() < 1e-5);
        assert!((f64::from(parameters[1]) - exact(-1.898, -0.25, 0.3)).abs() < 1e-5);
    }

    #[test]
    fn clipping_scales_the_gradient_and_reports_the_norm_before_it() {
        let (mut clipped, mut scaled) = (AdamW::new(2, 0.0, 1.0), AdamW::new(2, 0.0, 0.0));
        let (mut a, mut b) = ([0.0, 0.0], [0.0, 0.0]);
        let norm = clipped.update(&mut a, &[3.0, 4.0], 0.1);
        scaled.update(&mut b, &[0.6, 0.8], 0.1);
        assert!((norm - 5.0).abs() < 1e-6);
        assert!(clipped.first.iter().zip(&scaled.first).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

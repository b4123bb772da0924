//! Gated linear units (Shazeer 2020): `activation(gate) · up`, and their gradients.

use super::cpu::for_each_cpu_level;
use super::exponential::exponential;
use super::shared_slice::SharedSlice;
use super::team::for_each_chunk;

/// Elements that one task takes.
const CHUNK: usize = 1 << 14;

/// What a unit's gate goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`; the unit is then called SwiGLU.
    Silu,
    /// GELU in its tanh form (Hendrycks & Gimpel 2016), `x · sigmoid(√(8/π) · (x + 0.044715 x³))`; the
    /// unit is then called GeGLU.
    GeluTanh,
}

/// `y = activation(gate) · up`, element by element.
pub fn gated_unit(activation: Activation, gate: &[f32], up: &[f32], y: &mut [f32]) {
    assert!(gate.len() == up.len() && gate.len() == y.len());
    for_each_chunk(y, CHUNK, |chunk, y| {
        let places = chunk * CHUNK..chunk * CHUNK + y.len();
        let (gate, up) = (&gate[places.clone()], &up[places]);
        match activation {
            Activation::Silu => silu_forward(gate, up, y),
            Activation::GeluTanh => gelu_forward(gate, up, y),
        }
    });
}

/// Replaces `gate` and `up` by the gradients of the loss for them, and `dy`, the gradient for the
/// result, by the result itself.
pub fn gated_unit_backward(
    activation: Activation,
    gate: &mut [f32],
    up: &mut [f32],
    dy: &mut [f32],
) {
    assert!(gate.len() == up.len() && gate.len() == dy.len());
    let (gate, up) = (SharedSlice::new(gate), SharedSlice::new(up));
    for_each_chunk(dy, CHUNK, |chunk, dy| {
        let first = chunk * CHUNK;
        // SAFETY: each task owns its chunk of both.
        let (gate, up) = unsafe { (gate.part_mut(first, dy.len()), up.part_mut(first, dy.len())) };
        match activation {
            Activation::Silu => silu_backward(gate, up, dy),
            Activation::GeluTanh => gelu_backward(gate, up, dy),
        }
    });
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exponential(-x))
}

/// `√(8/π)`: the tanh form written with a sigmoid, `(1 + tanh z) / 2 = sigmoid(2z)`.
const GELU_SCALE: f32 = 1.595_769;
const GELU_CUBIC: f32 = 0.044_715;

#[inline(always)]
fn gelu_inner(x: f32) -> f32 {
    GELU_SCALE * (x + GELU_CUBIC * x * x * x)
}

for_each_cpu_level! {
    fn silu_forward(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
            // One rounding less than by the sigmoid.
            *y = gate / (1.0 + exponential(-gate)) * up;
        }
    }
}

for_each_cpu_level! {
    fn gelu_forward(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
            *y = gate * sigmoid(gelu_inner(*gate)) * up;
        }
    }
}

for_each_cpu_level! {
    fn silu_backward(gate: &mut [f32], up: &mut [f32], dy: &mut [f32]) {
        for ((gate, up), dy) in gate.iter_mut().zip(up).zip(dy) {
            let share = sigmoid(*gate);
            let activated = *gate * share;
            let slope = share + activated * (1.0 - share);
            (*gate, *up, *dy) = (*dy * *up * slope, *dy * activated, activated * *up);
        }
    }
}

for_each_cpu_level! {
    fn gelu_backward(gate: &mut [f32], up: &mut [f32], dy: &mut [f32]) {
        for ((gate, up), dy) in gate.iter_mut().zip(up).zip(dy) {
            let share = sigmoid(gelu_inner(*gate));
            let activated = *gate * share;
            let inner_slope = GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * *gate * *gate);
            let slope = share + activated * (1.0 - share) * inner_slope;
            (*gate, *up, *dy) = (*dy * *up * slope, *dy * activated, activated * *up);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(activation: Activation, gate: f64, up: f64) -> f64 {
        let activated = match activation {
            Activation::Silu => gate / (1.0 + (-gate).exp()),
            Activation::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (gate + 0.044715 * gate.powi(3));
                0.5 * gate * (1.0 + inner.tanh())
            }
        };
        activated * up
    }

    #[test]
    fn values_follow_the_definition_and_gradients_its_finite_differences() {
        let gate: Vec<f32> = (0..50).map(|i| (i as f32 - 25.0) / 4.0).collect();
        let up: Vec<f32> = (0..50).map(|i| ((i * 7 % 19) as f32 - 9.0) / 5.0).collect();
        let dy: Vec<f32> = (0..50).map(|i| ((i * 3 % 11) as f32 - 5.0) / 5.0).collect();
        for activation in [Activation::Silu, Activation::GeluTanh] {
            let mut y = vec![0.0; 50];
            gated_unit(activation, &gate, &up, &mut y);
            let (mut d_gate, mut d_up, mut result) = (gate.clone(), up.clone(), dy.clone());
            gated_unit_backward(activation, &mut d_gate, &mut d_up, &mut result);
            for i in 0..50 {
                let (g, u) = (f64::from(gate[i]), f64::from(up[i]));
                let value = |g, u| exact(activation, g, u);
                assert!((f64::from(y[i]) - value(g, u)).abs() < 1e-5);
                assert!((f64::from(result[i]) - value(g, u)).abs() < 1e-5);
                let h = 1e-4;
                let by_gate = (value(g + h, u) - value(g - h, u)) / (2.0 * h);
                let by_up = (value(g, u + h) - value(g, u - h)) / (2.0 * h);
                assert!((by_gate * f64::from(dy[i]) - f64::from(d_gate[i])).abs() < 1e-4);
                assert!((by_up * f64::from(dy[i]) - f64::from(d_up[i])).abs() < 1e-4);
            }
        }
    }
}

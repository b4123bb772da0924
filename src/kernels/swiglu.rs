//! SwiGLU (Shazeer 2020): `silu(gate) · up`, and its gradients.

use super::cpu::for_each_cpu_level;
use super::exponential::exponential;
use super::shared_slice::SharedSlice;
use super::team::for_each_chunk;

/// Elements that one task takes.
const CHUNK: usize = 1 << 14;

/// `y = gate · sigmoid(gate) · up`, element by element.
pub fn swiglu(gate: &[f32], up: &[f32], y: &mut [f32]) {
    assert!(gate.len() == up.len() && gate.len() == y.len());
    for_each_chunk(y, CHUNK, |chunk, y| {
        let places = chunk * CHUNK..chunk * CHUNK + y.len();
        forward(&gate[places.clone()], &up[places], y);
    });
}

/// Replaces `gate` and `up` by the gradients of the loss for them, and `dy`, the gradient for the
/// result, by the result itself.
pub fn swiglu_backward(gate: &mut [f32], up: &mut [f32], dy: &mut [f32]) {
    assert!(gate.len() == up.len() && gate.len() == dy.len());
    let (gate, up) = (SharedSlice::new(gate), SharedSlice::new(up));
    for_each_chunk(dy, CHUNK, |chunk, dy| {
        let first = chunk * CHUNK;
        // SAFETY: each task owns its chunk of both.
        let (gate, up) = unsafe { (gate.part_mut(first, dy.len()), up.part_mut(first, dy.len())) };
        backward(gate, up, dy);
    });
}

for_each_cpu_level! {
    fn forward(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
            *y = gate / (1.0 + exponential(-gate)) * up;
        }
    }
}

for_each_cpu_level! {
    fn backward(gate: &mut [f32], up: &mut [f32], dy: &mut [f32]) {
        for ((gate, up), dy) in gate.iter_mut().zip(up).zip(dy) {
            let sigmoid = 1.0 / (1.0 + exponential(-*gate));
            let silu = *gate * sigmoid;
            let d_gate = *dy * *up * (sigmoid + silu * (1.0 - sigmoid));
            let result = silu * *up;
            *up = *dy * silu;
            *gate = d_gate;
            *dy = result;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let gate: Vec<f32> = (0..50).map(|i| (i as f32 - 25.0) / 4.0).collect();
        let up: Vec<f32> = (0..50).map(|i| ((i * 7 % 19) as f32 - 9.0) / 5.0).collect();
        let dy: Vec<f32> = (0..50).map(|i| ((i * 3 % 11) as f32 - 5.0) / 5.0).collect();
        let value = |gate: f32, up: f32| {
            let mut y = [0.0];
            swiglu(&[gate], &[up], &mut y);
            f64::from(y[0])
        };
        let (mut d_gate, mut d_up) = (gate.clone(), up.clone());
        let mut result = dy.clone();
        swiglu_backward(&mut d_gate, &mut d_up, &mut result);
        for i in 0..50 {
            let exact = f64::from(gate[i]) / (1.0 + (-f64::from(gate[i])).exp()) * f64::from(up[i]);
            assert!((value(gate[i], up[i]) - exact).abs() < 1e-5);
            assert!((f64::from(result[i]) - exact).abs() < 1e-5);
            let h = 1e-2;
            let by_gate =
                (value(gate[i] + h, up[i]) - value(gate[i] - h, up[i])) / (2.0 * f64::from(h));
            let by_up =
                (value(gate[i], up[i] + h) - value(gate[i], up[i] - h)) / (2.0 * f64::from(h));
            assert!((by_gate * f64::from(dy[i]) - f64::from(d_gate[i])).abs() < 2e-3);
            assert!((by_up * f64::from(dy[i]) - f64::from(d_up[i])).abs() < 2e-3);
        }
    }
}

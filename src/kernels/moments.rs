//! The arithmetic of an optimizer with two moments, over flat vectors.

use super::cpu::for_each_cpu_level;
use super::shared_slice::SharedSlice;
use super::team::for_each_chunk;

/// Numbers that one task takes; sums are taken chunk by chunk, so their order never depends on threads.
const CHUNK: usize = 1 << 14;

/// The constants of one AdamW update (Loshchilov & Hutter 2019).
#[derive(Debug, Clone, Copy)]
pub struct MomentsUpdate {
    /// What the gradient is multiplied by first (clipping).
    pub gradient_scale: f32,
    pub beta_1: f32,
    pub beta_2: f32,
    /// What parameters are multiplied by (weight decay).
    pub decay: f32,
    /// Learning rate over the first moment's bias correction.
    pub step: f32,
    /// Root of the second moment's bias correction.
    pub correction_2: f32,
    pub epsilon: f32,
}

/// Moves `parameters` against `gradient` and updates both moments.
pub fn update_moments(
    constants: MomentsUpdate,
    parameters: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    assert!(parameters.len() == gradient.len());
    assert!(first.len() == gradient.len() && second.len() == gradient.len());
    let (first, second) = (SharedSlice::new(first), SharedSlice::new(second));
    for_each_chunk(parameters, CHUNK, |chunk, parameters| {
        let (start, len) = (chunk * CHUNK, parameters.len());
        // SAFETY: each task owns its chunk of both.
        let (first, second) = unsafe { (first.part_mut(start, len), second.part_mut(start, len)) };
        update(constants, parameters, &gradient[start..start + len], first, second);
    });
}

for_each_cpu_level! {
    fn update(
        constants: MomentsUpdate,
        parameters: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let MomentsUpdate { gradient_scale, beta_1, beta_2, decay, step, correction_2, epsilon } =
            constants;
        for (((parameter, gradient), first), second) in
            parameters.iter_mut().zip(gradient).zip(first).zip(second)
        {
            let gradient = gradient * gradient_scale;
            *first = beta_1 * *first + (1.0 - beta_1) * gradient;
            *second = beta_2 * *second + (1.0 - beta_2) * gradient * gradient;
            *parameter =
                *parameter * decay - step * *first / (second.sqrt() / correction_2 + epsilon);
        }
    }
}

/// The Euclidean norm, summed in f64.
pub fn norm(values: &[f32]) -> f64 {
    let mut sums = vec![0.0; values.len().div_ceil(CHUNK)];
    for_each_chunk(&mut sums, 1, |chunk, sum| {
        sum[0] = squares(&values[chunk * CHUNK..values.len().min((chunk + 1) * CHUNK)]);
    });
    sums.iter().sum::<f64>().sqrt()
}

for_each_cpu_level! {
    fn squares(values: &[f32]) -> f64 {
        let mut sums = [0.0f64; 16];
        let (blocks, rest) = values.as_chunks::<16>();
        for block in blocks {
            for i in 0..16 {
                sums[i] += f64::from(block[i]) * f64::from(block[i]);
            }
        }
        sums.iter().sum::<f64>() + rest.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>()
    }
}

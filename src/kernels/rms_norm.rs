//! Root-mean-square layer normalisation (Zhang & Sennrich 2019) and its gradient for the input.

use super::cpu::for_each_cpu_level;
use super::dot;
use super::team::for_each_chunk;

/// Rows that one task takes.
const ROWS: usize = 32;

/// `y = x / sqrt(mean(x²) + epsilon) · weight` for each row of `x` `(n, width)`.
pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, y: &mut [f32]) {
    let width = weight.len();
    assert_eq!(x.len(), y.len());
    for_each_chunk(y, ROWS * width, |chunk, y| {
        let x = &x[chunk * ROWS * width..];
        for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            scaled(x, weight, inverse_root(x, epsilon), y);
        }
    });
}

/// `dx += ∂L/∂x` from `dy`, for the `x` that went into [`rms_norm`]; the weight is frozen.
pub fn rms_norm_backward(x: &[f32], weight: &[f32], epsilon: f32, dy: &[f32], dx: &mut [f32]) {
    let width = weight.len();
    assert!(x.len() == dy.len() && x.len() == dx.len());
    for_each_chunk(dx, ROWS * width, |chunk, dx| {
        let first = chunk * ROWS * width;
        let (x, dy) = (&x[first..], &dy[first..]);
        for ((dx, x), dy) in
            dx.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(dy.chunks_exact(width))
        {
            row_backward(x, weight, dy, inverse_root(x, epsilon), dx);
        }
    });
}

fn inverse_root(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot(x, x) / x.len() as f32 + epsilon).sqrt()
}

for_each_cpu_level! {
    fn scaled(x: &[f32], weight: &[f32], scale: f32, y: &mut [f32]) {
        for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
            *y = x * scale * weight;
        }
    }
}

for_each_cpu_level! {
    fn row_backward(x: &[f32], weight: &[f32], dy: &[f32], scale: f32, dx: &mut [f32]) {
        let mut sums = [0.0f32; 16];
        for (i, ((x, weight), dy)) in x.iter().zip(weight).zip(dy).enumerate() {
            sums[i % 16] += x * weight * dy;
        }
        let along = sums.iter().sum::<f32>() * scale * scale / x.len() as f32;
        for (((dx, x), weight), dy) in dx.iter_mut().zip(x).zip(weight).zip(dy) {
            *dx += scale * (weight * dy - x * along);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let (width, n) = (24, 3);
        let x: Vec<f32> = (0..n * width).map(|i| ((i * 29 % 31) as f32 - 15.0) / 9.0).collect();
        let weight: Vec<f32> = (0..width).map(|i| 0.5 + i as f32 / 20.0).collect();
        let dy: Vec<f32> = (0..n * width).map(|i| ((i * 11 % 13) as f32 - 6.0) / 6.0).collect();
        let loss = |x: &[f32]| -> f64 {
            let mut y = vec![0.0; x.len()];
            rms_norm(x, &weight, 1e-5, &mut y);
            y.iter().zip(&dy).map(|(y, dy)| f64::from(*y) * f64::from(*dy)).sum()
        };
        let mut dx = vec![0.0; x.len()];
        rms_norm_backward(&x, &weight, 1e-5, &dy, &mut dx);
        for i in 0..x.len() {
            let (mut above, mut below) = (x.clone(), x.clone());
            above[i] += 1e-2;
            below[i] -= 1e-2;
            let difference = (loss(&above) - loss(&below)) / 2e-2;
            assert!(
                (difference - f64::from(dx[i])).abs() < 2e-3,
                "place {i}: {difference} and {}",
                dx[i]
            );
        }
    }
}

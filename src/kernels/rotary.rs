//! Rotary position embedding (Su et al. 2021), in the half-split layout of transformers and PEFT.

use super::cpu::for_each_cpu_level;
use super::team::for_each_chunk;

/// Rows that one task takes.
const ROWS: usize = 32;

/// How fast each pair of a head's elements turns.
#[derive(Debug, Clone)]
pub struct Rotary {
    head_width: usize,
    /// Pairs of a head that turn; the rest of the head passes through.
    pairs: usize,
    /// Radians per position of each pair.
    frequencies: Vec<f32>,
}

impl Rotary {
    /// `rotated` is the number of a head's elements that turn. Each pair's frequency is
    /// `base^(-2i / rotated)`, divided by `factors[i]` (Llama 3's `rope_freqs`) and by `scale`
    /// (linear scaling) where given.
    pub fn new(
        head_width: usize,
        rotated: usize,
        base: f32,
        scale: f32,
        factors: Option<&[f32]>,
    ) -> Self {
        let pairs = rotated.min(head_width) / 2;
        let frequencies = (0..pairs)
            .map(|i| {
                let frequency = 1.0 / base.powf(2.0 * i as f32 / rotated as f32);
                frequency / scale / factors.and_then(|f| f.get(i)).copied().unwrap_or(1.0)
            })
            .collect();
        Self { head_width, pairs, frequencies }
    }

    /// Sine and cosine of every angle at `positions`: made once for all layers of a pass.
    pub fn angles(&self, positions: &[usize]) -> Angles {
        let mut values = vec![(0.0, 0.0); positions.len() * self.pairs];
        for_each_chunk(&mut values, ROWS * self.pairs.max(1), |chunk, values| {
            let positions = &positions[chunk * ROWS..];
            for (row, position) in values.chunks_exact_mut(self.pairs).zip(positions) {
                for (value, frequency) in row.iter_mut().zip(&self.frequencies) {
                    *value = (*position as f32 * frequency).sin_cos();
                }
            }
        });
        Angles { head_width: self.head_width, pairs: self.pairs, values }
    }
}

/// The angles of a pass's rows.
#[derive(Debug)]
pub struct Angles {
    head_width: usize,
    pairs: usize,
    /// Sine and cosine, `(n, pairs)`.
    values: Vec<(f32, f32)>,
}

impl Angles {
    /// Turns every head of `x` `(n, heads · head_width)`.
    pub fn turn(&self, x: &mut [f32]) {
        self.turn_by(x, 1.0);
    }

    /// The gradient of [`turn`](Self::turn): the rotation back.
    pub fn turn_back(&self, x: &mut [f32]) {
        self.turn_by(x, -1.0);
    }

    fn turn_by(&self, x: &mut [f32], direction: f32) {
        if self.pairs == 0 || self.values.is_empty() {
            return;
        }
        let n = self.values.len() / self.pairs;
        let width = x.len() / n;
        assert_eq!(x.len(), width * n);
        for_each_chunk(x, ROWS * width, |chunk, x| {
            let angles = self.values[chunk * ROWS * self.pairs..].chunks_exact(self.pairs);
            for (row, angles) in x.chunks_exact_mut(width).zip(angles) {
                turn_row(row, angles, self.head_width, direction);
            }
        });
    }
}

for_each_cpu_level! {
    fn turn_row(row: &mut [f32], angles: &[(f32, f32)], head_width: usize, direction: f32) {
        for head in row.chunks_exact_mut(head_width) {
            let (first, second) = head[..2 * angles.len()].split_at_mut(angles.len());
            for ((a, b), (sine, cosine)) in first.iter_mut().zip(second).zip(angles) {
                let sine = sine * direction;
                (*a, *b) = (*a * cosine - *b * sine, *b * cosine + *a * sine);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_back_undoes_turning_and_position_zero_is_left_alone() {
        let rotary = Rotary::new(8, 8, 10_000.0, 1.0, None);
        let original: Vec<f32> = (0..32).map(|i| i as f32 / 7.0 - 2.0).collect();
        let mut x = original.clone();
        let angles = rotary.angles(&[0, 1234]);
        angles.turn(&mut x);
        assert_eq!(x[..16], original[..16]);
        assert!(x[16..].iter().zip(&original[16..]).any(|(a, b)| (a - b).abs() > 0.1));
        angles.turn_back(&mut x);
        assert!(x.iter().zip(&original).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    /// Attention sees only how far apart two tokens are; if this fails, long prompts decay.
    #[test]
    fn the_product_of_two_turned_heads_depends_on_their_distance_alone() {
        let rotary = Rotary::new(8, 8, 100.0, 1.0, None);
        let (q, k): (Vec<f32>, Vec<f32>) =
            ((0..8).map(|i| i as f32 - 3.0).collect(), (0..8).map(|i| 2.0 - i as f32).collect());
        let product = |at: usize, other: usize| -> f32 {
            let (mut q, mut k) = (q.clone(), k.clone());
            rotary.angles(&[at]).turn(&mut q);
            rotary.angles(&[other]).turn(&mut k);
            q.iter().zip(&k).map(|(a, b)| a * b).sum()
        };
        assert!((product(3, 1) - product(40, 38)).abs() < 1e-3);
    }

    #[test]
    fn only_the_rotated_part_of_a_head_turns_and_scaling_slows_it() {
        let half = Rotary::new(8, 4, 100.0, 1.0, None);
        let mut x = vec![1.0; 8];
        half.angles(&[5]).turn(&mut x);
        assert_eq!(x[4..], [1.0; 4]);
        let (mut plain, mut scaled) = (vec![1.0; 8], vec![1.0; 8]);
        Rotary::new(8, 8, 100.0, 1.0, None).angles(&[5]).turn(&mut plain);
        Rotary::new(8, 8, 100.0, 2.0, Some(&[1.0; 4])).angles(&[10]).turn(&mut scaled);
        assert!(plain.iter().zip(&scaled).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

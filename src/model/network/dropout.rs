//! Dropout on LoRA's inputs: which elements are dropped is a function of seed and place, so the
//! backward pass (and a resumed run) finds the same ones without storing them.

use super::Projection;
use crate::kernels::{Buffer, for_each_chunk};

/// The dropout of one micro-batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    pub probability: f64,
    /// Different for every micro-batch of a run.
    pub seed: u64,
}

const CHUNK: usize = 1 << 13;

impl Dropout {
    /// Off: nothing is dropped.
    pub const OFF: Self = Self { probability: 0.0, seed: 0 };

    pub fn is_off(&self) -> bool {
        self.probability <= 0.0
    }

    /// `x` with dropped elements zero and the others scaled by `1 / (1 - probability)`.
    pub(super) fn applied(&self, layer: usize, projection: Projection, x: &[f32]) -> Buffer {
        let mut out = Buffer::new(x.len());
        self.for_each_chunk(layer, projection, &mut out, |i, kept, out| *out = x[i] * kept);
        out
    }

    /// `dx += dropped_dx` through the mask of [`applied`](Self::applied).
    pub(super) fn add_backward(
        &self,
        layer: usize,
        projection: Projection,
        dropped_dx: &[f32],
        dx: &mut [f32],
    ) {
        self.for_each_chunk(layer, projection, dx, |i, kept, dx| *dx += dropped_dx[i] * kept);
    }

    fn for_each_chunk(
        &self,
        layer: usize,
        projection: Projection,
        out: &mut [f32],
        apply: impl Fn(usize, f32, &mut f32) + Sync,
    ) {
        let stream = mixed(
            (self.seed as u32)
                ^ mixed((self.seed >> 32) as u32 ^ mixed((layer * 7 + projection.index()) as u32)),
        );
        let threshold = (self.probability * f64::from(u32::MAX)) as u32;
        let scale = (1.0 / (1.0 - self.probability)) as f32;
        for_each_chunk(out, CHUNK, |chunk, out| {
            for (i, out) in out.iter_mut().enumerate() {
                let place = chunk * CHUNK + i;
                let kept = if mixed(stream ^ place as u32) < threshold { 0.0 } else { scale };
                apply(place, kept, out);
            }
        });
    }
}

/// A 32-bit mixing function with low bias (C. Wellons' `lowbias32`).
fn mixed(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_stated_share_keeps_the_mean_and_repeats_itself() {
        let dropout = Dropout { probability: 0.05, seed: 99 };
        let x = vec![1.0; 100_000];
        let once = dropout.applied(3, Projection::Up, &x);
        let dropped = once.iter().filter(|v| **v == 0.0).count();
        assert!((4_700..5_300).contains(&dropped), "{dropped} of 100,000 dropped");
        assert!((once.iter().sum::<f32>() / 100_000.0 - 1.0).abs() < 0.01);
        assert_eq!(once[..], dropout.applied(3, Projection::Up, &x)[..]);
        assert_ne!(once[..], dropout.applied(4, Projection::Up, &x)[..]);
        assert_ne!(once[..], Dropout { seed: 100, ..dropout }.applied(3, Projection::Up, &x)[..]);
        let mut gradient = vec![0.0; 100_000];
        dropout.add_backward(3, Projection::Up, &x, &mut gradient);
        assert_eq!(gradient[..], once[..], "backward must drop the same elements");
    }
}

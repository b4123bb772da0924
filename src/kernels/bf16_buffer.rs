//! Activations that wait for the backward pass in half the memory: rounded to bf16.

use super::buffer::Buffer;
use super::cpu::for_each_cpu_level;
use super::shared_slice::SharedSlice;
use super::team::for_each_task;

/// Numbers that one task converts.
const CHUNK: usize = 1 << 14;

/// Numbers kept as bf16.
#[derive(Debug)]
pub struct Bf16Buffer {
    /// Two of them in the place of one f32: those of each pair of 16 side by side.
    pairs: Buffer,
    len: usize,
}

impl Bf16Buffer {
    /// Rounds `values` to the nearest bf16.
    pub fn of(values: &[f32]) -> Self {
        let mut pairs = Buffer::new(values.len().div_ceil(2));
        let shared = SharedSlice::new(&mut pairs);
        for_each_task(values.len().div_ceil(CHUNK), |task| {
            let part = &values[task * CHUNK..values.len().min((task + 1) * CHUNK)];
            // SAFETY: each task owns its half chunk.
            let out = unsafe { shared.part_mut(task * CHUNK / 2, part.len().div_ceil(2)) };
            round(part, out);
        });
        Self { pairs, len: values.len() }
    }

    /// The rounded values.
    pub fn expanded(&self) -> Buffer {
        let mut values = Buffer::new(self.len);
        super::team::for_each_chunk(&mut values, CHUNK, |task, out| {
            expand(&self.pairs[task * CHUNK / 2..], out);
        });
        values
    }
}

/// The upper half of an f32, rounded to nearest, ties to even; NaN stays NaN.
#[inline(always)]
fn upper_half(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    let kept = if value.is_nan() { bits | 0x0040_0000 } else { rounded };
    kept >> 16
}

for_each_cpu_level! {
    fn round(values: &[f32], out: &mut [f32]) {
        let (blocks, rest) = values.as_chunks::<32>();
        let (outs, last) = out.as_chunks_mut::<16>();
        for (block, out) in blocks.iter().zip(outs.iter_mut()) {
            for i in 0..16 {
                out[i] = f32::from_bits(upper_half(block[i]) | upper_half(block[i + 16]) << 16);
            }
        }
        let last = match blocks.len() < outs.len() {
            true => &mut outs[blocks.len()][..],
            false => last,
        };
        for (pair, out) in rest.chunks(2).zip(last) {
            let second = pair.get(1).copied().unwrap_or(0.0);
            *out = f32::from_bits(upper_half(pair[0]) | upper_half(second) << 16);
        }
    }
}

for_each_cpu_level! {
    fn expand(pairs: &[f32], out: &mut [f32]) {
        let (blocks, rest) = out.as_chunks_mut::<32>();
        for (block, pairs) in blocks.iter_mut().zip(pairs.chunks_exact(16)) {
            for i in 0..16 {
                block[i] = f32::from_bits(pairs[i].to_bits() << 16);
                block[i + 16] = f32::from_bits(pairs[i].to_bits() & 0xffff_0000);
            }
        }
        for (out, pair) in rest.chunks_mut(2).zip(&pairs[blocks.len() * 16..]) {
            out[0] = f32::from_bits(pair.to_bits() << 16);
            if let Some(second) = out.get_mut(1) {
                *second = f32::from_bits(pair.to_bits() & 0xffff_0000);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cpu::tests::at_each_level;
    use super::*;
    use half::bf16;

    #[test]
    fn every_number_comes_back_as_its_nearest_bf16_also_the_odd_ones() {
        let mut values: Vec<f32> =
            (0..70_003).map(|i| f32::from_bits((i as u32).wrapping_mul(2_654_435_761))).collect();
        values.extend([0.0, -0.0, f32::INFINITY, f32::NAN, f32::MAX, 1.0e-41]);
        for len in [0, 1, 2, 31, 32, 33, 47, 63, values.len()] {
            let values = &values[values.len() - len..];
            for ours in at_each_level(|| Bf16Buffer::of(values).expanded().to_vec()) {
                for (ours, value) in ours.iter().zip(values) {
                    let exact = bf16::from_f32(*value).to_f32();
                    assert!(ours.to_bits() == exact.to_bits() || ours.is_nan() && exact.is_nan());
                }
                assert_eq!(ours.len(), len);
            }
        }
    }
}

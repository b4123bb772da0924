//! From quantised blocks to f32, for every block format (layouts: ggml's `ggml-common.h`).

use super::BlockFormat;
use super::cpu::for_each_cpu_level;
use half::{bf16, f16};

/// Writes the elements of `blocks` to `out`; `out.len()` is a multiple of the format's block length
/// and `blocks` holds exactly its bytes.
pub fn dequantise(format: BlockFormat, blocks: &[u8], out: &mut [f32]) {
    assert_eq!(blocks.len(), out.len() / format.block_len() * format.block_bytes());
    match format {
        BlockFormat::F32 => f32_values(blocks, out),
        BlockFormat::F16 => f16_values(blocks, out),
        BlockFormat::BF16 => bf16_values(blocks, out),
        BlockFormat::Q4_0 => q4_0(blocks, out),
        BlockFormat::Q4_1 => q4_1(blocks, out),
        BlockFormat::Q5_0 => q5_0(blocks, out),
        BlockFormat::Q5_1 => q5_1(blocks, out),
        BlockFormat::Q8_0 => q8_0(blocks, out),
        BlockFormat::Q4K => q4_k(blocks, out),
        BlockFormat::Q5K => q5_k(blocks, out),
        BlockFormat::Q6K => q6_k(blocks, out),
    }
}

/// The half-precision number at `at`.
#[inline(always)]
fn half_at(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}

/// `half`'s own conversion asks for the CPU's features at each call; this one is a few integer
/// operations that inline into the loops here.
#[inline(always)]
fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff);
    if !(0x0400..0x7c00).contains(&magnitude) {
        return f16::from_bits(bits).to_f32_const();
    }
    f32::from_bits(sign | ((magnitude << 13) + (112 << 23)))
}

fn f32_values(blocks: &[u8], out: &mut [f32]) {
    let (numbers, _) = blocks.as_chunks::<4>();
    for (value, bytes) in out.iter_mut().zip(numbers) {
        *value = f32::from_le_bytes(*bytes);
    }
}

fn f16_values(blocks: &[u8], out: &mut [f32]) {
    let (numbers, _) = blocks.as_chunks::<2>();
    for (value, bytes) in out.iter_mut().zip(numbers) {
        *value = f16_to_f32(u16::from_le_bytes(*bytes));
    }
}

fn bf16_values(blocks: &[u8], out: &mut [f32]) {
    let (numbers, _) = blocks.as_chunks::<2>();
    for (value, bytes) in out.iter_mut().zip(numbers) {
        *value = bf16::from_le_bytes(*bytes).to_f32_const();
    }
}

for_each_cpu_level! {
    fn q4_0(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<18>();
        let (outs, _) = out.as_chunks_mut::<32>();
        for (block, out) in blocks.iter().zip(outs) {
            let scale = half_at(block, 0);
            for i in 0..16 {
                let byte = block[2 + i];
                out[i] = (i32::from(byte & 15) - 8) as f32 * scale;
                out[i + 16] = (i32::from(byte >> 4) - 8) as f32 * scale;
            }
        }
    }
}

for_each_cpu_level! {
    fn q4_1(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<20>();
        let (outs, _) = out.as_chunks_mut::<32>();
        for (block, out) in blocks.iter().zip(outs) {
            let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
            for i in 0..16 {
                let byte = block[4 + i];
                out[i] = i32::from(byte & 15) as f32 * scale + minimum;
                out[i + 16] = i32::from(byte >> 4) as f32 * scale + minimum;
            }
        }
    }
}

for_each_cpu_level! {
    fn q5_0(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<22>();
        let (outs, _) = out.as_chunks_mut::<32>();
        for (block, out) in blocks.iter().zip(outs) {
            let scale = half_at(block, 0);
            let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
            for i in 0..16 {
                let byte = u32::from(block[6 + i]);
                let low = (byte & 15) | ((high >> i) & 1) << 4;
                let upper = (byte >> 4) | ((high >> (i + 16)) & 1) << 4;
                out[i] = (low as i32 - 16) as f32 * scale;
                out[i + 16] = (upper as i32 - 16) as f32 * scale;
            }
        }
    }
}

for_each_cpu_level! {
    fn q5_1(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<24>();
        let (outs, _) = out.as_chunks_mut::<32>();
        for (block, out) in blocks.iter().zip(outs) {
            let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
            let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
            for i in 0..16 {
                let byte = u32::from(block[8 + i]);
                let low = (byte & 15) | ((high >> i) & 1) << 4;
                let upper = (byte >> 4) | ((high >> (i + 16)) & 1) << 4;
                out[i] = low as i32 as f32 * scale + minimum;
                out[i + 16] = upper as i32 as f32 * scale + minimum;
            }
        }
    }
}

for_each_cpu_level! {
    fn q8_0(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<34>();
        let (outs, _) = out.as_chunks_mut::<32>();
        for (block, out) in blocks.iter().zip(outs) {
            let scale = half_at(block, 0);
            for i in 0..32 {
                out[i] = f32::from(block[2 + i] as i8) * scale;
            }
        }
    }
}

/// The 6-bit scale and minimum of sub-block `j` of a Q4_K or Q5_K block.
#[inline(always)]
fn scale_and_minimum(j: usize, packed: &[u8]) -> (f32, f32) {
    let (scale, minimum) = if j < 4 {
        (packed[j] & 63, packed[j + 4] & 63)
    } else {
        (
            (packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4),
            (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4),
        )
    };
    (f32::from(scale), f32::from(minimum))
}

for_each_cpu_level! {
    fn q4_k(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<144>();
        let (outs, _) = out.as_chunks_mut::<256>();
        for (block, out) in blocks.iter().zip(outs) {
            let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
            let packed = &block[4..16];
            for part in 0..4 {
                let quants = &block[16 + 32 * part..48 + 32 * part];
                let out = &mut out[64 * part..64 * part + 64];
                let (s1, m1) = scale_and_minimum(2 * part, packed);
                let (s2, m2) = scale_and_minimum(2 * part + 1, packed);
                let (s1, m1, s2, m2) = (scale * s1, minimum * m1, scale * s2, minimum * m2);
                for i in 0..32 {
                    out[i] = s1 * i32::from(quants[i] & 15) as f32 - m1;
                    out[i + 32] = s2 * i32::from(quants[i] >> 4) as f32 - m2;
                }
            }
        }
    }
}

for_each_cpu_level! {
    fn q5_k(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<176>();
        let (outs, _) = out.as_chunks_mut::<256>();
        for (block, out) in blocks.iter().zip(outs) {
            let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
            let packed = &block[4..16];
            let high = &block[16..48];
            for part in 0..4 {
                let quants = &block[48 + 32 * part..80 + 32 * part];
                let out = &mut out[64 * part..64 * part + 64];
                let (s1, m1) = scale_and_minimum(2 * part, packed);
                let (s2, m2) = scale_and_minimum(2 * part + 1, packed);
                let (s1, m1, s2, m2) = (scale * s1, minimum * m1, scale * s2, minimum * m2);
                for i in 0..32 {
                    let low = (quants[i] & 15) | ((high[i] >> (2 * part)) & 1) << 4;
                    let upper = (quants[i] >> 4) | ((high[i] >> (2 * part + 1)) & 1) << 4;
                    out[i] = s1 * i32::from(low) as f32 - m1;
                    out[i + 32] = s2 * i32::from(upper) as f32 - m2;
                }
            }
        }
    }
}

for_each_cpu_level! {
    fn q6_k(blocks: &[u8], out: &mut [f32]) {
        let (blocks, _) = blocks.as_chunks::<210>();
        let (outs, _) = out.as_chunks_mut::<256>();
        for (block, out) in blocks.iter().zip(outs) {
            let scale = half_at(block, 208);
            for part in 0..2 {
                let low = &block[64 * part..64 * part + 64];
                let high = &block[128 + 32 * part..160 + 32 * part];
                let scales = &block[192 + 8 * part..200 + 8 * part];
                let out = &mut out[128 * part..128 * part + 128];
                for i in 0..32 {
                    let scale_of = |k: usize| scale * f32::from(scales[i / 16 + 2 * k] as i8);
                    let value = |bits: u8, k: usize| {
                        (i32::from(bits | ((high[i] >> (2 * k)) & 3) << 4) - 32) as f32
                    };
                    out[i] = scale_of(0) * value(low[i] & 15, 0);
                    out[i + 32] = scale_of(1) * value(low[i + 32] & 15, 1);
                    out[i + 64] = scale_of(2) * value(low[i] >> 4, 2);
                    out[i + 96] = scale_of(3) * value(low[i + 32] >> 4, 3);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::cpu::tests::at_each_level;
    use super::*;
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    /// If this fails, a model in that format computes with wrong weights.
    #[test]
    fn every_format_agrees_with_candle_at_every_cpu_level() {
        let values: Vec<f32> = (0..2048)
            .map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * (1.0 + (i / 256) as f32))
            .collect();
        let source = Tensor::from_slice(&values, (8, 256), &Device::Cpu).unwrap();
        for (format, theirs) in [
            (BlockFormat::F32, GgmlDType::F32),
            (BlockFormat::F16, GgmlDType::F16),
            (BlockFormat::BF16, GgmlDType::BF16),
            (BlockFormat::Q4_0, GgmlDType::Q4_0),
            (BlockFormat::Q4_1, GgmlDType::Q4_1),
            (BlockFormat::Q5_0, GgmlDType::Q5_0),
            (BlockFormat::Q5_1, GgmlDType::Q5_1),
            (BlockFormat::Q8_0, GgmlDType::Q8_0),
            (BlockFormat::Q4K, GgmlDType::Q4K),
            (BlockFormat::Q5K, GgmlDType::Q5K),
            (BlockFormat::Q6K, GgmlDType::Q6K),
        ] {
            let quantised = QTensor::quantize(&source, theirs).unwrap();
            let expected = quantised
                .dequantize(&Device::Cpu)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
            let bytes = quantised.data().unwrap();
            for ours in at_each_level(|| {
                let mut out = vec![0.0; 2048];
                dequantise(format, &bytes, &mut out);
                out
            }) {
                for (a, b) in ours.iter().zip(&expected) {
                    assert!(
                        (a - b).abs() <= 1e-6 * b.abs().max(1.0),
                        "{}: {a} and {b}",
                        format.name()
                    );
                }
            }
        }
    }

    #[test]
    fn half_precision_is_exact_for_every_bit_pattern() {
        for bits in 0..=u16::MAX {
            let (ours, exact) = (f16_to_f32(bits), f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == exact.to_bits() || ours.is_nan() && exact.is_nan());
        }
    }
}

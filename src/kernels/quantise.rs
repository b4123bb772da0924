//! From f32 to the block formats that Kaizen writes, as ggml rounds them (`quantize_row_q8_0_ref`), so
//! that a file of ours holds what llama.cpp's own tools would have written.

use super::BlockFormat;
use half::f16;
use half::slice::HalfFloatSliceExt;

/// A format that Kaizen writes.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrittenFormat {
    F32,
    F16,
    Q8_0,
}

/// A value that the format cannot hold: not finite, or too large.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the value {value} cannot be stored as {}", format.name())]
pub struct Unstorable {
    pub value: f32,
    pub format: BlockFormat,
}

impl From<WrittenFormat> for BlockFormat {
    fn from(format: WrittenFormat) -> Self {
        match format {
            WrittenFormat::F32 => Self::F32,
            WrittenFormat::F16 => Self::F16,
            WrittenFormat::Q8_0 => Self::Q8_0,
        }
    }
}

/// Elements of a Q8_0 block, which share one scale.
const BLOCK: usize = 32;
/// The largest quant: the block's greatest magnitude becomes this.
const LARGEST: f32 = 127.0;

/// Appends `values` to `out` in `format`; whole blocks, as many values as rows of blocks hold.
///
/// # Errors
/// The first value that the format cannot hold; `out` is then of no use.
pub fn quantise(
    format: WrittenFormat,
    values: &[f32],
    out: &mut Vec<u8>,
) -> Result<(), Unstorable> {
    let unstorable = |value| Unstorable { value, format: format.into() };
    match format {
        WrittenFormat::F32 => {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(unstorable(*value));
            }
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        WrittenFormat::F16 => {
            let mut halves = vec![f16::ZERO; values.len()];
            halves.convert_from_f32_slice(values);
            if let Some(at) = halves.iter().position(|half| !half.is_finite()) {
                return Err(unstorable(values[at]));
            }
            out.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
        }
        WrittenFormat::Q8_0 => {
            let (blocks, rest) = values.as_chunks::<BLOCK>();
            assert!(rest.is_empty(), "{} values are no whole blocks", values.len());
            for block in blocks {
                let bytes = q8_0(block).map_err(unstorable)?;
                out.extend_from_slice(&bytes);
            }
        }
    }
    Ok(())
}

/// A scale in half precision and 32 whole numbers; or the value that has no such scale.
fn q8_0(block: &[f32; BLOCK]) -> Result<[u8; 2 + BLOCK], f32> {
    if let Some(value) = block.iter().find(|value| !value.is_finite()) {
        return Err(*value);
    }
    let greatest = block.iter().fold(0.0, |greatest: f32, value| greatest.max(value.abs()));
    let scale = greatest / LARGEST;
    // As ggml: the quants are found with the scale before it is rounded.
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let stored = f16::from_f32(scale);
    if !stored.is_finite() {
        return Err(greatest);
    }
    let mut bytes = [0; 2 + BLOCK];
    bytes[..2].copy_from_slice(&stored.to_le_bytes());
    for (byte, value) in bytes[2..].iter_mut().zip(block) {
        *byte = (value * inverse).round() as i8 as u8;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::dequantise;
    use super::*;
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn quantised(format: WrittenFormat, values: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        quantise(format, values, &mut bytes).unwrap();
        bytes
    }

    /// Rows of magnitudes from those of a weight that hardly matters to those near the end of F16.
    fn values() -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut values: Vec<f32> = (0..64 * 256)
            .map(|i| {
                let magnitude = 10f32.powi(i / 256 / 6 - 6);
                random.random_range(-1.0..1.0) * magnitude
            })
            .collect();
        values[..32].fill(0.0);
        values[32] = -65504.0;
        values
    }

    /// If this fails, an exported model says something else in llama.cpp than here.
    #[test]
    fn the_bytes_are_those_of_another_implementation() {
        let values = values();
        let source = Tensor::from_slice(&values, (64, 256), &Device::Cpu).unwrap();
        for (format, theirs) in [
            (WrittenFormat::F32, GgmlDType::F32),
            (WrittenFormat::F16, GgmlDType::F16),
            (WrittenFormat::Q8_0, GgmlDType::Q8_0),
        ] {
            let expected = QTensor::quantize(&source, theirs).unwrap().data().unwrap().into_owned();
            assert!(quantised(format, &values) == expected, "{format:?}");
        }
    }

    #[test]
    fn what_comes_back_is_off_by_half_a_step_at_most() {
        let values = values();
        for format in [WrittenFormat::F32, WrittenFormat::F16, WrittenFormat::Q8_0] {
            let mut back = vec![0.0; values.len()];
            dequantise(format.into(), &quantised(format, &values), &mut back);
            for (block, back) in values.chunks(32).zip(back.chunks(32)) {
                let greatest = block.iter().fold(0f32, |a, v| a.max(v.abs()));
                for (value, back) in block.iter().zip(back) {
                    let allowed = match format {
                        WrittenFormat::F32 => 0.0,
                        WrittenFormat::F16 => value.abs() / 2048.0 + 3e-8,
                        // Half a step, and the scale's own rounding.
                        WrittenFormat::Q8_0 => greatest / 254.0 + greatest / 2048.0 + 4e-6,
                    };
                    assert!((value - back).abs() <= allowed, "{format:?}: {value} became {back}");
                }
            }
        }
    }

    /// Written as infinity it would make every answer of the exported model nonsense.
    #[test]
    fn a_value_that_does_not_fit_is_named() {
        for (format, value) in [
            (WrittenFormat::F32, f32::NAN),
            (WrittenFormat::F16, 65520.0),
            (WrittenFormat::F16, f32::INFINITY),
            (WrittenFormat::Q8_0, 1e8),
            (WrittenFormat::Q8_0, f32::NAN),
            (WrittenFormat::Q8_0, f32::NEG_INFINITY),
        ] {
            let mut values = [0.5; 64];
            values[40] = value;
            let unstorable = quantise(format, &values, &mut Vec::new()).unwrap_err();
            assert_eq!(unstorable.value.to_bits(), value.to_bits(), "{format:?}");
        }
        let mut large = [0.0; 32];
        large[3] = 70_000.0;
        assert!(quantise(WrittenFormat::Q8_0, &large, &mut Vec::new()).is_ok());
    }
}

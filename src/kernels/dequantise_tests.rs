//! Dequantisation against two other implementations. If one fails, a model in that format computes with
//! wrong weights.
#![allow(clippy::unwrap_used)]

use super::super::cpu::tests::at_each_level;
use super::*;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

/// The formats that candle has too, and its names of them.
pub const CANDLE_FORMATS: [(BlockFormat, GgmlDType); 13] = [
    (BlockFormat::F32, GgmlDType::F32),
    (BlockFormat::F16, GgmlDType::F16),
    (BlockFormat::BF16, GgmlDType::BF16),
    (BlockFormat::Q4_0, GgmlDType::Q4_0),
    (BlockFormat::Q4_1, GgmlDType::Q4_1),
    (BlockFormat::Q5_0, GgmlDType::Q5_0),
    (BlockFormat::Q5_1, GgmlDType::Q5_1),
    (BlockFormat::Q8_0, GgmlDType::Q8_0),
    (BlockFormat::Q2K, GgmlDType::Q2K),
    (BlockFormat::Q3K, GgmlDType::Q3K),
    (BlockFormat::Q4K, GgmlDType::Q4K),
    (BlockFormat::Q5K, GgmlDType::Q5K),
    (BlockFormat::Q6K, GgmlDType::Q6K),
];

#[test]
fn every_format_agrees_with_candle_at_every_cpu_level() {
    let values: Vec<f32> = (0..2048)
        .map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * (1.0 + (i / 256) as f32))
        .collect();
    let source = Tensor::from_slice(&values, (8, 256), &Device::Cpu).unwrap();
    for (format, theirs) in CANDLE_FORMATS {
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
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{}: {a} and {b}", format.name());
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Blocks {
    /// In hexadecimal.
    bytes: String,
    values: Vec<f32>,
}

/// Any bits, scales aside: what `dequantize` of the Python package `gguf` 0.19 makes of them.
#[test]
fn blocks_of_any_bits_agree_with_the_gguf_package_at_every_cpu_level() {
    let blocks: std::collections::BTreeMap<String, Blocks> =
        serde_json::from_str(include_str!("../../tests/data/blocks.json")).unwrap();
    assert_eq!(blocks.len(), 4);
    for (name, Blocks { bytes, values }) in blocks {
        let format = (0..64).filter_map(BlockFormat::from_ggml_type).find(|f| f.name() == name);
        let byte = |i: usize| u8::from_str_radix(&bytes[2 * i..2 * i + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..bytes.len() / 2).map(byte).collect();
        for ours in at_each_level(|| {
            let mut out = vec![0.0; values.len()];
            dequantise(format.unwrap(), &bytes, &mut out);
            out
        }) {
            for (place, (a, b)) in ours.iter().zip(&values).enumerate() {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{name}, {place}: {a} and {b}");
            }
        }
    }
}

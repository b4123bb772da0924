//! Products of frozen weights against their definition in f64: every format, every level of the processor,
//! one row, few rows, odd rows, tails of every kind. If one fails, the model computes something else.
#![allow(clippy::unwrap_used)]

use super::super::cpu::tests::at_each_level;
use super::super::dequantise::tests::CANDLE_FORMATS;
use super::super::{CpuLevel, Team, cpu_level};
use super::*;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use half::bf16;

fn numbers(count: usize, seed: u32) -> Vec<f32> {
    (0..count as u32)
        .map(|i| {
            let mixed = i.wrapping_mul(2_654_435_761).wrapping_add(seed * 97).wrapping_mul(0x9e37);
            (mixed >> 16) as f32 / 32768.0 - 1.0
        })
        .collect()
}

/// A weight in a format, and its values.
fn weight(
    format: (BlockFormat, GgmlDType),
    rows: usize,
    columns: usize,
) -> (FrozenMatrix, Vec<f32>) {
    let source =
        Tensor::from_vec(numbers(rows * columns, 1), (rows, columns), &Device::Cpu).unwrap();
    let bytes = match format.0.block_len() {
        // candle quantises rows of whole blocks alone.
        1 => QTensor::quantize(&source.flatten_all().unwrap(), format.1),
        _ => QTensor::quantize(&source, format.1),
    };
    let bytes = bytes.unwrap().data().unwrap().into_owned();
    with_values(FrozenMatrix::from_blocks(format.0, rows, columns, bytes).unwrap())
}

/// A weight of any bits, for the formats that candle lacks; their blocks begin with the scale.
fn any_weight(format: BlockFormat, rows: usize, columns: usize) -> (FrozenMatrix, Vec<f32>) {
    let count = rows * columns / format.block_len() * format.block_bytes();
    let mut bytes: Vec<u8> = numbers(count, 7).iter().map(|x| (x * 128.0) as i8 as u8).collect();
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        block[..2].copy_from_slice(&half::f16::from_f32(0.001).to_le_bytes());
    }
    with_values(FrozenMatrix::from_blocks(format, rows, columns, bytes).unwrap())
}

fn with_values(weight: FrozenMatrix) -> (FrozenMatrix, Vec<f32>) {
    let mut values = vec![0.0; weight.rows() * weight.columns()];
    weight.expand_rows(0, weight.rows(), &mut values);
    (weight, values)
}

/// What the processor's level makes of an operand of a product.
fn operand(value: f32, in_pairs: bool) -> f64 {
    f64::from(if in_pairs { bf16::from_f32(value).to_f32() } else { value })
}

/// `left (n, depth) · right`, where `right(step, column)`, plus an adapter's part; and for each place
/// the sum of what was added without signs, which says how far rounding may go.
fn definition(
    left: &[f32],
    n: usize,
    (depth, columns): (usize, usize),
    right: impl Fn(usize, usize) -> f32,
    low_rank: &LowRank,
    in_pairs: bool,
) -> Vec<(f64, f64)> {
    let (rank, _) = low_rank.right.shape();
    (0..n * columns)
        .map(|place| {
            let (row, column) = (place / columns, place % columns);
            let (mut sum, mut size) = (0.0, 0.0);
            for step in 0..depth {
                let term = operand(left[row * depth + step], in_pairs)
                    * operand(right(step, column), in_pairs);
                (sum, size) = (sum + term, size + term.abs());
            }
            let inner = &low_rank.inner[row * rank..(row + 1) * rank];
            let added =
                f64::from(low_rank.scale) * f64::from(low_rank.right.column_dot(inner, column));
            (sum + added, size + added.abs())
        })
        .collect()
}

fn assert_close(found: &[f32], wanted: &[(f64, f64)], rounding: f64, what: &str) {
    assert_eq!(found.len(), wanted.len());
    for (place, (found, (wanted, size))) in found.iter().zip(wanted).enumerate() {
        let off = (f64::from(*found) - wanted).abs();
        assert!(off <= rounding * size + 1e-6, "{what}, place {place}: {found} is not {wanted}");
    }
}

fn check(format: (BlockFormat, GgmlDType), rows: usize, columns: usize, counts: &[usize]) {
    check_weight(weight(format, rows, columns), counts);
}

fn check_weight((weight, values): (FrozenMatrix, Vec<f32>), counts: &[usize]) {
    let (rows, columns, name) = (weight.rows(), weight.columns(), weight.format.name());
    const RANK: usize = 3;
    for &n in counts {
        let (x, dy) = (numbers(n * columns, 2), numbers(n * rows, 3));
        let inner = numbers(n * RANK, 4);
        let (a, b) = (numbers(RANK * columns, 5), numbers(rows * RANK, 6));
        let forward =
            LowRank { inner: &inner, right: Matrix::new(&b, rows, RANK).transposed(), scale: 0.5 };
        let backward = LowRank { inner: &inner, right: Matrix::new(&a, RANK, columns), scale: 1.0 };
        for (level, y, dx) in at_each_level(|| {
            let mut y = vec![f32::NAN; n * rows];
            let product = Product { weight: &weight, low_rank: Some(forward), out: &mut y };
            products(&x, &mut [product]);
            let mut dx = vec![0.25; n * columns];
            weight.product_backward(&dy, Some(backward), &mut dx, true);
            (cpu_level(), y, dx)
        }) {
            let what = format!("{name} {rows}x{columns}, {n} rows, {}", level.name());
            let rounds = level == CpuLevel::Avx512Bf16;
            let in_pairs = rounds && n > FEW_ROWS;
            let right = |step, column| values[column * columns + step];
            let wanted = definition(&x, n, (columns, rows), right, &forward, in_pairs);
            // Rows are rounded to 16 bits where they are multiplied as whole numbers.
            let whole = n == 1 || level == CpuLevel::Avx2;
            let rounding = if whole && weight.has_whole_quants() { 5e-5 } else { 3e-6 };
            assert_close(&y, &wanted, rounding, &format!("{what}, forward"));
            let right = |step, column| values[step * columns + column];
            let mut wanted = definition(&dy, n, (rows, columns), right, &backward, rounds);
            wanted.iter_mut().for_each(|(sum, _)| *sum += 0.25);
            assert_close(&dx, &wanted, 3e-6, &format!("{what}, backward"));
        }
    }
}

#[test]
fn every_format_gives_the_definition_at_every_level() {
    for format in CANDLE_FORMATS {
        check(format, 41, 256, &[1, 3, 4, 8, 18]);
    }
    for format in [BlockFormat::IQ4_NL, BlockFormat::IQ4_XS] {
        check_weight(any_weight(format, 41, 256), &[1, 3, 4, 8, 18]);
    }
}

#[test]
fn every_number_of_rows_and_every_tail_gives_the_definition() {
    let counts: Vec<usize> = (1..=30).collect();
    check(CANDLE_FORMATS[4], 41, 96, &counts);
    check(CANDLE_FORMATS[4], 1, 32, &[1, 2, 5]);
    check(CANDLE_FORMATS[4], 64, 64, &[6, 12]);
    for columns in [1, 15, 33, 70] {
        check(CANDLE_FORMATS[0], 19, columns, &[1, 4, 17]);
        check(CANDLE_FORMATS[2], 19, columns, &[1, 4, 17]);
    }
}

#[test]
fn depths_beyond_one_panel_give_the_definition() {
    check(CANDLE_FORMATS[4], 40, 1632, &[1, 17]);
    check(CANDLE_FORMATS[4], 1633, 64, &[17]);
}

/// If this fails, an answer depends on how many threads wrote it by more than its last digits, or a
/// resumed run is another run.
#[test]
fn a_team_gives_the_same_bits_as_one_thread() {
    let (weight, _) = weight(CANDLE_FORMATS[4], 300, 256);
    for n in [1, 4, 5, 17, 40] {
        let (x, dy) = (numbers(n * 256, 2), numbers(n * 300, 3));
        let run = || {
            let (mut y, mut dx) = (vec![0.0; n * 300], vec![0.0; n * 256]);
            weight.product(&x, &mut y);
            weight.product_backward(&dy, None, &mut dx, false);
            (y, dx)
        };
        let alone = run();
        for threads in [2, 3, 5] {
            assert!(alone == Team::new(threads).unwrap().lead(run), "{n} rows, {threads} threads");
        }
    }
}

#[test]
fn several_products_of_one_input_are_those_of_each() {
    let weights = [weight(CANDLE_FORMATS[4], 96, 64).0, weight(CANDLE_FORMATS[7], 40, 64).0];
    for n in [1, 9, 17] {
        let x = numbers(n * 64, 2);
        let mut together = [vec![0.0; n * 96], vec![0.0; n * 40]];
        let mut work: Vec<Product> = weights
            .iter()
            .zip(&mut together)
            .map(|(weight, out)| Product { weight, low_rank: None, out })
            .collect();
        products(&x, &mut work);
        for (weight, together) in weights.iter().zip(&together) {
            let mut alone = vec![0.0; n * weight.rows()];
            weight.product(&x, &mut alone);
            assert_eq!(&alone, together);
        }
    }
}

/// A NaN must stay in its own row, and must not be lost there: a broken run would look healthy, or a
/// whole batch would break with one example.
#[test]
fn what_is_no_number_or_huge_stays_in_its_row() {
    let (weight, _) = weight(CANDLE_FORMATS[4], 41, 96);
    for (bad, n) in [(f32::NAN, 3), (f32::NAN, 19), (f32::INFINITY, 19), (3.0e38, 19)] {
        let mut x = numbers(n * 96, 2);
        let mut dy = numbers(n * 41, 3);
        (x[96 + 7], dy[41 + 7]) = (bad, bad);
        for (y, dx) in at_each_level(|| {
            let (mut y, mut dx) = (vec![0.0; n * 41], vec![0.0; n * 96]);
            weight.product(&x, &mut y);
            weight.product_backward(&dy, None, &mut dx, false);
            (y, dx)
        }) {
            for (values, width) in [(y, 41), (dx, 96)] {
                for (row, values) in values.chunks(width).enumerate() {
                    match row {
                        1 if bad.is_nan() => assert!(values.iter().all(|v| v.is_nan())),
                        1 => assert!(values.iter().any(|v| !v.is_finite() || v.abs() > 1e30)),
                        _ => assert!(values.iter().all(|v| v.abs() < 1e3), "row {row}"),
                    }
                }
            }
        }
    }
}

#[test]
fn expanded_weights_are_exact_at_every_level() {
    let (quantised, values) = weight(CANDLE_FORMATS[4], 41, 96);
    let x = numbers(19 * 96, 2);
    let (inner, right) = ([0.0; 19], [0.0; 41]);
    let none = LowRank { inner: &inner, right: Matrix::new(&right, 1, 41), scale: 1.0 };
    let right = |step, column| values[column * 96 + step];
    let wanted = definition(&x, 19, (96, 41), right, &none, false);
    for y in at_each_level(|| {
        let mut y = vec![0.0; 19 * 41];
        quantised.expanded().product(&x, &mut y);
        y
    }) {
        assert_close(&y, &wanted, 3e-6, "expanded");
    }
}

#[test]
fn reordering_rows_is_exact() {
    let (original, values) = weight(CANDLE_FORMATS[4], 4, 64);
    let reordered = original.with_rows_in_order(&[2, 0, 3, 1]);
    let mut moved = vec![0.0; 256];
    reordered.expand_rows(0, 4, &mut moved);
    assert_eq!(moved[..64], values[128..192]);
    assert_eq!(moved[64..128], values[..64]);
}

#[test]
fn bytes_that_do_not_fit_the_shape_are_refused() {
    assert!(FrozenMatrix::from_blocks(BlockFormat::Q4_1, 2, 33, vec![0; 40]).is_none());
    assert!(FrozenMatrix::from_blocks(BlockFormat::Q4_1, 2, 32, vec![0; 39]).is_none());
    assert!(FrozenMatrix::from_blocks(BlockFormat::F32, 2, 0, vec![]).is_none());
}

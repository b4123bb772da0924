//! The innermost loops of every product: one tile of the result in registers while the depth runs.

use super::vector::{Vector, for_each_vector};
use super::{CpuLevel, cpu_level};

/// Columns of the widest tile of any level.
pub(super) const WIDEST: usize = 32;

/// Columns of a tile, and of a packed panel, at this processor's level: two registers.
pub(super) fn tile_width() -> usize {
    match cpu_level() {
        CpuLevel::Portable | CpuLevel::Avx2 => 16,
        CpuLevel::Avx512 | CpuLevel::Avx512Bf16 => 32,
    }
}

/// One product `left · right` that a tile sums up.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    /// The first row's first element; rows and depth lie these strides apart.
    pub left: *const f32,
    pub row_stride: usize,
    pub depth_stride: usize,
    /// The first column's first element; steps of depth lie `right_stride` apart. Columns of one tile
    /// are adjacent, the next tile's begin `right_tile` further.
    pub right: *const f32,
    pub right_stride: usize,
    pub right_tile: usize,
    pub depth: usize,
}

/// Where a tile's sums go.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub out: *mut f32,
    pub row_stride: usize,
    pub rows: usize,
    pub columns: usize,
    /// Add to what stands there.
    pub accumulate: bool,
}

for_each_vector! {
    /// `out (+)= scale · Σ left · right` over the factors, for all rows of `place`.
    ///
    /// # Safety
    /// Rows of `left` and of `out` exist as `place` says; each step of `right` can be read up to a
    /// whole register.
    pub(super) unsafe fn multiply_rows<V>(factors: &[Factors], scale: f32, place: Place) {
        // SAFETY: passed on.
        unsafe { rows::<V>(factors, scale, place) }
    }
}

/// # Safety
/// As [`multiply_rows`].
#[inline(always)]
unsafe fn rows<V: Vector>(factors: &[Factors], scale: f32, place: Place) {
    let mut row = 0;
    while row < place.rows {
        let left = place.rows - row;
        // SAFETY: rows `row..row + taken` are within `place`.
        row += unsafe {
            match (V::LANES, left) {
                (16, 12..) => tile::<V, 12>(factors, scale, place, row),
                (16, 8..) => tile::<V, 8>(factors, scale, place, row),
                (8, 6..) => tile::<V, 6>(factors, scale, place, row),
                (8, 5) => tile::<V, 5>(factors, scale, place, row),
                (_, 4..) => tile::<V, 4>(factors, scale, place, row),
                (8, 3) => tile::<V, 3>(factors, scale, place, row),
                (_, 2..) => tile::<V, 2>(factors, scale, place, row),
                _ => tile::<V, 1>(factors, scale, place, row),
            }
        };
    }
}

/// All columns of `R` rows; returns `R`.
///
/// # Safety
/// As [`multiply_rows`].
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize>(
    factors: &[Factors],
    scale: f32,
    place: Place,
    row: usize,
) -> usize {
    for column in (0..place.columns).step_by(2 * V::LANES) {
        // SAFETY: passed on.
        unsafe {
            match place.columns - column > V::LANES {
                true => columns::<V, R, 2>(factors, scale, place, row, column),
                false => columns::<V, R, 1>(factors, scale, place, row, column),
            }
        }
    }
    R
}

/// # Safety
/// As [`multiply_rows`].
#[inline(always)]
unsafe fn columns<V: Vector, const R: usize, const N: usize>(
    factors: &[Factors],
    scale: f32,
    place: Place,
    row: usize,
    column: usize,
) {
    let mut sums = [[V::splat(0.0); N]; R];
    for factor in factors {
        // SAFETY: passed on.
        unsafe { add_factor::<V, R, N>(&mut sums, factor, row, column) };
    }
    // SAFETY: passed on.
    unsafe { write(sums, scale, place, row, column) };
}

/// # Safety
/// As [`multiply_rows`].
#[inline(always)]
pub(super) unsafe fn add_factor<V: Vector, const R: usize, const N: usize>(
    sums: &mut [[V; N]; R],
    factor: &Factors,
    row: usize,
    column: usize,
) {
    // SAFETY: all places read are those of rows `row..row + R` and of whole vectors from `column`.
    unsafe {
        let left = factor.left.add(row * factor.row_stride);
        let right = factor.right.add(column / (2 * V::LANES) * factor.right_tile);
        for step in 0..factor.depth {
            let left = left.add(step * factor.depth_stride);
            let right = right.add(step * factor.right_stride);
            let mut columns = [V::splat(0.0); N];
            for (n, column) in columns.iter_mut().enumerate() {
                *column = V::load(right.add(n * V::LANES));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let value = V::splat(*left.add(i * factor.row_stride));
                for n in 0..N {
                    sums[n] = value.multiply_add(columns[n], sums[n]);
                }
            }
        }
    }
}

/// # Safety
/// As [`multiply_rows`].
#[inline(always)]
pub(super) unsafe fn write<V: Vector, const R: usize, const N: usize>(
    sums: [[V; N]; R],
    scale: f32,
    place: Place,
    row: usize,
    column: usize,
) {
    let scale = V::splat(scale);
    let zero = V::splat(0.0);
    let count = place.columns - column;
    for (i, sums) in sums.into_iter().enumerate() {
        // SAFETY: row `row + i` and `count` columns from `column` are within `place`.
        unsafe {
            let out = place.out.add((row + i) * place.row_stride + column);
            if count >= N * V::LANES {
                for (n, sum) in sums.into_iter().enumerate() {
                    let out = out.add(n * V::LANES);
                    let before = if place.accumulate { V::load(out) } else { zero };
                    sum.multiply_add(scale, before).store(out);
                }
                continue;
            }
            let mut values = [0.0f32; WIDEST];
            for (n, sum) in sums.into_iter().enumerate() {
                sum.multiply_add(scale, zero).store(values.as_mut_ptr().add(n * V::LANES));
            }
            for (column, value) in values[..count].iter().enumerate() {
                let out = out.add(column);
                *out = if place.accumulate { *out + value } else { *value };
            }
        }
    }
}

/// A product of pairs of bf16: `left` is `(rows, pairs)`, `right` panels of `(pairs, 32)`, both of two
/// bf16 adjacent in depth in one 32-bit number.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct PairFactors {
    pub left: *const u32,
    pub row_stride: usize,
    pub right: *const u32,
    pub right_tile: usize,
    pub pairs: usize,
}

/// As [`multiply_rows`] with scale 1: the product of pairs, summed in f32, plus those of `factors`.
///
/// # Safety
/// As [`multiply_rows`]; the processor has the features of `CpuLevel::Avx512Bf16`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")]
pub(super) unsafe fn multiply_pair_rows(pairs: &PairFactors, factors: &[Factors], place: Place) {
    let mut row = 0;
    while row < place.rows {
        // SAFETY: rows `row..row + taken` are within `place`.
        row += unsafe {
            match place.rows - row {
                12.. => pair_tile::<12>(pairs, factors, place, row),
                8.. => pair_tile::<8>(pairs, factors, place, row),
                4.. => pair_tile::<4>(pairs, factors, place, row),
                2.. => pair_tile::<2>(pairs, factors, place, row),
                _ => pair_tile::<1>(pairs, factors, place, row),
            }
        };
    }
}

/// # Safety
/// As [`multiply_pair_rows`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")]
unsafe fn pair_tile<const R: usize>(
    pairs: &PairFactors,
    factors: &[Factors],
    place: Place,
    row: usize,
) -> usize {
    use std::arch::x86_64::*;
    use std::mem::transmute;
    for column in (0..place.columns).step_by(WIDEST) {
        let mut sums = [[_mm512_setzero_ps(); 2]; R];
        // SAFETY: rows `row..row + R` of `left` and whole panels are read; the two register types that
        // are transmuted differ in name only.
        unsafe {
            let left = pairs.left.add(row * pairs.row_stride);
            let right = pairs.right.add(column / WIDEST * pairs.right_tile);
            for step in 0..pairs.pairs {
                let right = right.add(step * WIDEST);
                let right: [__m512bh; 2] = [
                    transmute::<__m512i, __m512bh>(_mm512_loadu_si512(right.cast())),
                    transmute::<__m512i, __m512bh>(_mm512_loadu_si512(right.add(16).cast())),
                ];
                for (i, sums) in sums.iter_mut().enumerate() {
                    let value = *left.add(i * pairs.row_stride + step);
                    let value = transmute::<__m512i, __m512bh>(_mm512_set1_epi32(value as i32));
                    sums[0] = _mm512_dpbf16_ps(sums[0], value, right[0]);
                    sums[1] = _mm512_dpbf16_ps(sums[1], value, right[1]);
                }
            }
            for factor in factors {
                add_factor::<__m512, R, 2>(&mut sums, factor, row, column);
            }
            write(sums, 1.0, place, row, column);
        }
    }
    R
}

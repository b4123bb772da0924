//! Products of many rows in whole numbers of 16 bits with AVX2, whose instruction for them does twice
//! the work of an f32 one: panels of a weight's quants as they are stored, and the tile that multiplies
//! them with rounded rows of input. Sums of a group are exact; those over groups are in f32.

use super::BlockFormat;
use super::buffer::Buffer;
use super::dequantise::{Format, GROUP, row_quants, with_format};
use super::panel::{Blocks, STRIP};
use super::tile::{Factors, Place, add_factor, write};
use super::vector::Vector;
use super::whole_rows::WholeRows;
use std::arch::x86_64::*;
use std::ops::Range;

/// Pairs of neighbours in one group.
const PAIRS: usize = GROUP / 2;
/// Columns of a tile: two registers.
const WIDTH: usize = 16;
/// Bytes that memory gives at once.
const LINE: usize = 64;
/// Rows of a tile, at most: more of them leave the registers too few.
const MOST_ROWS: usize = 5;

/// The quants of some strips of a weight for a range of its groups, as the tiles read them.
pub(super) struct WholePanel {
    /// For each tile of columns `(groups · 16, 16)` pairs of neighbours in depth.
    pairs: Buffer,
    /// For each tile of columns `(groups, 16)`.
    scales: Buffer,
    /// As the scales, where the format has minimums.
    minimums: Option<Buffer>,
    /// The quants of one strip, `(groups, 32 columns)`, four of them in the place of one f32.
    whole: Buffer,
    groups: usize,
}

impl WholePanel {
    /// Room for `strips` strips of up to `groups` groups.
    pub(super) fn new(strips: usize, groups: usize, minimums: bool) -> Self {
        Self {
            pairs: Buffer::new(strips * STRIP * groups * PAIRS),
            scales: Buffer::new(strips * STRIP * groups),
            minimums: minimums.then(|| Buffer::new(strips * STRIP * groups)),
            whole: Buffer::new(STRIP * groups * GROUP / 4),
            groups: 0,
        }
    }

    /// Takes `groups` of `rows` of the weight for its columns.
    ///
    /// # Safety
    /// The processor has the features of `CpuLevel::Avx2`.
    pub(super) unsafe fn fill(&mut self, blocks: Blocks, rows: Range<usize>, groups: Range<usize>) {
        self.groups = groups.len();
        for (strip, first) in rows.clone().step_by(STRIP).enumerate() {
            let rows = first..(first + STRIP).min(rows.end);
            let at = strip * STRIP * groups.len();
            // SAFETY: the caller's promise.
            with_format!(blocks.format, F => unsafe {
                strip_of::<F>(blocks, rows, groups.clone(), self, at);
            });
        }
    }
}

/// Writes one strip to where its tiles begin: `at` for scales, sixteen times that for pairs.
#[target_feature(enable = "avx2,fma,f16c")]
fn strip_of<F: Format>(
    blocks: Blocks,
    rows: Range<usize>,
    groups: Range<usize>,
    panel: &mut WholePanel,
    at: usize,
) {
    let depth = groups.len();
    let pairs = &mut panel.pairs[at * PAIRS..][..depth * PAIRS * STRIP];
    let scales = &mut panel.scales[at..][..depth * STRIP];
    let mut minimums = panel.minimums.as_mut().map(|all| &mut all[at..][..depth * STRIP]);
    let whole: &mut [[i8; GROUP]] = bytemuck::cast_slice_mut(&mut panel.whole);
    let (whole, _) = whole.as_chunks_mut::<STRIP>();
    // Row after row, as they lie in memory: processors foresee that, but not jumps between rows.
    for (column, row) in rows.enumerate() {
        let row = blocks.row(row);
        let place = column / WIDTH * depth * WIDTH + column % WIDTH;
        for (step, (group, whole)) in groups.clone().zip(whole.iter_mut()).enumerate() {
            let Some(quants) = row_quants::<__m256, F>(row, group) else { return };
            whole[column] = quants.whole;
            scales[place + step * WIDTH] = quants.scale;
            if let Some(minimums) = &mut minimums {
                minimums[place + step * WIDTH] = quants.minimum;
            }
        }
    }
    for (step, whole) in whole[..depth].iter().enumerate() {
        for (eight, whole) in whole.as_chunks::<8>().0.iter().enumerate() {
            let half = eight % 2 * 8;
            let place = eight / 2 * depth * PAIRS * WIDTH + step * PAIRS * WIDTH + half;
            write_pairs(whole, &mut pairs[place..place + (PAIRS - 1) * WIDTH + 8]);
        }
    }
}

/// Adds to `place` what the outliers of `x` give with `rows` of the weight.
///
/// # Safety
/// As [`multiply_whole_rows`], `place` being the columns of `rows`.
pub(super) unsafe fn add_outliers(x: &WholeRows, blocks: Blocks, rows: Range<usize>, place: Place) {
    // SAFETY: the caller's promise.
    with_format!(blocks.format, F => unsafe { outliers_of::<F>(x, blocks, rows, place) });
}

/// # Safety
/// As [`add_outliers`].
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn outliers_of<F: Format>(x: &WholeRows, blocks: Blocks, rows: Range<usize>, place: Place) {
    for outlier in x.outliers(0..place.rows) {
        for (column, row) in rows.clone().enumerate() {
            let quants = row_quants::<__m256, F>(blocks.row(row), outlier.group);
            let Some(quants) = quants else { return };
            let added = quants.above_minimum(outlier.place) * outlier.value;
            // SAFETY: a row of `place` and one of its columns.
            unsafe { *place.out.add(outlier.row * place.row_stride + column) += added };
        }
    }
}

/// Writes the pairs of eight columns: those of one place in depth side by side, the next sixteen
/// numbers further.
#[target_feature(enable = "avx2,fma,f16c")]
fn write_pairs(columns: &[[i8; GROUP]; 8], out: &mut [f32]) {
    assert!(out.len() >= (PAIRS - 1) * WIDTH + 8);
    // Four neighbours in depth of each column, eight columns a register.
    let mut fours = [[0.0f32; 8]; 8];
    let (low, high) = (0x0180_0080_u32 as i32, 0x0380_0280_u32 as i32);
    // SAFETY: both blocks are 8 × 8 numbers of 32 bits; sixteen rows of eight are written, the last of
    // them within `out`. A set high bit in a place makes that byte zero.
    unsafe {
        <__m256 as Vector>::transpose(columns.as_ptr().cast(), 8, fours.as_mut_ptr().cast(), 8);
        let (low, high) = (_mm256_set1_epi32(low), _mm256_set1_epi32(high));
        let lane = _mm256_set_epi32(
            0x0c0c_0c0c,
            0x0808_0808,
            0x0404_0404,
            0,
            0x0c0c_0c0c,
            0x0808_0808,
            0x0404_0404,
            0,
        );
        let (low, high) = (_mm256_add_epi8(low, lane), _mm256_add_epi8(high, lane));
        for (i, four) in fours.iter().enumerate() {
            let four = _mm256_loadu_si256(four.as_ptr().cast());
            let first = _mm256_srai_epi16(_mm256_shuffle_epi8(four, low), 8);
            let second = _mm256_srai_epi16(_mm256_shuffle_epi8(four, high), 8);
            let out = out.as_mut_ptr().add(2 * i * WIDTH);
            _mm256_storeu_si256(out.cast(), first);
            _mm256_storeu_si256(out.add(WIDTH).cast(), second);
        }
    }
}

/// `place (+)= x · panel` for the groups of `x` from `first` that the panel holds, plus the products of
/// `factors`. Meanwhile `ahead`, what will be read next, is called for from memory.
///
/// # Safety
/// As [`multiply_rows`](super::tile::multiply_rows), `place` having the columns of the panel and the
/// rows of `x`; the processor has the features of `CpuLevel::Avx2`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn multiply_whole_rows(
    x: &WholeRows,
    first: usize,
    panel: &WholePanel,
    factors: &[Factors],
    place: Place,
    ahead: &[u8],
) {
    let groups = panel.groups;
    assert!(first + groups <= x.groups && place.rows * x.groups <= x.steps.len());
    assert!(place.columns.next_multiple_of(WIDTH) * groups <= panel.scales.len());
    let minimums = panel.minimums.as_ref().map(|minimums| Factors {
        left: x.sums.as_ptr().wrapping_add(first),
        row_stride: x.groups,
        depth_stride: 1,
        right: minimums.as_ptr(),
        right_stride: WIDTH,
        right_tile: groups * WIDTH,
        depth: groups,
    });
    let minimums = minimums.as_slice();
    let mut row = 0;
    while row < place.rows {
        let left = place.rows - row;
        let fetched = ahead.len() * row / place.rows;
        // Even shares: a last tile of one row would take as long as one of three.
        let taken = match left.div_ceil(left.div_ceil(MOST_ROWS)) {
            // SAFETY: rows `row..row + taken` are within `place` and `x`, as checked above.
            5 => unsafe { tile::<5>(x, first, panel, [minimums, factors], place, row) },
            // SAFETY: as above.
            4 => unsafe { tile::<4>(x, first, panel, [minimums, factors], place, row) },
            // SAFETY: as above.
            3 => unsafe { tile::<3>(x, first, panel, [minimums, factors], place, row) },
            // SAFETY: as above.
            2 => unsafe { tile::<2>(x, first, panel, [minimums, factors], place, row) },
            // SAFETY: as above.
            _ => unsafe { tile::<1>(x, first, panel, [minimums, factors], place, row) },
        };
        row += taken;
        for line in ahead[fetched..ahead.len() * row / place.rows].chunks(LINE) {
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
    }
}

/// All columns of `R` rows; returns `R`.
///
/// # Safety
/// As [`multiply_whole_rows`].
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile<const R: usize>(
    x: &WholeRows,
    first: usize,
    panel: &WholePanel,
    factors: [&[Factors]; 2],
    place: Place,
    row: usize,
) -> usize {
    let groups = panel.groups;
    let stride = x.groups * PAIRS;
    for column in (0..place.columns).step_by(WIDTH) {
        let mut sums = [[_mm256_setzero_ps(); 2]; R];
        // SAFETY: rows `row..row + R` of the input and whole tiles of the panel are read.
        unsafe {
            let left = x.values().as_ptr().add(row * x.groups + first).cast::<i32>();
            let steps = x.steps.as_ptr().add(row * x.groups + first);
            let right = panel.pairs.as_ptr().add(column * groups * PAIRS).cast::<i32>();
            let scales = panel.scales.as_ptr().add(column * groups);
            for group in 0..groups {
                let mut whole = [[_mm256_setzero_si256(); 2]; R];
                let left = left.add(group * PAIRS);
                let right = right.add(group * PAIRS * WIDTH);
                for pair in 0..PAIRS {
                    let right = right.add(pair * WIDTH).cast::<__m256i>();
                    let columns = [right.read(), right.add(1).read()];
                    for (i, whole) in whole.iter_mut().enumerate() {
                        let value = _mm256_set1_epi32(*left.add(i * stride + pair));
                        whole[0] = _mm256_add_epi32(whole[0], _mm256_madd_epi16(columns[0], value));
                        whole[1] = _mm256_add_epi32(whole[1], _mm256_madd_epi16(columns[1], value));
                    }
                }
                let scales = scales.add(group * WIDTH);
                let scales = [_mm256_loadu_ps(scales), _mm256_loadu_ps(scales.add(8))];
                for (i, (sums, whole)) in sums.iter_mut().zip(&whole).enumerate() {
                    let step = _mm256_set1_ps(*steps.add(i * x.groups + group));
                    for half in 0..2 {
                        let value = _mm256_cvtepi32_ps(whole[half]);
                        let scale = _mm256_mul_ps(scales[half], step);
                        sums[half] = _mm256_fmadd_ps(value, scale, sums[half]);
                    }
                }
            }
            for factor in factors.into_iter().flatten() {
                add_factor::<__m256, R, 2>(&mut sums, factor, row, column);
            }
            write(sums, 1.0, place, row, column);
        }
    }
    R
}

//! Dense f32 products, through the `gemm` crate, shared between the threads of the current pool.

use super::cpu::for_each_cpu_level;
use super::shared_slice::SharedSlice;
use rayon::prelude::*;

/// A view of an f32 matrix: rows, columns, and how far apart they lie.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major `(rows, columns)` view of `data`.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// A row-major view whose rows start `row_stride` elements apart (columns of a wider matrix).
    pub fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            rows == 0 || columns == 0 || (rows - 1) * row_stride + columns <= data.len(),
            "a matrix of {rows} x {columns} needs more than {} elements",
            data.len()
        );
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same elements with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `out = scale · a · b`; `out` is `(a.rows, b.columns)`, row-major.
pub fn product(a: Matrix, b: Matrix, scale: f32, out: &mut [f32]) {
    shared_product(a, b, scale, out, false);
}

/// `out += scale · a · b`; `out` is `(a.rows, b.columns)`, row-major.
pub fn add_product(a: Matrix, b: Matrix, scale: f32, out: &mut [f32]) {
    shared_product(a, b, scale, out, true);
}

/// Below this many multiplications a second thread costs more than it saves.
const WORTH_SHARING: usize = 1 << 19;

fn shared_product(a: Matrix, b: Matrix, scale: f32, out: &mut [f32], accumulate: bool) {
    assert_eq!(a.columns, b.rows, "inner dimensions differ");
    assert_eq!(out.len(), a.rows * b.columns, "the result has another shape");
    let columns = b.columns;
    let threads = rayon::current_num_threads();
    let out = SharedSlice::new(out);
    if threads == 1 || a.rows * columns * a.columns < WORTH_SHARING {
        // SAFETY: one task, the whole of `out`.
        unsafe { strided_product(a, b, scale, &out, 0, columns, accumulate) };
        return;
    }
    let longest = a.rows.max(columns);
    let share = longest.div_ceil(threads);
    (0..longest).into_par_iter().step_by(share).for_each(|start| {
        let len = share.min(longest - start);
        if a.rows >= columns {
            let part = Matrix { data: &a.data[start * a.row_stride..], rows: len, ..a };
            // SAFETY: each task owns rows `start..start + len` of `out`.
            unsafe { strided_product(part, b, scale, &out, start * columns, columns, accumulate) };
        } else {
            let part = Matrix { data: &b.data[start * b.column_stride..], columns: len, ..b };
            // SAFETY: each task owns columns `start..start + len` of `out`.
            unsafe { strided_product(a, part, scale, &out, start, columns, accumulate) };
        }
    });
}

/// One product on this thread, to `out` from `offset` with rows `row_stride` apart.
///
/// # Safety
/// No other task may touch the `(a.rows, b.columns)` places that this one writes.
pub(super) unsafe fn strided_product(
    a: Matrix,
    b: Matrix,
    scale: f32,
    out: &SharedSlice,
    offset: usize,
    row_stride: usize,
    accumulate: bool,
) {
    if a.rows == 0 || b.columns == 0 {
        return;
    }
    assert!(offset + (a.rows - 1) * row_stride + b.columns <= out.len());
    // SAFETY: the views were bounds-checked when made, the result just above; the caller promises
    // that nobody else writes there.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.pointer(offset),
            1,
            row_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Numbers that one accumulator sums side by side.
const LANES: usize = 16;

/// Rows of either side that one tile multiplies: its accumulators stay in registers.
const TILE: usize = 4;

/// Adds the lanes of an accumulator, and the products that did not fill it, in a fixed order.
#[inline(always)]
fn sum(mut lanes: [f32; LANES], rest: f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0] + rest
}

/// All dot products of `X` rows of `x` with `W` rows of `w`, each row `columns` long. Every one is summed
/// in the same order whatever the size of the tile.
#[inline(always)]
fn tile<const X: usize, const W: usize>(x: &[f32], w: &[f32], columns: usize) -> [[f32; W]; X] {
    let x: [&[f32]; X] = std::array::from_fn(|i| &x[i * columns..(i + 1) * columns]);
    let w: [&[f32]; W] = std::array::from_fn(|i| &w[i * columns..(i + 1) * columns]);
    let whole = columns / LANES;
    let mut sums = [[[0.0f32; LANES]; W]; X];
    let x_blocks: [&[[f32; LANES]]; X] = std::array::from_fn(|i| &x[i].as_chunks().0[..whole]);
    let w_blocks: [&[[f32; LANES]]; W] = std::array::from_fn(|i| &w[i].as_chunks().0[..whole]);
    for block in 0..whole {
        for j in 0..W {
            let b = &w_blocks[j][block];
            for i in 0..X {
                let a = &x_blocks[i][block];
                for lane in 0..LANES {
                    sums[i][j][lane] += a[lane] * b[lane];
                }
            }
        }
    }
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let from = whole * LANES;
            let rest = x[i][from..].iter().zip(&w[j][from..]).map(|(a, b)| a * b).sum();
            sum(sums[i][j], rest)
        })
    })
}

/// As [`tile`] for up to [`TILE`] rows of `w`, with the number of rows of `x` fixed.
#[inline(always)]
fn tile_row<const X: usize>(x: &[f32], w: &[f32], columns: usize, count: usize, out: &mut [f32]) {
    #[inline(always)]
    fn write<const X: usize, const W: usize>(tile: [[f32; W]; X], out: &mut [f32]) {
        for (i, row) in tile.iter().enumerate() {
            out[i * TILE..i * TILE + W].copy_from_slice(row);
        }
    }
    match count {
        4 => write(tile::<X, 4>(x, w, columns), out),
        3 => write(tile::<X, 3>(x, w, columns), out),
        2 => write(tile::<X, 2>(x, w, columns), out),
        _ => write(tile::<X, 1>(x, w, columns), out),
    }
}

for_each_cpu_level! {
    /// All dot products of the rows of `x` `(n, columns)` with the up to [`TILE`] rows of `w`
    /// `(count, columns)`, to `out` `(n, TILE)`. Each is what [`dot`] gives, to the bit.
    pub(super) fn few_dots(x: &[f32], w: &[f32], columns: usize, out: &mut [f32]) {
        let count = w.len() / columns;
        let mut x = x;
        let mut out = out;
        while !x.is_empty() {
            let rows = (x.len() / columns).min(TILE);
            let (now, later) = x.split_at(rows * columns);
            let (here, rest) = out.split_at_mut(rows * TILE);
            match rows {
                4 => tile_row::<4>(now, w, columns, count, here),
                3 => tile_row::<3>(now, w, columns, count, here),
                2 => tile_row::<2>(now, w, columns, count, here),
                _ => tile_row::<1>(now, w, columns, count, here),
            }
            x = later;
            out = rest;
        }
    }
}

/// Rows of weights that [`few_dots`] takes at a time.
pub(super) const FEW_DOTS: usize = TILE;

for_each_cpu_level! {
    /// The dot product of two slices of one length, summed in a fixed order.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        tile::<1, 1>(a, b, a.len())[0][0]
    }
}

#[cfg(test)]
mod tests {
    use super::super::cpu::tests::at_each_level;
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        (0..count as u32)
            .map(|i| {
                ((i.wrapping_mul(2654435761).wrapping_add(seed * 97)) >> 16) as f32 / 32768.0 - 1.0
            })
            .collect()
    }

    #[test]
    fn products_equal_the_definition_for_odd_shapes_and_views() {
        for (m, k, n) in
            [(1, 1, 1), (1, 7, 5), (3, 64, 1), (17, 33, 9), (130, 70, 150), (16, 300, 700)]
        {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let b_transposed: Vec<f32> = (0..n * k).map(|i| b[(i % k) * n + i / k]).collect();
            for right in [Matrix::new(&b, k, n), Matrix::new(&b_transposed, n, k).transposed()] {
                let mut out = vec![1.0; m * n];
                add_product(Matrix::new(&a, m, k), right, 0.5, &mut out);
                for i in 0..m {
                    for j in 0..n {
                        let exact: f64 =
                            (0..k).map(|l| f64::from(a[i * k + l]) * f64::from(b[l * n + j])).sum();
                        assert!((f64::from(out[i * n + j]) - 1.0 - 0.5 * exact).abs() < 1e-4);
                    }
                }
            }
        }
    }

    // If this fails, a text depends on how many others are written beside it.
    #[test]
    fn many_dots_at_once_have_the_bits_of_each_alone() {
        for columns in [1, 15, 16, 33, 576] {
            for (n, count) in [(1, 4), (2, 3), (5, 4), (16, 1), (19, 2)] {
                let (x, w) = (numbers(n * columns, 5), numbers(count * columns, 6));
                for out in at_each_level(|| {
                    let mut out = vec![0.0; n * FEW_DOTS];
                    few_dots(&x, &w, columns, &mut out);
                    out
                }) {
                    for i in 0..n {
                        for j in 0..count {
                            let alone = dot(
                                &x[i * columns..(i + 1) * columns],
                                &w[j * columns..(j + 1) * columns],
                            );
                            assert_eq!(out[i * FEW_DOTS + j].to_bits(), alone.to_bits());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn dot_has_the_same_bits_at_every_cpu_level() {
        for len in [0, 1, 31, 32, 33, 576, 1535] {
            let (a, b) = (numbers(len, 3), numbers(len, 4));
            let exact: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let results = at_each_level(|| dot(&a, &b));
            assert!((f64::from(results[0]) - exact).abs() < 1e-3);
            assert!(results.iter().all(|result| result.to_bits() == results[0].to_bits()));
        }
    }
}

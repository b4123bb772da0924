//! Dense f32 products of any two views, shared between the threads of the team.

use super::buffer::Buffer;
use super::cpu::for_each_cpu_level;
use super::shared_slice::SharedSlice;
use super::team::{for_each_task, threads};
use super::tile::{Factors, Place, WIDEST, multiply_rows, tile_width};
use super::vector::for_each_vector;

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

    /// Its rows and columns.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The dot product of `values` with column `column`.
    pub(super) fn column_dot(&self, values: &[f32], column: usize) -> f32 {
        let column = &self.data[column * self.column_stride..];
        match self.row_stride {
            1 => dot(values, &column[..values.len()]),
            stride => values.iter().zip(column.iter().step_by(stride)).map(|(a, b)| a * b).sum(),
        }
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
const WORTH_SHARING: usize = 1 << 17;

fn shared_product(a: Matrix, b: Matrix, scale: f32, out: &mut [f32], accumulate: bool) {
    assert_eq!(a.columns, b.rows, "inner dimensions differ");
    assert_eq!(out.len(), a.rows * b.columns, "the result has another shape");
    let columns = b.columns;
    let threads = threads();
    let out = SharedSlice::new(out);
    if threads == 1 || a.rows * columns * a.columns < WORTH_SHARING {
        // SAFETY: one task, the whole of `out`.
        unsafe { strided_product(a, b, scale, &out, 0, columns, accumulate) };
        return;
    }
    let by_rows = a.rows >= columns;
    // Shares of whole tiles.
    let longest = if by_rows { a.rows } else { columns };
    let share = longest.div_ceil(threads).next_multiple_of(if by_rows { 12 } else { WIDEST });
    for_each_task(longest.div_ceil(share), |task| {
        let start = task * share;
        let len = share.min(longest - start);
        if by_rows {
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

/// Up to this many rows, a product with rows that lie in memory is one of dot products.
const FEW_ROWS: usize = 4;

/// Steps of depth that one packed panel holds.
const PANEL_DEPTH: usize = 512;

/// Columns of `b` that are packed at one time.
const PANEL_COLUMNS: usize = 128;

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
    assert_eq!(a.columns, b.rows, "inner dimensions differ");
    if a.rows == 0 || b.columns == 0 {
        return;
    }
    assert!(offset + (a.rows - 1) * row_stride + b.columns <= out.len());
    if a.rows <= FEW_ROWS && a.column_stride == 1 && b.row_stride == 1 {
        for row in 0..a.rows {
            let left = &a.data[row * a.row_stride..][..a.columns];
            for column in 0..b.columns {
                let sum = scale * dot(left, &b.data[column * b.column_stride..][..b.rows]);
                let place = offset + row * row_stride + column;
                // SAFETY: the caller's promise.
                unsafe {
                    match accumulate {
                        true => out.add(place, sum),
                        false => out.set(place, sum),
                    }
                }
            }
        }
        return;
    }
    let width = tile_width();
    // Rows that are read by one block of tiles alone gain nothing from being packed first.
    let as_it_is = b.column_stride == 1 && b.columns.is_multiple_of(width) && a.rows <= 24;
    let depth_step = if as_it_is { a.columns.max(1) } else { PANEL_DEPTH };
    let column_step = if as_it_is { b.columns } else { PANEL_COLUMNS };
    for first in (0..b.columns).step_by(column_step) {
        let columns = column_step.min(b.columns - first);
        for start in (0..a.columns.max(1)).step_by(depth_step) {
            let depth = depth_step.min(a.columns - start);
            let place = Place {
                out: out.pointer(offset + first),
                row_stride,
                rows: a.rows,
                columns,
                accumulate: accumulate || start > 0,
            };
            let left = Factors {
                left: a.data.as_ptr().wrapping_add(start * a.column_stride),
                row_stride: a.row_stride,
                depth_stride: a.column_stride,
                right: b.data.as_ptr().wrapping_add(start * b.row_stride + first),
                right_stride: b.row_stride,
                right_tile: width,
                depth,
            };
            if as_it_is {
                // SAFETY: the views were bounds-checked when made, the result just above; `b` has whole
                // tiles; the caller promises that nobody else writes there.
                unsafe { multiply_rows(&[left], scale, place) };
                continue;
            }
            let mut panel = Buffer::new(depth * columns.next_multiple_of(width));
            // SAFETY: block `start.., first..` is within `b`, and the panel holds it.
            unsafe { pack(b, start, depth, first, columns, panel.as_mut_ptr()) };
            let packed = Factors {
                right: panel.as_ptr(),
                right_stride: width,
                right_tile: depth * width,
                ..left
            };
            // SAFETY: as above; the panel holds whole tiles.
            unsafe { multiply_rows(&[packed], scale, place) };
        }
    }
}

for_each_vector! {
    /// Copies `depth` rows from `start` and `columns` columns from `first` of `b` to `panel`: for each
    /// tile's width of columns `(depth, width)`, filled up with zeros.
    ///
    /// # Safety
    /// The block is within `b`, and `panel` holds it with its columns rounded up to whole tiles.
    pub(super) unsafe fn pack<V>(
        b: Matrix,
        start: usize,
        depth: usize,
        first: usize,
        columns: usize,
        panel: *mut f32,
    ) {
        let width = 2 * V::LANES;
        for column in (0..columns).step_by(width) {
            let count = width.min(columns - column);
            // SAFETY: places within the block and the panel, as the caller promised.
            unsafe {
                let source = b
                    .data
                    .as_ptr()
                    .add(start * b.row_stride + (first + column) * b.column_stride);
                let panel = panel.add(column * depth);
                if b.column_stride == 1 && count == width {
                    for step in 0..depth {
                        let (from, to) = (source.add(step * b.row_stride), panel.add(step * width));
                        V::load(from).store(to);
                        V::load(from.add(V::LANES)).store(to.add(V::LANES));
                    }
                    continue;
                }
                let mut whole = 0;
                if b.row_stride == 1 && count == width {
                    whole = depth / V::LANES * V::LANES;
                    for step in (0..whole).step_by(V::LANES) {
                        for half in [0, V::LANES] {
                            V::transpose(
                                source.add(step + half * b.column_stride),
                                b.column_stride,
                                panel.add(step * width + half),
                                width,
                            );
                        }
                    }
                }
                for step in whole..depth {
                    for column in 0..count {
                        *panel.add(step * width + column) =
                            *source.add(step * b.row_stride + column * b.column_stride);
                    }
                    for column in count..width {
                        *panel.add(step * width + column) = 0.0;
                    }
                }
            }
        }
    }
}

for_each_cpu_level! {
    /// The dot product of two slices of one length, summed in a fixed order.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0f32; 32];
        let (a_blocks, a_rest) = a.as_chunks::<32>();
        let (b_blocks, b_rest) = b.as_chunks::<32>();
        for (a, b) in a_blocks.iter().zip(b_blocks) {
            for i in 0..32 {
                sums[i] += a[i] * b[i];
            }
        }
        let mut width = 16;
        while width > 0 {
            for i in 0..width {
                sums[i] += sums[i + width];
            }
            width /= 2;
        }
        sums[0] + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
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
        at_each_level(|| {
            for shape in [
                (1, 1, 1),
                (1, 7, 5),
                (3, 64, 1),
                (17, 33, 9),
                (24, 40, 64),
                (130, 70, 150),
                (16, 600, 200),
            ] {
                check(shape);
            }
        });
    }

    fn check((m, k, n): (usize, usize, usize)) {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let a_transposed: Vec<f32> = (0..m * k).map(|i| a[(i % m) * k + i / m]).collect();
        let b_transposed: Vec<f32> = (0..n * k).map(|i| b[(i % k) * n + i / k]).collect();
        let lefts = [Matrix::new(&a, m, k), Matrix::new(&a_transposed, k, m).transposed()];
        let rights = [Matrix::new(&b, k, n), Matrix::new(&b_transposed, n, k).transposed()];
        for (left, right) in lefts.into_iter().flat_map(|left| rights.map(|right| (left, right))) {
            let mut out = vec![1.0; m * n];
            add_product(left, right, 0.5, &mut out);
            for i in 0..m {
                for j in 0..n {
                    let exact: f64 =
                        (0..k).map(|l| f64::from(a[i * k + l]) * f64::from(b[l * n + j])).sum();
                    assert!((f64::from(out[i * n + j]) - 1.0 - 0.5 * exact).abs() < 1e-4);
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

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

//! A weight that is never trained: kept as the file has it (quantised) or as f32, multiplied either
//! way without ever being expanded as a whole.

use super::matmul::{Matrix, strided_product};
use super::shared_slice::SharedSlice;
use super::{BlockFormat, dequantise, dot};
use rayon::prelude::*;
use std::cell::RefCell;

/// A frozen `(rows, columns)` = `(out, in)` weight.
#[derive(Debug, Clone)]
pub struct FrozenMatrix {
    rows: usize,
    columns: usize,
    storage: Storage,
}

#[derive(Debug, Clone)]
enum Storage {
    Quantised { format: BlockFormat, blocks: Vec<u8> },
    Dense(Vec<f32>),
}

/// Up to this many rows of input, each weight row is expanded once and multiplied directly; from
/// there on whole panels of weights go through the dense product.
const FEW_ROWS: usize = 6;

/// Weight rows that one task expands at a time: the panel stays in the second-level cache.
const PANEL_ROWS: usize = 128;

thread_local! {
    static PANEL: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl FrozenMatrix {
    /// Takes the bytes of a tensor as GGUF stores them.
    ///
    /// `None` when `columns` is not a whole number of blocks or the byte count does not fit.
    pub fn from_blocks(
        format: BlockFormat,
        rows: usize,
        columns: usize,
        blocks: Vec<u8>,
    ) -> Option<Self> {
        if !columns.is_multiple_of(format.block_len()) {
            return None;
        }
        let row_bytes = columns / format.block_len() * format.block_bytes();
        if Some(blocks.len()) != rows.checked_mul(row_bytes) {
            return None;
        }
        Some(Self { rows, columns, storage: Storage::Quantised { format, blocks } })
    }

    /// Rows, the length of the result.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, the length of the input.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        match &self.storage {
            Storage::Quantised { blocks, .. } => blocks.len(),
            Storage::Dense(values) => values.len() * 4,
        }
    }

    /// The same weight expanded to f32.
    pub fn expanded(&self) -> Self {
        let mut values = vec![0.0; self.rows * self.columns];
        self.expand_rows(0, self.rows, &mut values);
        Self { storage: Storage::Dense(values), ..*self }
    }

    /// The same weight with row `order[i]` at place `i` (exact: rows are whole blocks).
    pub fn with_rows_in_order(&self, order: &[usize]) -> Self {
        assert_eq!(order.len(), self.rows);
        let storage = match &self.storage {
            Storage::Quantised { format, blocks } => {
                let row_bytes = blocks.len() / self.rows.max(1);
                let blocks = order
                    .iter()
                    .flat_map(|&row| &blocks[row * row_bytes..(row + 1) * row_bytes])
                    .copied()
                    .collect();
                Storage::Quantised { format: *format, blocks }
            }
            Storage::Dense(values) => Storage::Dense(
                order
                    .iter()
                    .flat_map(|&row| &values[row * self.columns..(row + 1) * self.columns])
                    .copied()
                    .collect(),
            ),
        };
        Self { storage, ..*self }
    }

    /// Writes `count` rows from `first` to `out` `(count, columns)` as f32.
    pub fn expand_rows(&self, first: usize, count: usize, out: &mut [f32]) {
        match &self.storage {
            Storage::Quantised { format, blocks } => {
                let row_bytes = self.columns / format.block_len() * format.block_bytes();
                dequantise(*format, &blocks[first * row_bytes..(first + count) * row_bytes], out);
            }
            Storage::Dense(values) => {
                out.copy_from_slice(&values[first * self.columns..(first + count) * self.columns]);
            }
        }
    }

    /// Lends rows `first..first + count` as f32, expanded into this thread's panel when needed.
    fn with_panel<T>(&self, first: usize, count: usize, work: impl FnOnce(&[f32]) -> T) -> T {
        if let Storage::Dense(values) = &self.storage {
            return work(&values[first * self.columns..(first + count) * self.columns]);
        }
        PANEL.with_borrow_mut(|panel| {
            let len = count * self.columns;
            if panel.len() < len {
                panel.resize(len, 0.0);
            }
            self.expand_rows(first, count, &mut panel[..len]);
            work(&panel[..len])
        })
    }

    /// `y = x · Wᵀ`: `x` is `(n, columns)`, `y` is `(n, rows)`.
    pub fn product(&self, x: &[f32], y: &mut [f32]) {
        let n = x.len() / self.columns;
        assert_eq!(x.len(), n * self.columns);
        assert_eq!(y.len(), n * self.rows);
        let y = SharedSlice::new(y);
        let panel_rows = self.panel_rows();
        (0..self.rows).into_par_iter().step_by(panel_rows).for_each(|first| {
            let count = panel_rows.min(self.rows - first);
            if n <= FEW_ROWS {
                for row in first..first + count {
                    self.with_panel(row, 1, |weights| {
                        for (i, x) in x.chunks_exact(self.columns).enumerate() {
                            // SAFETY: only this task writes column `row` of `y`.
                            unsafe { y.set(i * self.rows + row, dot(x, weights)) };
                        }
                    });
                }
                return;
            }
            self.with_panel(first, count, |weights| {
                let x = Matrix::new(x, n, self.columns);
                let weights = Matrix::new(weights, count, self.columns).transposed();
                // SAFETY: only this task writes columns `first..first + count` of `y`.
                unsafe { strided_product(x, weights, 1.0, &y, first, self.rows, false) };
            });
        });
    }

    /// The gradient of [`product`](Self::product): `dx += dy · W`, `dy` is `(n, rows)`, `dx` `(n, columns)`.
    pub fn add_product_backward(&self, dy: &[f32], dx: &mut [f32]) {
        let n = dy.len() / self.rows;
        assert_eq!(dy.len(), n * self.rows);
        assert_eq!(dx.len(), n * self.columns);
        let dx = SharedSlice::new(dx);
        let share = n.div_ceil(rayon::current_num_threads()).max(8);
        (0..n).into_par_iter().step_by(share).for_each(|start| {
            let len = share.min(n - start);
            for first in (0..self.rows).step_by(PANEL_ROWS) {
                let count = PANEL_ROWS.min(self.rows - first);
                self.with_panel(first, count, |weights| {
                    let dy =
                        Matrix::strided(&dy[start * self.rows + first..], len, count, self.rows);
                    let weights = Matrix::new(weights, count, self.columns);
                    let offset = start * self.columns;
                    // SAFETY: only this task writes rows `start..start + len` of `dx`.
                    unsafe { strided_product(dy, weights, 1.0, &dx, offset, self.columns, true) };
                });
            }
        });
    }

    /// Panels small enough for the cache and, for small matrices, enough of them for every thread.
    fn panel_rows(&self) -> usize {
        let share = self.rows.div_ceil(rayon::current_num_threads());
        share.clamp(1, PANEL_ROWS)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn weight(rows: usize, columns: usize) -> FrozenMatrix {
        let blocks: Vec<u8> = (0..rows * columns / 32)
            .flat_map(|block| {
                let mut bytes = vec![0u8; 20];
                bytes[..2].copy_from_slice(
                    &half::f16::from_f32(0.01 + block as f32 * 1e-4).to_le_bytes(),
                );
                bytes[2..4].copy_from_slice(&half::f16::from_f32(-0.1).to_le_bytes());
                for (i, byte) in bytes[4..].iter_mut().enumerate() {
                    *byte = (block * 37 + i * 101) as u8;
                }
                bytes
            })
            .collect();
        FrozenMatrix::from_blocks(BlockFormat::Q4_1, rows, columns, blocks).unwrap()
    }

    #[test]
    fn quantised_and_expanded_weights_give_the_definition_for_few_and_many_rows() {
        let quantised = weight(150, 96);
        let dense = quantised.expanded();
        let mut values = vec![0.0; 150 * 96];
        quantised.expand_rows(0, 150, &mut values);
        for n in [1, 2, 6, 7, 33] {
            let x: Vec<f32> = (0..n * 96).map(|i| ((i * 31 % 17) as f32 - 8.0) / 8.0).collect();
            let dy: Vec<f32> = (0..n * 150).map(|i| ((i * 13 % 23) as f32 - 11.0) / 11.0).collect();
            for matrix in [&quantised, &dense] {
                let mut y = vec![f32::NAN; n * 150];
                matrix.product(&x, &mut y);
                let mut dx = vec![0.5; n * 96];
                matrix.add_product_backward(&dy, &mut dx);
                for t in 0..n {
                    for r in 0..150 {
                        let exact: f32 = (0..96).map(|c| x[t * 96 + c] * values[r * 96 + c]).sum();
                        assert!((y[t * 150 + r] - exact).abs() < 1e-3);
                    }
                    for c in 0..96 {
                        let exact: f32 =
                            (0..150).map(|r| dy[t * 150 + r] * values[r * 96 + c]).sum();
                        assert!((dx[t * 96 + c] - 0.5 - exact).abs() < 1e-3);
                    }
                }
            }
        }
    }

    #[test]
    fn reordering_rows_is_exact() {
        let original = weight(4, 64);
        let reordered = original.with_rows_in_order(&[2, 0, 3, 1]);
        let (mut a, mut b) = (vec![0.0; 256], vec![0.0; 256]);
        original.expand_rows(0, 4, &mut a);
        reordered.expand_rows(0, 4, &mut b);
        assert_eq!(b[..64], a[128..192]);
        assert_eq!(b[64..128], a[..64]);
    }

    #[test]
    fn bytes_that_do_not_fit_the_shape_are_refused() {
        assert!(FrozenMatrix::from_blocks(BlockFormat::Q4_1, 2, 33, vec![0; 40]).is_none());
        assert!(FrozenMatrix::from_blocks(BlockFormat::Q4_1, 2, 32, vec![0; 39]).is_none());
    }
}

//! Products of few rows, such as the next token of one text: every weight is used once or a few times, so
//! it is expanded in registers and multiplied there, and the time is that of reading it from memory.

use super::BlockFormat;
use super::buffer::Buffer;
use super::cpu::multiplies_whole_numbers;
use super::dequantise::{Format, GROUP, row_group, row_quants, with_format};
use super::frozen_matrix::{FrozenMatrix, Product};
use super::panel::Blocks;
use super::shared_slice::SharedSlice;
use super::team::{for_each_task, threads};
use super::vector::for_each_vector;
use super::whole_rows::WholeRows;
use std::ops::Range;

/// Up to this many rows of input take this way.
pub(super) const FEW_ROWS: usize = 4;

/// Weight elements that are worth a task of their own.
const TASK_ELEMENTS: usize = 1 << 14;

/// `out = x · Wᵀ + low rank` for each product; shapes are checked by the caller.
pub(super) fn few_rows(x: &[f32], n: usize, products: &mut [Product]) {
    let Some(columns) = products.first().map(|product| product.weight.columns()) else { return };
    if n == 0 {
        return;
    }
    let whole = columns.next_multiple_of(GROUP);
    let padded = (whole != columns).then(|| {
        let mut padded = Buffer::zeroed(n * whole);
        for (to, from) in padded.chunks_exact_mut(whole).zip(x.chunks_exact(columns)) {
            to[..columns].copy_from_slice(from);
        }
        padded
    });
    let x = padded.as_deref().unwrap_or(x);
    // A row is multiplied in the same numbers alone and among many.
    let in_whole = (n == 1 || multiplies_whole_numbers())
        && products.iter().any(|product| product.weight.has_whole_quants());
    let rounded = in_whole.then(|| WholeRows::new(x, n));
    let rows: usize = products.iter().map(|product| product.weight.rows()).sum();
    // Several tasks a thread, so that one that is held up holds up nobody else.
    let share = rows.div_ceil(4 * threads()).max(TASK_ELEMENTS.div_ceil(whole));
    let outs: Vec<_> = products
        .iter_mut()
        .map(|product| (product.weight, product.low_rank, SharedSlice::new(product.out)))
        .collect();
    let tasks: Vec<(usize, Range<usize>)> = outs
        .iter()
        .enumerate()
        .flat_map(|(i, (weight, ..))| {
            let rows = weight.rows();
            (0..rows).step_by(share).map(move |first| (i, first..(first + share).min(rows)))
        })
        .collect();
    for_each_task(tasks.len(), |task| {
        let (i, rows) = tasks[task].clone();
        let (weight, low_rank, out) = &outs[i];
        // SAFETY: only this task writes columns `rows` of `out`.
        unsafe {
            let rounded = rounded.as_ref().filter(|_| weight.has_whole_quants());
            weight_rows(weight, rows.clone(), x, rounded, n, out);
        }
        let Some(low_rank) = low_rank else { return };
        let (rank, _) = low_rank.right.shape();
        for (token, inner) in low_rank.inner.chunks_exact(rank).enumerate() {
            for row in rows.clone() {
                let added = low_rank.scale * low_rank.right.column_dot(inner, row);
                // SAFETY: as above.
                unsafe { out.add(token * weight.rows() + row, added) };
            }
        }
    });
}

/// # Safety
/// No other task may touch columns `rows` of `out` `(n, weight.rows())`.
unsafe fn weight_rows(
    weight: &FrozenMatrix,
    rows: Range<usize>,
    x: &[f32],
    whole: Option<&WholeRows>,
    n: usize,
    out: &SharedSlice,
) {
    let blocks = weight.view();
    let (width, all) = (x.len() / n, weight.rows());
    let mut token = 0;
    while token < n {
        // SAFETY: the caller's promise.
        token += unsafe {
            with_format!(blocks.format, F => match (whole, n - token) {
                (Some(x), 1) => whole_dots::<F, 1>(blocks, rows.clone(), x, token, out, all),
                (Some(x), 2 | 3) => whole_dots::<F, 2>(blocks, rows.clone(), x, token, out, all),
                (Some(x), _) => whole_dots::<F, 4>(blocks, rows.clone(), x, token, out, all),
                (None, 1) => dots::<F, 1, 4>(blocks, rows.clone(), x, width, token, out, all),
                (None, 2 | 3) => dots::<F, 2, 2>(blocks, rows.clone(), x, width, token, out, all),
                (None, _) => dots::<F, 4, 1>(blocks, rows.clone(), x, width, token, out, all),
            })
        };
    }
}

for_each_vector! {
    /// `N` rows of `x` from `token` with every weight row of `rows`, all in whole numbers; returns `N`.
    ///
    /// # Safety
    /// No other task may touch columns `rows` of these rows of `out` `(n, all)`.
    unsafe fn whole_dots<V, F: Format; const N>(
        blocks: Blocks,
        rows: Range<usize>,
        x: &WholeRows,
        token: usize,
        out: &SharedSlice,
        all: usize,
    ) -> usize {
        let groups = x.groups;
        let first = token * groups;
        let values = &x.values()[first..first + N * groups];
        let (steps, totals) = (&x.steps[first..][..N * groups], &x.sums[first..][..N * groups]);
        let outliers = x.outliers(token..token + N);
        for row in rows {
            let bytes = blocks.row(row);
            let (mut sums, mut minimums) = ([V::splat(0.0); N], [0.0; N]);
            for group in 0..groups {
                let Some(quants) = row_quants::<V, F>(bytes, group) else { break };
                for i in 0..N {
                    let place = i * groups + group;
                    let scale = V::splat(quants.scale * steps[place]);
                    let dot = V::dot_whole(&quants.whole, &values[place]);
                    sums[i] = dot.multiply_add(scale, sums[i]);
                    minimums[i] += quants.minimum * totals[place];
                }
            }
            for i in 0..N {
                // SAFETY: the caller's promise.
                unsafe { out.set((token + i) * all + row, sums[i].sum() + minimums[i]) };
            }
            for outlier in outliers {
                let Some(quants) = row_quants::<V, F>(bytes, outlier.group) else { break };
                let added = quants.above_minimum(outlier.place) * outlier.value;
                // SAFETY: the caller's promise.
                unsafe { out.add(outlier.row * all + row, added) };
            }
        }
        N
    }
}

for_each_vector! {
    /// `N` rows of `x`, each `width` long and whole groups, from `token` with every weight row of `rows`; returns `N`. `S`
    /// sums run side by side, so that an addition need not wait for the one before.
    ///
    /// # Safety
    /// No other task may touch columns `rows` of these rows of `out` `(n, all)`.
    unsafe fn dots<V, F: Format; const N; const S>(
        blocks: Blocks,
        rows: Range<usize>,
        x: &[f32],
        width: usize,
        token: usize,
        out: &SharedSlice,
        all: usize,
    ) -> usize {
        assert!(width.is_multiple_of(GROUP));
        let x = &x[token * width..(token + N) * width];
        for row in rows {
            let bytes = blocks.row(row);
            let mut sums = [[V::splat(0.0); S]; N];
            for group in 0..width / GROUP {
                let values = row_group::<V, F>(bytes, group);
                for part in 0..GROUP / V::LANES {
                    // SAFETY: registers within a group of `values` and of each row of `x`, which was
                    // cut to them.
                    unsafe {
                        let weights = V::load(values.as_ptr().add(part * V::LANES));
                        for (i, sums) in sums.iter_mut().enumerate() {
                            let x = x.as_ptr().add(i * width + group * GROUP + part * V::LANES);
                            sums[part % S] = weights.multiply_add(V::load(x), sums[part % S]);
                        }
                    }
                }
            }
            for (i, sums) in sums.into_iter().enumerate() {
                let sum = sums[1..].iter().fold(sums[0], |sum, other| sum.add(*other)).sum();
                // SAFETY: the caller's promise.
                unsafe { out.set((token + i) * all + row, sum) };
            }
        }
        N
    }
}

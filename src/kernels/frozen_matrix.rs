//! A weight that is never trained: kept in the blocks the file has, multiplied either way without ever
//! being expanded as a whole.
//!
//! Few rows of input: every group of a weight row is expanded in registers and multiplied directly
//! (`few_rows.rs`). Many: panels are expanded into the cache and multiplied by tiles, in pairs of bf16
//! where the processor has such instructions and the weight allows it, else in f32.

use super::BlockFormat;
use super::buffer::Buffer;
use super::dequantise::{GROUP, dequantise_row};
use super::few_rows::{FEW_ROWS, few_rows};
use super::matmul::{Matrix, pack};
use super::panel::{self, Blocks, STRIP};
use super::shared_slice::SharedSlice;
use super::team::{for_each_task, threads};
use super::tile::{Factors, Place, multiply_rows, tile_width};
#[cfg(target_arch = "x86_64")]
use super::whole_panel::{WholePanel, add_outliers, multiply_whole_rows};
use super::whole_rows::WholeRows;
use std::ops::Range;

/// A frozen `(rows, columns)` = `(out, in)` weight.
#[derive(Debug, Clone)]
pub struct FrozenMatrix {
    rows: usize,
    columns: usize,
    format: BlockFormat,
    row_bytes: usize,
    blocks: Vec<u8>,
    /// Operands are never rounded to bf16.
    exact: bool,
}

/// The part of a product that an adapter adds: `scale · inner · right`.
#[derive(Debug, Clone, Copy)]
pub struct LowRank<'a> {
    /// `(n, rank)`.
    pub inner: &'a [f32],
    /// `(rank, columns of the result)`.
    pub right: Matrix<'a>,
    pub scale: f32,
}

/// One of several products of the same input.
#[derive(Debug)]
pub struct Product<'a> {
    pub weight: &'a FrozenMatrix,
    pub low_rank: Option<LowRank<'a>>,
    /// `(n, weight.rows())`; overwritten.
    pub out: &'a mut [f32],
}

/// Elements of depth in one panel: a tile of the input and a panel's part of it stay in the caches.
const PANEL_DEPTH: usize = 768;

/// Strips whose panels are expanded together, at most: they stay in the second-level cache.
const STRIPS: usize = 4;

/// `out = x · Wᵀ + low rank` for several weights of as many columns; `x` is `(n, columns)`.
pub fn products(x: &[f32], products: &mut [Product]) {
    let Some(first) = products.first() else { return };
    let columns = first.weight.columns;
    let n = x.len() / columns;
    assert_eq!(x.len(), n * columns);
    for product in products.iter() {
        assert_eq!(product.weight.columns, columns, "one input for weights of different widths");
        assert_eq!(product.out.len(), n * product.weight.rows);
        if let Some(low_rank) = &product.low_rank {
            let (rank, width) = low_rank.right.shape();
            assert_eq!((low_rank.inner.len(), width), (n * rank, product.weight.rows));
        }
    }
    if n <= FEW_ROWS {
        return few_rows(x, n, products);
    }
    let whole = whole_if(products.iter().any(|product| product.weight.in_whole_numbers()), x, n);
    let rounded = rounded_if(products.iter().all(|product| product.weight.in_pairs()), x, n);
    let outs: Vec<(&FrozenMatrix, Option<LowRank>, SharedSlice)> = products
        .iter_mut()
        .map(|product| (product.weight, product.low_rank, SharedSlice::new(product.out)))
        .collect();
    let tasks: Vec<(usize, Range<usize>)> = outs
        .iter()
        .enumerate()
        .flat_map(|(i, (weight, ..))| {
            shares(weight.rows.div_ceil(STRIP)).map(move |strips| (i, strips))
        })
        .collect();
    for_each_task(tasks.len(), |task| {
        let (i, strips) = tasks[task].clone();
        let (weight, low_rank, out) = &outs[i];
        let rows = strips.start * STRIP..(strips.end * STRIP).min(weight.rows);
        let place = Place {
            out: out.pointer(rows.start),
            row_stride: weight.rows,
            rows: n,
            columns: rows.len(),
            accumulate: false,
        };
        let work = Work { n, depth: columns, low_rank: *low_rank, first: rows.start, place };
        #[cfg(target_arch = "x86_64")]
        if let Some(whole) = whole.as_ref().filter(|_| weight.in_whole_numbers()) {
            let ahead = tasks.get(task + threads()).map_or(&[][..], |(i, strips)| {
                let weight = outs[*i].0;
                weight.view().rows(strips.start * STRIP..(strips.end * STRIP).min(weight.rows))
            });
            // SAFETY: as below; the weight says that the features are there.
            return unsafe { work.run_whole(whole, weight, rows, ahead) };
        }
        let expand = |strip: usize, depth: Range<usize>, panel: &mut Panel| {
            let first = rows.start + strip * STRIP;
            let rows = first..(first + STRIP).min(rows.end);
            panel.expand_rows(weight.view(), rows, depth);
        };
        // SAFETY: only this task writes these columns of `out`, all within `n` rows.
        unsafe { work.run(x, rounded.as_ref(), expand) };
    });
}

/// Evenly sized ranges of strips, as many as keep every thread busy and the panels in the cache.
fn shares(strips: usize) -> impl Iterator<Item = Range<usize>> {
    let threads = threads();
    let count = strips.div_ceil(STRIPS).next_multiple_of(threads).min(strips).max(1);
    (0..count).map(move |i| strips * i / count..strips * (i + 1) / count)
}

/// The input's rows in whole numbers, where a weight is multiplied so.
fn whole_if(wanted: bool, x: &[f32], n: usize) -> Option<WholeRows> {
    wanted.then(|| WholeRows::new(x, n))
}

/// The input's rows in pairs of bf16, `pairs` of them a row.
struct Rounded {
    values: Buffer,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pairs: usize,
}

fn rounded_if(in_pairs: bool, x: &[f32], n: usize) -> Option<Rounded> {
    if !in_pairs {
        return None;
    }
    #[cfg(target_arch = "x86_64")]
    {
        /// Rows that one task rounds.
        const ROWS: usize = 32;
        let columns = x.len() / n;
        let pairs = columns.div_ceil(2);
        let mut values = Buffer::new(n * pairs);
        let out = SharedSlice::new(&mut values);
        for_each_task(n.div_ceil(ROWS), |task| {
            let rows = task * ROWS..(task * ROWS + ROWS).min(n);
            // SAFETY: each task owns its rows of `values`; the weight says that the features are there.
            unsafe {
                let out = out.part_mut(rows.start * pairs, rows.len() * pairs);
                super::pairs::round_rows(
                    &x[rows.start * columns..rows.end * columns],
                    columns,
                    pairs,
                    bytemuck::cast_slice_mut(out),
                );
            }
        });
        Some(Rounded { values, pairs })
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (x, n);
        None
    }
}

/// One task of a product of many rows: some columns of the result.
struct Work<'a> {
    n: usize,
    depth: usize,
    low_rank: Option<LowRank<'a>>,
    /// The result's column that `place` begins with.
    first: usize,
    place: Place,
}

/// The expanded weights of one task.
struct Panel {
    values: Buffer,
    in_pairs: bool,
    /// Where the next strip goes, and how much it takes.
    strip: Range<usize>,
}

impl Panel {
    fn expand_rows(&mut self, blocks: Blocks, rows: Range<usize>, depth: Range<usize>) {
        let groups = depth.start / GROUP..depth.end.div_ceil(GROUP);
        #[cfg(target_arch = "x86_64")]
        if self.in_pairs {
            let panel = &mut bytemuck::cast_slice_mut(&mut self.values)[self.strip.clone()];
            // SAFETY: `in_pairs` is set where the features are.
            return unsafe { super::pairs::expand_rows(blocks, rows, groups, panel) };
        }
        panel::expand_rows(blocks, rows, groups, &mut self.values[self.strip.clone()]);
    }

    fn expand_columns(&mut self, blocks: Blocks, rows: Range<usize>, group: usize) {
        #[cfg(target_arch = "x86_64")]
        if self.in_pairs {
            let panel = &mut bytemuck::cast_slice_mut(&mut self.values)[self.strip.clone()];
            // SAFETY: `in_pairs` is set where the features are.
            return unsafe { super::pairs::expand_columns(blocks, rows, group, panel) };
        }
        panel::expand_columns(blocks, rows, group, &mut self.values[self.strip.clone()]);
    }
}

impl Work<'_> {
    /// `place (+)= x · panels + low rank`; `expand` writes one strip of the weight for a range of depth.
    ///
    /// # Safety
    /// No other task may touch `place`; it lies within one slice.
    unsafe fn run(
        &self,
        x: &[f32],
        rounded: Option<&Rounded>,
        expand: impl Fn(usize, Range<usize>, &mut Panel),
    ) {
        let (n, depth, place) = (self.n, self.depth, self.place);
        let width = tile_width();
        let strips = place.columns.div_ceil(STRIP);
        // A pair takes the place of one f32.
        let in_pairs = rounded.is_some();
        let steps_of = |elements: usize| if in_pairs { elements.div_ceil(2) } else { elements };
        let block = if in_pairs { 2 * PANEL_DEPTH } else { PANEL_DEPTH };
        let longest = steps_of(block.min(depth.next_multiple_of(GROUP)));
        let mut panel =
            Panel { values: Buffer::new(strips * longest * STRIP), in_pairs, strip: 0..0 };
        let addition =
            self.low_rank.map(|low_rank| Addition::new(low_rank, self.first, place.columns));
        for start in (0..depth).step_by(block) {
            let end = (start + block).min(depth);
            // The depth of a panel, whole groups of it expanded.
            let steps = steps_of((end - start).next_multiple_of(GROUP));
            for strip in 0..strips {
                panel.strip = strip * steps * STRIP..(strip + 1) * steps * STRIP;
                expand(strip, start..end, &mut panel);
            }
            let last = end == depth;
            let addition =
                addition.as_ref().filter(|_| last).map(|addition| addition.factors(width));
            let place = Place { accumulate: place.accumulate || start > 0, ..place };
            match rounded {
                #[cfg(target_arch = "x86_64")]
                Some(rounded) => {
                    let factors = super::tile::PairFactors {
                        left: rounded.values.as_ptr().wrapping_add(start / 2).cast(),
                        row_stride: rounded.pairs,
                        right: panel.values.as_ptr().cast(),
                        right_tile: steps * width,
                        pairs: steps_of(end - start),
                    };
                    // SAFETY: `rounded` has `n` rows, the panel whole tiles, and pairs are made only
                    // where the features are; the rest is the caller's promise.
                    unsafe {
                        super::tile::multiply_pair_rows(&factors, addition.as_slice(), place)
                    };
                }
                _ => {
                    let main = Factors {
                        left: x.as_ptr().wrapping_add(start),
                        row_stride: x.len() / n,
                        depth_stride: 1,
                        right: panel.values.as_ptr(),
                        right_stride: width,
                        right_tile: steps * width,
                        depth: end - start,
                    };
                    // SAFETY: `x` has `n` rows, the panel whole tiles; the rest is the caller's promise.
                    unsafe {
                        match addition {
                            Some(addition) => multiply_rows(&[main, addition], 1.0, place),
                            None => multiply_rows(&[main], 1.0, place),
                        }
                    };
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Work<'_> {
    /// `place = x · Wᵀ + low rank` in whole numbers, for `rows` of the weight; `ahead` are the bytes that
    /// this thread will probably take up next.
    ///
    /// # Safety
    /// As [`Work::run`]; the processor has the features of `CpuLevel::Avx2`.
    unsafe fn run_whole(
        &self,
        x: &WholeRows,
        weight: &FrozenMatrix,
        rows: Range<usize>,
        ahead: &[u8],
    ) {
        // A group takes half the bytes of one in f32.
        const GROUPS: usize = 2 * PANEL_DEPTH / GROUP;
        let addition =
            self.low_rank.map(|low_rank| Addition::new(low_rank, self.first, self.place.columns));
        let (blocks, strips) = (weight.view(), rows.len().div_ceil(STRIP));
        let mut panel = WholePanel::new(strips, GROUPS.min(x.groups), weight.has_minimums());
        for first in (0..x.groups).step_by(GROUPS) {
            let end = (first + GROUPS).min(x.groups);
            let addition = addition.as_ref().filter(|_| end == x.groups);
            let addition = addition.map(|addition| addition.factors(tile_width()));
            let place = Place { accumulate: first > 0, ..self.place };
            // SAFETY: the caller's promise.
            unsafe {
                panel.fill(blocks, rows.clone(), first..end);
                let ahead = if end == x.groups { ahead } else { &[] };
                multiply_whole_rows(x, first, &panel, addition.as_slice(), place, ahead);
            }
        }
        // SAFETY: the caller's promise.
        unsafe { add_outliers(x, blocks, rows, self.place) };
    }
}

/// The low-rank part for some columns of the result, its right side packed.
struct Addition<'a> {
    inner: &'a [f32],
    rank: usize,
    right: Buffer,
}

impl<'a> Addition<'a> {
    fn new(low_rank: LowRank<'a>, first: usize, columns: usize) -> Self {
        let (rank, _) = low_rank.right.shape();
        let mut right = Buffer::new(rank * columns.next_multiple_of(tile_width()));
        // SAFETY: the columns are within `right`, as `products` checked, and the buffer holds them.
        unsafe { pack(low_rank.right, 0, rank, first, columns, right.as_mut_ptr()) };
        if low_rank.scale != 1.0 {
            right.iter_mut().for_each(|value| *value *= low_rank.scale);
        }
        Self { inner: low_rank.inner, rank, right }
    }

    fn factors(&self, width: usize) -> Factors {
        Factors {
            left: self.inner.as_ptr(),
            row_stride: self.rank,
            depth_stride: 1,
            right: self.right.as_ptr(),
            right_stride: width,
            right_tile: self.rank * width,
            depth: self.rank,
        }
    }
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
        if columns == 0 || !columns.is_multiple_of(format.block_len()) {
            return None;
        }
        let row_bytes = columns / format.block_len() * format.block_bytes();
        if Some(blocks.len()) != rows.checked_mul(row_bytes) {
            return None;
        }
        if columns.is_multiple_of(GROUP) {
            return Some(Self { rows, columns, format, row_bytes, blocks, exact: false });
        }
        // Formats without blocks: rows filled up with zeros to whole groups.
        let padded = columns.next_multiple_of(GROUP) * format.block_bytes();
        let mut filled = vec![0; rows.checked_mul(padded)?];
        for (to, from) in filled.chunks_exact_mut(padded).zip(blocks.chunks_exact(row_bytes)) {
            to[..row_bytes].copy_from_slice(from);
        }
        Some(Self { rows, columns, format, row_bytes: padded, blocks: filled, exact: false })
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
        self.blocks.len()
    }

    pub(super) fn view(&self) -> Blocks<'_> {
        Blocks { format: self.format, bytes: &self.blocks, row_bytes: self.row_bytes }
    }

    /// Whether its groups are whole numbers with one scale.
    pub(super) fn has_whole_quants(&self) -> bool {
        use BlockFormat::{IQ4_NL, IQ4_XS, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q8_0};
        matches!(self.format, Q4_0 | Q4_1 | Q5_0 | Q5_1 | Q8_0 | Q4K | Q5K | IQ4_NL | IQ4_XS)
    }

    /// Whether its groups of whole numbers have minimums.
    fn has_minimums(&self) -> bool {
        use BlockFormat::{Q4_1, Q4K, Q5_1, Q5K};
        matches!(self.format, Q4_1 | Q5_1 | Q4K | Q5K)
    }

    /// Whether products of many rows are those of whole numbers on this processor.
    fn in_whole_numbers(&self) -> bool {
        self.has_whole_quants() && super::multiplies_whole_numbers()
    }

    /// Whether products of many rows round their operands to bf16 on this processor.
    fn in_pairs(&self) -> bool {
        !self.exact && super::rounds_to_bf16()
    }

    /// The same weight expanded to f32, whose products are never rounded.
    pub fn expanded(&self) -> Self {
        let columns = self.columns.next_multiple_of(GROUP);
        let row_bytes = columns * 4;
        let mut blocks = vec![0; self.rows * row_bytes];
        let mut values = vec![0.0; columns];
        for (row, bytes) in blocks.chunks_exact_mut(row_bytes).enumerate() {
            dequantise_row(self.format, self.view().row(row), &mut values);
            for (bytes, value) in bytes.chunks_exact_mut(4).zip(&values) {
                bytes.copy_from_slice(&value.to_le_bytes());
            }
        }
        Self { format: BlockFormat::F32, row_bytes, blocks, exact: true, ..*self }
    }

    /// The same weight with row `order[i]` at place `i` (exact: rows are whole blocks).
    pub fn with_rows_in_order(&self, order: &[usize]) -> Self {
        assert_eq!(order.len(), self.rows);
        let blocks = order.iter().flat_map(|&row| self.view().row(row)).copied().collect();
        Self { blocks, ..*self }
    }

    /// Writes `count` rows from `first` to `out` `(count, columns)` as f32.
    pub fn expand_rows(&self, first: usize, count: usize, out: &mut [f32]) {
        assert_eq!(out.len(), count * self.columns);
        let mut padded = vec![0.0; self.columns.next_multiple_of(GROUP)];
        for (row, out) in (first..first + count).zip(out.chunks_exact_mut(self.columns)) {
            if self.columns.is_multiple_of(GROUP) {
                dequantise_row(self.format, self.view().row(row), out);
            } else {
                dequantise_row(self.format, self.view().row(row), &mut padded);
                out.copy_from_slice(&padded[..self.columns]);
            }
        }
    }

    /// `y = x · Wᵀ`: `x` is `(n, columns)`, `y` is `(n, rows)`.
    pub fn product(&self, x: &[f32], y: &mut [f32]) {
        products(x, &mut [Product { weight: self, low_rank: None, out: y }]);
    }

    /// The gradient of [`products`] for the input: `dx (+)= dy · W + low rank`; `dy` is `(n, rows)`,
    /// `dx` `(n, columns)`.
    pub fn product_backward(
        &self,
        dy: &[f32],
        low_rank: Option<LowRank>,
        dx: &mut [f32],
        accumulate: bool,
    ) {
        let n = dy.len() / self.rows;
        assert_eq!(dy.len(), n * self.rows);
        assert_eq!(dx.len(), n * self.columns);
        if let Some(low_rank) = &low_rank {
            let (rank, width) = low_rank.right.shape();
            assert_eq!((low_rank.inner.len(), width), (n * rank, self.columns));
        }
        if n == 0 {
            return;
        }
        let rounded = rounded_if(self.in_pairs(), dy, n);
        let dx = SharedSlice::new(dx);
        let shares: Vec<Range<usize>> = shares(self.columns.div_ceil(STRIP)).collect();
        for_each_task(shares.len(), |task| {
            let strips = shares[task].clone();
            let columns = strips.start * STRIP..(strips.end * STRIP).min(self.columns);
            let place = Place {
                out: dx.pointer(columns.start),
                row_stride: self.columns,
                rows: n,
                columns: columns.len(),
                accumulate,
            };
            let work = Work { n, depth: self.rows, low_rank, first: columns.start, place };
            let expand = |strip: usize, depth: Range<usize>, panel: &mut Panel| {
                panel.expand_columns(self.view(), depth, strips.start + strip);
            };
            // SAFETY: only this task writes these columns of `dx`, all within `n` rows.
            unsafe { work.run(dy, rounded.as_ref(), expand) };
        });
    }
}

#[cfg(test)]
#[path = "frozen_matrix_tests.rs"]
mod tests;

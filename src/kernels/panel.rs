//! Panels of a frozen weight: a few dozen rows or columns expanded from their blocks and laid out as
//! the tiles read them. Each panel is expanded once and multiplied with all rows of the input.

use super::BlockFormat;
use super::dequantise::{Format, GROUP, row_group, with_format};
use super::vector::for_each_vector;
use std::ops::Range;

/// Rows or columns of the weight that are expanded together: the columns of one group.
pub(super) const STRIP: usize = GROUP;

/// A weight's blocks, row after row.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub format: BlockFormat,
    pub bytes: &'a [u8],
    pub row_bytes: usize,
}

impl<'a> Blocks<'a> {
    pub(super) fn rows(&self, rows: Range<usize>) -> &'a [u8] {
        &self.bytes[rows.start * self.row_bytes..rows.end * self.row_bytes]
    }

    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [u8] {
        &self.bytes[row * self.row_bytes..(row + 1) * self.row_bytes]
    }
}

/// For `x · Wᵀ`: rows `rows` (at most [`STRIP`]) of the weight become the columns of the panel, its
/// `groups` the depth.
///
/// The panel is, for each tile's width of those rows, `(groups · 32, width)`.
pub(super) fn expand_rows(
    blocks: Blocks,
    rows: Range<usize>,
    groups: Range<usize>,
    panel: &mut [f32],
) {
    assert!(rows.len() <= STRIP && panel.len() >= groups.len() * GROUP * STRIP);
    // SAFETY: the panel's length is checked above; rows and groups are checked where they are read.
    with_format!(blocks.format, F => unsafe { rows_of::<F>(blocks, rows, groups, panel) });
}

/// For `dy · W`: the columns of `group` are those of the panel, rows `rows` of the weight its depth.
///
/// The panel is, for each tile's width of those columns, `(depth, width)`, of which the steps after
/// those of `rows` stay as they are.
pub(super) fn expand_columns(blocks: Blocks, rows: Range<usize>, group: usize, panel: &mut [f32]) {
    assert!(panel.len() >= rows.len() * STRIP && panel.len().is_multiple_of(STRIP));
    // SAFETY: the panel's length is checked above; rows and group are checked where they are read.
    with_format!(blocks.format, F => unsafe { columns_of::<F>(blocks, rows, group, panel) });
}

for_each_vector! {
    unsafe fn rows_of<V, F: Format>(
        blocks: Blocks,
        rows: Range<usize>,
        groups: Range<usize>,
        panel: &mut [f32],
    ) {
        let width = 2 * V::LANES;
        let depth = groups.len() * GROUP;
        let mut values = [[0.0f32; GROUP]; STRIP];
        for (at, group) in groups.enumerate() {
            for (values, row) in values.iter_mut().zip(rows.clone()) {
                *values = row_group::<V, F>(blocks.row(row), group);
            }
            for column in (0..STRIP).step_by(V::LANES) {
                let half = column % width;
                for step in (0..GROUP).step_by(V::LANES) {
                    let source = values.as_flattened()[column * GROUP + step..].as_ptr();
                    let place = (column - half) * depth + (at * GROUP + step) * width + half;
                    // SAFETY: a block within `values`, and one within the panel, whose length the
                    // caller checked.
                    unsafe {
                        V::transpose(source, GROUP, panel[place..].as_mut_ptr(), width);
                    }
                }
            }
        }
    }
}

for_each_vector! {
    unsafe fn columns_of<V, F: Format>(
        blocks: Blocks,
        rows: Range<usize>,
        group: usize,
        panel: &mut [f32],
    ) {
        let width = 2 * V::LANES;
        let depth = panel.len() / STRIP;
        for (step, row) in rows.enumerate() {
            let values = row_group::<V, F>(blocks.row(row), group);
            for column in (0..GROUP).step_by(width) {
                panel[column * depth + step * width..][..width]
                    .copy_from_slice(&values[column..column + width]);
            }
        }
    }
}

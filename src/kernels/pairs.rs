//! Operands rounded to bf16, two neighbours in depth in one 32-bit number, for the processor's dot
//! product of such pairs (AVX512-BF16). Sums stay f32.
//!
//! Rounding both operands to 8 bits of mantissa moves a text's mean negative log-likelihood by a few
//! thousandths of a nat; in exchange one instruction does four times the work of an f32 one.

use super::BlockFormat;
use super::dequantise::{Format, GROUP, row_group, with_format};
use super::panel::{Blocks, STRIP};
use super::tile::WIDEST;
use super::vector::Vector;
use std::arch::x86_64::*;
use std::ops::Range;

/// Pairs in one group of 32.
const PAIRS: usize = GROUP / 2;

/// 32 numbers rounded to bf16: pairs of neighbours.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")]
#[inline]
fn neighbours(values: &[f32; GROUP]) -> __m512i {
    // SAFETY: both halves are read within `values`; the register types differ in name only.
    unsafe {
        let (low, high) =
            (_mm512_loadu_ps(values.as_ptr()), _mm512_loadu_ps(values.as_ptr().add(16)));
        std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
    }
}

/// As `expand_rows` in pairs: the panel is `(groups · 16, 32)`.
///
/// # Safety
/// The processor has the features of `CpuLevel::Avx512Bf16`.
pub(super) unsafe fn expand_rows(
    blocks: Blocks,
    rows: Range<usize>,
    groups: Range<usize>,
    panel: &mut [u32],
) {
    assert!(rows.len() <= STRIP && panel.len() >= groups.len() * PAIRS * WIDEST);
    // SAFETY: the caller's promise.
    with_format!(blocks.format, F => unsafe { rows_of::<F>(blocks, rows, groups, panel) });
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")]
fn rows_of<F: Format>(blocks: Blocks, rows: Range<usize>, groups: Range<usize>, panel: &mut [u32]) {
    let mut values = [[0u32; PAIRS]; STRIP];
    for (at, group) in groups.enumerate() {
        for (values, row) in values.iter_mut().zip(rows.clone()) {
            let rounded = neighbours(&row_group::<__m512, F>(blocks.row(row), group));
            // SAFETY: sixteen numbers of 32 bits.
            unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), rounded) };
        }
        for half in [0, 16] {
            let panel = panel[at * PAIRS * WIDEST + half..].as_mut_ptr();
            // SAFETY: 16 × 16 pairs within `values`, and within the panel, whose length was checked.
            unsafe {
                <__m512 as Vector>::transpose(
                    values[half].as_ptr().cast(),
                    PAIRS,
                    panel.cast(),
                    WIDEST,
                );
            }
        }
    }
}

/// As `expand_columns` in pairs of rows: the panel is `(rows / 2 rounded up, 32)`.
///
/// # Safety
/// The processor has the features of `CpuLevel::Avx512Bf16`.
pub(super) unsafe fn expand_columns(
    blocks: Blocks,
    rows: Range<usize>,
    group: usize,
    panel: &mut [u32],
) {
    assert!(panel.len() >= rows.len().div_ceil(2) * WIDEST);
    // SAFETY: the caller's promise.
    with_format!(blocks.format, F => unsafe { columns_of::<F>(blocks, rows, group, panel) });
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")]
fn columns_of<F: Format>(blocks: Blocks, rows: Range<usize>, group: usize, panel: &mut [u32]) {
    let (pairs, _) = panel.as_chunks_mut::<WIDEST>();
    let firsts = rows.clone().step_by(2);
    for (row, panel) in firsts.zip(pairs) {
        let first = row_group::<__m512, F>(blocks.row(row), group);
        let second = match row + 1 < rows.end {
            true => row_group::<__m512, F>(blocks.row(row + 1), group),
            false => [0.0; GROUP],
        };
        for half in [0, 16] {
            // SAFETY: sixteen numbers are read from each row and sixteen pairs written, all in bounds.
            unsafe {
                let (a, b) = (
                    _mm512_loadu_ps(first.as_ptr().add(half)),
                    _mm512_loadu_ps(second.as_ptr().add(half)),
                );
                let paired = interleaved(a, b);
                _mm512_storeu_si512(panel.as_mut_ptr().add(half).cast(), paired);
            }
        }
    }
}

/// Pairs of `(a, b)` in each lane, rounded to bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
fn interleaved(a: __m512, b: __m512) -> __m512i {
    // SAFETY: the register types differ in name only.
    let rounded = unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(b, a)) };
    let places: [u16; 32] = std::array::from_fn(|i| (i / 2 + i % 2 * 16) as u16);
    // SAFETY: 32 numbers of 16 bits.
    let places = unsafe { _mm512_loadu_si512(places.as_ptr().cast()) };
    _mm512_permutexvar_epi16(places, rounded)
}

/// Rows of `x` `(n, columns)` rounded to pairs of neighbours, `(n, pairs)` with zeros at the end.
///
/// # Safety
/// The processor has the features of `CpuLevel::Avx512Bf16`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")]
pub(super) unsafe fn round_rows(x: &[f32], columns: usize, pairs: usize, out: &mut [u32]) {
    assert!(pairs * 2 >= columns);
    for (x, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(pairs)) {
        let (groups, rest) = x.as_chunks::<GROUP>();
        for (group, out) in groups.iter().zip(out.chunks_exact_mut(PAIRS)) {
            // SAFETY: sixteen numbers of 32 bits.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), neighbours(group)) };
        }
        if groups.len() * PAIRS < pairs {
            let mut last = [0.0; GROUP];
            last[..rest.len()].copy_from_slice(rest);
            let mut rounded = [0u32; PAIRS];
            // SAFETY: sixteen numbers of 32 bits.
            unsafe { _mm512_storeu_si512(rounded.as_mut_ptr().cast(), neighbours(&last)) };
            let out = &mut out[groups.len() * PAIRS..];
            let taken = out.len().min(PAIRS);
            out[..taken].copy_from_slice(&rounded[..taken]);
            out[taken..].fill(0);
        }
    }
}

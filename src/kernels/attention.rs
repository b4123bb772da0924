//! Causal grouped-query attention, one block of queries at a time: no sequence × sequence matrix is
//! kept (the idea of FlashAttention, Dao et al. 2022), only one log-sum a query and head. A layer may look
//! back over a window alone, and may cap its scores.

use super::cpu::for_each_cpu_level;
use super::exponential::exponential;
use super::matmul::{Matrix, strided_product};
use super::shared_slice::SharedSlice;
use super::soft_cap::{soft_cap, soft_cap_backward};
use super::team::for_each_task;
use super::vector::for_each_vector;
use super::{dot, log_sum_exp};
use std::cell::RefCell;
use std::ops::Range;

/// Heads of queries, heads of keys and values (each shared by a group of query heads), and their width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    pub heads: usize,
    pub key_heads: usize,
    pub head_width: usize,
}

impl AttentionShape {
    /// Width of a row of queries.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Width of a row of keys or values.
    pub fn key_width(&self) -> usize {
        self.key_heads * self.head_width
    }

    fn group(&self) -> usize {
        self.heads / self.key_heads
    }
}

/// How the queries of a layer look at keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    pub shape: AttentionShape,
    /// What a query's product with a key is multiplied by.
    pub scale: f32,
    /// Scores are kept within this by [`soft_cap`](super::soft_cap).
    pub score_cap: Option<f32>,
    /// Keys that a query looks at, the newest of them its own; all where there is none.
    pub window: Option<usize>,
}

impl Attention {
    /// The usual attention: scores divided by the root of the head's width, all of the past seen.
    pub fn full(shape: AttentionShape) -> Self {
        let scale = 1.0 / (shape.head_width as f32).sqrt();
        Self { shape, scale, score_cap: None, window: None }
    }

    /// The first key that a query at `position` looks at.
    fn first_seen(&self, position: usize) -> usize {
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))
    }
}

/// The queries of one sequence and what they may look at.
#[derive(Debug, Clone)]
pub struct Span<'a> {
    /// Rows of the query matrix.
    pub rows: Range<usize>,
    /// Keys and values `(past + rows.len(), key_width)`; row `past + i` belongs to query `i`.
    pub keys: &'a [f32],
    pub values: &'a [f32],
}

/// Queries that one task takes at a time.
const QUERY_BLOCK: usize = 64;

#[derive(Default)]
struct Scratch {
    scores: Vec<f32>,
    gradient: Vec<f32>,
    /// Capped scores, where a layer caps them.
    capped: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn lend(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

/// `out = softmax(scale · q · kᵀ) · v` for every span and head.
///
/// `queries` and `out` are `(n, query_width)`. `log_sums` `(n, heads)`, where wanted, receives each
/// softmax's log-sum-exp, which [`attend_backward`] needs.
pub fn attend(
    attention: &Attention,
    queries: &[f32],
    spans: &[Span],
    out: &mut [f32],
    log_sums: Option<&mut [f32]>,
) {
    assert_eq!(queries.len(), out.len());
    let shape = attention.shape;
    let n = queries.len() / shape.query_width();
    let mut unused = Vec::new();
    let log_sums = log_sums.unwrap_or_else(|| {
        unused.resize(n * shape.heads, 0.0);
        &mut unused
    });
    assert_eq!(log_sums.len(), n * shape.heads);
    let tasks: Vec<(&Span, usize, usize)> = spans
        .iter()
        .flat_map(|span| {
            (0..span.rows.len())
                .step_by(QUERY_BLOCK)
                .flat_map(move |first| (0..shape.heads).map(move |head| (span, first, head)))
        })
        .collect();
    let (out, log_sums) = (SharedSlice::new(out), SharedSlice::new(log_sums));
    let few = spans.iter().map(|span| span.rows.len() * span.keys.len()).sum::<usize>() < 1 << 13;
    let run = |&(span, first, head): &(&Span, usize, usize)| {
        // SAFETY: each task owns its block of rows in the columns of its head.
        unsafe { attend_block(attention, queries, span, first, head, &out, &log_sums) };
    };
    if few { tasks.iter().for_each(run) } else { for_each_task(tasks.len(), |i| run(&tasks[i])) }
}

/// One block of queries of one head.
///
/// # Safety
/// No other task may write these rows of `out` and `log_sums` in the columns of `head`.
unsafe fn attend_block(
    attention: &Attention,
    queries: &[f32],
    span: &Span,
    first: usize,
    head: usize,
    out: &SharedSlice,
    log_sums: &SharedSlice,
) {
    let shape = attention.shape;
    let (width, key_width, query_width) =
        (shape.head_width, shape.key_width(), shape.query_width());
    let count = QUERY_BLOCK.min(span.rows.len() - first);
    let past = span.keys.len() / key_width - span.rows.len();
    // The keys that any query of the block looks at.
    let oldest = attention.first_seen(past + first);
    let seen = past + first + count - oldest;
    let key_place = oldest * key_width + head / shape.group() * width;
    let row = span.rows.start + first;
    let keys = Matrix::strided(&span.keys[key_place..], seen, width, key_width);
    let values = Matrix::strided(&span.values[key_place..], seen, width, key_width);
    SCRATCH.with_borrow_mut(|scratch| {
        let scores = lend(&mut scratch.scores, count * seen);
        let place = row * query_width + head * width;
        if count == 1 {
            let query = &queries[place..place + width];
            // SAFETY: the lengths are those of the views above; this task owns this row and head.
            let log_sum = unsafe {
                attend_one(
                    query,
                    &span.keys[key_place..],
                    &span.values[key_place..],
                    key_width,
                    attention,
                    scores,
                    out.part_mut(place, width),
                )
            };
            // SAFETY: this task owns this row and this head.
            unsafe { log_sums.set(row * shape.heads + head, log_sum) };
            return;
        }
        let queries = Matrix::strided(&queries[place..], count, width, query_width);
        let shared = SharedSlice::new(scores);
        // SAFETY: the scratch belongs to this thread.
        unsafe {
            strided_product(queries, keys.transposed(), attention.scale, &shared, 0, seen, false)
        };
        if let Some(cap) = attention.score_cap {
            soft_cap(scores, cap);
        }
        for (i, scores) in scores.chunks_exact_mut(seen).enumerate() {
            let visible = visible(attention, past + first + i, oldest);
            let log_sum = log_sum_exp(&scores[visible.clone()]);
            only_visible(scores, &visible, |visible| probabilities(visible, log_sum));
            // SAFETY: this task owns these rows and this head.
            unsafe { log_sums.set((row + i) * shape.heads + head, log_sum) };
        }
        // SAFETY: this task owns these rows and the columns of this head.
        unsafe {
            strided_product(
                Matrix::new(scores, count, seen),
                values,
                1.0,
                out,
                place,
                query_width,
                false,
            );
        }
    });
}

/// Which keys the query at `position` looks at, counted from the key `oldest`.
fn visible(attention: &Attention, position: usize, oldest: usize) -> Range<usize> {
    attention.first_seen(position) - oldest..position + 1 - oldest
}

/// Does `work` on the visible part of a row of scores; the rest becomes zero.
fn only_visible(scores: &mut [f32], visible: &Range<usize>, work: impl FnOnce(&mut [f32])) {
    scores[..visible.start].fill(0.0);
    work(&mut scores[visible.clone()]);
    scores[visible.end..].fill(0.0);
}

for_each_vector! {
    /// One query that sees `scores.len()` keys and values, rows `stride` apart: writes `out` and returns
    /// the log-sum. All lengths of a row are those of `query`.
    ///
    /// # Safety
    /// Each row of keys and values is there.
    unsafe fn attend_one<V>(
        query: &[f32],
        keys: &[f32],
        values: &[f32],
        stride: usize,
        attention: &Attention,
        scores: &mut [f32],
        out: &mut [f32],
    ) -> f32 {
        let width = query.len();
        let whole = width / V::LANES * V::LANES;
        for (score, key) in scores.iter_mut().zip(keys.chunks(stride)) {
            let key = &key[..width];
            let mut sums = [V::splat(0.0); 2];
            for column in (0..whole).step_by(V::LANES) {
                // SAFETY: a whole register within both rows.
                let (a, b) = unsafe {
                    (V::load(query.as_ptr().add(column)), V::load(key.as_ptr().add(column)))
                };
                let sum = &mut sums[column / V::LANES % 2];
                *sum = a.multiply_add(b, *sum);
            }
            let rest: f32 = query[whole..].iter().zip(&key[whole..]).map(|(a, b)| a * b).sum();
            *score = (sums[0].add(sums[1]).sum() + rest) * attention.scale;
        }
        if let Some(cap) = attention.score_cap {
            soft_cap(scores, cap);
        }
        let log_sum = log_sum_exp(scores);
        probabilities(scores, log_sum);
        out.fill(0.0);
        // Four registers of the result at a time, each over all rows.
        let mut first = 0;
        while first < whole {
            let count = ((whole - first) / V::LANES).min(4);
            let mut sums = [V::splat(0.0); 4];
            for (score, value) in scores.iter().zip(values.chunks(stride)) {
                let score = V::splat(*score);
                let value = &value[first..first + count * V::LANES];
                for (i, sum) in sums[..count].iter_mut().enumerate() {
                    // SAFETY: register `i` of `count` within the row.
                    let value = unsafe { V::load(value.as_ptr().add(i * V::LANES)) };
                    *sum = score.multiply_add(value, *sum);
                }
            }
            for (i, sum) in sums[..count].iter().enumerate() {
                // SAFETY: register `i` of `count` within `out`.
                unsafe { sum.store(out[first + i * V::LANES..].as_mut_ptr()) };
            }
            first += count * V::LANES;
        }
        for column in whole..width {
            out[column] =
                scores.iter().zip(values.chunks(stride)).map(|(s, v)| s * v[column]).sum();
        }
        log_sum
    }
}

for_each_cpu_level! {
    fn probabilities(scores: &mut [f32], log_sum: f32) {
        for score in scores {
            *score = exponential(*score - log_sum);
        }
    }
}

for_each_cpu_level! {
    /// `scores` (probabilities) and `gradient` (of them) become the gradient of the scores.
    fn softmax_backward(probabilities: &[f32], gradient: &mut [f32], along: f32, scale: f32) {
        for (gradient, probability) in gradient.iter_mut().zip(probabilities) {
            *gradient = probability * (*gradient - along) * scale;
        }
    }
}

/// What [`attend`] saw and gave, for its backward; sequences without a past.
pub struct Attended<'a> {
    pub queries: &'a [f32],
    pub keys: &'a [f32],
    pub values: &'a [f32],
    pub out: &'a [f32],
    pub log_sums: &'a [f32],
    /// The rows of each sequence.
    pub sequences: &'a [Range<usize>],
}

/// Writes the gradients for queries, keys and values from `d_out` `(n, query_width)`.
pub fn attend_backward(
    attention: &Attention,
    seen: &Attended,
    d_out: &[f32],
    d_queries: &mut [f32],
    d_keys: &mut [f32],
    d_values: &mut [f32],
) {
    assert!(seen.queries.len() == d_out.len() && d_out.len() == d_queries.len());
    assert!(seen.keys.len() == d_keys.len() && d_keys.len() == d_values.len());
    d_keys.fill(0.0);
    d_values.fill(0.0);
    let shape = attention.shape;
    let tasks: Vec<(&Range<usize>, usize)> = seen
        .sequences
        .iter()
        .flat_map(|rows| (0..shape.key_heads).map(move |head| (rows, head)))
        .collect();
    let d_queries = SharedSlice::new(d_queries);
    let (d_keys, d_values) = (SharedSlice::new(d_keys), SharedSlice::new(d_values));
    for_each_task(tasks.len(), |task| {
        let (rows, key_head) = tasks[task];
        for head in key_head * shape.group()..(key_head + 1) * shape.group() {
            for first in (0..rows.len()).step_by(QUERY_BLOCK) {
                // SAFETY: this task owns the sequence's rows in the columns of its key head and of
                // the query heads that share it.
                unsafe {
                    block_backward(
                        attention, seen, d_out, rows, first, head, &d_queries, &d_keys, &d_values,
                    );
                }
            }
        }
    });
}

/// # Safety
/// No other task may touch these rows in the columns of `head` and of its key head.
#[allow(clippy::too_many_arguments)]
unsafe fn block_backward(
    attention: &Attention,
    seen: &Attended,
    d_out: &[f32],
    rows: &Range<usize>,
    first: usize,
    head: usize,
    d_queries: &SharedSlice,
    d_keys: &SharedSlice,
    d_values: &SharedSlice,
) {
    let shape = attention.shape;
    let (width, key_width, query_width) =
        (shape.head_width, shape.key_width(), shape.query_width());
    let count = QUERY_BLOCK.min(rows.len() - first);
    let oldest = attention.first_seen(first);
    let keys_seen = first + count - oldest;
    let row = rows.start + first;
    let place = row * query_width + head * width;
    let key_place = (rows.start + oldest) * key_width + head / shape.group() * width;
    let queries = Matrix::strided(&seen.queries[place..], count, width, query_width);
    let d_out_block = Matrix::strided(&d_out[place..], count, width, query_width);
    let keys = Matrix::strided(&seen.keys[key_place..], keys_seen, width, key_width);
    let values = Matrix::strided(&seen.values[key_place..], keys_seen, width, key_width);
    SCRATCH.with_borrow_mut(|Scratch { scores, gradient, capped }| {
        let scores = lend(scores, count * keys_seen);
        let gradient = lend(gradient, count * keys_seen);
        // SAFETY: the scratch belongs to this thread.
        unsafe {
            let scores = SharedSlice::new(scores);
            let transposed = keys.transposed();
            strided_product(queries, transposed, attention.scale, &scores, 0, keys_seen, false);
            let gradient = SharedSlice::new(gradient);
            strided_product(d_out_block, values.transposed(), 1.0, &gradient, 0, keys_seen, false);
        }
        let capped = attention.score_cap.map(|cap| {
            soft_cap(scores, cap);
            let capped = lend(capped, count * keys_seen);
            capped.copy_from_slice(scores);
            (cap, &*capped)
        });
        for i in 0..count {
            let visible = visible(attention, first + i, oldest);
            let own = i * keys_seen..(i + 1) * keys_seen;
            let (scores, gradient) = (&mut scores[own.clone()], &mut gradient[own.clone()]);
            let log_sum = seen.log_sums[(row + i) * shape.heads + head];
            only_visible(scores, &visible, |visible| probabilities(visible, log_sum));
            let at = place + i * query_width;
            let along = dot(&d_out[at..at + width], &seen.out[at..at + width]);
            softmax_backward(scores, gradient, along, attention.scale);
            if let Some((cap, capped)) = capped {
                soft_cap_backward(&capped[own], cap, gradient);
            }
        }
        let probabilities = Matrix::new(scores, count, keys_seen);
        let gradient = Matrix::new(gradient, count, keys_seen);
        // SAFETY: the caller gave these rows and columns to this task alone.
        unsafe {
            strided_product(
                probabilities.transposed(),
                d_out_block,
                1.0,
                d_values,
                key_place,
                key_width,
                true,
            );
            strided_product(
                gradient.transposed(),
                queries,
                1.0,
                d_keys,
                key_place,
                key_width,
                true,
            );
            strided_product(gradient, keys, 1.0, d_queries, place, query_width, false);
        }
    });
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;

//! Causal grouped-query attention, one block of queries at a time: no sequence × sequence matrix is
//! kept (the idea of FlashAttention, Dao et al. 2022), only one log-sum a query and head.

use super::cpu::for_each_cpu_level;
use super::exponential::exponential;
use super::matmul::{Matrix, strided_product};
use super::shared_slice::SharedSlice;
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

    fn scale(&self) -> f32 {
        1.0 / (self.head_width as f32).sqrt()
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

/// `out = softmax(q · kᵀ / sqrt(head_width)) · v` for every span and head.
///
/// `queries` and `out` are `(n, query_width)`. `log_sums` `(n, heads)`, where wanted, receives each
/// softmax's log-sum-exp, which [`attend_backward`] needs.
pub fn attend(
    shape: AttentionShape,
    queries: &[f32],
    spans: &[Span],
    out: &mut [f32],
    log_sums: Option<&mut [f32]>,
) {
    assert_eq!(queries.len(), out.len());
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
        unsafe { attend_block(shape, queries, span, first, head, &out, &log_sums) };
    };
    if few { tasks.iter().for_each(run) } else { for_each_task(tasks.len(), |i| run(&tasks[i])) }
}

/// One block of queries of one head.
///
/// # Safety
/// No other task may write these rows of `out` and `log_sums` in the columns of `head`.
unsafe fn attend_block(
    shape: AttentionShape,
    queries: &[f32],
    span: &Span,
    first: usize,
    head: usize,
    out: &SharedSlice,
    log_sums: &SharedSlice,
) {
    let (width, key_width, query_width) =
        (shape.head_width, shape.key_width(), shape.query_width());
    let count = QUERY_BLOCK.min(span.rows.len() - first);
    let past = span.keys.len() / key_width - span.rows.len();
    let seen = past + first + count;
    let key_column = head / shape.group() * width;
    let row = span.rows.start + first;
    let keys = Matrix::strided(&span.keys[key_column..], seen, width, key_width);
    let values = Matrix::strided(&span.values[key_column..], seen, width, key_width);
    SCRATCH.with_borrow_mut(|scratch| {
        let scores = lend(&mut scratch.scores, count * seen);
        let place = row * query_width + head * width;
        if count == 1 {
            let query = &queries[place..place + width];
            // SAFETY: the lengths are those of the views above; this task owns this row and head.
            let log_sum = unsafe {
                attend_one(
                    query,
                    &span.keys[key_column..],
                    &span.values[key_column..],
                    key_width,
                    shape.scale(),
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
            strided_product(queries, keys.transposed(), shape.scale(), &shared, 0, seen, false)
        };
        for (i, scores) in scores.chunks_exact_mut(seen).enumerate() {
            let visible = past + first + i + 1;
            let log_sum = log_sum_exp(&scores[..visible]);
            probabilities(&mut scores[..visible], log_sum);
            scores[visible..].fill(0.0);
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
        scale: f32,
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
            *score = (sums[0].add(sums[1]).sum() + rest) * scale;
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
    shape: AttentionShape,
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
                        shape, seen, d_out, rows, first, head, &d_queries, &d_keys, &d_values,
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
    shape: AttentionShape,
    seen: &Attended,
    d_out: &[f32],
    rows: &Range<usize>,
    first: usize,
    head: usize,
    d_queries: &SharedSlice,
    d_keys: &SharedSlice,
    d_values: &SharedSlice,
) {
    let (width, key_width, query_width) =
        (shape.head_width, shape.key_width(), shape.query_width());
    let count = QUERY_BLOCK.min(rows.len() - first);
    let visible = first + count;
    let row = rows.start + first;
    let place = row * query_width + head * width;
    let key_place = rows.start * key_width + head / shape.group() * width;
    let queries = Matrix::strided(&seen.queries[place..], count, width, query_width);
    let d_out_block = Matrix::strided(&d_out[place..], count, width, query_width);
    let keys = Matrix::strided(&seen.keys[key_place..], visible, width, key_width);
    let values = Matrix::strided(&seen.values[key_place..], visible, width, key_width);
    SCRATCH.with_borrow_mut(|Scratch { scores, gradient }| {
        let scores = lend(scores, count * visible);
        let gradient = lend(gradient, count * visible);
        // SAFETY: the scratch belongs to this thread.
        unsafe {
            let scores = SharedSlice::new(scores);
            strided_product(queries, keys.transposed(), shape.scale(), &scores, 0, visible, false);
            let gradient = SharedSlice::new(gradient);
            strided_product(d_out_block, values.transposed(), 1.0, &gradient, 0, visible, false);
        }
        for i in 0..count {
            let own = first + i + 1;
            let (scores, gradient) = (
                &mut scores[i * visible..(i + 1) * visible],
                &mut gradient[i * visible..(i + 1) * visible],
            );
            probabilities(&mut scores[..own], seen.log_sums[(row + i) * shape.heads + head]);
            scores[own..].fill(0.0);
            let at = place + i * query_width;
            let along = dot(&d_out[at..at + width], &seen.out[at..at + width]);
            softmax_backward(scores, gradient, along, shape.scale());
        }
        let probabilities = Matrix::new(scores, count, visible);
        let gradient = Matrix::new(gradient, count, visible);
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
mod tests {
    use super::*;

    const SHAPE: AttentionShape = AttentionShape { heads: 4, key_heads: 2, head_width: 6 };

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|i| (((i * 7919 + seed * 104729) % 1013) as f32 / 506.0 - 1.0) * 1.5)
            .collect()
    }

    /// Softmax attention straight from its definition, in f64.
    fn definition(
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
        sequences: &[Range<usize>],
    ) -> Vec<f64> {
        let mut out = vec![0.0; queries.len()];
        for rows in sequences {
            for head in 0..4 {
                for i in rows.clone() {
                    let weights: Vec<f64> = (rows.start..=i)
                        .map(|j| {
                            let score: f64 = (0..6)
                                .map(|c| {
                                    f64::from(
                                        queries[i * 24 + head * 6 + c]
                                            * keys[j * 12 + head / 2 * 6 + c],
                                    )
                                })
                                .sum();
                            (score / 6f64.sqrt()).exp()
                        })
                        .collect();
                    let total: f64 = weights.iter().sum();
                    for c in 0..6 {
                        out[i * 24 + head * 6 + c] = (rows.start..=i)
                            .map(|j| {
                                weights[j - rows.start] / total
                                    * f64::from(values[j * 12 + head / 2 * 6 + c])
                            })
                            .sum();
                    }
                }
            }
        }
        out
    }

    fn run(
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
        sequences: &[Range<usize>],
    ) -> (Vec<f32>, Vec<f32>) {
        let spans: Vec<Span> = sequences
            .iter()
            .map(|rows| Span {
                rows: rows.clone(),
                keys: &keys[rows.start * 12..rows.end * 12],
                values: &values[rows.start * 12..rows.end * 12],
            })
            .collect();
        let (mut out, mut log_sums) = (vec![0.0; queries.len()], vec![0.0; queries.len() / 6]);
        attend(SHAPE, queries, &spans, &mut out, Some(&mut log_sums));
        (out, log_sums)
    }

    /// If this fails, one packed sequence reads another's text.
    #[test]
    fn packed_sequences_attend_to_their_own_past_alone() {
        let sequences = [0..1, 1..6, 6..141];
        let (q, k, v) = (numbers(141 * 24, 1), numbers(141 * 12, 2), numbers(141 * 12, 3));
        let exact = definition(&q, &k, &v, &sequences);
        let (out, _) = run(&q, &k, &v, &sequences);
        assert!(out.iter().zip(&exact).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4));
    }

    #[test]
    fn a_cached_past_gives_what_the_whole_sequence_gives() {
        let (q, k, v) = (numbers(70 * 24, 4), numbers(70 * 12, 5), numbers(70 * 12, 6));
        let (whole, _) = run(&q, &k, &v, std::slice::from_ref(&(0..70)));
        for past in [69, 68, 66, 5] {
            let mut out = vec![0.0; (70 - past) * 24];
            let span = Span { rows: 0..70 - past, keys: &k, values: &v };
            attend(SHAPE, &q[past * 24..], &[span], &mut out, None);
            assert!(out.iter().zip(&whole[past * 24..]).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let sequences = [0..3, 3..7];
        let parts = [numbers(7 * 24, 7), numbers(7 * 12, 8), numbers(7 * 12, 9)];
        let d_out = numbers(7 * 24, 10);
        let loss = |parts: &[Vec<f32>; 3]| -> f64 {
            let out = definition(&parts[0], &parts[1], &parts[2], &sequences);
            out.iter().zip(&d_out).map(|(a, b)| a * f64::from(*b)).sum()
        };
        let (out, log_sums) = run(&parts[0], &parts[1], &parts[2], &sequences);
        let mut gradients = [vec![9.0; 7 * 24], vec![9.0; 7 * 12], vec![9.0; 7 * 12]];
        let [dq, dk, dv] = &mut gradients;
        let seen = Attended {
            queries: &parts[0],
            keys: &parts[1],
            values: &parts[2],
            out: &out,
            log_sums: &log_sums,
            sequences: &sequences,
        };
        attend_backward(SHAPE, &seen, &d_out, dq, dk, dv);
        for part in 0..3 {
            for i in 0..parts[part].len() {
                let (mut above, mut below) = (parts.clone(), parts.clone());
                above[part][i] += 1e-3;
                below[part][i] -= 1e-3;
                let difference = (loss(&above) - loss(&below)) / 2e-3;
                let ours = f64::from(gradients[part][i]);
                assert!(
                    (difference - ours).abs() < 2e-3,
                    "part {part}, place {i}: {difference} and {ours}"
                );
            }
        }
    }
}

//! The kernels one by one, on the shapes of the default model and, for the frozen products, of models of
//! 1 and 7 billion parameters; with as many threads as the model thread has.
//!
//! `cargo bench --bench kernels`; a part of a name chooses, as in `cargo bench --bench kernels -- attention`,
//! and `--max-time 3` gives each more than its half second. Products count multiply-adds ("item/s"), those
//! of one row also the weight's bytes, which is what bounds them where the weight is not in a cache.

mod common;

use common::random::{blocks, numbers, weight};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use kaizen::kernels::{
    Activation, Attended, Attention, AttentionShape, BlockFormat, Buffer, FrozenMatrix, LowRank,
    Matrix, MomentsUpdate, Product, Rotary, Span, add_product, attend, attend_backward,
    cross_entropy_backward, dequantise, for_each_chunk, gated_unit, gated_unit_backward,
    log_sum_exp, norm, product, products, rms_norm, rms_norm_backward, update_moments,
};
use std::fmt::{self, Display};

fn main() {
    common::team().lead(divan::main);
}

const HIDDEN: usize = 576;
const FEED_FORWARD: usize = 1536;
const VOCABULARY: usize = 49_152;
const RANK: usize = 16;
const ATTENTION: AttentionShape = AttentionShape { heads: 9, key_heads: 3, head_width: 64 };
/// Rows of a training step: 4 x 128 tokens.
const ROWS: usize = 512;

/// A weight's format and how many rows of input it is multiplied with.
#[derive(Debug, Clone, Copy)]
struct Case {
    format: BlockFormat,
    n: usize,
}

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} n={}", self.format.name(), self.n)
    }
}

/// Every format with every number of rows.
fn cases(formats: &[BlockFormat], rows: &[usize]) -> Vec<Case> {
    let of = |format: &BlockFormat| {
        let format = *format;
        rows.iter().map(move |&n| Case { format, n })
    };
    formats.iter().flat_map(of).collect()
}

/// Q4_1 first: it is the default model's.
const FORMATS: [BlockFormat; 7] = [
    BlockFormat::Q4_1,
    BlockFormat::Q4_0,
    BlockFormat::Q8_0,
    BlockFormat::Q4K,
    BlockFormat::Q6K,
    BlockFormat::F16,
    BlockFormat::F32,
];

/// Formats that larger models come in.
const LARGE_FORMATS: [BlockFormat; 3] = [BlockFormat::Q4_1, BlockFormat::Q4K, BlockFormat::Q8_0];

/// A gate projection of the default model. Its 576 columns are not whole blocks of 256: for the formats
/// that have such blocks it is a down projection, which has as many elements.
fn default_weight(format: BlockFormat) -> FrozenMatrix {
    match HIDDEN.is_multiple_of(format.block_len()) {
        true => weight(format, FEED_FORWARD, HIDDEN),
        false => weight(format, HIDDEN, FEED_FORWARD),
    }
}

fn multiply_adds(weight: &FrozenMatrix, n: usize) -> ItemsCount {
    ItemsCount::new(weight.rows() * weight.columns() * n)
}

fn forward(bencher: Bencher, weight: &FrozenMatrix, n: usize) {
    let x = numbers(n * weight.columns(), 1);
    let mut y = Buffer::zeroed(n * weight.rows());
    let bencher = bencher.counter(multiply_adds(weight, n));
    let bencher = match n {
        1 => bencher.counter(BytesCount::new(weight.bytes())),
        _ => bencher,
    };
    bencher.bench_local(|| weight.product(black_box(&x), &mut y));
}

fn backward(bencher: Bencher, weight: &FrozenMatrix, n: usize) {
    let dy = numbers(n * weight.rows(), 1);
    let mut dx = Buffer::zeroed(n * weight.columns());
    bencher
        .counter(multiply_adds(weight, n))
        .bench_local(|| weight.product_backward(black_box(&dy), None, &mut dx, false));
}

#[divan::bench_group(max_time = 0.5)]
mod frozen_products {
    use super::*;

    #[divan::bench(args = [1, 4, 16, 128, 512])]
    fn default_model_q4_1(bencher: Bencher, n: usize) {
        forward(bencher, &default_weight(BlockFormat::Q4_1), n);
    }

    #[divan::bench(args = cases(&FORMATS[1..], &[1, 16, 512]))]
    fn default_model_other_formats(bencher: Bencher, case: &Case) {
        forward(bencher, &default_weight(case.format), case.n);
    }

    #[divan::bench(args = cases(&LARGE_FORMATS, &[1, 16, 128]))]
    fn one_billion(bencher: Bencher, case: &Case) {
        forward(bencher, &weight(case.format, 8192, 2048), case.n);
    }

    #[divan::bench(args = cases(&LARGE_FORMATS, &[1, 16, 128]))]
    fn seven_billion(bencher: Bencher, case: &Case) {
        forward(bencher, &weight(case.format, 11_008, 4096), case.n);
    }
}

#[divan::bench_group(max_time = 0.5)]
mod frozen_products_backward {
    use super::*;

    #[divan::bench(args = cases(&FORMATS, &[128, 512]))]
    fn default_model(bencher: Bencher, case: &Case) {
        backward(bencher, &default_weight(case.format), case.n);
    }

    #[divan::bench(args = cases(&LARGE_FORMATS, &[128]))]
    fn one_billion(bencher: Bencher, case: &Case) {
        backward(bencher, &weight(case.format, 8192, 2048), case.n);
    }

    #[divan::bench(args = cases(&LARGE_FORMATS, &[128]))]
    fn seven_billion(bencher: Bencher, case: &Case) {
        backward(bencher, &weight(case.format, 11_008, 4096), case.n);
    }
}

/// What an adapter adds to a frozen product of 512 rows. The first two count the multiply-adds of the
/// frozen part and the adapter's together.
#[divan::bench_group(max_time = 0.5)]
mod adapter {
    use super::*;

    #[divan::bench]
    fn frozen_product_with_low_rank(bencher: Bencher) {
        let weight = default_weight(BlockFormat::Q4_1);
        let (x, inner) = (numbers(ROWS * HIDDEN, 1), numbers(ROWS * RANK, 2));
        let b = numbers(FEED_FORWARD * RANK, 3);
        let right = Matrix::new(&b, FEED_FORWARD, RANK).transposed();
        let low_rank = Some(LowRank { inner: &inner, right, scale: 2.0 });
        let mut y = Buffer::zeroed(ROWS * FEED_FORWARD);
        bencher.counter(ItemsCount::new(ROWS * FEED_FORWARD * (HIDDEN + RANK))).bench_local(|| {
            products(black_box(&x), &mut [Product { weight: &weight, low_rank, out: &mut y }]);
        });
    }

    #[divan::bench]
    fn frozen_product_backward_with_low_rank(bencher: Bencher) {
        let weight = default_weight(BlockFormat::Q4_1);
        let (dy, inner) = (numbers(ROWS * FEED_FORWARD, 1), numbers(ROWS * RANK, 2));
        let a = numbers(RANK * HIDDEN, 3);
        let low_rank =
            Some(LowRank { inner: &inner, right: Matrix::new(&a, RANK, HIDDEN), scale: 1.0 });
        let mut dx = Buffer::zeroed(ROWS * HIDDEN);
        bencher
            .counter(ItemsCount::new(ROWS * HIDDEN * (FEED_FORWARD + RANK)))
            .bench_local(|| weight.product_backward(black_box(&dy), low_rank, &mut dx, false));
    }

    /// A · x.
    #[divan::bench]
    fn inner(bencher: Bencher) {
        let (x, a) = (numbers(ROWS * HIDDEN, 1), numbers(RANK * HIDDEN, 2));
        let a = Matrix::new(&a, RANK, HIDDEN).transposed();
        let mut inner = Buffer::zeroed(ROWS * RANK);
        bencher.counter(ItemsCount::new(ROWS * HIDDEN * RANK)).bench_local(|| {
            product(Matrix::new(black_box(&x), ROWS, HIDDEN), a, 1.0, &mut inner);
        });
    }

    /// The gradient for B.
    #[divan::bench]
    fn gradient(bencher: Bencher) {
        let (dy, inner) = (numbers(ROWS * FEED_FORWARD, 1), numbers(ROWS * RANK, 2));
        let dy = Matrix::new(&dy, ROWS, FEED_FORWARD).transposed();
        let mut d_b = Buffer::zeroed(FEED_FORWARD * RANK);
        bencher.counter(ItemsCount::new(ROWS * FEED_FORWARD * RANK)).bench_local(|| {
            add_product(dy, Matrix::new(black_box(&inner), ROWS, RANK), 2.0, &mut d_b);
        });
    }
}

/// Multiply-adds are those of the keys that a query may see: what is computed beside them and thrown away
/// counts as slowness.
#[divan::bench_group(max_time = 0.5)]
mod attention {
    use super::*;

    const PAST: usize = 256;
    const TOGETHER: usize = 16;

    /// Of one product of queries and keys, in all heads.
    fn seen(keys_seen: usize) -> usize {
        ATTENTION.query_width() * keys_seen
    }

    #[divan::bench(args = [64, 512, 2048])]
    fn one_sequence(bencher: Bencher, length: usize) {
        let queries = numbers(length * ATTENTION.query_width(), 1);
        let keys = numbers(length * ATTENTION.key_width(), 2);
        let values = numbers(length * ATTENTION.key_width(), 3);
        let spans = [Span { rows: 0..length, keys: &keys, values: &values }];
        let mut out = Buffer::zeroed(queries.len());
        let mut log_sums = Buffer::zeroed(length * ATTENTION.heads);
        bencher.counter(ItemsCount::new(2 * seen(length * (length + 1) / 2))).bench_local(|| {
            attend(
                &Attention::full(ATTENTION),
                black_box(&queries),
                &spans,
                &mut out,
                Some(&mut log_sums),
            );
        });
    }

    /// As when 16 texts are written at once.
    #[divan::bench]
    fn sixteen_queries_with_past(bencher: Bencher) {
        let queries = numbers(TOGETHER * ATTENTION.query_width(), 1);
        let one = (PAST + 1) * ATTENTION.key_width();
        let (keys, values) = (numbers(TOGETHER * one, 2), numbers(TOGETHER * one, 3));
        let spans: Vec<Span> = keys
            .chunks_exact(one)
            .zip(values.chunks_exact(one))
            .enumerate()
            .map(|(row, (keys, values))| Span { rows: row..row + 1, keys, values })
            .collect();
        let mut out = Buffer::zeroed(queries.len());
        bencher.counter(ItemsCount::new(2 * seen(TOGETHER * (PAST + 1)))).bench_local(|| {
            attend(&Attention::full(ATTENTION), black_box(&queries), &spans, &mut out, None)
        });
    }

    #[divan::bench(args = [64, 512, 2048])]
    fn one_sequence_backward(bencher: Bencher, length: usize) {
        let queries = numbers(length * ATTENTION.query_width(), 1);
        let keys = numbers(length * ATTENTION.key_width(), 2);
        let values = numbers(length * ATTENTION.key_width(), 3);
        let d_out = numbers(queries.len(), 4);
        let rows = 0..length;
        let spans = [Span { rows: rows.clone(), keys: &keys, values: &values }];
        let mut out = Buffer::zeroed(queries.len());
        let mut log_sums = Buffer::zeroed(length * ATTENTION.heads);
        attend(&Attention::full(ATTENTION), &queries, &spans, &mut out, Some(&mut log_sums));
        let attended = Attended {
            queries: &queries,
            keys: &keys,
            values: &values,
            out: &out,
            log_sums: &log_sums,
            sequences: std::slice::from_ref(&rows),
        };
        let mut d_queries = Buffer::zeroed(queries.len());
        let (mut d_keys, mut d_values) = (Buffer::zeroed(keys.len()), Buffer::zeroed(keys.len()));
        bencher.counter(ItemsCount::new(5 * seen(length * (length + 1) / 2))).bench_local(|| {
            attend_backward(
                &Attention::full(ATTENTION),
                &attended,
                black_box(&d_out),
                &mut d_queries,
                &mut d_keys,
                &mut d_values,
            );
        });
    }
}

/// What is done element by element, on the rows of a training step; an item is an element.
#[divan::bench_group(max_time = 0.5)]
mod elements {
    use super::*;

    const EPSILON: f32 = 1e-5;

    #[divan::bench]
    fn rms_norm_forward(bencher: Bencher) {
        let (x, weight) = (numbers(ROWS * HIDDEN, 1), numbers(HIDDEN, 2));
        let mut y = Buffer::zeroed(x.len());
        bencher
            .counter(ItemsCount::new(x.len()))
            .bench_local(|| rms_norm(black_box(&x), &weight, EPSILON, &mut y));
    }

    #[divan::bench(name = "rms_norm_backward")]
    fn norm_backward(bencher: Bencher) {
        let (x, weight) = (numbers(ROWS * HIDDEN, 1), numbers(HIDDEN, 2));
        let (dy, mut dx) = (numbers(x.len(), 3), Buffer::zeroed(x.len()));
        bencher
            .counter(ItemsCount::new(x.len()))
            .bench_local(|| rms_norm_backward(black_box(&x), &weight, EPSILON, &dy, &mut dx));
    }

    #[divan::bench]
    fn swiglu_forward(bencher: Bencher) {
        let (gate, up) = (numbers(ROWS * FEED_FORWARD, 1), numbers(ROWS * FEED_FORWARD, 2));
        let mut y = Buffer::zeroed(gate.len());
        bencher
            .counter(ItemsCount::new(gate.len()))
            .bench_local(|| gated_unit(Activation::Silu, black_box(&gate), &up, &mut y));
    }

    /// On fresh copies: it replaces its operands, and done again and again it would end among the slow
    /// tiny numbers.
    #[divan::bench(name = "swiglu_backward", skip_ext_time = true)]
    fn gated_backward(bencher: Bencher) {
        let count = ROWS * FEED_FORWARD;
        let [gate, up, dy] = [1, 2, 3].map(|seed| numbers(count, seed));
        bencher
            .counter(ItemsCount::new(count))
            .with_inputs(|| [&gate, &up, &dy].map(|values| Buffer::copy_of(values)))
            .bench_local_refs(|[gate, up, dy]| gated_unit_backward(Activation::Silu, gate, up, dy));
    }

    /// Of the queries; the keys have a third of their width.
    #[divan::bench]
    fn rotary_turn(bencher: Bencher) {
        let angles = rotary().angles(&positions());
        let mut x = numbers(ROWS * HIDDEN, 1);
        bencher.counter(ItemsCount::new(x.len())).bench_local(|| angles.turn(black_box(&mut x)));
    }

    #[divan::bench]
    fn rotary_turn_back(bencher: Bencher) {
        let angles = rotary().angles(&positions());
        let mut x = numbers(ROWS * HIDDEN, 1);
        bencher
            .counter(ItemsCount::new(x.len()))
            .bench_local(|| angles.turn_back(black_box(&mut x)));
    }

    /// Once a pass, for all layers.
    #[divan::bench]
    fn rotary_angles(bencher: Bencher) {
        let (rotary, positions) = (rotary(), positions());
        bencher
            .counter(ItemsCount::new(ROWS * ATTENTION.head_width / 2))
            .bench_local(|| rotary.angles(black_box(&positions)));
    }

    fn rotary() -> Rotary {
        Rotary::new(ATTENTION.head_width, ATTENTION.head_width, 100_000.0, 1.0, None)
    }

    fn positions() -> Vec<usize> {
        (0..ROWS).collect()
    }
}

/// Over the vocabulary, for as many positions as the head takes at a time, shared out as it does.
#[divan::bench_group(max_time = 0.5)]
mod cross_entropy {
    use super::*;
    use kaizen::model::network::HEAD_ROWS;

    #[divan::bench]
    fn log_sums(bencher: Bencher) {
        let logits = numbers(HEAD_ROWS * VOCABULARY, 1);
        let mut sums = vec![0.0; HEAD_ROWS];
        bencher.counter(ItemsCount::new(logits.len())).bench_local(|| {
            for_each_chunk(&mut sums, 1, |row, sum| {
                sum[0] = log_sum_exp(&logits[row * VOCABULARY..(row + 1) * VOCABULARY]);
            });
        });
    }

    /// Gradients are small logits again, so that it may be done over and over in place.
    #[divan::bench]
    fn backward(bencher: Bencher) {
        let mut logits = numbers(HEAD_ROWS * VOCABULARY, 1);
        let log_sum = log_sum_exp(&logits[..VOCABULARY]);
        bencher.counter(ItemsCount::new(logits.len())).bench_local(|| {
            for_each_chunk(&mut logits, VOCABULARY, |row, logits| {
                cross_entropy_backward(logits, log_sum, row, 1.0 / ROWS as f32);
            });
        });
    }
}

/// On an adapter of rank 16 on all projections of the default model; an item is a parameter.
#[divan::bench_group(max_time = 0.5)]
mod optimizer {
    use super::*;

    const PARAMETERS: usize = 4_884_480;

    #[divan::bench(name = "update_moments")]
    fn update(bencher: Bencher) {
        let constants = MomentsUpdate {
            gradient_scale: 1.0,
            beta_1: 0.9,
            beta_2: 0.999,
            decay: 1.0,
            step: 2e-4,
            correction_2: 1.0,
            epsilon: 1e-8,
        };
        let mut parameters = numbers(PARAMETERS, 1);
        let gradient = numbers(PARAMETERS, 2);
        let mut first = vec![0.0; PARAMETERS];
        let mut second = vec![0.0; PARAMETERS];
        bencher.counter(ItemsCount::new(PARAMETERS)).bench_local(|| {
            update_moments(
                constants,
                &mut parameters,
                black_box(&gradient),
                &mut first,
                &mut second,
            );
        });
    }

    /// Of the gradient, for clipping.
    #[divan::bench(name = "norm")]
    fn gradient_norm(bencher: Bencher) {
        let gradient = numbers(PARAMETERS, 1);
        bencher.counter(ItemsCount::new(PARAMETERS)).bench_local(|| norm(black_box(&gradient)));
    }
}

/// Every format, on one thread: products expand their weights within their own tasks.
#[divan::bench_group(max_time = 0.5)]
mod expanding {
    use super::*;

    const ALL_FORMATS: [BlockFormat; 15] = [
        BlockFormat::F32,
        BlockFormat::F16,
        BlockFormat::BF16,
        BlockFormat::Q4_0,
        BlockFormat::Q4_1,
        BlockFormat::Q5_0,
        BlockFormat::Q5_1,
        BlockFormat::Q8_0,
        BlockFormat::Q2K,
        BlockFormat::Q3K,
        BlockFormat::Q4K,
        BlockFormat::Q5K,
        BlockFormat::Q6K,
        BlockFormat::IQ4_NL,
        BlockFormat::IQ4_XS,
    ];

    #[divan::bench(name = "dequantise", args = ALL_FORMATS.map(BlockFormat::name))]
    fn every_format(bencher: Bencher, name: &str) {
        let Some(format) = ALL_FORMATS.into_iter().find(|format| format.name() == name) else {
            return;
        };
        let mut out = Buffer::zeroed(FEED_FORWARD * HIDDEN);
        let blocks = blocks(format, out.len());
        bencher
            .counter(ItemsCount::new(out.len()))
            .bench_local(|| dequantise(format, black_box(&blocks), &mut out));
    }
}

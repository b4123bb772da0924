//! Where the time of a training step goes: forward, head, backward and update on the default model, for
//! 4 x 128 tokens and rank 16 on all projections, with all activations kept and with `--checkpointing`.
//!
//! `cargo bench --bench training`; a part of a name chooses, as in `cargo bench --bench training -- head`.
//! An item is a token, so "item/s" reads as tokens a second.
#![allow(clippy::unwrap_used)]

mod common;

use divan::Bencher;
use divan::counter::ItemsCount;
use kaizen::model::Model;
use kaizen::train::{MeasuredStep, StepShape};
use std::fmt::{self, Display};
use std::sync::OnceLock;

fn main() {
    common::team().lead(divan::main);
}

/// What a recording holds.
#[derive(Debug, Clone, Copy)]
enum Activations {
    Kept,
    Recomputed,
}

impl Display for Activations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept",
            Self::Recomputed => "recomputed",
        })
    }
}

const ACTIVATIONS: [Activations; 2] = [Activations::Kept, Activations::Recomputed];
const SHAPE: StepShape = StepShape { batch: 4, length: 128, rank: 16, recompute: false };

/// A step that has been done once: B is no longer zero, and the buffers are there.
fn step(activations: Activations) -> MeasuredStep<'static> {
    static MODEL: OnceLock<Model> = OnceLock::new();
    let recompute = matches!(activations, Activations::Recomputed);
    let shape = StepShape { recompute, ..SHAPE };
    let mut step = MeasuredStep::new(MODEL.get_or_init(common::model), shape);
    let mut gradient = step.gradient();
    step.whole(&mut gradient).unwrap();
    step
}

fn tokens() -> ItemsCount {
    ItemsCount::new(SHAPE.tokens())
}

/// A step takes seconds: a few are enough, and no two recordings are ever in memory together.
#[divan::bench_group(sample_count = 5, sample_size = 1)]
mod training_step {
    use super::*;

    #[divan::bench(args = ACTIVATIONS)]
    fn forward(bencher: Bencher, activations: Activations) {
        let step = step(activations);
        bencher.counter(tokens()).bench_local(|| step.record().unwrap());
    }

    /// Logits, losses, and the gradient for the last block's output.
    #[divan::bench]
    fn head(bencher: Bencher) {
        let step = step(Activations::Kept);
        let recording = step.record().unwrap();
        bencher.counter(tokens()).bench_local(|| step.head(&recording).unwrap());
    }

    #[divan::bench(args = ACTIVATIONS)]
    fn backward(bencher: Bencher, activations: Activations) {
        let step = step(activations);
        let mut gradient = step.gradient();
        bencher
            .counter(tokens())
            .with_inputs(|| {
                let recording = step.record().unwrap();
                let d_hidden = step.head(&recording).unwrap();
                (recording, d_hidden)
            })
            .bench_local_values(|(recording, d_hidden)| {
                step.backward(recording, d_hidden, &mut gradient).unwrap();
            });
    }

    #[divan::bench]
    fn update(bencher: Bencher) {
        let mut step = step(Activations::Kept);
        let mut gradient = step.gradient();
        let recording = step.record().unwrap();
        let d_hidden = step.head(&recording).unwrap();
        step.backward(recording, d_hidden, &mut gradient).unwrap();
        bencher.counter(tokens()).bench_local(|| step.update(&gradient));
    }

    #[divan::bench(args = ACTIVATIONS)]
    fn whole(bencher: Bencher, activations: Activations) {
        let mut step = step(activations);
        let mut gradient = step.gradient();
        bencher.counter(tokens()).bench_local(|| step.whole(&mut gradient).unwrap());
    }
}

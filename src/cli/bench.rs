//! `kaizen bench`: what this machine gives, as medians of repeated runs.

use super::context::Context;
use super::outcome::{Outcome, Result};
use super::table::columns;
use crate::driver::peak_memory_mib;
use crate::kernels::Buffer;
use crate::model::lora::{Lora, LoraConfig};
use crate::model::network::{Dropout, Target};
use crate::model::sampler::Sampling;
use crate::model::{Model, Projection};
use crate::runtime::{
    self, Generate, GenerateRequest, Job, Priority, Runtime, Score, ScoreItem, Step,
};
use crate::train::AdamW;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::time::Instant;

const RUNS: usize = 3;
const PROMPT: usize = 512;
const DECODE: usize = 32;
const TOGETHER: usize = 16;
/// The training step: sequences and tokens of each, all trained, rank 16 on all projections.
const TRAIN: (usize, usize) = (4, 128);

pub fn run(context: &Context) -> Result<Outcome> {
    let runtime = context.runtime()?;
    let ids = tokens(runtime.model(), PROMPT);
    let prompt =
        repeated(|| generated(&runtime, &ids, 1, 1).map(|text| ids.len() as f64 / text.prompt))?;
    let decode = repeated(|| generated(&runtime, &ids[..32], DECODE, 1).map(|text| text.written))?;
    let batched =
        repeated(|| generated(&runtime, &ids[..32], DECODE, TOGETHER).map(|text| text.written))?;
    let score = repeated(|| {
        let began = Instant::now();
        runtime.run(Score::new(vec![ScoreItem::whole(ids.clone())], None), |_| ())?;
        Ok(ids.len() as f64 / began.elapsed().as_secs_f64())
    })?;
    let train = repeated(|| Ok(runtime.run(TrainStep, |()| ())?))?;
    let rows: Vec<Vec<String>> = [
        ("prompt of 512 tokens", &prompt),
        ("decode, one sequence", &decode),
        ("decode, 16 sequences, total", &batched),
        ("scoring 512 tokens", &score),
        ("training step, 4 x 128 tokens", &train),
    ]
    .iter()
    .map(|(name, runs)| {
        vec![
            (*name).to_owned(),
            format!("{:.1} tokens/s", median(runs)),
            format!("({:.1} to {:.1})", least(runs), most(runs)),
        ]
    })
    .collect();
    context.output.line(columns(&rows).trim_end())?;
    if let Some(peak) = peak_memory_mib() {
        context.output.line(format!("  peak memory of this process: {peak} MiB"))?;
    }
    let spread =
        |runs: &[f64]| json!({"median": median(runs), "least": least(runs), "most": most(runs)});
    context.output.json(&json!({
        "prompt_tokens_per_second": median(&prompt),
        "decode_tokens_per_second": median(&decode),
        "batched_decode_tokens_per_second": median(&batched),
        "score_tokens_per_second": median(&score),
        "train_tokens_per_second": median(&train),
        "peak_rss_mib": peak_memory_mib(),
        "spread": {
            "prompt": spread(&prompt),
            "decode": spread(&decode),
            "batched_decode": spread(&batched),
            "score": spread(&score),
            "train": spread(&train),
        },
        "threads": std::thread::available_parallelism().map_or(1, usize::from),
        "cpu": crate::kernels::cpu_level().name(),
        "model": runtime.model().name(),
    }))?;
    Ok(Outcome::Done)
}

/// Ordinary token ids in no order that means anything.
fn tokens(model: &Model, count: usize) -> Vec<u32> {
    let vocabulary = model.network.architecture().vocabulary as u32;
    (0..count as u32).map(|i| (i * 7919 + 13) % vocabulary).collect()
}

/// One run to warm up, then [`RUNS`] that count.
fn repeated(mut run: impl FnMut() -> Result<f64>) -> Result<Vec<f64>> {
    run()?;
    (0..RUNS).map(|_| run()).collect()
}

struct Timed {
    /// Seconds that reading the prompt took.
    prompt: f64,
    /// Tokens written a second, of all sequences together.
    written: f64,
}

fn generated(
    runtime: &Runtime,
    prompt: &[u32],
    max_tokens: usize,
    together: usize,
) -> Result<Timed> {
    let request = GenerateRequest {
        prompt: prompt.to_vec(),
        sampling: Sampling::GREEDY,
        max_tokens,
        ignore_end: true,
    };
    let job = match together {
        1 => Generate::for_person(request, None),
        _ => Generate::measured(vec![request; together], None, together),
    };
    let texts = runtime.run(job, |_| ())?;
    let longest = texts.iter().map(|text| text.write_time.as_secs_f64()).fold(1e-9, f64::max);
    let prompt = texts.iter().map(|text| text.prompt_time.as_secs_f64()).fold(1e-9, f64::max);
    Ok(Timed { prompt, written: (texts.len() * max_tokens) as f64 / longest })
}

fn sorted(runs: &[f64]) -> Vec<f64> {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    runs
}

fn median(runs: &[f64]) -> f64 {
    sorted(runs).get(runs.len() / 2).copied().unwrap_or(f64::NAN)
}

fn least(runs: &[f64]) -> f64 {
    sorted(runs).first().copied().unwrap_or(f64::NAN)
}

fn most(runs: &[f64]) -> f64 {
    sorted(runs).last().copied().unwrap_or(f64::NAN)
}

/// One whole training step; gives tokens a second.
struct TrainStep;

impl Job for TrainStep {
    type Event = ();
    type Output = f64;
    type Error = runtime::Error;

    fn priority(&self) -> Priority {
        Priority::Measuring
    }

    fn step(&mut self, model: &Model, _: &mut dyn FnMut(())) -> Result<Step<f64>, runtime::Error> {
        let config = LoraConfig {
            rank: 16,
            alpha: 32.0,
            dropout: 0.0,
            targets: Projection::ALL.to_vec(),
            rank_stabilised: false,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut lora = Lora::fresh(config, model.network.architecture(), &mut rng);
        let mut optimizer = AdamW::new(lora.parameters.len(), 0.0, 0.0);
        let (count, length) = TRAIN;
        let ids = tokens(model, count * length);
        let sequences: Vec<_> = (0..count).map(|i| i * length..(i + 1) * length).collect();
        let targets: Vec<Target> = sequences
            .iter()
            .flat_map(|rows| rows.start + 1..rows.end)
            .map(|place| Target { row: place - 1, token: ids[place] })
            .collect();
        let weights = vec![1.0 / targets.len() as f32; targets.len()];
        let began = Instant::now();
        let recording = model.network.record(&lora, &ids, &sequences, Dropout::OFF, false)?;
        let mut d_hidden = Buffer::zeroed(recording.hidden.len());
        model.network.losses_and_gradient(&recording.hidden, &targets, &weights, &mut d_hidden)?;
        let mut gradient = vec![0.0; lora.parameters.len()];
        model.network.backward(&lora, recording, d_hidden, &mut gradient)?;
        optimizer.update(&mut lora.parameters, &gradient, 2e-4);
        Ok(Step::Done(ids.len() as f64 / began.elapsed().as_secs_f64()))
    }

    fn cancel(&mut self, _: &Model) -> Result<f64, runtime::Error> {
        Ok(0.0)
    }
}

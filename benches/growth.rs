//! How speed and memory grow: the training step with the length of a sequence, the batch, the rank and
//! `--checkpointing`, reading with the length of a prompt, and writing with the past.
//!
//! `cargo bench --bench growth`; a part of a row's name chooses, as in `cargo bench --bench growth -- rank`.
//! Each row is measured in a process of its own, so that its peak is its own. Rows come as JSON, one a
//! line, when they are measured, and at the end all of them as tables. Beside a training row stands what
//! `kaizen train` would have estimated.
#![allow(clippy::unwrap_used)]

mod common;

use kaizen::kernels::cpu_level;
use kaizen::model::Model;
use kaizen::model::sampler::Sampling;
use kaizen::runtime::{Generate, GenerateRequest, Runtime, Until};
use kaizen::train::{MeasuredStep, MemoryEstimate, StepShape, meaningless_tokens};
use kaizen::workplace::peak_memory_mib;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A row is measured again until this has passed, at most so often.
const ENOUGH: Duration = Duration::from_secs(5);
const MOST_RUNS: usize = 5;

/// Tokens written after a past; few, so that the past hardly grows.
const WRITTEN: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Work {
    Train { batch: usize, length: usize, rank: usize, recompute: bool },
    Read { prompt: usize },
    Write { past: usize },
}

/// What a child says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measured {
    tokens_per_second: f64,
    runs: usize,
    peak_mib: Option<usize>,
    estimated_mib: Option<usize>,
}

impl Measured {
    fn estimated_to_peak(&self) -> Option<f64> {
        Some(self.estimated_mib? as f64 / self.peak_mib? as f64)
    }
}

struct Row {
    table: &'static str,
    name: String,
    work: Work,
}

fn main() {
    common::rows_apart("growth", parent, child);
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |table, name: String, work| rows.push(Row { table, name, work });
    let train = |batch, length, rank, recompute| Work::Train { batch, length, rank, recompute };
    for length in [64, 128, 256, 512, 1024, 2048] {
        row("length", format!("length 1 x {length}"), train(1, length, 16, false));
    }
    for batch in [1, 2, 4, 8] {
        row("batch", format!("batch {batch} x 128"), train(batch, 128, 16, false));
    }
    for rank in [4, 8, 16, 32, 64] {
        row("rank", format!("rank {rank}"), train(4, 128, rank, false));
    }
    for length in [128, 512] {
        for (recompute, word) in [(false, "off"), (true, "on")] {
            let name = format!("checkpointing {word}, 4 x {length}");
            row("checkpointing", name, train(4, length, 16, recompute));
        }
    }
    for length in [4096, 8192] {
        let name = format!("checkpointing on, 1 x {length}");
        row("checkpointing", name, train(1, length, 16, true));
    }
    for prompt in [64, 128, 256, 512, 1024, 2048, 4096, 8000] {
        row("prompt", format!("prompt of {prompt}"), Work::Read { prompt });
    }
    for past in [64, 256, 512, 1024, 1900, 4096, 8000] {
        row("decode", format!("decode after {past}"), Work::Write { past });
    }
    rows
}

fn parent(filter: &str) {
    println!("{}", json!({ "cpu": cpu_level().name(), "threads": common::threads() }));
    let mut measured: Vec<(Row, Option<Measured>)> = Vec::new();
    for row in rows().into_iter().filter(|row| row.name.contains(filter)) {
        // 4 x 128 of rank 16 is in three tables.
        let known = measured.iter().find(|(other, _)| other.work == row.work);
        let result =
            known.map_or_else(|| common::measured_apart(&row.work), |(_, result)| result.clone());
        println!("{}", line(&row, result.as_ref()));
        measured.push((row, result));
    }
    let mut table = "";
    for (row, result) in &measured {
        if row.table != table {
            table = row.table;
            match row.work {
                Work::Train { .. } => println!(
                    "\n| training step | tokens/s | peak, MiB | estimate, MiB | estimate / peak |\n\
                     | --- | --- | --- | --- | --- |"
                ),
                Work::Read { .. } => {
                    println!("\n| reading | tokens/s | peak, MiB |\n| --- | --- | --- |");
                }
                Work::Write { .. } => {
                    println!("\n| writing | tokens/s | peak, MiB |\n| --- | --- | --- |");
                }
            }
        }
        println!("{}", table_row(row, result.as_ref()));
    }
}

fn line(row: &Row, result: Option<&Measured>) -> Value {
    json!({
        "row": row.name,
        "work": row.work,
        "measured": result,
        "estimated_to_peak": result.and_then(Measured::estimated_to_peak),
    })
}

fn table_row(row: &Row, result: Option<&Measured>) -> String {
    let mebibytes = |count: Option<usize>| count.map_or("?".to_owned(), |count| count.to_string());
    let Some(result) = result else { return format!("| {} | failed |", row.name) };
    let mut cells = vec![
        row.name.clone(),
        format!("{:.1}", result.tokens_per_second),
        mebibytes(result.peak_mib),
    ];
    if matches!(row.work, Work::Train { .. }) {
        cells.push(mebibytes(result.estimated_mib));
        cells.push(result.estimated_to_peak().map_or("?".to_owned(), |r| format!("{r:.2}")));
    }
    format!("| {} |", cells.join(" | "))
}

fn child(work: &str) {
    let model = common::model();
    let measured = match serde_json::from_str(work).unwrap() {
        Work::Train { batch, length, rank, recompute } => {
            train(&model, StepShape { batch, length, rank, recompute })
        }
        Work::Read { prompt } => read(model, prompt),
        Work::Write { past } => write(model, past),
    };
    println!("{}", serde_json::to_string(&measured).unwrap());
}

fn train(model: &Model, shape: StepShape) -> Measured {
    let (network, tokens) = (&model.network, shape.tokens());
    let mut step = MeasuredStep::new(model, shape);
    let estimate = MemoryEstimate::new(network, &step.lora, tokens, shape.recompute);
    let mut gradient = step.gradient();
    let rates = common::team().lead(|| {
        repeated(|| {
            let began = Instant::now();
            step.whole(&mut gradient).unwrap();
            tokens as f64 / began.elapsed().as_secs_f64()
        })
    });
    measured(rates, Some(estimate.mib()))
}

fn read(model: Model, prompt: usize) -> Measured {
    let runtime = Runtime::start(Arc::new(model), 0).unwrap();
    let rates = repeated(|| prompt as f64 / generated(&runtime, prompt, 1).0.as_secs_f64());
    measured(rates, None)
}

fn write(model: Model, past: usize) -> Measured {
    let runtime = Runtime::start(Arc::new(model), 0).unwrap();
    // The first token comes from the prompt's last logits and takes none of the time.
    let rates =
        repeated(|| WRITTEN as f64 / generated(&runtime, past, WRITTEN + 1).1.as_secs_f64());
    measured(rates, None)
}

/// The time of reading a prompt and that of writing after it.
fn generated(runtime: &Runtime, prompt: usize, max_tokens: usize) -> (Duration, Duration) {
    let request = GenerateRequest {
        prompt: meaningless_tokens(runtime.model(), 0, prompt),
        sampling: Sampling::GREEDY,
        max_tokens,
        until: Until::MaxTokens,
    };
    let texts = runtime.run(Generate::measured(vec![request], None, 1), |_| ()).unwrap();
    (texts[0].prompt_time, texts[0].write_time)
}

/// Tokens a second of some runs, after one to warm up.
fn repeated(mut run: impl FnMut() -> f64) -> Vec<f64> {
    run();
    let began = Instant::now();
    let mut rates = Vec::new();
    while rates.is_empty() || (began.elapsed() < ENOUGH && rates.len() < MOST_RUNS) {
        rates.push(run());
    }
    rates
}

fn measured(mut rates: Vec<f64>, estimated_mib: Option<usize>) -> Measured {
    rates.sort_by(f64::total_cmp);
    let median = (rates[rates.len() / 2] + rates[(rates.len() - 1) / 2]) / 2.0;
    Measured {
        tokens_per_second: median,
        runs: rates.len(),
        peak_mib: peak_memory_mib(),
        estimated_mib,
    }
}

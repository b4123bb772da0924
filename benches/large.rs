//! Models far larger than the default one: the shapes of Llama 3.2 1B and 3B with weights without meaning,
//! in Q4_K, written to a file, opened, run and trained for a step, each in a process of its own whose peak
//! stands beside what Kaizen had estimated.
//!
//! `cargo bench --bench large`; a part of a row's name chooses. Needs 4 GB of disk for a while and up to 16
//! GiB of memory. Rows come as JSON when they are measured, and at the end all of them as a table.
#![allow(clippy::unwrap_used)]

mod common;

use kaizen::config::Precision;
use kaizen::kernels::BlockFormat;
use kaizen::model::gguf::{self, NewTensor, Value};
use kaizen::model::sampler::Sampling;
use kaizen::model::{Gguf, Model, StoredModel};
use kaizen::runtime::{Generate, GenerateRequest, Runtime, Until};
use kaizen::train::{MeasuredStep, MemoryEstimate, StepShape, meaningless_tokens};
use kaizen::workplace::{Workplace, peak_memory_mib};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What is measured on one of the models.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Work {
    /// A prompt of so many tokens and 16 more.
    Run { prompt: usize },
    /// One training step.
    Train { length: usize, recompute: bool },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Task {
    file: PathBuf,
    work: Work,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measured {
    loading_seconds: f64,
    tokens_per_second: f64,
    estimated_mib: usize,
    peak_mib: Option<usize>,
}

/// Sizes of a `llama` decoder.
struct Sizes {
    name: &'static str,
    layers: u32,
    hidden: u32,
    feed_forward: u32,
    heads: u32,
    key_heads: u32,
    head_width: u32,
}

const VOCABULARY: usize = 128_256;

const MODELS: [Sizes; 2] = [
    Sizes {
        name: "1B",
        layers: 16,
        hidden: 2048,
        feed_forward: 8192,
        heads: 32,
        key_heads: 8,
        head_width: 64,
    },
    Sizes {
        name: "3B",
        layers: 28,
        hidden: 3072,
        feed_forward: 8192,
        heads: 24,
        key_heads: 8,
        head_width: 128,
    },
];

const WORK: [(&str, Work); 4] = [
    ("prompt of 512, 16 written", Work::Run { prompt: 512 }),
    ("prompt of 4,000, 16 written", Work::Run { prompt: 4000 }),
    ("step of 1 x 512", Work::Train { length: 512, recompute: false }),
    ("step of 1 x 2,048, --checkpointing", Work::Train { length: 2048, recompute: true }),
];

fn main() {
    common::rows_apart("large", parent, child);
}

fn parent(filter: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from(
        "\n| model | work | loading, s | tokens/s | estimate, MiB | peak, MiB | estimate / peak |\n\
         | --- | --- | --- | --- | --- | --- | --- |",
    );
    for sizes in &MODELS {
        let rows: Vec<_> = WORK
            .iter()
            .filter(|(name, _)| format!("{} {name}", sizes.name).contains(filter))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let file = folder.path().join(format!("{}.gguf", sizes.name));
        write(sizes, &file);
        for (name, work) in rows {
            let task = Task { file: file.clone(), work: *work };
            let Some(row) = common::measured_apart::<Measured>(&task) else {
                println!("{}", json!({ "model": sizes.name, "work": name, "failed": true }));
                continue;
            };
            println!("{}", json!({ "model": sizes.name, "work": name, "measured": row }));
            let peak = row.peak_mib.unwrap_or(0);
            table += &format!(
                "\n| {} | {name} | {:.1} | {:.1} | {} | {peak} | {:.2} |",
                sizes.name,
                row.loading_seconds,
                row.tokens_per_second,
                row.estimated_mib,
                row.estimated_mib as f64 / peak as f64
            );
        }
        std::fs::remove_file(file).unwrap();
    }
    println!("{table}");
}

fn child(task: &str) {
    let Task { file, work } = serde_json::from_str(task).unwrap();
    let began = Instant::now();
    let model = Model::load(&file, "large", "0", Precision::Quantised, |_| ()).unwrap();
    let loading_seconds = began.elapsed().as_secs_f64();
    let (tokens_per_second, estimated_mib) = match work {
        Work::Run { prompt } => (run(model, prompt), estimate_of_running(&file)),
        Work::Train { length, recompute } => train(&model, length, recompute),
    };
    let peak_mib = peak_memory_mib();
    let measured = Measured { loading_seconds, tokens_per_second, estimated_mib, peak_mib };
    println!("{}", serde_json::to_string(&measured).unwrap());
}

/// What `kaizen models list` says that running it takes.
fn estimate_of_running(file: &Path) -> usize {
    let home = tempfile::tempdir().unwrap();
    let path = toml::Value::from(file.to_string_lossy().into_owned());
    let config = format!("kaizen = 1\n[model]\npaths = [{path}]\n");
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let workplace = Workplace::open(home.path(), None, None).unwrap();
    let list = workplace.model_list().unwrap();
    let listed = list.models.iter().find(|listed| listed.model.path == file).unwrap();
    listed.running.unwrap().needed_mib
}

/// Reads a prompt and writes; tokens a second of reading.
fn run(model: Model, prompt: usize) -> f64 {
    let runtime = Runtime::start(Arc::new(model), 0).unwrap();
    let request = GenerateRequest {
        prompt: meaningless_tokens(runtime.model(), 0, prompt),
        sampling: Sampling::GREEDY,
        max_tokens: 16,
        until: Until::MaxTokens,
    };
    let texts = runtime.run(Generate::measured(vec![request], None, 1), |_| ()).unwrap();
    prompt as f64 / texts[0].prompt_time.as_secs_f64()
}

/// Tokens a second of one step, and the estimate that `kaizen train` would have shown.
fn train(model: &Model, length: usize, recompute: bool) -> (f64, usize) {
    let shape = StepShape { batch: 1, length, rank: 16, recompute };
    let mut step = MeasuredStep::new(model, shape);
    let estimate = MemoryEstimate::new(&model.network, &step.lora, length, recompute);
    let mut gradient = step.gradient();
    let began = Instant::now();
    common::team().lead(|| step.whole(&mut gradient).unwrap());
    (length as f64 / began.elapsed().as_secs_f64(), estimate.mib())
}

/// Writes a model of these sizes with weights without meaning and a vocabulary of bytes and fillers.
fn write(sizes: &Sizes, file: &Path) {
    let mut metadata: BTreeMap<String, Value> = [
        ("block_count", sizes.layers),
        ("context_length", 131_072),
        ("embedding_length", sizes.hidden),
        ("feed_forward_length", sizes.feed_forward),
        ("attention.head_count", sizes.heads),
        ("attention.head_count_kv", sizes.key_heads),
        ("attention.key_length", sizes.head_width),
        ("attention.value_length", sizes.head_width),
        ("vocab_size", VOCABULARY as u32),
    ]
    .into_iter()
    .map(|(key, number)| (format!("llama.{key}"), Value::U32(number)))
    .collect();
    let mut put = |key: &str, value| metadata.insert(key.to_owned(), value);
    put("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5));
    put("llama.rope.freq_base", Value::F32(500_000.0));
    put("general.architecture", Value::String("llama".into()));
    put("general.file_type", Value::U32(15));
    put("tokenizer.ggml.model", Value::String("gpt2".into()));
    put("tokenizer.ggml.pre", Value::String("llama-bpe".into()));
    put("tokenizer.ggml.eos_token_id", Value::U32(VOCABULARY as u32 - 1));
    let tokens = (0..VOCABULARY).map(|id| format!("filler{id}"));
    put("tokenizer.ggml.tokens", Value::Array(gguf::Array::String(tokens.collect())));
    let merges: gguf::Strings = std::iter::empty::<&str>().collect();
    put("tokenizer.ggml.merges", Value::Array(gguf::Array::String(merges)));

    // The tensors that the architecture asks for: an empty file tells them.
    let bare = tempfile::NamedTempFile::new().unwrap();
    gguf::write::<std::io::Error>(&mut bare.as_file(), &metadata, &[], |_, _| Ok(())).unwrap();
    let StoredModel::Gguf(bare) = StoredModel::open(bare.path()).unwrap() else { unreachable!() };
    let architecture = kaizen::model::Architecture::from_gguf(&bare).unwrap();
    let tensors: Vec<NewTensor> = architecture
        .tensors(false)
        .into_iter()
        .map(|(role, shape)| {
            let kind = if shape.len() == 1 { BlockFormat::F32 } else { BlockFormat::Q4K };
            NewTensor { name: role.gguf(), shape, kind }
        })
        .collect();
    let mut out = BufWriter::new(std::fs::File::create(file).unwrap());
    gguf::write::<std::io::Error>(&mut out, &metadata, &tensors, |index, out| {
        let NewTensor { shape, kind, .. } = &tensors[index];
        out.write_all(&common::random::blocks(*kind, shape.iter().product()))
    })
    .unwrap();
    out.flush().unwrap();
    assert!(Gguf::open(file).is_ok());
}

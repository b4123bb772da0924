//! A real model of another family than the default one: Gemma 3 270M as people have it, in Q4_K_M, against
//! what transformers and PEFT make of the same file (`tests/data/gemma3.json`). If these fail, a model that
//! Kaizen says it supports answers, is scored or trained as something else.
#![allow(clippy::unwrap_used)]

mod model_file;

use kaizen::config::Precision;
use kaizen::kernels::Buffer;
use kaizen::model::adapter::AdapterFolder;
use kaizen::model::lora::Lora;
use kaizen::model::network::{Dropout, Target};
use kaizen::model::sampler::Sampling;
use kaizen::model::{Model, Special};
use kaizen::runtime::{Generate, GenerateRequest, Runtime, Score, ScoreItem, Until};
use kaizen::train::AdamW;
use model_file::gemma_file;
use serde_json::Value;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

static REFERENCE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&std::fs::read(data("gemma3.json")).unwrap()).unwrap());

/// One model thread for all tests, with the weights as the file has them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| started(Precision::Quantised));

fn started(precision: Precision) -> Runtime {
    let model = Model::load(&gemma_file(), "gemma-3-270m", "0", precision, |_| ()).unwrap();
    Runtime::start(Arc::new(model), 2).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn adapter(model: &Model) -> Lora {
    AdapterFolder::new(data("gemma3-adapter")).load(model).unwrap().lora
}

fn texts() -> &'static Vec<Value> {
    REFERENCE["texts"].as_array().unwrap()
}

#[test]
fn texts_are_cut_as_by_transformers() {
    let tokenizer = &RUNTIME.model().tokenizer;
    assert!(tokenizer.add_bos());
    for text in texts() {
        let found = tokenizer.encode(text["text"].as_str().unwrap(), Special::Recognise).unwrap();
        assert_eq!(found, ids(&text["ids"])[1..], "{}", text["text"]);
        assert_eq!(tokenizer.decode(&found), text["text"].as_str().unwrap());
    }
}

/// How far the mean NLLs of the texts are from those under `key`: of a text at most, of the mean over texts,
/// and of all tokens together, in nats.
fn distance(runtime: &Runtime, lora: Option<Lora>, key: &str) -> [f64; 3] {
    let items = texts().iter().map(|text| ScoreItem::whole(ids(&text["ids"]))).collect();
    let losses = runtime.run(Score::new(items, lora.map(Arc::new)), |_| ()).unwrap();
    let (mut greatest, mut sum, mut pooled, mut tokens) = (0f64, 0.0, 0.0, 0.0);
    for (text, losses) in texts().iter().zip(&losses) {
        let count = losses.len() as f64;
        let found = losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / count;
        let off = found - text[key].as_f64().unwrap();
        greatest = greatest.max(off.abs());
        (sum, pooled, tokens) = (sum + off, pooled + off * count, tokens + count);
    }
    let distance = [greatest, (sum / texts().len() as f64).abs(), (pooled / tokens).abs()];
    println!("{key}: {distance:?} nats");
    distance
}

/// The bounds that the default model is held to.
#[track_caller]
fn assert_near([greatest, texts, pooled]: [f64; 3]) {
    assert!(greatest < 0.02, "a text is off by {greatest} nats");
    assert!(texts < 0.005, "texts are off by {texts} nats on average");
    assert!(pooled < 0.002, "all tokens together are off by {pooled} nats");
}

#[test]
fn texts_score_as_in_transformers_with_and_without_an_adapter_from_peft() {
    assert_near(distance(&RUNTIME, None, "mean_nll"));
    let lora = adapter(RUNTIME.model());
    assert_near(distance(&RUNTIME, Some(lora), "mean_nll_adapter"));
}

/// Nothing is rounded here, so nothing hides a mistake; a text is longer than the window of 512.
#[test]
fn without_rounding_scores_answers_and_training_are_those_of_pytorch() {
    assert!(texts().iter().any(|text| ids(&text["ids"]).len() > 600));
    let runtime = started(Precision::F32);
    assert!(distance(&runtime, None, "mean_nll")[0] < 0.001);
    let lora = adapter(runtime.model());
    assert!(distance(&runtime, Some(lora), "mean_nll_adapter")[0] < 0.001);
    for answer in REFERENCE["greedy"].as_array().unwrap() {
        let (prompt, wanted) = (ids(&answer["ids"]), ids(&answer["new_ids"]));
        let request = GenerateRequest {
            prompt,
            sampling: Sampling::GREEDY,
            max_tokens: wanted.len(),
            until: Until::EndOfTurn,
        };
        let written =
            runtime.run(Generate::measured(vec![request], None, 1), |_| ()).unwrap().remove(0);
        assert_eq!(written.tokens, wanted, "{}", answer["prompt"]);
    }
    let trained = assert_trains_as_peft(runtime.model(), 1e-3, 1e-3);
    assert!(distance(&runtime, Some(trained), "mean_nll_trained")[0] < 0.002);
}

#[test]
fn five_steps_follow_pefts_curve_in_the_default_precision() {
    // A step takes a fifth of the loss away here, and each difference grows with it.
    let trained = assert_trains_as_peft(RUNTIME.model(), 0.01, 0.05);
    assert_near(distance(&RUNTIME, Some(trained.clone()), "mean_nll_trained"));
    // And back: PEFT reads the very numbers.
    let folder = tempfile::tempdir().unwrap();
    AdapterFolder::new(folder.path()).write(&trained, None, RUNTIME.model()).unwrap();
    let again = AdapterFolder::new(folder.path()).load(RUNTIME.model()).unwrap().lora;
    assert_eq!(again, trained);
}

/// Trains as the reference did; losses and gradient norms stay within these shares of PEFT's.
fn assert_trains_as_peft(model: &Model, of_loss: f64, of_norm: f64) -> Lora {
    let training = &REFERENCE["training"];
    let (mut tokens, mut sequences, mut targets) = (Vec::new(), Vec::<Range<usize>>::new(), vec![]);
    for text in training["batch"].as_array().unwrap() {
        let (prompt, answer) = (ids(&text["prompt_ids"]), ids(&text["answer_ids"]));
        let start = tokens.len();
        let first = start + prompt.len();
        tokens.extend(prompt.into_iter().chain(answer));
        sequences.push(start..tokens.len());
        targets.extend((first..tokens.len()).map(|i| Target { row: i - 1, token: tokens[i] }));
    }
    let weights = vec![1.0 / targets.len() as f32; targets.len()];
    let numbers =
        |key: &str| -> Vec<f64> { serde_json::from_value(training[key].clone()).unwrap() };
    let (losses, norms) = (numbers("losses"), numbers("grad_norms"));
    let mut lora = adapter(model);
    let mut optimizer = AdamW::new(lora.parameters.len(), 0.0, 0.0);
    let near = |found: f64, wanted: f64, share: f64| (found / wanted - 1.0).abs() < share;
    for (step, wanted) in losses.iter().enumerate() {
        let recording =
            model.network.record(&lora, &tokens, &sequences, Dropout::OFF, step % 2 == 1).unwrap();
        let mut d_hidden = Buffer::zeroed(recording.hidden.len());
        let found = model
            .network
            .losses_and_gradient(&recording.hidden, &targets, &weights, &mut d_hidden)
            .unwrap();
        let found = found.iter().map(|loss| f64::from(*loss)).sum::<f64>() / targets.len() as f64;
        println!("before step {step}: a loss of {found:.4}, PEFT's is {wanted:.4}");
        assert!(
            near(found, *wanted, of_loss),
            "before step {step}: a loss of {found}, PEFT's is {wanted}"
        );
        let Some(norm) = norms.get(step) else { break };
        let mut gradient = vec![0.0; lora.parameters.len()];
        model.network.backward(&lora, recording, d_hidden, &mut gradient).unwrap();
        let rate = training["optimizer"]["lr"].as_f64().unwrap();
        let found = optimizer.update(&mut lora.parameters, &gradient, rate);
        assert!(near(found, *norm, of_norm), "step {step}: a norm of {found}, PEFT's is {norm}");
    }
    lora
}

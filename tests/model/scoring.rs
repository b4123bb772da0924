//! A wrong score makes the gate accept what is worse, and reject what is better.

use crate::common::reference::{ids, reference, reference_lines};
use crate::fixture::{loaded, model, runtime};
use kaizen::config::Precision;
use kaizen::model::adapter::AdapterFolder;
use kaizen::model::lora::Lora;
use kaizen::runtime::{Runtime, Score, ScoreItem};
use serde_json::Value;
use std::sync::Arc;

/// The scored tokens of a line: one run of them, to the mask's last 1.
fn item(line: &Value) -> ScoreItem {
    let mask = ids(&line["score_mask"]);
    let first = mask.iter().position(|m| *m == 1).unwrap_or(0);
    let scored = first..first + mask.iter().filter(|m| **m == 1).count();
    assert!(mask[scored.clone()].iter().all(|m| *m == 1));
    ScoreItem { ids: ids(&line["token_ids"]), scored }
}

/// How far scores are from the reference's, in nats.
struct Distance {
    greatest: f64,
    /// Of the mean over texts.
    texts: f64,
    /// Of the mean over all scored tokens.
    pooled: f64,
    greatest_token: f64,
}

/// Scores every line and compares with `key`, the reference's mean over each text.
fn distance(runtime: &Runtime, lora: Option<Arc<Lora>>, lines: &[Value], key: &str) -> Distance {
    let items = lines.iter().map(item).collect();
    let losses = runtime.run(Score::new(items, lora), |_| ()).unwrap();
    assert_eq!(losses.len(), lines.len());
    let (mut differences, mut pooled, mut tokens) = (Vec::new(), 0.0, 0.0);
    let mut greatest_token = 0f64;
    for (line, losses) in lines.iter().zip(&losses) {
        assert_eq!(losses.len() as u64, line["n_scored"].as_u64().unwrap(), "{}", line["id"]);
        let Some(wanted) = line[key].as_f64() else {
            assert!(losses.is_empty(), "{} has no reference", line["id"]);
            continue;
        };
        let count = losses.len() as f64;
        let found = losses.iter().map(|l| f64::from(*l)).sum::<f64>() / count;
        differences.push(found - wanted);
        pooled += (found - wanted) * count;
        tokens += count;
        if key == "mean_nll" {
            for (found, wanted) in losses.iter().zip(line["token_nll"].as_array().unwrap()) {
                let difference = f64::from(*found) - wanted.as_f64().unwrap();
                greatest_token = greatest_token.max(difference.abs());
            }
        }
    }
    assert!(differences.len() >= 5);
    let distance = Distance {
        greatest: differences.iter().fold(0.0, |a, d| d.abs().max(a)),
        texts: (differences.iter().sum::<f64>() / differences.len() as f64).abs(),
        pooled: (pooled / tokens).abs(),
        greatest_token,
    };
    println!(
        "{key}: {} texts, {tokens} tokens; off by {:.2e} at most, {:.2e} over texts, {:.2e} pooled, {:.2e} in a token",
        differences.len(),
        distance.greatest,
        distance.texts,
        distance.pooled,
        distance.greatest_token
    );
    distance
}

fn assert_near(distance: &Distance) {
    assert!(distance.greatest < 0.02, "a text is off by {} nats", distance.greatest);
    assert!(distance.texts < 0.005, "texts are off by {} nats on average", distance.texts);
    assert!(distance.pooled < 0.002, "all tokens together are off by {} nats", distance.pooled);
}

#[test]
fn every_text_scores_as_in_pytorch() {
    let distance = distance(&runtime(), None, &reference_lines("score.jsonl"), "mean_nll");
    assert_near(&distance);
    assert!(distance.greatest_token < 0.1, "a token is off by {}", distance.greatest_token);
}

/// The yardstick that quantised computing is measured by must itself be right.
#[test]
fn the_f32_path_scores_as_in_pytorch() {
    let runtime = Runtime::start(Arc::new(loaded(Precision::F32)), 2).unwrap();
    let distance = distance(&runtime, None, &reference_lines("score.jsonl"), "mean_nll");
    assert!(distance.greatest < 0.001, "a text is off by {} nats", distance.greatest);
}

/// An adapter from PEFT must do here what it does there, and say what could not be checked.
#[test]
fn an_adapter_from_peft_scores_as_in_peft() {
    let Some(folder) = reference() else { return };
    let model = model();
    let loaded = AdapterFolder::new(folder.join("adapter-final")).load(&model).unwrap();
    assert!(
        loaded.warnings.iter().any(|w| w.contains("chat template")),
        "no word about the missing template: {:?}",
        loaded.warnings
    );
    assert!(loaded.metadata.is_none());
    assert!(model.effect_of(&loaded.lora).unwrap() > 0.0);
    let lines = reference_lines("score.jsonl");
    let lora = Some(Arc::new(loaded.lora));
    assert_near(&distance(&runtime(), lora, &lines, "nll_adapter"));
}

//! A wrong score makes the gate accept what is worse, and reject what is better.

use crate::common::reference::{ids, reference, reference_lines};
use crate::fixture::{examples, loaded, model, runtime};
use kaizen::config::Precision;
use kaizen::eval::measure;
use kaizen::kernels::{multiplies_whole_numbers, rounds_to_bf16};
use kaizen::model::adapter::AdapterFolder;
use kaizen::model::lora::Lora;
use kaizen::model::tokenizer::Special;
use kaizen::runtime::{Ending, Runtime, Score, ScoreItem, SharedBeginning, score_slice};
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
    // A single token may be off by more where products round their operands to 8 significant bits.
    let allowed = if rounds_to_bf16() { 0.5 } else { 0.1 };
    assert!(distance.greatest_token < allowed, "a token is off by {}", distance.greatest_token);
}

/// The yardstick that quantised computing is measured by must itself be right.
#[test]
fn the_f32_path_scores_as_in_pytorch() {
    let runtime = Runtime::start(Arc::new(loaded(Precision::F32)), 2).unwrap();
    let distance = distance(&runtime, None, &reference_lines("score.jsonl"), "mean_nll");
    assert!(distance.greatest < 0.001, "a text is off by {} nats", distance.greatest);
}

/// Far beyond 2,048 tokens positions and attention must still be right. The figures are transformers' in f32
/// (5.24, from the same GGUF file) on these ids.
#[test]
fn a_text_of_five_thousand_tokens_scores_as_in_transformers() {
    let text: String = (0..180)
        .map(|i| {
            let wind = ["north", "east", "south", "west"][i % 4];
            let (boats, gulls) = (i * 7919 % 1000, i * 104_729 % 97);
            format!(
                "Entry {i}. The keeper counted {boats} boats and {gulls} gulls before noon; the wind came from the {wind}.\n"
            )
        })
        .collect();
    let losses = runtime().run(Score::new(vec![ScoreItem::whole(tokens(&text))], None), |_| ());
    let losses = losses.unwrap().remove(0);
    assert_eq!(losses.len(), 5426);
    let mean = |losses: &[f32]| {
        losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / losses.len() as f64
    };
    for (from, wanted) in [(0, 0.468_499), (2048, 0.432_800), (losses.len() - 500, 0.423_697)] {
        let off = mean(&losses[from..]) - wanted;
        println!("from token {from}: off by {off:.1e}");
        assert!(off.abs() < 0.005, "from token {from}: off by {off} nats");
    }
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

/// Greatest difference of two jobs' scores of a token, in nats.
fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b).flat_map(|(a, b)| {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b)
    });
    pairs.fold(0.0, |greatest, (a, b)| greatest.max((a - b).abs()))
}

fn tokens(text: &str) -> Vec<u32> {
    model().tokenizer.encode(text, Special::AsText).unwrap()
}

/// The items of every slice until all are scored, and their scores.
fn in_slices(items: &[ScoreItem], mut shared: SharedBeginning) -> (Vec<usize>, Vec<Vec<f32>>) {
    let (model, mut slices, mut losses) = (model(), Vec::new(), Vec::new());
    while losses.len() < items.len() {
        let slice = score_slice(&model, None, &mut shared, &items[losses.len()..]).unwrap();
        slices.push(slice.len());
        losses.extend(slice);
    }
    (slices, losses)
}

/// How far these scores are from those with nothing shared, in nats, in the same order of items.
fn from_unshared(items: &[ScoreItem], found: &[Vec<f32>]) -> f32 {
    let difference = apart(found, &in_slices(items, SharedBeginning::default()).1);
    println!("shared and unshared are {difference:.1e} nats apart at most");
    difference
}

/// What most items begin with is read once: a row too many of it, or one at a wrong position, would
/// shift every score of the gate.
#[test]
fn items_that_share_a_beginning_score_as_each_alone() {
    let (runtime, model) = (runtime(), model());
    let mut items = measure::items(&model, &examples(9)).unwrap();
    let ids = items[0].ids.clone();
    // One without the system turn, one that is scored from its second token on, one that has nothing
    // to score and one whose scored part begins where what it shares ends.
    items.insert(2, ScoreItem::whole(tokens("A text of its own, from 1987.")));
    items.insert(4, ScoreItem::whole(ids.clone()));
    items.insert(5, ScoreItem { scored: ids.len()..ids.len(), ids: ids.clone() });
    let shared = items[0].ids.iter().zip(&items[1].ids).take_while(|(a, b)| a == b).count();
    assert!(shared >= 10, "the items share {shared} tokens");
    items.push(ScoreItem { scored: shared..ids.len(), ids });
    let mut order = Vec::new();
    let together =
        runtime.run(Score::new(items.clone(), None), |(index, _)| order.push(index)).unwrap();
    assert_eq!(order, (0..items.len()).collect::<Vec<usize>>());
    let (slices, losses) = in_slices(&items, SharedBeginning::of(&items));
    assert_eq!(slices[0], 0, "nothing is shared");
    assert_eq!(losses, together);
    assert!(from_unshared(&items, &together) < 1e-5);
    // Two jobs that take turns with each other cut nothing in another way.
    let at_once = [(), ()].map(|()| runtime.submit(Score::new(items.clone(), None)));
    for running in at_once {
        let Ending::Finished(losses) = running.wait(|_| ()) else { panic!("it did not end") };
        assert_eq!(losses, together);
    }
}

/// Nobody waits for a long beginning longer than for anything else, and many short items on top of
/// it do not fill the memory with its copies.
#[test]
fn a_long_shared_beginning_is_read_in_slices() {
    let long = tokens(&"The same old story, told once more. ".repeat(80));
    assert!(long.len() > 600, "{}", long.len());
    let items: Vec<ScoreItem> = (10..16)
        .map(|i| {
            let ids = [&long[..600], &tokens(&format!("{i} is it."))].concat();
            ScoreItem { scored: 601..ids.len(), ids }
        })
        .collect();
    let (slices, losses) = in_slices(&items, SharedBeginning::of(&items));
    assert_eq!(slices, [0, 0, 3, 3]);
    // A pass of few rows adds up in another order than one of many: some last digits of f32, which
    // grow to those of 16 bits where activations are rounded to them.
    let allowed = match (rounds_to_bf16(), multiplies_whole_numbers()) {
        (true, _) => 0.1,
        (false, true) => 5e-3,
        (false, false) => 1e-4,
    };
    let off = from_unshared(&items, &losses);
    assert!(off < allowed, "off by {off} nats");
}

//! An adapter that was promoted here must say the same in the program that a person uses it in.

use crate::common::reference::{ids, reference, reference_lines};
use crate::fixture::{model, smooth_model, smooth_precision, workplace};
use kaizen::adapters::{Error, ExportFormat, Registry};
use kaizen::config::Precision;
use kaizen::kernels::WrittenFormat;
use kaizen::model::adapter::AdapterFolder;
use kaizen::model::lora::{Lora, LoraConfig};
use kaizen::model::{Gguf, Model, Special};
use kaizen::runtime::{Runtime, Score, ScoreItem};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

/// PEFT's adapter where it is there, else one of random values of about its effect.
fn adapter() -> Lora {
    let model = model();
    if let Some(folder) = reference() {
        return AdapterFolder::new(folder.join("adapter-final")).load(&model).unwrap().lora;
    }
    let config = LoraConfig {
        rank: 4,
        alpha: 8.0,
        dropout: 0.0,
        targets: kaizen::config::Projection::ALL.to_vec(),
        rank_stabilised: false,
    };
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut lora = Lora::fresh(config, model.network.architecture(), &mut random);
    for place in lora.places().to_vec() {
        lora.parameters[place.b].iter_mut().for_each(|v| *v = random.random_range(-0.05..0.05));
    }
    lora
}

/// A registry with that adapter in it.
fn registry() -> (TempDir, Registry, String) {
    let (folder, workplace) = workplace();
    let name = workplace.registry().add(&adapter(), None, &model()).unwrap();
    (folder, workplace.registry(), name)
}

fn export(
    registry: &Registry,
    name: &str,
    to: &Path,
    format: ExportFormat,
) -> kaizen::adapters::Result<std::path::PathBuf> {
    let exported = registry.export(name, to, format, &model(), &AtomicBool::new(false))?;
    Ok(exported.file.unwrap_or(exported.folder))
}

/// Mean nats per scored token of each reference text that has any.
fn scores(model: Arc<Model>, lora: Option<Lora>) -> Vec<f64> {
    let items: Vec<ScoreItem> = reference_lines("score.jsonl")
        .iter()
        .map(|line| {
            let mask = ids(&line["score_mask"]);
            let first = mask.iter().position(|m| *m == 1).unwrap_or(0);
            let scored = first..first + mask.iter().filter(|m| **m == 1).count();
            ScoreItem { ids: ids(&line["token_ids"]), scored }
        })
        .filter(|item| !item.scored.is_empty())
        .collect();
    let runtime = Runtime::start(model, 2).unwrap();
    let losses = runtime.run(Score::new(items, lora.map(Arc::new)), |_| ()).unwrap();
    losses
        .iter()
        .map(|losses| losses.iter().map(|l| f64::from(*l)).sum::<f64>() / losses.len() as f64)
        .collect()
}

/// How far scores are from those wanted, in nats a token.
struct Off {
    /// Of the mean over texts.
    mean: f64,
    /// Of a text, on average.
    each: f64,
    /// Of a text, at most.
    greatest: f64,
}

fn off(what: &str, scores: &[f64], wanted: &[f64]) -> Off {
    assert_eq!(scores.len(), wanted.len());
    let count = scores.len() as f64;
    let differences: Vec<f64> = scores.iter().zip(wanted).map(|(a, b)| a - b).collect();
    let off = Off {
        mean: differences.iter().sum::<f64>().abs() / count,
        each: differences.iter().map(|d| d.abs()).sum::<f64>() / count,
        greatest: differences.iter().fold(0.0, |a, d| d.abs().max(a)),
    };
    println!(
        "{what}: the mean over {count} texts is off by {:.2e}, a text by {:.2e}, at most {:.2e}",
        off.mean, off.each, off.greatest
    );
    off
}

/// The bounds are on what is in the file, so nothing is rounded on the way to the scores. As the model
/// runs by default, two ways of computing the same differ by more where operands are rounded to 16
/// bits; there the bound is that of any score against PyTorch's.
#[test]
fn a_merged_file_is_a_whole_model_that_scores_as_base_and_adapter() {
    let (folder, registry, name) = registry();
    let wanted = scores(smooth_model(), Some(adapter()));
    let by_default = scores(model(), Some(adapter()));
    let effect = off("base without the adapter", &scores(smooth_model(), None), &wanted);
    assert!(effect.greatest > 0.05, "the adapter changes too little to be seen");
    // Of a single text Q8_0's rounding takes as much in other programs as here.
    for (format, allowed, of_each) in
        [(WrittenFormat::F16, 0.002, 0.002), (WrittenFormat::Q8_0, 0.01, 0.02)]
    {
        // Over the five short texts that come with the code Q8_0's rounding hardly averages out.
        let few = reference().is_none();
        let slack = if few && format == WrittenFormat::Q8_0 { 10.0 } else { 1.0 };
        let to = folder.path().join(format!("{format:?}"));
        let file = export(&registry, &name, &to, ExportFormat::Merged(format)).unwrap();
        let load = |precision| Model::load(&file, "merged", "0", precision, |_| ()).unwrap();
        let merged = load(Precision::Quantised);
        // Tokenizer and template came with it.
        let text = "<|im_start|>1 + 1, naïvely";
        assert_eq!(
            merged.tokenizer.encode(text, Special::AsText).unwrap(),
            model().tokenizer.encode(text, Special::AsText).unwrap()
        );
        assert_eq!(merged.template.hash(), model().template.hash());
        let found = scores(Arc::new(merged), None);
        let found = off(&format!("{format:?} by default"), &found, &by_default);
        assert!(found.mean < 0.06 && found.greatest < 0.3, "{format:?} by default");

        let found = scores(Arc::new(load(smooth_precision())), None);
        let found = off(&format!("{format:?}"), &found, &wanted);
        assert!(found.mean < slack * allowed && found.each < slack * of_each, "{format:?}");
    }
}

// If this fails, an export replaces a person's files or leaves half a model that looks like one.
#[test]
fn what_is_not_exported_leaves_nothing_behind() {
    let (folder, registry, name) = registry();
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let to = outside.join("out");
    let formats =
        [ExportFormat::Peft, ExportFormat::Lora, ExportFormat::Merged(WrittenFormat::Q8_0)];
    let entries = || std::fs::read_dir(&outside).unwrap().count();

    let stopped = AtomicBool::new(true);
    for format in &formats[1..] {
        let ended = registry.export(&name, &to, *format, &model(), &stopped);
        assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
        assert_eq!(entries(), 0);
    }

    let file = export(&registry, &name, &to, ExportFormat::Lora).unwrap();
    assert!(file.starts_with(&to));
    let lora = Gguf::open(&file).unwrap();
    assert_eq!(lora.str("kaizen.base.sha256").unwrap(), model().identity().sha256);
    let before = std::fs::read(&file).unwrap();
    for format in formats {
        let told = export(&registry, &name, &to, format).unwrap_err().to_string();
        assert!(told.contains("there already"), "{told}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(entries(), 1);

    // One that is damaged, one of another base.
    let adapter = registry.folder(&name).unwrap();
    let tensors = adapter.path().join("adapter_model.safetensors");
    let whole = std::fs::read(&tensors).unwrap();
    std::fs::write(&tensors, &whole[..whole.len() / 2]).unwrap();
    for format in formats {
        let told =
            export(&registry, &name, &outside.join("other"), format).unwrap_err().to_string();
        assert!(told.contains("damaged"), "{told}");
    }
    assert_eq!(entries(), 1);
}

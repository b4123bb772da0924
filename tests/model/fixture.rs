//! One loaded model for all tests, and small runs on it.

use crate::common::model_file::model_file;
use kaizen::config::{Precision, Projection};
use kaizen::eval::{Example, Provenance};
use kaizen::kernels::{multiplies_whole_numbers, rounds_to_bf16};
use kaizen::model::Model;
use kaizen::model::lora::LoraConfig;
use kaizen::runtime::Runtime;
use kaizen::store::Message;
use kaizen::train::{Schedule, TrainSettings};
use kaizen::workplace;
use kaizen::workplace::{Event, Material, Prepared, TrainRequest, Trained, Workplace};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// The model with its weights as the file has them.
pub fn model() -> Arc<Model> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    MODEL.get_or_init(|| Arc::new(loaded(Precision::Quantised))).clone()
}

/// The model for finite differences of its loss, which rounding on the way would drown.
pub fn smooth_model() -> Arc<Model> {
    static EXACT: OnceLock<Arc<Model>> = OnceLock::new();
    match smooth_precision() {
        Precision::F32 => EXACT.get_or_init(|| Arc::new(loaded(Precision::F32))).clone(),
        Precision::Quantised => model(),
    }
}

/// The precision in which nothing is rounded on the way, on this machine.
pub fn smooth_precision() -> Precision {
    match rounds_to_bf16() || multiplies_whole_numbers() {
        true => Precision::F32,
        false => Precision::Quantised,
    }
}

/// The model, loaded anew.
pub fn loaded(precision: Precision) -> Model {
    let file = model_file();
    let name = file.path.file_stem().unwrap().to_string_lossy();
    Model::load(&file.path, &name, &file.sha256, precision, |_| ()).unwrap()
}

/// A model thread of the test's own, always with the same number of threads.
pub fn runtime() -> Runtime {
    Runtime::start(model(), 2).unwrap()
}

/// A fresh home, gone with the first of the pair.
pub fn workplace() -> (TempDir, Workplace) {
    let folder = tempfile::tempdir().unwrap();
    let workplace = Workplace::open(folder.path(), None, None).unwrap();
    (folder, workplace)
}

/// Short examples with answers of different lengths.
pub fn examples(count: usize) -> Vec<Example> {
    let answers = ["Yes.", "No, never.", "Only on the first Monday of May.", "Ask again later."];
    (0..count)
        .map(|i| Example {
            id: format!("example-{i}"),
            area: "shell".into(),
            messages: vec![Message::system("Be brief."), Message::user(format!("Is {i} lucky?"))],
            answer: answers[i % answers.len()].into(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        })
        .collect()
}

/// A small and plain run: one epoch, one step of all examples at a constant rate.
pub fn settings() -> TrainSettings {
    TrainSettings {
        lora: LoraConfig {
            rank: 4,
            alpha: 8.0,
            dropout: 0.0,
            targets: Projection::ALL.to_vec(),
            rank_stabilised: false,
        },
        epochs: 1,
        batch_size: 4,
        accumulate: 1,
        learning_rate: 2e-4,
        schedule: Schedule::Constant,
        warmup: 0.0,
        clip: 0.0,
        weight_decay: 0.0,
        max_seq: 128,
        seed: 17,
        steps_per_epoch: None,
        checkpoint_steps: None,
        checkpoint_seconds: 3600,
        recompute: false,
    }
}

/// A run asked for with exactly these settings.
pub fn request(examples: Vec<Example>, settings: TrainSettings) -> TrainRequest {
    TrainRequest {
        material: Material::Examples(examples),
        init: None,
        settings,
        accumulation_is_default: false,
        shape_is_default: true,
        replay: 0.0,
        watch: Vec::new(),
        runs: None,
        keep_away: Default::default(),
    }
}

/// Trains to the end.
pub fn train(workplace: &Workplace, runtime: &Runtime, prepared: Prepared) -> Trained {
    workplace::run(workplace, runtime, prepared, |_| (), &mut |_: Event| ()).unwrap()
}

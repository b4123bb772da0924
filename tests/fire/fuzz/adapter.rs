//! An adapter's folder, which may come from anywhere.

use super::mutation::{Tally, cases, damaged};
use kaizen::config::Precision;
use kaizen::model::Model;
use kaizen::model::adapter::{AdapterFolder, AdapterMetadata};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// A folder in memory where there is one: a million files are written and read.
fn quick_folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    tempfile::tempdir_in(shared).unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

// If this fails, an adapter from elsewhere takes Kaizen down when it is listed or loaded.
#[test]
fn no_adapter_folder_makes_it_panic() {
    let tiny: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama");
    let model = Model::load(&tiny, "tiny", "0", Precision::F32, |_| ()).unwrap();
    let names = ["adapter_config.json", "adapter_model.safetensors", "metadata.json"];
    let loaded = AdapterFolder::new(tiny.join("adapter")).load(&model).unwrap();
    let folder = quick_folder();
    let adapter = AdapterFolder::new(folder.path());
    let metadata = AdapterMetadata {
        kaizen: "0.1.0".into(),
        created: "2026-11-23T12:00:00+00:00".into(),
        base: model.identity().clone(),
        parent: None,
        run: Some("run_20261123_120000".into()),
        data_sha256: "d".into(),
        examples: [("correction".to_owned(), 3)].into(),
        areas: vec!["shell".into()],
        example_ids: vec!["a".into(), "b".into(), "c".into()],
        prompts_sha256: Vec::new(),
        settings: serde_json::json!({"rank": 2, "targets": ["q", "v"]}),
        losses: vec![3.5, 2.25],
        evaluation: Some(serde_json::json!({"verdict": "accepted", "p": 0.01})),
        own_work: None,
    };
    adapter.write(&loaded.lora, Some(&metadata), &model).unwrap();
    let sound = names.map(|name| std::fs::read(folder.path().join(name)).unwrap());
    assert!(adapter.load(&model).unwrap().metadata.is_some());
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut tally = Tally::default();
    // Where the tensors' header ends: the rest are numbers, each of which may be any.
    let header = 8 + u64::from_le_bytes(sound[1][..8].try_into().unwrap()) as usize;
    for _ in 0..cases() {
        let which = random.random_range(0..names.len());
        let bytes = match which {
            1 => {
                let mut bytes = damaged(&sound[1][..header], &mut random);
                bytes.extend_from_slice(&sound[1][header..]);
                bytes
            }
            _ => damaged(&sound[which], &mut random),
        };
        std::fs::write(folder.path().join(names[which]), &bytes).unwrap();
        tally.case(&bytes, |_| {
            let listed = adapter.metadata().map(drop).map_err(|error| error.to_string());
            adapter.load(&model).map(drop).map_err(|error| error.to_string()).and(listed)
        });
        std::fs::write(folder.path().join(names[which]), &sound[which]).unwrap();
    }
    tally.means_something();
}

//! An adapter that is applied to what it was not made for gives wrong answers without any error.

use crate::fixture::{model, workplace};
use kaizen::adapters;
use kaizen::config::Projection;
use kaizen::model::adapter::{AdapterFolder, AdapterMetadata};
use kaizen::model::lora::{Lora, LoraConfig};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::path::Path;

fn config() -> LoraConfig {
    LoraConfig {
        rank: 1,
        alpha: 2.0,
        dropout: 0.0,
        targets: vec![Projection::Q, Projection::Down],
        rank_stabilised: false,
    }
}

/// An adapter that has never been trained: it changes nothing.
fn untrained() -> Lora {
    Lora::fresh(config(), model().network.architecture(), &mut ChaCha8Rng::seed_from_u64(3))
}

/// One that changes something.
fn trained() -> Lora {
    let mut lora = untrained();
    for place in lora.places().to_vec() {
        lora.parameters[place.b].fill(0.01);
    }
    lora
}

fn metadata() -> AdapterMetadata {
    AdapterMetadata {
        kaizen: "0".into(),
        created: "2026-01-01T00:00:00+00:00".into(),
        base: model().identity().clone(),
        parent: None,
        run: None,
        data_sha256: "0".into(),
        examples: [("file".to_owned(), 3)].into(),
        areas: vec!["shell".into()],
        example_ids: vec!["a".into()],
        prompts_sha256: vec!["0".into()],
        settings: json!({"rank": 1}),
        losses: vec![1.25],
        evaluation: None,
        own_work: None,
    }
}

/// Changes one value of a JSON file; `pointer` as in RFC 6901.
fn change(file: &Path, pointer: &str, value: Value) {
    let mut content: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    *content.pointer_mut(pointer).unwrap() = value;
    std::fs::write(file, content.to_string()).unwrap();
}

#[test]
fn an_adapter_comes_back_from_its_folder_as_it_was() {
    let (model, folder) = (model(), tempfile::tempdir().unwrap());
    let folder = AdapterFolder::new(folder.path());
    folder.write(&trained(), Some(&metadata()), &model).unwrap();
    let loaded = folder.load(&model).unwrap();
    assert_eq!(loaded.lora, trained());
    assert_eq!(loaded.metadata, Some(metadata()));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    for file in [
        "adapter_config.json",
        "adapter_model.safetensors",
        "metadata.json",
        "tokenizer_config.json",
    ] {
        assert!(folder.path().join(file).is_file(), "{file} is missing");
    }
}

#[test]
fn ours_on_another_base_or_template_and_files_that_do_not_fit_are_refused_by_name() {
    let model = model();
    let all = json!(["q_proj", "down_proj", "up_proj"]);
    let no_other = "0".repeat(64);
    for (file, pointer, value, named) in [
        ("metadata.json", "/base/sha256", json!(no_other), "another model"),
        ("metadata.json", "/base/template_sha256", json!(no_other), "another chat template"),
        ("metadata.json", "/losses", json!("many"), "damaged"),
        ("adapter_config.json", "/r", json!(2), "has shape"),
        ("adapter_config.json", "/target_modules", all, "is missing"),
        ("adapter_config.json", "/target_modules", json!(["q_proj"]), "is not expected"),
        ("adapter_config.json", "/use_dora", json!(true), "use_dora"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = AdapterFolder::new(folder.path());
        folder.write(&trained(), Some(&metadata()), &model).unwrap();
        change(&folder.path().join(file), pointer, value);
        let told = folder.load(&model).unwrap_err().to_string();
        assert!(told.contains(named) && !told.contains('\n'), "{file} {pointer}: {told}");
    }
    // Another model's shapes do not fit either, but that is not what helps a person.
    let folder = tempfile::tempdir().unwrap();
    let folder = AdapterFolder::new(folder.path());
    folder.write(&trained(), Some(&metadata()), &model).unwrap();
    change(&folder.path().join("metadata.json"), "/base/sha256", json!(no_other));
    change(&folder.path().join("adapter_config.json"), "/r", json!(2));
    let told = folder.load(&model).unwrap_err().to_string();
    assert!(told.contains("another model") && told.contains("--model"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let folder = AdapterFolder::new(folder.path());
    folder.write(&trained(), None, &model).unwrap();
    let tensors = folder.path().join("adapter_model.safetensors");
    let bytes = std::fs::read(&tensors).unwrap();
    std::fs::write(&tensors, &bytes[..bytes.len() / 2]).unwrap();
    assert!(folder.load(&model).unwrap_err().to_string().contains("damaged"));
    std::fs::remove_file(&tensors).unwrap();
    assert!(folder.load(&model).unwrap_err().to_string().contains("adapter_model.safetensors"));
}

/// One from elsewhere names its base only in words: it is used, and the person is told.
#[test]
fn an_adapter_without_metadata_is_taken_with_a_warning_where_the_names_differ() {
    let (model, folder) = (model(), tempfile::tempdir().unwrap());
    let folder = AdapterFolder::new(folder.path());
    folder.write(&trained(), None, &model).unwrap();
    assert_eq!(folder.load(&model).unwrap().warnings.len(), 1);
    let config = folder.path().join("adapter_config.json");
    change(&config, "/base_model_name_or_path", json!("someone/another-model"));
    let warnings = folder.load(&model).unwrap().warnings;
    assert!(warnings.iter().any(|w| w.contains("someone/another-model")), "{warnings:?}");
}

#[test]
fn an_adapter_that_changes_nothing_is_not_put_to_use() {
    let model = model();
    assert_eq!(model.effect_of(&untrained()).unwrap(), 0.0);
    let (_folder, workplace) = workplace();
    let registry = workplace.registry();
    let name = registry.add(&untrained(), None, &model).unwrap();
    assert!(matches!(registry.load(&name, &model), Err(adapters::Error::NoEffect(_))));
    let name = registry.add(&trained(), None, &model).unwrap();
    assert_eq!(registry.load(&name, &model).unwrap().lora, trained());
}

/// Two runs that end together must not overwrite each other's adapter.
#[test]
fn adapters_added_at_once_get_versions_of_their_own() {
    let model = model();
    let (_folder, workplace) = workplace();
    let mut names: Vec<String> = std::thread::scope(|scope| {
        let adders: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| workplace.registry().add(&trained(), None, &model).unwrap()))
            .collect();
        adders.into_iter().map(|adder| adder.join().unwrap()).collect()
    });
    names.sort();
    assert_eq!(names, ["lora-v1", "lora-v2", "lora-v3", "lora-v4"]);
    let listed = workplace.registry().list().unwrap();
    assert!(listed.len() == 4 && listed.iter().all(|a| a.damaged.is_none()));
    assert_eq!(std::fs::read_dir(workplace.home.adapters()).unwrap().count(), 4, "leftovers");
}

//! `kaizen adapters`.

use crate::kaizen::{Home, beside, keys, says, text};
use std::fs;

#[test]
fn versions_are_listed_and_shown() {
    let empty = Home::new();
    says(&empty.ok(&["adapters", "list"]).out, &["No adapters yet", "kaizen train"]);
    let none = empty.json(&["adapters", "list"]);
    assert_eq!(
        (none["adapters"].as_array().unwrap().len(), none["active"].as_str()),
        (0, Some("base"))
    );
    says(&empty.fails(&["adapters", "show", "lora-v1"]), &["no adapter `lora-v1`", "none yet"]);
    says(&empty.fails(&["adapters", "show", "../logs"]), &["no adapter"]);

    let home = &Home::trained().home;
    let listed = home.json(&["adapters", "list"]);
    let adapter = &listed["adapters"][0];
    assert_eq!(keys(adapter)[..4], ["name", "state", "base", "created"]);
    assert_eq!(
        (adapter["name"].as_str(), adapter["examples"].as_u64()),
        (Some("lora-v1"), Some(4))
    );
    assert_eq!(listed["arms"], serde_json::json!([{"adapter": "base", "share": 1.0}]));
    says(&home.ok(&["adapters", "list"]).out, &["lora-v1", "candidate"]);
    let shown = home.json(&["adapters", "show", "lora-v1"]);
    assert_eq!(shown["metadata"]["settings"]["lora"]["rank"], 2);
    says(&home.ok(&["adapters", "show", "lora-v1"]).out, &["\"data_sha256\"", "\"losses\""]);
}

// If this fails, an adapter that is taken elsewhere and brought back is not the one that was trained.
#[test]
fn an_exported_adapter_comes_back_as_it_was() {
    let trained = Home::trained();
    let home = Home::new();
    let out = text(&home.path("out"));
    let exported = trained.home.json(&["adapters", "export", "lora-v1", &out]);
    assert_eq!(
        (exported["name"].as_str(), exported["folder"].as_str()),
        (Some("lora-v1"), Some(&*out))
    );
    let told = trained.home.fails(&["adapters", "export", "lora-v1", &out]);
    says(&told, &["there already", "does not exist yet"]);
    assert_eq!(home.json(&["adapters", "import", &out]), serde_json::json!({"name": "lora-v1"}));
    assert_eq!(home.json(&["adapters", "import", &out])["name"], "lora-v2");
    assert!(home.tensors("lora-v2") == trained.tensors);
    let metadata =
        |folder: std::path::PathBuf| fs::read_to_string(folder.join("metadata.json")).unwrap();
    assert_eq!(
        metadata(home.home("adapters/lora-v2")),
        metadata(trained.home.home("adapters/lora-v1"))
    );
}

#[test]
fn an_adapter_of_another_trainer_is_taken_with_a_warning() {
    let Some(reference) = beside("KAIZEN_REFERENCE", "reference") else { return };
    let home = Home::new();
    let from = text(&reference.join("adapter-final"));
    let imported = home.ok(&["adapters", "import", &from, "--json"]);
    assert_eq!(imported.json()["name"], "lora-v1");
    says(&imported.err, &["stores no chat template"]);
    let base = home.json(&["run", "Hello", "--greedy", "--max-tokens", "4", "--adapter", "base"]);
    let adapted =
        home.json(&["run", "Hello", "--greedy", "--max-tokens", "4", "--adapter", "lora-v1"]);
    assert_ne!(base["text"], adapted["text"]);
    says(&home.ok(&["adapters", "show", "lora-v1"]).out, &["came from elsewhere"]);
}

// If this fails, a broken adapter is used, or hides the sound ones.
#[test]
fn a_damaged_adapter_is_named_and_leaves_nothing_behind() {
    let home = Home::new();
    let out = home.path("out");
    Home::trained().home.ok(&["adapters", "export", "lora-v1", &text(&out)]);
    let tensors = fs::read(out.join("adapter_model.safetensors")).unwrap();
    for (content, why) in [
        (b"garbage".to_vec(), "adapter_model.safetensors"),
        (tensors[..tensors.len() / 2].to_vec(), "adapter_model.safetensors"),
        (Vec::new(), "adapter_model.safetensors"),
    ] {
        fs::write(out.join("adapter_model.safetensors"), content).unwrap();
        says(
            &home.fails(&["adapters", "import", &text(&out)]),
            &["cannot use the adapter file", why],
        );
    }
    fs::write(out.join("adapter_model.safetensors"), tensors).unwrap();
    fs::write(out.join("adapter_config.json"), "{").unwrap();
    says(&home.fails(&["adapters", "import", &text(&out)]), &["adapter_config.json"]);
    says(&home.fails(&["adapters", "import", &text(&home.path(""))]), &["not an adapter folder"]);
    says(&home.fails(&["adapters", "import", "nowhere"]), &["not an adapter folder", "nowhere"]);
    let left: Vec<_> = home.home("adapters").read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

// If this fails, what is known of a removed adapter, stars and verdicts among it, is said of the next one.
#[test]
fn the_number_of_a_removed_adapter_that_served_is_not_given_again() {
    let home = Home::new();
    let from = text(&Home::trained().home.home("adapters/lora-v1"));
    assert_eq!(home.json(&["adapters", "import", &from])["name"], "lora-v1");
    home.ok(&["adapters", "promote", "lora-v1"]);
    fs::remove_dir_all(home.home("adapters/lora-v1")).unwrap();
    assert_eq!(home.json(&["adapters", "import", &from])["name"], "lora-v2");
}

//! `kaizen doctor`.

use crate::kaizen::{Home, says};
use std::fs;

#[test]
fn a_sound_place_is_said_to_be_sound() {
    let home = Home::new();
    let report = home.json(&["doctor"]);
    assert_eq!(report["ok"], true);
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in [
        "config",
        "disk",
        "database",
        "cpu",
        "device",
        "memory",
        "model",
        "tokenizer",
        "training",
        "left over",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert!(checks.iter().all(|check| check["ok"] == true && check["detail"].is_string()));
}

// If this fails, doctor calls a broken place sound, and the person looks elsewhere.
#[test]
fn what_is_broken_is_named_and_the_answer_is_no() {
    let home = Home::new();
    fs::create_dir_all(home.home("kaizen.db")).unwrap();
    let model = home.file("model.gguf", "no model");
    let ended = home.run(&["doctor", "--model", &model]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    says(&ended.out, &["FAIL  database", "cannot open the index", "FAIL  model", "model.gguf"]);
    assert!(!ended.out.contains("training"), "{}", ended.out);
    fs::write(home.home("config.toml"), "kaizen = 1\n[train]\nranks = 3\n").unwrap();
    says(&home.fails(&["doctor"]), &["config.toml, line 3", "unknown key `train.ranks`"]);
}

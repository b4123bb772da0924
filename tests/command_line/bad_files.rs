//! Damaged models, sessions and databases: named, and what was there before still is.

#[allow(dead_code)]
#[path = "../common/gguf_file.rs"]
pub mod gguf_file;

use crate::kaizen::{Home, says};
use crate::sessions::session;
use gguf_file::GgufFile;
use kaizen::config::Config;
use kaizen::model::source::{ModelFiles, Silent};
use std::fs;
use std::io::Read;

/// The default model's file, as Kaizen itself finds it.
fn model() -> std::path::PathBuf {
    let home = tempfile::tempdir().unwrap();
    let files = ModelFiles::for_user(home.path()).unwrap();
    files.locate(&Config::default().model, None, &Silent).unwrap().path
}

#[test]
fn a_file_that_is_no_model_is_named_with_the_reason() {
    let home = Home::new();
    let mut beginning = vec![0; 3 << 20];
    fs::File::open(model()).unwrap().read_exact(&mut beginning).unwrap();
    let other = GgufFile::default().text("general.architecture", "mamba").to_bytes();
    for (name, content, words) in [
        ("text.gguf", b"this is no model at all, only text".to_vec(), &["text.gguf", "GGUF"][..]),
        ("empty.gguf", Vec::new(), &["empty.gguf"]),
        ("cut.gguf", beginning, &["cut.gguf", "cut off", "fetch it again"]),
        ("mamba.gguf", other, &["mamba", "not supported", "llama"]),
    ] {
        let file = home.file(name, content);
        for command in
            [&["run", "hi", "--model", &file][..], &["--model", &file, "weak", "--set", "none"]]
        {
            if command[0] == "run" {
                says(&home.fails(command), words);
            } else {
                // The set is read first: a mistake in the arguments costs no loading.
                says(&home.fails(command), &["cannot read none"]);
            }
        }
    }
    says(
        &home.fails(&["run", "hi", "--model", "nowhere.gguf"]),
        &["nowhere.gguf", "check the path"],
    );
    says(&home.fails(&["run", "hi", "--model", "what is this"]), &["what is this"]);
    assert_eq!(home.json(&["sessions", "list"]), serde_json::json!({"sessions": []}));
}

// If this fails, one damaged session hides the others, or is written over.
#[test]
fn a_damaged_session_is_named_and_left_as_it_is() {
    let home = Home::new();
    let ids = ["session_20251101_000001", "session_20251101_000002"];
    for id in ids {
        home.file(&format!("home/logs/{id}/session.json"), session(id, "a task", "null"));
    }
    let damaged = home.home("logs").join(ids[0]).join("session.json");
    fs::write(&damaged, "{\"session_id\":").unwrap();
    says(&home.fails(&["sessions", "show", ids[0]]), &["session.json", "damaged", "cut short"]);
    says(&home.fails(&["rate", ids[0], "3"]), &["session.json", "damaged"]);
    assert_eq!(fs::read_to_string(&damaged).unwrap(), "{\"session_id\":");
    home.ok(&["rate", ids[1], "3"]);
    let listed = home.json(&["sessions", "list"])["sessions"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["id"], ids[1]);
}

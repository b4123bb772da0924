//! `kaizen adapters export --format gguf` and `gguf-lora`: what a person takes to llama.cpp or ollama.

use crate::kaizen::{Home, says, text};
use kaizen::model::Gguf;
use std::fs;
use std::path::Path;

#[test]
fn a_merged_model_is_a_model_that_kaizen_itself_runs() {
    let trained = &Home::trained().home;
    let home = Home::new();
    for (flags, file_type, ending) in
        [(&[][..], 1, "lora-v1-F16.gguf"), (&["--type", "q8_0"], 7, "lora-v1-Q8_0.gguf")]
    {
        let out = text(&home.path(ending).join("new"));
        let asked = ["adapters", "export", "lora-v1", &out, "--format", "gguf"];
        let exported = trained.json(&[&asked[..], flags].concat());
        let file = exported["file"].as_str().unwrap().to_owned();
        assert!(file.ends_with(ending) && Path::new(&file).parent() == Some(Path::new(&out)));
        assert_eq!(exported["bytes"].as_u64(), Some(fs::metadata(&file).unwrap().len()));
        let gguf = Gguf::open(Path::new(&file)).unwrap();
        assert_eq!(gguf.usize("general.file_type").unwrap(), file_type);
        assert!(gguf.str("general.name").unwrap().ends_with(" lora-v1"));
        let answered =
            home.json(&["--model", &file, "run", "Hello", "--greedy", "--max-tokens", "4"]);
        assert!(!answered["text"].as_str().unwrap().is_empty(), "{answered}");
        // An adapter belongs to the model that it was trained on, and this is another.
        let there = text(&trained.home("adapters/lora-v1"));
        let told = home.fails(&["--model", &file, "adapters", "import", &there]);
        says(&told, &["trained on another model", "--model"]);
    }
}

#[test]
fn a_lora_file_says_what_it_belongs_to() {
    let trained = &Home::trained().home;
    let home = Home::new();
    let out = text(&home.path("out"));
    let asked = ["adapters", "export", "lora-v1", &out, "--format", "gguf-lora"];
    says(&trained.ok(&asked).out, &["lora-v1 is in", "LoRA-F32.gguf", "llama-cli -m", "--lora"]);
    let told = trained.fails(&asked);
    says(&told, &["there already", "does not exist yet"]);
    let unknown = text(&home.path("other"));
    says(&trained.fails(&["adapters", "export", "lora-v9", &unknown]), &["no adapter `lora-v9`"]);
    for format in ["peft", "gguf-lora"] {
        let flags =
            ["adapters", "export", "lora-v1", &unknown, "--format", format, "--type", "f16"];
        let ended = trained.run(&flags);
        assert_eq!(ended.code, 2, "{}", ended.err);
        says(&ended.err, &["--type is for --format gguf alone"]);
    }
    assert!(!home.path("other").exists());
}

// If this fails, an adapter is folded into a model that it was not made for, and nobody is told.
#[test]
fn one_of_another_base_is_exported_in_no_format() {
    let trained = &Home::trained().home;
    let home = Home::new();
    let moved = home.home("adapters/lora-v1");
    home.ok(&["adapters", "list"]);
    trained.ok(&["adapters", "export", "lora-v1", &text(&moved)]);
    let metadata = moved.join("metadata.json");
    let changed =
        fs::read_to_string(&metadata).unwrap().replace("\"sha256\": \"", "\"sha256\": \"0");
    fs::write(&metadata, changed).unwrap();
    for format in ["peft", "gguf", "gguf-lora"] {
        let out = text(&home.path("out"));
        let told = home.fails(&["adapters", "export", "lora-v1", &out, "--format", format]);
        says(&told, &["another model"]);
        assert!(!home.path("out").exists());
    }
}

//! A model folder comes from anywhere: what is sound must be read exactly, what is not must be named in
//! one line, with the file that it is about.
#![allow(clippy::unwrap_used)]

mod common;

use common::model_folder::{ModelFolder, Weights, bytes_of};
use kaizen::kernels::BlockFormat;
use kaizen::model::SafetensorsFolder;
use serde_json::json;

fn weights() -> Weights {
    Weights::default()
        .tensor("norm", "F32", &[3], &[1; 12])
        .tensor("matrix", "BF16", &[2, 4], &[2; 16])
        .tensor("half", "F16", &[5, 3], &[3; 30])
        .tensor("quantised", "F8_E4M3", &[2, 2], &[4; 4])
        .tensor("packed", "I32", &[1, 1], &[5; 4])
        .tensor("new", "F3_NEW", &[7], &[6; 3])
        .tensor("one", "F32", &[], &[7; 4])
}

fn whole(bytes: &[u8]) -> ModelFolder {
    ModelFolder::default().file("model.safetensors", bytes)
}

/// Two shards and their index.
fn sharded() -> ModelFolder {
    let [a, b] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let index =
        json!({ "metadata": { "total_size": 24 }, "weight_map": { "x": a, "y": b, "z": b } });
    ModelFolder::default()
        .file("model.safetensors.index.json", index.to_string())
        .file(a, Weights::default().tensor("x", "F32", &[2], &[1; 8]).to_bytes())
        .file(
            b,
            Weights::default()
                .tensor("y", "F16", &[4], &[2; 8])
                .tensor("z", "BF16", &[4, 1], &[3; 8])
                .to_bytes(),
        )
}

fn reason(folder: &ModelFolder) -> String {
    let (_folder, opened) = folder.open();
    let message = opened.unwrap_err().to_string();
    assert!(!message.contains('\n'), "more than one line: {message}");
    message
}

#[test]
fn what_was_written_is_read() {
    let (folder, opened) = whole(&weights().to_bytes()).open();
    let opened = opened.unwrap();
    for (name, kind, shape, bytes) in [
        ("norm", BlockFormat::F32, vec![3], vec![1; 12]),
        ("matrix", BlockFormat::BF16, vec![2, 4], vec![2; 16]),
        ("half", BlockFormat::F16, vec![5, 3], vec![3; 30]),
        ("one", BlockFormat::F32, vec![], vec![7; 4]),
    ] {
        let info = opened.tensor(name).unwrap();
        assert_eq!((info.kind, &info.shape), (kind, &shape), "{name}");
        assert_eq!(opened.read(info).unwrap(), bytes, "{name}");
    }
    assert_eq!(opened.path(), folder.path());
    assert_eq!(opened.config()["model_type"], "llama");
    assert_eq!(opened.names().count(), 7);
    assert_eq!(opened.bytes(), weights().to_bytes().len() as u64);
}

#[test]
fn shards_are_one_model() {
    let (folder, opened) = sharded().file("tokenizer.json", "{}").file("notes.txt", "").open();
    let opened = opened.unwrap();
    for (name, bytes) in [("x", [1; 8]), ("y", [2; 8]), ("z", [3; 8])] {
        assert_eq!(opened.read(opened.tensor(name).unwrap()).unwrap(), bytes);
    }
    let names = opened.files().iter().map(|path| path.strip_prefix(folder.path()).unwrap());
    let names: Vec<_> = names.map(|name| name.to_str().unwrap()).collect();
    let wanted = [
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
    ];
    assert_eq!(names, wanted, "all that decides what the model says, and nothing else");
    assert_eq!(opened.text("tokenizer.json").unwrap().as_deref(), Some("{}"));
    assert_eq!(opened.text("tokenizer_config.json").unwrap(), None);
    let latin = sharded().file("tokenizer.json", [0xff]).open();
    let message = latin.1.unwrap().text("tokenizer.json").unwrap_err().to_string();
    assert!(message.contains("tokenizer.json is not valid UTF-8"), "{message}");
}

#[test]
fn what_is_missing_or_half_fetched_is_named() {
    let second = "model-00002-of-00002.safetensors";
    assert!(reason(&ModelFolder { files: vec![] }).contains("config.json is missing"));
    let folder = ModelFolder::default();
    assert!(reason(&folder).contains("model.safetensors is missing"));
    let begun = folder.clone().file("model.safetensors.incomplete", "");
    assert!(reason(&begun).contains("model.safetensors was not fetched to its end"));
    assert!(reason(&folder.file("pytorch_model.bin", "")).contains("pytorch_model.bin"));
    let lacking = sharded().without(second);
    assert!(reason(&lacking).contains(&format!("{second} is missing")));
    let begun = lacking.file(&format!("{second}.incomplete"), "");
    assert!(reason(&begun).contains(&format!("{second} was not fetched to its end")));
    let poorer = Weights::default().tensor("y", "F16", &[4], &[2; 8]).to_bytes();
    let message = reason(&sharded().file(second, poorer));
    assert!(message.contains(second) && message.contains("lacks tensor \"z\""), "{message}");
    let twice = Weights::default().tensor("x", "F32", &[1], &[0; 4]).to_bytes();
    assert!(reason(&sharded().file(second, twice)).contains("\"x\" stands in"));
    let folder = tempfile::tempdir().unwrap();
    let absent = SafetensorsFolder::open(&folder.path().join("absent")).unwrap_err();
    assert!(absent.to_string().contains("config.json is missing"));
}

#[test]
fn a_configuration_that_is_none_is_named() {
    for config in ["", "[1]", "{", "\u{feff}{}"] {
        let message = reason(&whole(&weights().to_bytes()).file("config.json", config));
        assert!(message.contains("config.json"), "{message}");
    }
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20));
    let message = reason(&whole(&weights().to_bytes()).file("config.json", large));
    assert!(message.contains("config.json has"), "{message}");
}

#[test]
fn a_file_cut_off_anywhere_is_refused_and_says_how_much_is_missing() {
    let bytes = weights().to_bytes();
    for length in 0..bytes.len() {
        let message = reason(&whole(&bytes[..length]));
        assert!(message.contains("model.safetensors: it is cut off"), "{length}: {message}");
    }
    assert!(reason(&whole(&bytes[..bytes.len() - 11])).contains("11 are missing"));
    let longer = [bytes.as_slice(), &[0; 5]].concat();
    assert!(reason(&whole(&longer)).contains("5 bytes that belong to no tensor"));
}

#[test]
fn impossible_headers_are_refused() {
    let huge = [u64::MAX.to_le_bytes().as_slice(), b"{}"].concat();
    assert!(reason(&whole(&huge)).contains("no safetensors file"));
    assert!(reason(&whole(b"<html>not found</html>")).contains("no safetensors file"));
    for (header, what) in [
        ("[]", "does not begin"),
        (" {}", "does not begin"),
        ("{", "cannot be read"),
        ("{\"a\": 1}", "cannot be read"),
        ("{\"a\": {\"dtype\": \"F32\"}}", "shape"),
        (r#"{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}"#, "cannot be read"),
        (r#"{"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}}"#, "cannot be read"),
        (r#"{"a": {"dtype": "F32", "shape": [1,1,1,1,1,1,1,1,1], "data_offsets": [0, 4]}}"#, "8"),
        (r#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}"#, "ends before"),
        (r#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}}"#, "gap"),
        (r#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}"#, "4 bytes, not 8"),
        (r#"{"a": {"dtype": "F3_NEW", "shape": [2], "data_offsets": [0, 9]}}"#, "missing"),
        (
            r#"{"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 4]}}"#,
            "impossible size",
        ),
        (
            r#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 18446744073709551615]}}"#,
            "cut off",
        ),
        (r#"{"a\n": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}"#, "plain text"),
        (
            r#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}}"#,
            "twice",
        ),
        (
            r#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F16", "shape": [1], "data_offsets": [2, 4]}}"#,
            "over another",
        ),
    ] {
        let message = reason(&whole(&bytes_of(header, &[0; 4])));
        assert!(message.contains(what), "{header}: {message}");
    }
    let padded = r#"{"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}   "#;
    assert!(whole(&bytes_of(padded, &[0; 4])).open().1.is_ok());
}

#[test]
fn a_type_that_we_lack_is_named_when_its_tensor_is_asked_for() {
    let config = r#"{"quantization_config": {"quant_method": "gptq"}}"#;
    let (_folder, opened) = whole(&weights().to_bytes()).file("config.json", config).open();
    let opened = opened.unwrap();
    for (name, dtype) in [("quantised", "F8_E4M3"), ("packed", "I32"), ("new", "F3_NEW")] {
        assert!(opened.contains(name));
        let message = opened.tensor(name).unwrap_err().to_string();
        assert!(message.contains(dtype) && message.contains("BF16"), "{message}");
        assert!(message.contains("gptq"), "{message}");
    }
    let message = opened.tensor("layer.weight").unwrap_err().to_string();
    assert!(message.contains("\"layer.weight\"") && message.contains("gptq"), "{message}");
}

#[test]
fn a_tensor_description_from_elsewhere_cannot_read_past_the_end() {
    let (_folder, opened) = whole(&weights().to_bytes()).open();
    let opened = opened.unwrap();
    let mut info = opened.tensor("half").unwrap().clone();
    info.bytes = usize::MAX;
    assert!(opened.read(&info).is_err());
    info.offset = u64::MAX;
    assert!(opened.read(&info).is_err());
}

#[test]
fn a_shard_outside_the_folder_is_never_opened() {
    for name in ["../secret.safetensors", "/etc/passwd", "a/b.safetensors"] {
        let index = json!({ "weight_map": { "x": name } }).to_string();
        let folder = ModelFolder::default().file("model.safetensors.index.json", index);
        assert!(reason(&folder).contains("no safetensors file beside it"));
    }
}

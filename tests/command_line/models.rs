//! What is on a machine, chosen and fetched: on stores made here, never on those of whoever runs the tests.

use crate::bad_files::gguf_file::{Field, GgufFile};
use crate::kaizen::{Ended, Home, says, text};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A machine with nothing on it but what the test puts there.
struct Machine {
    home: Home,
}

impl Machine {
    fn new() -> Self {
        Self { home: Home::new() }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let at = |name: &str| self.home.path("user").join(name);
        let mut command = self.home.command();
        command
            .args(arguments)
            .env("HOME", at(""))
            .env("XDG_CACHE_HOME", at(".cache"))
            .env("HF_HOME", at("hf"))
            .env("OLLAMA_MODELS", at("ollama"))
            .env("LLAMA_CACHE", at("llama"))
            .env("HF_HUB_OFFLINE", "1")
            .env_remove("HF_HUB_CACHE")
            .env_remove("HUGGINGFACE_HUB_CACHE");
        Ended::of(command.output().unwrap())
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        self.home.file(&format!("user/{name}"), content)
    }

    fn list(&self) -> Value {
        let ended = self.run(&["models", "list", "--json"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.json()
    }

    /// One model of the list.
    fn listed(&self, name: &str) -> Value {
        let models = self.list()["models"].as_array().unwrap().clone();
        let found = models.iter().find(|model| model["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in {models:?}")).clone()
    }

    fn ollama(&self, name: &str, tag: &str, digest: &str) {
        let manifest = json!({"layers": [{
            "mediaType": "application/vnd.ollama.image.model",
            "digest": format!("sha256:{digest}"),
        }]});
        let path = format!("ollama/manifests/registry.ollama.ai/library/{name}/{tag}");
        self.put(&path, manifest.to_string());
    }

    fn config(&self) -> Option<String> {
        fs::read_to_string(self.home.home("config.toml")).ok()
    }
}

/// A very small llama.
fn llama() -> GgufFile {
    let number = |value| Field::U32(value);
    let tokens: Vec<String> = (0..48).map(|id| format!("token{id}")).collect();
    let mut file = GgufFile::default()
        .text("general.architecture", "llama")
        .text("general.name", "Tiny\u{1b}[2J")
        .field("general.file_type", number(2))
        .field("llama.block_count", number(2))
        .field("llama.context_length", number(128))
        .field("llama.embedding_length", number(32))
        .field("llama.feed_forward_length", number(64))
        .field("llama.attention.head_count", number(4))
        .field("llama.attention.layer_norm_rms_epsilon", Field::F32(1e-5))
        .text("tokenizer.ggml.model", "gpt2")
        .field("tokenizer.ggml.tokens", Field::Texts(tokens))
        .field("tokenizer.ggml.merges", Field::Texts(Vec::new()));
    let mut tensors: Vec<(String, Vec<u64>)> = vec![
        ("token_embd.weight".to_owned(), vec![32, 48]),
        ("output_norm.weight".to_owned(), vec![32]),
    ];
    for layer in 0..2 {
        let shapes: [(&str, &[u64]); 9] = [
            ("attn_norm", &[32]),
            ("ffn_norm", &[32]),
            ("attn_q", &[32, 32]),
            ("attn_k", &[32, 32]),
            ("attn_v", &[32, 32]),
            ("attn_output", &[32, 32]),
            ("ffn_gate", &[32, 64]),
            ("ffn_up", &[32, 64]),
            ("ffn_down", &[64, 32]),
        ];
        let named =
            |(name, shape): (&str, &[u64])| (format!("blk.{layer}.{name}.weight"), shape.to_vec());
        tensors.extend(shapes.map(named));
    }
    for (name, shape) in tensors {
        let bytes = vec![0; shape.iter().product::<u64>() as usize * 4];
        file = file.tensor(&name, &shape, 0, &bytes);
    }
    file
}

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

// If this fails, a person does not see what they have, or is not told why it is of no use.
#[test]
fn every_store_is_listed_with_what_can_be_used_and_why_not() {
    let machine = Machine::new();
    let empty = machine.list();
    assert_eq!(empty["models"], json!([]));
    assert!(empty["recommended"].as_array().unwrap().len() >= 6);

    let whole = llama().to_bytes();
    machine.put("hf/hub/models--owner--repo/refs/main", "c1");
    machine.put("hf/hub/models--owner--repo/snapshots/c1/m.Q4_0.gguf", &whole);
    machine.put("hf/hub/models--owner--repo/blobs/x.incomplete", "GG");
    machine.put(".lmstudio/models/p/r/cut.gguf", &whole[..whole.len() - 64]);
    machine.put(
        "llama/bert.gguf",
        GgufFile::default().text("general.architecture", "bert").to_bytes(),
    );
    machine.put(&format!("ollama/blobs/sha256-{A}"), &whole);
    machine.ollama("tiny", "1b", A);
    machine.ollama("gone", "1b", B);
    machine.home.file("home/config.toml", "kaizen = 1\n[model]\npaths = [\"mine\", \"none\"]\n");
    machine.home.file("home/mine/own.gguf", "no model");

    let model = machine.listed("owner/repo:m.Q4_0.gguf");
    for (key, value) in [
        ("where", json!("hub")),
        ("architecture", json!("llama")),
        ("title", json!("Tiny")),
        ("parameters", json!(22_176)),
        ("quantisation", json!("Q4_0")),
        ("context", json!(128)),
        ("bytes", json!(whole.len())),
        ("supported", json!(true)),
        ("why", Value::Null),
        ("default", json!(false)),
        ("adapters", json!([])),
    ] {
        assert_eq!(model[key], value, "{key}");
    }
    if !machine.list()["free_mib"].is_null() {
        assert!(
            ["fits", "tight", "does not fit"].contains(&model["fits_training"].as_str().unwrap())
        );
    }
    assert!(model["training_mib"].as_u64() > model["running_mib"].as_u64());
    assert!(Path::new(model["path"].as_str().unwrap()).is_file());
    assert_eq!(machine.listed("ollama:tiny:1b")["supported"], true);
    for (name, words) in [
        ("owner/repo (half-downloaded)", "half-downloaded"),
        ("p/r/cut.gguf", "64 are missing"),
        ("bert.gguf", "embedding"),
        ("ollama:gone:1b", "is gone from ollama's store"),
        ("own.gguf", "no GGUF file"),
    ] {
        let model = machine.listed(name);
        assert_eq!(model["supported"], false, "{name}");
        assert!(model["why"].as_str().unwrap().contains(words), "{model}");
    }
    says(machine.list()["unreadable"][0].as_str().unwrap(), &["none: it is not there"]);

    let shown = machine.run(&["models", "list"]);
    says(&shown.out, &["owner/repo:m.Q4_0.gguf", "not supported", "bert.gguf: an embedding model"]);
    says(&shown.out, &["MiB that are free now"]);
    assert!(!shown.out.contains('\u{1b}'));
}

#[test]
fn one_is_made_the_default_and_the_comments_stay() {
    let machine = Machine::new();
    let whole = llama().to_bytes();
    machine.put(&format!("ollama/blobs/sha256-{A}"), &whole);
    machine.ollama("tiny", "1b", A);
    let chosen = machine.run(&["models", "use", "tiny", "--json"]).json();
    assert_eq!(chosen["default"], "ollama:tiny:1b");
    assert_eq!(machine.config().unwrap(), "kaizen = 1\n\n[model]\ndefault = \"ollama:tiny:1b\"\n");
    assert_eq!(machine.listed("ollama:tiny:1b")["default"], true);

    let mine = "kaizen = 1 # my home\n\n[model] # which\ndefault = \"sources\" # for now\n\n[train]\nrank = 4\n";
    machine.home.file("home/config.toml", mine);
    machine.put("llama/one.gguf", &whole);
    says(&machine.run(&["models", "use", "one"]).out, &["one.gguf", "config.toml"]);
    let path = text(&machine.home.path("user/llama/one.gguf"));
    assert_eq!(machine.config().unwrap(), mine.replace("\"sources\"", &format!("{path:?}")));
    assert_eq!(machine.listed("one.gguf")["default"], true);
    assert_eq!(machine.listed("ollama:tiny:1b")["default"], false);
    machine.run(&["models", "use", "sources"]);
    assert_eq!(machine.config().unwrap(), mine);
}

#[test]
fn what_cannot_be_used_is_not_made_the_default() {
    let machine = Machine::new();
    let whole = llama().to_bytes();
    machine.put("llama/a/small.gguf", &whole);
    machine.put("llama/b/small.gguf", &whole);
    machine.put("llama/bad.gguf", "no model");
    machine.ollama("gone", "1b", B);
    let refused = |name: &str| machine.run(&["models", "use", name]).failed();
    says(&refused("small"), &["a/small.gguf, b/small.gguf", "name one of them"]);
    says(&refused("bad"), &["bad.gguf cannot be used", "no GGUF file"]);
    says(&refused("gone"), &["ollama:gone:1b cannot be used", "pull it again"]);
    says(&refused("owner/repo"), &["no model owner/repo", "models get"]);
    assert_eq!(machine.config(), None);
    let config = "[train]\nrank = 0\n";
    machine.home.file("home/config.toml", config);
    says(&machine.run(&["models", "use", "a/small"]).failed(), &["config.toml, line 2"]);
    assert_eq!(machine.config().unwrap(), config);
}

// If this fails, a default that was chosen long ago fails with words that help nobody.
#[test]
fn a_default_that_vanished_is_named() {
    let machine = Machine::new();
    machine.put(&format!("ollama/blobs/sha256-{A}"), llama().to_bytes());
    machine.ollama("tiny", "1b", A);
    assert_eq!(machine.run(&["models", "use", "ollama:tiny:1b"]).code, 0);
    fs::remove_file(machine.home.path(&format!("user/ollama/blobs/sha256-{A}"))).unwrap();
    let told = machine.run(&["tokenize"]).failed();
    says(&told, &["ollama:tiny:1b", "gone from ollama's store; pull it again"]);
    assert_eq!(machine.run(&["models", "list"]).code, 0, "the list still helps");
}

#[test]
fn get_takes_names_of_the_hub_alone() {
    let machine = Machine::new();
    let ended = machine.run(&["models", "get", "gpt2"]);
    assert_eq!(ended.code, 2);
    says(&ended.err, &["gpt2 is no name on the hub", "owner/repo"]);
    for name in ["owner/repo:x.gguf", "qwen3-0.6b"] {
        says(&machine.run(&["models", "get", name]).failed(), &["HF_HUB_OFFLINE is set"]);
    }
}

// What another program has in the hub's cache is taken from there, and is what the cache says it is.
#[test]
#[cfg(unix)]
fn get_uses_what_the_hubs_cache_has() {
    let machine = Machine::new();
    let whole = llama().to_bytes();
    machine.put("hf/hub/models--owner--repo/refs/main", "c1");
    machine.put("hf/hub/models--owner--repo/blobs/e1", &whole);
    machine.put("hf/hub/models--owner--repo/snapshots/c1/README.md", "");
    let link = machine.home.path("user/hf/hub/models--owner--repo/snapshots/c1/m.gguf");
    std::os::unix::fs::symlink("../../blobs/e1", &link).unwrap();
    let fetched = machine.run(&["models", "get", "owner/repo:m.gguf", "--json"]).json();
    assert_eq!(fetched["name"], "owner/repo:m.gguf");
    assert_eq!(fetched["bytes"], whole.len());
    assert_eq!(fetched["supported"], true);
    assert_eq!(fetched["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(machine.listed("owner/repo:m.gguf")["where"], "kaizen", "listed once");
    assert_eq!(machine.list()["models"].as_array().unwrap().len(), 1);
    machine.run(&["models", "use", "owner/repo:m.gguf"]);
    says(&machine.config().unwrap(), &["\"owner/repo:m.gguf\""]);
    assert_eq!(machine.listed("owner/repo:m.gguf")["default"], true);
}

// If this fails, an adapter is taken for one of a model that it was not trained on.
#[test]
fn adapters_are_told_by_the_model_they_belong_to() {
    let machine = Machine::new();
    machine.put(&format!("ollama/blobs/sha256-{A}"), llama().to_bytes());
    machine.ollama("tiny", "1b", A);
    machine.put("llama/one.gguf", llama().to_bytes());
    for (version, name, sha256) in [("lora-v1", "tiny-1b", A), ("lora-v2", "one", B)] {
        let metadata = json!({
            "kaizen": "0", "created": "2026-11-23T12:00:00Z", "data_sha256": "", "examples": {},
            "settings": {}, "losses": [],
            "base": {"name": name, "sha256": sha256, "template_sha256": ""},
        });
        machine.home.file(&format!("home/adapters/{version}/metadata.json"), metadata.to_string());
    }
    machine.home.file("home/adapters/lora-v3/adapter_config.json", "{}");
    assert_eq!(machine.run(&["models", "use", "tiny:1b"]).code, 0);
    assert_eq!(machine.listed("ollama:tiny:1b")["adapters"], json!(["lora-v1"]));
    // Its checksum is not known, so the name is all there is to go by.
    assert_eq!(machine.listed("one.gguf")["adapters"], json!(["lora-v2"]));
    let listed = machine.run(&["adapters", "list", "--json"]).json();
    let fits: Vec<&Value> =
        listed["adapters"].as_array().unwrap().iter().map(|adapter| &adapter["fits"]).collect();
    assert_eq!(fits, [&json!(true), &json!(false), &Value::Null]);
    let shown = machine.run(&["adapters", "list"]).out;
    says(&shown, &["fits", "was trained for another model"]);
    let other = machine.run(&["--model", "llama/none.gguf", "adapters", "list", "--json"]).json();
    assert_eq!(other["adapters"][0]["fits"], Value::Null, "it is not known which model that is");
}

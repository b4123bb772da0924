//! A person sees every model on their machine, and why one of them cannot be used, whatever state it is in:
//! proved on stores made here, laid out as the programs lay them out.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::kernels::{AttentionShape, BlockFormat};
use crate::model::gguf::{NewTensor, Value, write};
use crate::model::{Architecture, BlockForm, Rope};

/// A GGUF file with a very small llama, its matrices in F16.
fn llama(changes: &[(&str, Option<Value>)]) -> Vec<u8> {
    let text = |text: &str| Value::String(text.to_owned());
    let mut metadata: std::collections::BTreeMap<String, Value> = [
        ("general.architecture", text("llama")),
        ("general.name", text("Tiny")),
        ("general.file_type", Value::U32(1024 + 15)),
        ("llama.block_count", Value::U32(2)),
        ("llama.context_length", Value::U32(128)),
        ("llama.embedding_length", Value::U32(32)),
        ("llama.feed_forward_length", Value::U32(64)),
        ("llama.attention.head_count", Value::U32(4)),
        ("llama.attention.head_count_kv", Value::U32(2)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    for (key, value) in changes {
        match value {
            Some(value) => metadata.insert((*key).to_owned(), value.clone()),
            None => metadata.remove(*key),
        };
    }
    let tensors: Vec<NewTensor> = sizes()
        .tensors(false)
        .into_iter()
        .map(|(role, shape)| {
            let kind = if shape.len() == 1 { BlockFormat::F32 } else { BlockFormat::F16 };
            NewTensor { name: role.gguf(), shape, kind }
        })
        .collect();
    let mut bytes = Vec::new();
    write::<std::io::Error>(&mut bytes, &metadata, &tensors, |index, out| {
        let NewTensor { shape, kind, .. } = &tensors[index];
        out.write_all(&vec![0; shape.iter().product::<usize>() * kind.block_bytes()])
    })
    .unwrap();
    bytes
}

fn sizes() -> Architecture {
    let attention = AttentionShape { heads: 4, key_heads: 2, head_width: 8 };
    Architecture {
        hidden: 32,
        feed_forward: 64,
        attention,
        vocabulary: 48,
        context: 128,
        block: BlockForm::plain(attention, Rope::plain(1e4, 8)),
        ..crate::model::architecture::small_llama()
    }
}

fn put(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
    let path = path.as_ref().to_path_buf();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

fn folders(root: &TempDir) -> Folders {
    let at = |name: &str| root.path().join(name);
    Folders {
        own: at("kaizen"),
        hub: vec![at("hub")],
        ollama: OllamaStore { folders: vec![at("ollama")] },
        lm_studio: vec![at("lm-studio")],
        llama_cpp: vec![at("llama.cpp")],
        configured: vec![at("mine"), at("one.gguf"), at("nowhere")],
    }
}

fn why(facts: &Facts) -> &str {
    facts.refusal.as_deref().unwrap_or("supported")
}

/// Safetensors with one tensor of so many elements, as `config.json` and weights.
fn checkpoint(folder: PathBuf, config: &str, elements: usize, cut: usize) {
    put(folder.join("config.json"), config);
    if !config.contains("qwen3") {
        put(folder.join("tokenizer.json"), "{}");
    }
    let header = format!(
        "{{\"__metadata__\":{{\"format\":\"pt\"}},\"w\":{{\"dtype\":\"BF16\",\"shape\":[{elements}],\"data_offsets\":[0,{}]}}}}",
        elements * 2
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; elements * 2 - cut]);
    put(folder.join("model.safetensors"), bytes);
}

#[test]
fn a_header_tells_what_a_model_is() {
    let root = tempfile::tempdir().unwrap();
    let path = put(root.path().join("a.gguf"), llama(&[]));
    let facts = inspect(&path);
    assert_eq!(why(&facts), "supported");
    assert_eq!(facts.title.as_deref(), Some("Tiny"));
    assert_eq!(facts.architecture.as_deref(), Some("llama"));
    assert_eq!(facts.parameters, Some(sizes().parameters() as u64));
    assert_eq!(facts.quantisation.as_deref(), Some("Q4_K_M"));
    assert_eq!(facts.context, Some(128));
    assert_eq!(facts.bytes, std::fs::metadata(&path).unwrap().len());
    assert_eq!(facts.shape, Some(sizes()));
    let path = put(root.path().join("b.gguf"), llama(&[("general.file_type", None)]));
    assert_eq!(inspect(&path).quantisation.as_deref(), Some("F16"));
}

// If this fails, a file that cannot be used is offered, or its owner is not told why.
#[test]
fn whatever_is_wrong_with_a_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    let text = |text: &str| Some(Value::String(text.to_owned()));
    let number = |number| Some(Value::U32(number));
    let whole = llama(&[]);
    let cut = whole[..whole.len() - 1000].to_vec();
    let mut unknown = whole.clone();
    // The type of the first tensor stands before its offset, 0.
    let place =
        (0..whole.len() - 8).rev().find(|i| unknown[*i..].starts_with(&[1, 0, 0, 0, 0, 0, 0, 0]));
    unknown[place.unwrap()] = 16;
    for (name, content, words, architecture) in [
        ("cut.gguf", cut, "1000 are missing", Some("llama")),
        ("unknown.gguf", unknown, "stored as ", Some("llama")),
        ("text.gguf", b"no model at all".to_vec(), "no GGUF file", None),
        ("empty.gguf", Vec::new(), "", None),
        ("half.gguf.part", whole[..600].to_vec(), "half-downloaded", None),
        ("split.gguf", llama(&[("split.count", number(3))]), "one of 3 parts", Some("llama")),
        ("mamba.gguf", llama(&[("general.architecture", text("mamba"))]), "`mamba`", Some("mamba")),
        ("bert.gguf", llama(&[("general.architecture", text("bert"))]), "embedding", Some("bert")),
        ("pooled.gguf", llama(&[("llama.pooling_type", number(1))]), "embedding", Some("llama")),
        ("clip.gguf", llama(&[("general.architecture", text("clip"))]), "vision", Some("clip")),
        ("mmproj-model.gguf", whole.clone(), "vision", Some("llama")),
        ("lora.gguf", llama(&[("general.type", text("adapter"))]), "adapter", Some("llama")),
        ("moe.gguf", llama(&[("llama.expert_count", number(8))]), "mixture", Some("llama")),
        (
            "odd.gguf",
            llama(&[("llama.attention.head_count_kv", number(3))]),
            "contradicts itself",
            Some("llama"),
        ),
        ("lacking.gguf", llama(&[("llama.block_count", None)]), "llama.block_count", Some("llama")),
    ] {
        let facts = inspect(&put(root.path().join(name), content));
        assert!(!facts.is_supported(), "{name} is said to be supported");
        assert!(why(&facts).contains(words), "{name}: {}", why(&facts));
        assert!(!why(&facts).contains('\n') && !why(&facts).contains("tmp"), "{}", why(&facts));
        assert_eq!(facts.architecture.as_deref(), architecture, "{name}");
        assert!(facts.shape.is_none());
    }
    assert!(why(&inspect(&root.path().join("none.gguf"))).contains("gone"));
}

#[test]
fn every_store_is_looked_through() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let whole = llama(&[]);
    let other = llama(&[("general.name", None)]);
    put(at("kaizen/default.gguf"), &whole);
    put(at("kaizen/owner--repo/sub/m.gguf"), &whole);
    put(at("kaizen/checksums/a.json"), "{}");
    put(at("hub/models--own--er--x/refs/main"), "c1\n");
    put(at("hub/models--own--er--x/snapshots/c1/m.gguf"), &whole);
    put(at("hub/models--own--er--x/snapshots/c0/m.gguf"), &other);
    put(at("hub/models--own--er--x/blobs/abc.incomplete"), "GG");
    put(at("hub/datasets--a--b/snapshots/c/x.gguf"), &whole);
    put(at("lm-studio/publisher/repo/file-Q8_0.gguf"), &whole);
    put(at("lm-studio/publisher/repo/mmproj-F16.gguf"), &whole);
    put(at("llama.cpp/owner_repo_file.gguf"), &whole);
    put(at("llama.cpp/owner_repo_file.gguf.json"), "{}");
    put(at("llama.cpp/other.gguf.downloadInProgress"), "GG");
    put(at("llama.cpp/models--n--new/refs/main"), "c1");
    put(at("llama.cpp/models--n--new/snapshots/c1/n.gguf"), &whole);
    put(at("mine/deep/er/own.GGUF"), &whole);
    put(at("mine/notes.part"), "no model");
    put(at("one.gguf"), &whole);

    let library = folders(&root).find();
    let listed: Vec<(&str, &str, bool)> = library
        .models
        .iter()
        .map(|m| (m.keeper.as_str(), m.name.as_str(), m.facts.is_supported()))
        .collect();
    assert_eq!(
        listed,
        [
            ("kaizen", "default.gguf", true),
            ("kaizen", "owner/repo:sub/m.gguf", true),
            ("hub", "own/er--x (half-downloaded)", false),
            ("hub", "own/er--x:m.gguf", true),
            ("hub", "own/er--x@c0:m.gguf", true),
            ("lm-studio", "publisher/repo/file-Q8_0.gguf", true),
            ("lm-studio", "publisher/repo/mmproj-F16.gguf", false),
            ("llama.cpp", "n/new:n.gguf", true),
            ("llama.cpp", "other.gguf.downloadInProgress", false),
            ("llama.cpp", "owner_repo_file.gguf", true),
            ("paths", "deep/er/own.GGUF", true),
            ("paths", "one.gguf", true),
        ]
    );
    let lasting = |name: &str| {
        library.models.iter().find(|model| model.name == name).unwrap().lasting.clone()
    };
    assert_eq!(lasting("own/er--x:m.gguf"), "own/er--x:m.gguf");
    assert_eq!(lasting("owner/repo:sub/m.gguf"), "owner/repo:sub/m.gguf");
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    assert_eq!(lasting("n/new:n.gguf"), path("llama.cpp/models--n--new/snapshots/c1/n.gguf"));
    assert_eq!(lasting("default.gguf"), path("kaizen/default.gguf"));
    assert_eq!(library.unreadable.len(), 1, "{:?}", library.unreadable);
    assert!(library.unreadable[0].ends_with("nowhere: it is not there"));
}

#[test]
fn ollamas_names_are_listed_and_one_whose_file_vanished_says_so() {
    let root = tempfile::tempdir().unwrap();
    let store = root.path().join("ollama");
    let manifest = |digest: &str| {
        format!(
            "{{\"layers\":[{{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"sha256:{digest}\"}}]}}"
        )
    };
    let (here, gone) = ("a".repeat(64), "b".repeat(64));
    let library = store.join("manifests/registry.ollama.ai/library");
    put(library.join("tiny/1b"), manifest(&here));
    put(library.join("tiny/latest"), manifest(&here));
    put(library.join("gone/1b"), manifest(&gone));
    put(store.join("blobs").join(format!("sha256-{here}")), llama(&[]));
    put(store.join("blobs").join(format!("sha256-{gone}-partial")), "GG");
    let found = folders(&root).find();
    let listed: Vec<(&str, &str, bool)> = found
        .models
        .iter()
        .map(|m| (m.name.as_str(), m.lasting.as_str(), m.facts.is_supported()))
        .collect();
    assert_eq!(listed[0].0, "ollama: (half-downloaded)");
    assert_eq!(
        listed[1..],
        [
            ("ollama:gone:1b", "ollama:gone:1b", false),
            ("ollama:tiny:1b", "ollama:tiny:1b", true),
            ("ollama:tiny:latest", "ollama:tiny:latest", true),
        ]
    );
    assert!(why(&found.models[1].facts).contains("is gone from ollama's store; pull it again"));
    for name in ["ollama:tiny:1b", "tiny:1b", "TINY", "tiny"] {
        assert!(choose(name, &found.models).unwrap().name.starts_with("ollama:tiny:"), "{name}");
    }
}

#[test]
fn folders_with_safetensors_are_one_model_each() {
    let root = tempfile::tempdir().unwrap();
    let snapshot = |name: &str| {
        let folder = root.path().join(format!("hub/models--o--{name}"));
        put(folder.join("refs/main"), "c1");
        folder.join("snapshots/c1")
    };
    let qwen = "{\"model_type\":\"qwen3\",\"architectures\":[\"Qwen3ForCausalLM\"],\"max_position_embeddings\":40960}";
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/qwen3");
    for entry in std::fs::read_dir(&tiny).unwrap().flatten() {
        let is_part = |name: &str| name.ends_with(".json") || name.ends_with(".safetensors");
        if !is_part(&entry.file_name().to_string_lossy()) {
            continue;
        }
        put(snapshot("good").join(entry.file_name()), std::fs::read(entry.path()).unwrap());
    }
    checkpoint(snapshot("empty"), qwen, 1000, 0);
    checkpoint(snapshot("cut"), qwen, 1000, 10);
    checkpoint(snapshot("typed"), "{\"model_type\":\"gpt_neox\"}", 10, 0);
    checkpoint(
        snapshot("encoder"),
        "{\"model_type\":\"bert\",\"architectures\":[\"BertModel\"]}",
        10,
        0,
    );
    checkpoint(
        snapshot("quantised"),
        "{\"model_type\":\"llama\",\"quantization_config\":{\"quant_method\":\"gptq\"}}",
        10,
        0,
    );
    checkpoint(snapshot("damaged"), "{\"model_type\":", 10, 0);
    let shard = "model-00002-of-00002.safetensors";
    for name in ["config.json", "tokenizer.json", "model.safetensors.index.json", shard] {
        put(snapshot("parted").join(name), std::fs::read(tiny.join(name)).unwrap());
    }
    let library = folders(&root).find();
    let model = |name: &str| library.models.iter().find(|model| model.name == name).unwrap();
    let good = &model("o/good").facts;
    assert_eq!(why(good), "supported");
    assert_eq!(good.parameters, good.shape.as_ref().map(|shape| shape.parameters() as u64));
    assert_eq!(good.quantisation.as_deref(), Some("F32"));
    assert_eq!((good.context, good.architecture.as_deref()), (Some(256), Some("qwen3")));
    for (name, words) in [
        ("empty", "no tokenizer.json"),
        ("cut", "cut off"),
        ("typed", "`gpt_neox` is not supported"),
        ("encoder", "without an output head"),
        ("quantised", "`gptq`"),
        ("damaged", "config.json is not valid JSON"),
        ("parted", "model-00001-of-00002.safetensors"),
    ] {
        let facts = &model(&format!("o/{name}")).facts;
        assert!(why(facts).contains(words), "{name}: {}", why(facts));
    }
    assert_eq!(library.models.len(), 8);
}

// If this fails, a link that leads to its own parent hangs the list, or shows a model many times.
#[test]
#[cfg(unix)]
fn links_in_circles_and_links_to_nothing_do_no_harm() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let mine = root.path().join("mine");
    let file = put(mine.join("a/m.gguf"), llama(&[]));
    symlink(&mine, mine.join("a/again")).unwrap();
    symlink(&file, mine.join("other name.gguf")).unwrap();
    std::fs::hard_link(&file, mine.join("third.gguf")).unwrap();
    symlink(mine.join("vanished"), mine.join("to-nothing.gguf")).unwrap();
    let library = folders(&root).find();
    let listed: Vec<(&str, &str)> =
        library.models.iter().map(|model| (model.name.as_str(), why(&model.facts))).collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(listed[0], ("a/m.gguf", "supported"));
    assert_eq!(listed[1].0, "to-nothing.gguf");
    assert!(listed[1].1.contains("a file that is gone"));
}

#[test]
fn a_name_means_one_model_or_all_it_may_mean_are_named() {
    let root = tempfile::tempdir().unwrap();
    for name in ["a/b/small-q4.gguf", "a/b/small-q8.gguf", "a/b/small", "x/y/small-q8.gguf"] {
        put(root.path().join("lm-studio").join(name), llama(&[]));
    }
    let models = folders(&root).find().models;
    let chosen = |name: &str| choose(name, &models).map(|model| model.name.clone());
    assert_eq!(chosen("a/b/small-q4.gguf").unwrap(), "a/b/small-q4.gguf");
    assert_eq!(chosen("Small-Q4.GGUF").unwrap(), "a/b/small-q4.gguf");
    assert_eq!(chosen("small-q4").unwrap(), "a/b/small-q4.gguf");
    assert_eq!(chosen("x/").unwrap(), "x/y/small-q8.gguf");
    let path = models[0].path.to_str().unwrap();
    assert_eq!(chosen(path).unwrap(), models[0].name);
    let both = ["a/b/small-q8.gguf", "x/y/small-q8.gguf"].map(str::to_owned).to_vec();
    let several = NameError::Several { name: "small-q8.gguf".into(), candidates: both };
    assert_eq!(chosen("small-q8.gguf").unwrap_err(), several);
    assert!(
        matches!(chosen("a/b/small"), Err(NameError::Several { candidates, .. }) if candidates.len() == 2)
    );
    for name in ["", "none", "/none.gguf"] {
        assert_eq!(chosen(name).unwrap_err(), NameError::Unknown(name.to_owned()));
    }
}

//! A `tokenizer.json` must give the ids that the `tokenizers` crate's own pipeline gives for it, special
//! tokens included. Each family of models has its own spelling; a small one of each is trained here.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use common::model_folder::{ModelFolder, Weights};
use kaizen::model::chat_template::Origin;
use kaizen::model::{ChatTemplate, Special, Tokenizer};
use kaizen::store::Message;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

const CORPUS: &str = include_str!("../README.md");
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Tokens and merges of the README, cut by `pre_tokenizer`.
fn trained(pre_tokenizer: Value, bytes: bool) -> (Vec<String>, Vec<(String, String)>) {
    let mut tokenizer = tokenizers::Tokenizer::new(BPE::default());
    let cut: PreTokenizerWrapper = serde_json::from_value(pre_tokenizer).unwrap();
    tokenizer.with_pre_tokenizer(Some(cut));
    let mut trainer = BpeTrainer::builder().vocab_size(900).show_progress(false);
    if bytes {
        trainer = trainer.initial_alphabet(ByteLevel::alphabet().into_iter().collect());
    }
    let mut trainer = tokenizers::models::TrainerWrapper::from(trainer.build());
    tokenizer.train(&mut trainer, CORPUS.lines().map(|line| format!("{line}\n"))).unwrap();
    let saved: Value = serde_json::from_str(&tokenizer.to_string(false).unwrap()).unwrap();
    let vocab = saved["model"]["vocab"].as_object().unwrap();
    let by_id: BTreeMap<u64, String> =
        vocab.iter().map(|(text, id)| (id.as_u64().unwrap(), text.clone())).collect();
    let merges = saved["model"]["merges"].as_array().unwrap().iter();
    let half = |merge: &Value, i: usize| merge[i].as_str().unwrap().to_owned();
    let merges = merges.map(|merge| (half(merge, 0), half(merge, 1))).collect();
    (by_id.into_values().collect(), merges)
}

fn added(id: usize, content: &str, special: bool) -> Value {
    json!({
        "id": id, "content": content, "special": special, "normalized": false,
        "lstrip": false, "rstrip": false, "single_word": false
    })
}

/// A whole `tokenizer.json`; `added` are texts with whether they are special, behind all others.
fn file(
    (tokens, merges): (Vec<String>, Vec<(String, String)>),
    more: &[(&str, bool)],
    parts: Value,
    options: Value,
) -> Value {
    let vocab: serde_json::Map<String, Value> =
        tokens.iter().enumerate().map(|(id, text)| (text.clone(), json!(id))).collect();
    let mut next = tokens.len();
    let added_tokens: Vec<Value> = more
        .iter()
        .map(|(text, special)| {
            let id = tokens.iter().position(|token| token == text).unwrap_or(next);
            next += usize::from(id == next);
            added(id, text, *special)
        })
        .collect();
    let mut model = json!({ "type": "BPE", "vocab": vocab, "merges": merges });
    for (key, value) in options.as_object().unwrap() {
        model[key] = value.clone();
    }
    let mut file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added_tokens,
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": model
    });
    for (key, value) in parts.as_object().unwrap() {
        file[key] = value.clone();
    }
    file
}

/// A byte-level tokenizer that cuts words so.
fn byte_level(pre_tokenizer: Value, options: Value) -> Value {
    let specials = [("<|endoftext|>", true), ("<|im_start|>", true), ("<|im_end|>", true)];
    let mut trained = trained(pre_tokenizer.clone(), true);
    // As in SmolLM2: a special token that is one of the model's own too.
    trained.0.insert(0, "<|endoftext|>".into());
    let more = [&specials[..], &[("<tool_call>", false), ("   ", false)]].concat();
    let parts = json!({ "pre_tokenizer": pre_tokenizer, "decoder": bytes(true) });
    file(trained, &more, parts, options)
}

/// A tokenizer of SentencePiece's pieces.
fn pieces(parts: Value) -> Value {
    let split = json!({
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true
    });
    let (tokens, merges) = trained(split, false);
    let mut all = vec!["<unk>".to_owned(), "<s>".into(), "</s>".into()];
    all.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    all.extend(["\n\n".to_owned(), "<table>".into(), "▁▁".into(), "<end_of_turn>".into()]);
    all.extend(tokens);
    let more = [
        ("<unk>", true),
        ("<s>", true),
        ("</s>", true),
        ("\n\n", false),
        ("<table>", false),
        ("<end_of_turn>", true),
        ("[INST]", true),
    ];
    let options = json!({ "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true });
    file((all, merges), &more, parts, options)
}

fn metaspace(scheme: &str, split: bool) -> Value {
    json!({
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split
    })
}

fn sequence(kind: &str, steps: Value) -> Value {
    json!({ "type": "Sequence", kind: steps })
}

fn split(expression: &str) -> Value {
    json!({ "type": "Split", "pattern": { "Regex": expression }, "behavior": "Isolated", "invert": false })
}

fn bytes(regex: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex })
}

/// A name, the file, and whether every text comes back as it went in: not where spaces are put before or
/// taken away behind a token, or characters composed.
static FAMILIES: LazyLock<Vec<(&str, Value, bool)>> = LazyLock::new(|| {
    let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
    let prepend = json!({ "type": "Prepend", "prepend": "▁" });
    let llama_3 = sequence("pretokenizers", json!([split(LLAMA_3), bytes(false)]));
    let digits = json!({ "type": "Digits", "individual_digits": true });
    let mut qwen = byte_level(llama_3.clone(), json!({}));
    qwen["normalizer"] = json!({ "type": "NFC" });
    let mut phi =
        pieces(json!({ "normalizer": sequence("normalizers", json!([prepend, replace])) }));
    for token in phi["added_tokens"].as_array_mut().unwrap() {
        let text = token["content"].as_str().unwrap();
        let (before, after) = (text == "[INST]", text == "<end_of_turn>" || text == "<table>");
        token["lstrip"] = json!(before);
        token["rstrip"] = json!(after);
    }
    let gemma = json!({
        "normalizer": replace,
        "pre_tokenizer": {
            "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false
        },
    });
    vec![
        ("gpt-2", byte_level(bytes(true), json!({})), true),
        ("llama 3", byte_level(llama_3, json!({ "ignore_merges": true })), true),
        ("qwen", qwen, false),
        (
            "smollm",
            byte_level(sequence("pretokenizers", json!([digits, bytes(true)])), json!({})),
            true,
        ),
        (
            "llama 2",
            pieces(json!({ "normalizer": sequence("normalizers", json!([prepend, replace])) })),
            false,
        ),
        ("phi 3", phi, false),
        ("mistral", pieces(json!({ "pre_tokenizer": metaspace("first", false) })), false),
        ("always", pieces(json!({ "pre_tokenizer": metaspace("always", true) })), false),
        ("never", pieces(json!({ "pre_tokenizer": metaspace("never", true) })), true),
        ("gemma", pieces(gemma), true),
    ]
});

struct Both {
    name: &'static str,
    ours: Tokenizer,
    theirs: tokenizers::Tokenizer,
    whole: bool,
}

static BOTH: LazyLock<Vec<Both>> = LazyLock::new(|| {
    let both = |(name, file, whole): &(&'static str, Value, bool)| Both {
        name,
        ours: built(&folder(file)).unwrap(),
        theirs: tokenizers::Tokenizer::from_bytes(file.to_string()).unwrap(),
        whole: *whole,
    };
    FAMILIES.iter().map(both).collect()
});

fn folder(file: &Value) -> ModelFolder {
    ModelFolder::default()
        .file("model.safetensors", Weights::default().to_bytes())
        .file("tokenizer.json", file.to_string())
}

fn built(folder: &ModelFolder) -> kaizen::model::Result<Tokenizer> {
    let (_folder, opened): (TempDir, _) = folder.open();
    Tokenizer::from_folder(&opened.unwrap())
}

fn family(name: &str) -> Value {
    FAMILIES.iter().find(|(other, ..)| *other == name).unwrap().1.clone()
}

fn assert_same(text: &str) {
    for Both { name, ours, theirs, whole } in BOTH.iter() {
        let wanted = theirs.encode_fast(text, false).unwrap();
        let found = ours.encode(text, Special::Recognise).unwrap();
        assert_eq!(found, wanted.get_ids(), "{name}: {text:?}");
        let plain = ours.encode(text, Special::AsText).unwrap();
        assert!(
            plain.iter().all(|&id| !ours.is_special(id) || ours.piece(id) == "<unk>"),
            "{name}"
        );
        if *whole {
            // ▁ is a space to SentencePiece.
            let back = ours.decode(&plain);
            assert!(back == text || back == text.replace('▁', " "), "{name}: {text:?}, {back:?}");
        }
    }
}

const TEXTS: [&str; 34] = [
    "",
    " ",
    "  ",
    "a",
    " a",
    "  a  b   c    ",
    "Hello, world! This is a model file.",
    "kaizen adapters export lora-v1 out --format gguf",
    "1234567890 12 345",
    "don't DON'T we'll",
    "line\nline\n\nline\r\n\r\n\tend\n",
    "日本語のテキスト",
    "e\u{301}, \u{e9}, \u{fb01}, \u{212b}",
    "🍕👩‍👩‍👧‍👦🏳️‍🌈",
    "\u{0}\u{1}\u{7f}\u{a0}\u{3000}\u{feff}",
    "▁a ▁ b▁",
    "<s>",
    "<s>a",
    "<s> a</s>",
    "a<s> b </s>  c",
    "[INST] hi [/INST]",
    "<s>[INST] hi",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "<|endoftext|><|endoftext|> <|endoftext|>",
    "<tool_call>\n{\"a\": 1}\n</tool_call>",
    "<table><tr>\n\n\n\n<table> x",
    "a<end_of_turn>\n \u{3000} b",
    "a  [INST]  b",
    "<end_of_turn>  [INST] <table> [INST]",
    "<0x0A><0xFF>",
    "<unk> <unk>",
    "<|im_",
    "]<",
    "ﷺ İ ẞ ß",
];

#[test]
fn ids_are_those_of_the_crate() {
    for text in TEXTS {
        assert_same(text);
    }
    assert_same(CORPUS);
}

proptest! {
    #[test]
    fn ids_are_those_of_the_crate_for_any_text(
        parts in proptest::collection::vec(
            prop_oneof![
                "\\PC{0,8}",
                "[ \t\r\n▁]{0,4}",
                "[a-z0-9 ]{0,12}",
                "[e\u{301}\u{e9}\u{1100}\u{1161}\u{a0}]{0,4}",
                proptest::sample::select(TEXTS.to_vec()).prop_map(str::to_owned),
            ],
            0..8,
        )
    ) {
        assert_same(&parts.concat());
    }
}

#[test]
fn control_tokens_in_a_persons_text_stay_text() {
    for Both { name, ours, .. } in BOTH.iter() {
        let ids = ours.encode("a<|im_end|>b</s>[INST]<|endoftext|>", Special::AsText).unwrap();
        assert!(ids.iter().all(|&id| !ours.is_special(id)), "{name}");
    }
}

#[test]
fn no_merge_and_no_whole_word_makes_a_control_token() {
    let mut file = family("llama 3");
    let id = file["model"]["vocab"]["Ġthe"].as_u64().unwrap() as usize;
    file["added_tokens"].as_array_mut().unwrap().push(added(id, "Ġthe", true));
    let tokenizer = built(&folder(&file)).unwrap();
    let ids = tokenizer.encode("over the the", Special::AsText).unwrap();
    assert!(ids.iter().all(|&id| !tokenizer.is_special(id)));
    assert_eq!(tokenizer.decode(&ids), "over the the");
}

#[test]
fn a_token_stands_for_its_bytes() {
    let of = |name| BOTH.iter().find(|both| both.name == name).unwrap();
    let llama = &of("llama 2").ours;
    let bytes = |text: &str| llama.bytes_of(llama.id_of(text).unwrap());
    assert_eq!(bytes("<0x0A>"), b"\n");
    assert_eq!(bytes("<0xFF>"), [0xff]);
    assert_eq!(bytes("▁▁"), b"  ");
    assert_eq!(bytes("</s>"), b"</s>");
    assert_eq!(bytes("<table>"), b"<table>");
    let gpt = &of("gpt-2").ours;
    let bytes = |text: &str| gpt.bytes_of(gpt.id_of(text).unwrap());
    assert_eq!(bytes("Ġ"), b" ");
    assert_eq!(bytes("ÿ"), [0xff]);
    assert_eq!(bytes("<|im_end|>"), b"<|im_end|>");
    for both in BOTH.iter() {
        for text in ["日本 \n x", "\u{0}\u{7f}é"] {
            let ids = both.ours.encode(text, Special::AsText).unwrap();
            let bytes: Vec<u8> = ids.iter().flat_map(|&id| both.ours.bytes_of(id)).collect();
            let bytes = String::from_utf8(bytes).unwrap();
            assert_eq!(bytes.strip_prefix(' ').unwrap_or(&bytes), text, "{}", both.name);
        }
    }
}

#[test]
fn special_tokens_are_those_that_the_other_files_name() {
    let plain = built(&folder(&family("llama 2"))).unwrap();
    assert_eq!((plain.bos(), plain.eos(), plain.add_bos()), (None, None, false));
    let end_of_turn = plain.id_of("<end_of_turn>").unwrap();
    assert_eq!(plain.ends_of_turn().collect::<Vec<_>>(), [2, end_of_turn], "known by their names");

    let config = json!({
        "bos_token": { "content": "<s>", "lstrip": false }, "eos_token": "</s>",
        "add_bos_token": true, "model_max_length": 1e30
    });
    let named = folder(&family("llama 2")).file("tokenizer_config.json", config.to_string());
    let tokenizer = built(&named).unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.eos(), tokenizer.add_bos()), (Some(1), Some(2), true));
    let more = named
        .file("generation_config.json", r#"{"eos_token_id": [2, 300], "bos_token_id": 1}"#)
        .file("config.json", r#"{"eos_token_id": 301}"#);
    let tokenizer = built(&more).unwrap();
    let ends: Vec<u32> = tokenizer.ends_of_turn().collect();
    assert_eq!((ends, tokenizer.eos()), (vec![2, end_of_turn, 300, 301], Some(2)));
    assert!(tokenizer.is_special(300), "what ends a turn is no person's text");

    let mut file = family("llama 2");
    file["post_processor"] = sequence(
        "processors",
        json!([bytes(true), {
            "type": "TemplateProcessing",
            "single": [{ "SpecialToken": { "id": "<s>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
            "pair": [],
            "special_tokens": { "<s>": { "id": "<s>", "ids": [1], "tokens": ["<s>"] } }
        }]),
    );
    let tokenizer = built(&folder(&file)).unwrap();
    assert!(tokenizer.add_bos() && tokenizer.bos() == Some(1));
    let without = folder(&file).file("tokenizer_config.json", r#"{"add_bos_token": false}"#);
    assert!(!built(&without).unwrap().add_bos());
    let ids = folder(&family("llama 2"))
        .file("config.json", r#"{"bos_token_id": 1, "eos_token_id": 99999}"#);
    let tokenizer = built(&ids).unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.eos()), (Some(1), None), "an id outside is none");
}

#[test]
fn what_cannot_be_used_is_named() {
    let reason = |file: &Value| {
        let message = built(&folder(file)).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message
    };
    let with = |change: fn(&mut Value)| {
        let mut file = family("llama 2");
        change(&mut file);
        reason(&file)
    };
    let missing = folder(&json!({})).without("tokenizer.json");
    assert!(built(&missing).unwrap_err().to_string().contains("tokenizer.json is missing"));
    let old = missing.file("tokenizer.model", "");
    assert!(built(&old).unwrap_err().to_string().contains("tokenizer.model"));
    assert!(reason(&json!([])).contains("tokenizer.json cannot be read"));
    for kind in ["Unigram", "WordPiece", "WordLevel"] {
        let file = json!({ "model": { "type": kind, "vocab": [["a", -1.0]], "unk_id": 0 } });
        let message = reason(&file);
        assert!(message.contains(kind) && message.contains("BPE"), "{message}");
    }
    assert!(with(|file| file["model"]["dropout"] = json!(0.1)).contains("`dropout`"));
    assert!(with(|file| file["model"]["end_of_word_suffix"] = json!("</w>")).contains("suffix"));
    assert!(with(|file| file["normalizer"] = json!({"type": "Lowercase"})).contains("spells"));
    let prefixed = with(|file| file["normalizer"]["normalizers"][0] = json!({"type": "NFKC"}));
    assert!(prefixed.contains("\"NFKC\""), "{prefixed}");
    assert!(
        with(|file| file["pre_tokenizer"] = json!({"type": "BertPreTokenizer"})).contains("Bert")
    );
    assert!(
        with(|file| file["added_tokens"][0]["single_word"] = json!(true)).contains("single word")
    );
    assert!(with(|file| file["model"]["merges"][0] = json!("a b c d")).contains("does not have"));
    assert!(with(|file| file["model"]["merges"][0] = json!("ab")).contains("not two tokens"));
    assert!(with(|file| file["model"]["merges"][0] = json!(["a"])).contains("not two tokens"));
    // Longer than any token: the crate would panic.
    let long = with(|file| {
        let vocab = file["model"]["vocab"].as_object().unwrap();
        let longest = vocab.keys().max_by_key(|text| text.len()).unwrap().clone();
        file["model"]["merges"][0] = json!([longest, longest]);
    });
    assert!(long.contains("does not have"), "{long}");
    assert!(with(|file| file["model"]["vocab"]["far"] = json!(u32::MAX)).contains("up to"));
    assert!(with(|file| file["model"]["vocab"]["again"] = json!(300)).contains("two tokens 300"));
    assert!(with(|file| file["added_tokens"][6]["content"] = json!("▁▁")).contains("the same"));
    let broken = folder(&family("gemma")).file("tokenizer_config.json", "{");
    assert!(built(&broken).unwrap_err().to_string().contains("tokenizer_config.json"));
}

#[test]
fn the_chat_template_is_found_wherever_the_hub_keeps_it() {
    let plain = folder(&family("llama 2"));
    let template = |folder: &ModelFolder| {
        let (_folder, opened) = folder.open();
        let opened = opened.unwrap();
        let tokenizer = Tokenizer::from_folder(&opened).unwrap();
        ChatTemplate::from_folder(&opened, &tokenizer)
    };
    let text = |folder: &ModelFolder| template(folder).unwrap().source_text().to_owned();
    assert_eq!(template(&plain).unwrap().origin(), Origin::Plain);
    let chat_ml = folder(&family("qwen"));
    assert_eq!(template(&chat_ml).unwrap().origin(), Origin::ChatMl);
    let last = plain.clone().file("chat_template.json", r#"{"chat_template": "last"}"#);
    assert_eq!(text(&last), "last");
    let list = json!({ "chat_template": [
        { "name": "rag", "template": "no" }, { "name": "default", "template": "named" }
    ] });
    let named = last.clone().file("tokenizer_config.json", list.to_string());
    assert_eq!(text(&named), "named");
    let config = json!({ "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", "bos_token": "<s>", "eos_token": "</s>" });
    let one = last.file("tokenizer_config.json", config.to_string());
    let made = template(&one).unwrap();
    assert_eq!(made.origin(), Origin::Model);
    assert_eq!(made.text(&[Message::user("hi")], false).unwrap(), "<s>hi</s>");
    assert_eq!(text(&one.file("chat_template.jinja", "first")), "first");
    let none = json!({ "chat_template": [{ "name": "rag", "template": "no" }] });
    let none = plain.file("tokenizer_config.json", none.to_string());
    assert!(template(&none).unwrap_err().to_string().contains("\"rag\""));
}

/// A space is put before the text's first word, never before what a template wrote behind a token.
#[test]
fn a_conversation_has_the_crates_ids() {
    let config = json!({
        "chat_template": "{{ bos_token }}{% for m in messages %}[INST] {{ m.content }}{{ eos_token }}{% endfor %}",
        "bos_token": "<s>", "eos_token": "</s>", "add_bos_token": true
    });
    let messages = [Message::user("hello there"), Message::user(" the [INST] model")];
    for name in ["mistral", "llama 2", "gemma", "always"] {
        let named = folder(&family(name)).file("tokenizer_config.json", config.to_string());
        let (_folder, opened) = named.open();
        let opened = opened.unwrap();
        let tokenizer = Tokenizer::from_folder(&opened).unwrap();
        let template = ChatTemplate::from_folder(&opened, &tokenizer).unwrap();
        let ids = template.encode(&tokenizer, &messages[..1], false).unwrap();
        let theirs = &BOTH.iter().find(|both| both.name == name).unwrap().theirs;
        let text = template.text(&messages[..1], false).unwrap();
        assert_eq!(ids, theirs.encode_fast(text, false).unwrap().get_ids(), "{name}");
        let control = tokenizer.id_of("[INST]").unwrap();
        let ids = template.encode(&tokenizer, &messages, false).unwrap();
        assert_eq!(ids.iter().filter(|&&id| id == control).count(), 2, "{name}");
    }
}

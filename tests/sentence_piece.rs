//! Llama 2, Mistral and TinyLlama cut text as SentencePiece does. No such model is in the tests, so a
//! small one was made with SentencePiece itself; whatever it gives we must give.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::LazyLock;

use common::gguf_file::{Field, GgufFile};
use kaizen::model::{Special, Tokenizer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    pieces: Vec<String>,
    scores: Vec<f32>,
    types: Vec<i32>,
    texts: Vec<Encoded>,
}

#[derive(Deserialize)]
struct Encoded {
    text: String,
    ids: Vec<u32>,
}

static FIXTURE: LazyLock<Fixture> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/sentencepiece.json")).unwrap());
static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| built(file()).unwrap());

fn file() -> GgufFile {
    let Fixture { pieces, scores, types, .. } = &*FIXTURE;
    GgufFile::default()
        .text("tokenizer.ggml.model", "llama")
        .field("tokenizer.ggml.tokens", Field::Texts(pieces.clone()))
        .field("tokenizer.ggml.scores", Field::Decimals(scores.clone()))
        .field("tokenizer.ggml.token_type", Field::Numbers(types.clone()))
        .field("tokenizer.ggml.bos_token_id", Field::U32(1))
        .field("tokenizer.ggml.eos_token_id", Field::U32(2))
        .field("tokenizer.ggml.unknown_token_id", Field::U32(0))
}

fn built(file: GgufFile) -> kaizen::model::Result<Tokenizer> {
    let (_folder, opened) = file.open();
    Tokenizer::from_gguf(&opened.unwrap())
}

#[test]
fn ids_are_those_of_sentence_piece() {
    assert!(FIXTURE.texts.len() > 20);
    for Encoded { text, ids } in &FIXTURE.texts {
        assert_eq!(&TOKENIZER.encode(text, Special::AsText).unwrap(), ids, "{text:?}");
        assert_eq!(TOKENIZER.decode(ids), text.replace('▁', " "));
    }
}

#[test]
fn special_tokens_split_the_text() {
    let encode = |text, special| TOKENIZER.encode(text, special).unwrap();
    let [x, y] = ["x", "y"].map(|text| encode(text, Special::AsText));
    let tool = TOKENIZER.id_of("<tool>").unwrap();
    assert_eq!(encode("x</s>y", Special::Recognise), [x.clone(), vec![2], y.clone()].concat());
    assert!(!encode("x</s>y", Special::AsText).contains(&2));
    assert_eq!(encode("x<tool>y", Special::AsText), [x, vec![tool], y].concat());
    assert!(TOKENIZER.is_end_of_turn(2));
    assert!(TOKENIZER.add_bos(), "these models expect it when the file says nothing");
}

#[test]
fn a_file_may_say_that_no_space_is_added() {
    let plain = built(file().field("tokenizer.ggml.add_space_prefix", Field::Bool(0))).unwrap();
    let ids = plain.encode("model", Special::AsText).unwrap();
    assert_eq!(plain.decode(&ids), "model");
    assert_ne!(ids, TOKENIZER.encode("model", Special::AsText).unwrap());
    assert_eq!(ids, TOKENIZER.encode("\nmodel", Special::AsText).unwrap()[2..]);
}

#[test]
fn of_equals_the_leftmost_is_joined_and_unknown_characters_are_one_token() {
    let tokens = ["<unk>", "<s>", "</s>", "a", "b", "aa", "ab", "<c>"].map(str::to_owned);
    let small = GgufFile::default()
        .text("tokenizer.ggml.model", "llama")
        .field("tokenizer.ggml.tokens", Field::Texts(tokens.to_vec()))
        .field("tokenizer.ggml.scores", Field::Decimals(vec![0., 0., 0., 0., 0., -1., -1., 9.]))
        .field("tokenizer.ggml.token_type", Field::Numbers(vec![2, 3, 3, 1, 1, 1, 1, 3]))
        .field("tokenizer.ggml.add_space_prefix", Field::Bool(0));
    let tokenizer = built(small.clone()).unwrap();
    let encode = |text| tokenizer.encode(text, Special::AsText).unwrap();
    assert_eq!(encode("aaa"), [5, 3]);
    assert_eq!(encode("aaab"), [5, 6]);
    assert_eq!(encode("aab"), [5, 4]);
    assert_eq!(encode("日本a語<c>b"), [0, 3, 0, 4], "no piece makes a control token");
    assert!(encode("").is_empty());
    let mut none = small;
    none.fields.retain(|(key, _)| key != "tokenizer.ggml.tokens");
    let tokens = ["<x>", "<s>", "</s>", "a", "b", "aa", "ab", "<c>"].map(str::to_owned);
    let message = built(none.field("tokenizer.ggml.tokens", Field::Texts(tokens.to_vec())));
    assert!(message.unwrap_err().to_string().contains("neither a token for every byte"));
}

#[test]
fn what_cannot_be_used_is_named() {
    let reason = |file: GgufFile| built(file).unwrap_err().to_string();
    let without = |key: &str| {
        let mut file = file();
        file.fields.retain(|(name, _)| name != key);
        file
    };
    assert!(reason(without("tokenizer.ggml.scores")).contains("lacks `tokenizer.ggml.scores`"));
    assert!(reason(without("tokenizer.ggml.tokens")).contains("lacks `tokenizer.ggml.tokens`"));
    let few =
        without("tokenizer.ggml.scores").field("tokenizer.ggml.scores", Field::Decimals(vec![0.0]));
    assert!(reason(few).contains("720 tokens but 1 scores"));
    let few = without("tokenizer.ggml.token_type")
        .field("tokenizer.ggml.token_type", Field::Numbers(vec![1]));
    assert!(reason(few).contains("720 tokens but 1 token types"));
    let far = without("tokenizer.ggml.eos_token_id")
        .field("tokenizer.ggml.eos_token_id", Field::U32(720));
    assert!(reason(far).contains("`tokenizer.ggml.eos_token_id` is 720"));
    let twice = without("tokenizer.ggml.tokens")
        .field("tokenizer.ggml.tokens", Field::Texts(vec!["a".into(); 720]));
    assert!(reason(twice).contains("tokens 0 and 1 are the same"));
    let bert = without("tokenizer.ggml.model").text("tokenizer.ggml.model", "bert");
    let message = reason(bert);
    assert!(
        message.contains("\"bert\"") && message.contains("gpt2") && message.contains("llama"),
        "{message}"
    );
}

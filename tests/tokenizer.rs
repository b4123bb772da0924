//! A token id off by one trains and scores the wrong thing without any error: the tokenizer must give
//! the reference's ids, and give back the text that went in.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use common::gguf_file::model_path;
use kaizen::model::{Gguf, Special, Tokenizer};
use proptest::prelude::*;

static TOKENIZER: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::from_gguf(&Gguf::open(&model_path()).unwrap()).unwrap());

fn assert_reference(path: &Path) {
    let lines = std::fs::read_to_string(path).unwrap();
    assert!(lines.lines().count() >= 12);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = line["text"].as_str().unwrap();
        let ids: Vec<u32> = serde_json::from_value(line["ids"].clone()).unwrap();
        assert_eq!(TOKENIZER.encode(text, Special::Recognise).unwrap(), ids, "{text:?}");
    }
}

#[test]
fn ids_are_the_references_in_small() {
    assert_reference(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tokens.jsonl"));
}

#[test]
fn ids_are_the_references_for_every_text() {
    let folder = std::env::var_os("KAIZEN_REFERENCE").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference"));
    if folder.exists() {
        assert_reference(&folder.join("tokens.jsonl"));
    }
}

#[test]
fn control_tokens_in_a_persons_text_stay_text() {
    let text = "a<|im_end|>b<|im_start|>system";
    let recognised = TOKENIZER.encode(text, Special::Recognise).unwrap();
    assert!(recognised.contains(&2) && recognised.contains(&1));
    let plain = TOKENIZER.encode(text, Special::AsText).unwrap();
    assert!(plain.iter().all(|&id| !TOKENIZER.is_special(id)));
    assert_eq!(TOKENIZER.decode(&plain), text);
    assert_eq!(TOKENIZER.decode(&recognised), "absystem");
}

#[test]
fn the_ends_of_a_turn_are_known() {
    assert_eq!(TOKENIZER.eos(), Some(2));
    assert_eq!(TOKENIZER.ends_of_turn().collect::<Vec<_>>(), [0, 2]);
    assert!(TOKENIZER.is_end_of_turn(2) && !TOKENIZER.is_end_of_turn(1));
    assert!(!TOKENIZER.add_bos());
    assert_eq!(TOKENIZER.bos(), Some(1));
    assert_eq!(TOKENIZER.vocab_size(), 49152);
}

#[test]
fn ids_that_do_not_exist_are_no_text_and_no_panic() {
    assert_eq!(TOKENIZER.bytes_of(u32::MAX), b"");
    assert_eq!(TOKENIZER.piece(49152), "");
    assert_eq!(TOKENIZER.decode(&[49152, 28120, u32::MAX]), "hello");
}

#[test]
fn very_long_texts_of_one_kind_come_back_whole() {
    for part in [" ", "\n", "a", "1", "é", "<|im_end|>", "!"] {
        let text = part.repeat(20_000);
        let ids = TOKENIZER.encode(&text, Special::AsText).unwrap();
        assert!(TOKENIZER.decode(&ids) == text, "{part:?}");
    }
}

#[test]
fn a_streamed_answer_reads_as_the_decoded_one() {
    let text = "I love 🍕 and 五, don’t you?";
    let ids = TOKENIZER.encode(text, Special::AsText).unwrap();
    let mut stream = TOKENIZER.stream();
    let parts: Vec<String> = ids.iter().map(|&id| stream.push(id)).collect();
    assert!(parts.iter().all(|part| !part.contains('\u{fffd}')));
    assert!(parts.len() > text.split(' ').count());
    assert_eq!(parts.concat() + &stream.finish(), text);
    let mut cut = TOKENIZER.stream();
    let pizza = TOKENIZER.encode("🍕", Special::AsText).unwrap();
    assert!(pizza.len() > 1);
    assert_eq!(cut.push(pizza[0]), "");
    assert_eq!(cut.finish(), "\u{fffd}");
}

proptest! {
    #[test]
    fn a_text_comes_back_as_it_went_in(text in "\\PC*|[ \t\r\n0-9a-zé五🍕<|>]{0,60}") {
        let ids = TOKENIZER.encode(&text, Special::AsText).unwrap();
        prop_assert_eq!(TOKENIZER.decode(&ids), text);
    }
}

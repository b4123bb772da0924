//! A token id off by one trains and scores the wrong thing without any error: the tokenizer must give
//! the reference's ids, and give back the text that went in.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::sync::LazyLock;

use common::gguf_file::{Field, GgufFile};
use common::model_file::model_file;
use common::reference::{ids, lines, reference, small};
use kaizen::model::{Gguf, Special, Tokenizer};
use proptest::prelude::*;

static TOKENIZER: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::from_gguf(&Gguf::open(&model_file().path).unwrap()).unwrap());

fn assert_reference(path: &Path) {
    let lines = lines(path);
    assert!(lines.len() >= 12);
    for line in lines {
        let text = line["text"].as_str().unwrap();
        let wanted = ids(&line["ids"]);
        assert_eq!(TOKENIZER.encode(text, Special::Recognise).unwrap(), wanted, "{text:?}");
    }
}

#[test]
fn ids_are_the_references_in_small() {
    assert_reference(&small("tokens.jsonl"));
}

#[test]
fn ids_are_the_references_for_every_text() {
    if let Some(folder) = reference() {
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
    let parts: Vec<String> = ids.iter().map(|&id| stream.push(&TOKENIZER, id)).collect();
    assert!(parts.iter().all(|part| !part.contains('\u{fffd}')));
    assert!(parts.len() > text.split(' ').count());
    assert_eq!(parts.concat() + &stream.finish(), text);
    let mut cut = TOKENIZER.stream();
    let pizza = TOKENIZER.encode("🍕", Special::AsText).unwrap();
    assert!(pizza.len() > 1);
    assert_eq!(cut.push(&TOKENIZER, pizza[0]), "");
    assert_eq!(cut.finish(), "\u{fffd}");
}

/// A byte-level vocabulary in which a run of digits or letters becomes one token unless it is cut.
fn family(pre: &str) -> GgufFile {
    let mut tokens: Vec<String> = ["</s>", "<secret>"].map(str::to_owned).to_vec();
    tokens.extend((0x21..0x7fu8).map(|byte| char::from(byte).to_string()));
    tokens.extend(["Ġ", "Ċ", "12", "123", "1234", "aB", "'S", "'SB"].map(str::to_owned));
    let types = (0..tokens.len()).map(|id| if id < 2 { 3 } else { 1 }).collect();
    let merges = ["1 2", "12 3", "123 4", "a B", "' S"].map(str::to_owned).to_vec();
    GgufFile::default()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .field("tokenizer.ggml.tokens", Field::Texts(tokens))
        .field("tokenizer.ggml.token_type", Field::Numbers(types))
        .field("tokenizer.ggml.merges", Field::Texts(merges))
        .field("tokenizer.ggml.bos_token_id", Field::U32(0))
        .field("tokenizer.ggml.eos_token_id", Field::U32(0))
}

fn built(file: GgufFile) -> kaizen::model::Result<Tokenizer> {
    let (_folder, opened) = file.open();
    Tokenizer::from_gguf(&opened.unwrap())
}

#[test]
fn each_family_of_models_cuts_words_in_its_own_way() {
    let pieces = |pre: &str, text: &str| {
        let tokenizer = built(family(pre)).unwrap();
        let ids = tokenizer.encode(text, Special::AsText).unwrap();
        ids.iter().map(|&id| tokenizer.piece(id)).collect::<Vec<_>>().join("|")
    };
    for (pre, digits, letters, contraction) in [
        ("smollm", "1|2|3|4", "aB", "'|S|B"),
        ("gpt-2", "1234", "aB", "'|S|B"),
        ("default", "1234", "aB", "'|S|B"),
        ("llama-bpe", "123|4", "aB", "'S|B"),
        ("smaug-bpe", "123|4", "aB", "'S|B"),
        ("qwen2", "1|2|3|4", "aB", "'S|B"),
        // An upper-case letter begins a new word, but an apostrophe is part of one.
        ("tekken", "1|2|3|4", "a|B", "'SB"),
        ("deepseek-coder", "1|2|3|4", "aB", "'|S|B"),
    ] {
        assert_eq!(pieces(pre, "1234"), digits, "{pre}");
        assert_eq!(pieces(pre, "aB"), letters, "{pre}");
        assert_eq!(pieces(pre, "'SB"), contraction, "{pre}");
    }
}

#[test]
fn llama_3_begins_every_sequence_unless_the_file_says_otherwise() {
    assert!(built(family("llama-bpe")).unwrap().add_bos());
    let silent = family("llama-bpe").field("tokenizer.ggml.add_bos_token", Field::Bool(0));
    assert!(!built(silent).unwrap().add_bos());
    assert!(!built(family("gpt-2")).unwrap().add_bos());
}

#[test]
fn a_tokenizer_that_we_do_not_know_is_named_with_those_we_do() {
    let message = built(family("gpt-17")).unwrap_err().to_string();
    assert!(message.contains("\"gpt-17\"") && message.contains("smollm, "), "{message}");
    let mut damaged = family("gpt-2");
    damaged.fields.retain(|(key, _)| key != "tokenizer.ggml.merges");
    for (merge, what) in [("12", "not two tokens"), ("1 9", "tokens that it does not have")] {
        let file = damaged.clone().field("tokenizer.ggml.merges", Field::Texts(vec![merge.into()]));
        assert!(built(file).unwrap_err().to_string().contains(what));
    }
    assert!(built(damaged).unwrap_err().to_string().contains("lacks `tokenizer.ggml.merges`"));
}

#[test]
fn no_merge_and_no_whole_word_makes_a_control_token() {
    // "x" alone is a control token here, and "1 2" merges into one.
    let mut file = family("llama-bpe");
    for (key, field) in &mut file.fields {
        if key == "tokenizer.ggml.token_type" {
            let Field::Numbers(types) = field else { panic!() };
            let id = |text: &str| built(family("llama-bpe")).unwrap().id_of(text).unwrap() as usize;
            types[id("x")] = 3;
            types[id("12")] = 3;
        }
    }
    let tokenizer = built(file).unwrap();
    let ids = tokenizer.encode("12 x 12", Special::AsText).unwrap();
    assert!(ids.iter().all(|&id| !tokenizer.is_special(id)));
}

proptest! {
    #[test]
    fn a_text_comes_back_as_it_went_in(text in "\\PC*|[ \t\r\n0-9a-zé五🍕<|>]{0,60}") {
        let ids = TOKENIZER.encode(&text, Special::AsText).unwrap();
        prop_assert_eq!(TOKENIZER.decode(&ids), text);
    }
}

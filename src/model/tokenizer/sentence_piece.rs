//! SentencePiece's BPE, as Llama 1 and 2, Mistral and TinyLlama have it: the file holds a score for
//! each piece instead of merges, a space is written `▁`, and what has no piece is spelled in bytes.

use std::collections::HashMap;

use tokenizers::Tokenizer;
use tokenizers::models::bpe::BPE;

use super::vocabulary::{Kind, Vocabulary};
use crate::model::error::Result;
use crate::model::gguf::Gguf;

/// Builds the tokenizer of a file whose `tokenizer.ggml.model` is `llama`.
///
/// # Errors
/// When the scores are missing or do not fit the vocabulary, or some bytes have no token.
pub(super) fn build(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Tokenizer> {
    let Some(scores) = gguf.optional_f32s("tokenizer.ggml.scores")? else {
        return Err(gguf.unusable("its metadata lacks `tokenizer.ggml.scores`"));
    };
    if scores.len() != vocabulary.len() {
        return Err(gguf.unusable(format!(
            "it has {} tokens but {} scores; the file is damaged, fetch it again",
            vocabulary.len(),
            scores.len()
        )));
    }
    let spells_bytes = (0..=255u8).all(|byte| vocabulary.id(&format!("<0x{byte:02X}>")).is_some());
    let unknown = vocabulary.unknown.and_then(|id| vocabulary.text(id)).or(Some("<unk>"));
    let unknown = unknown.filter(|text| vocabulary.id(text).is_some());
    if !spells_bytes && unknown.is_none() {
        return Err(gguf.unusable(
            "its vocabulary has neither a token for every byte nor one for the unknown",
        ));
    }

    // Control tokens stay out; text that looks like one is spelled from pieces.
    let vocab = vocabulary.iter().filter(|(_, _, kind)| *kind != Kind::Control);
    let vocab = vocab
        .map(|(id, text, _)| (text.to_owned(), id))
        .collect::<tokenizers::models::bpe::Vocab>();
    let mut builder = BPE::builder()
        .vocab_and_merges(vocab, merges(vocabulary, scores))
        .fuse_unk(true)
        .byte_fallback(true);
    if let Some(unknown) = unknown {
        builder = builder.unk_token(unknown.to_owned());
    }
    let bpe = builder
        .build()
        .map_err(|error| gguf.unusable(format!("its tokenizer cannot be built: {error}")))?;
    Ok(Tokenizer::new(bpe))
}

/// Every way to make a piece from two others, the best piece first.
///
/// Source: `generate_merges` in transformers' `convert_slow_tokenizer.py`.
fn merges(vocabulary: &Vocabulary, scores: &[f32]) -> Vec<(String, String)> {
    let pieces: HashMap<&str, u32> = vocabulary
        .iter()
        .filter(|(_, _, kind)| matches!(kind, Kind::Normal | Kind::UserDefined | Kind::Unused))
        .map(|(id, text, _)| (text, id))
        .collect();
    let mut merges = Vec::new();
    for (id, text, _) in vocabulary.iter() {
        if pieces.get(text) != Some(&id) {
            continue;
        }
        let first = merges.len();
        for (cut, _) in text.char_indices().skip(1) {
            let (left, right) = text.split_at(cut);
            if let (Some(left_id), Some(right_id)) = (pieces.get(left), pieces.get(right)) {
                let score = scores.get(id as usize).copied().unwrap_or(f32::MIN);
                merges.push((score, (*left_id, *right_id), left, right));
            }
        }
        if let Some(added) = merges.get_mut(first..) {
            added.sort_by_key(|(_, ids, _, _)| *ids);
        }
    }
    merges.sort_by(|a, b| {
        let lengths = |merge: &(f32, (u32, u32), &str, &str)| {
            (merge.2.chars().count(), merge.3.chars().count())
        };
        b.0.total_cmp(&a.0).then_with(|| lengths(b).cmp(&lengths(a)))
    });
    merges.into_iter().map(|(_, _, left, right)| (left.to_owned(), right.to_owned())).collect()
}

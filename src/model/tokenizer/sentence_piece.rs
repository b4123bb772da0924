//! SentencePiece's BPE, as Llama 1 and 2, Mistral and TinyLlama have it: the file holds a score for
//! each piece instead of merges, a space is written `▁`, and what has no piece is spelled in bytes.

use std::collections::HashMap;

use tokenizers::Tokenizer;
use tokenizers::models::bpe::BPE;

use super::vocabulary::{Kind, Vocabulary};
use crate::model::error::Error;
use crate::model::gguf::Gguf;

/// Builds the tokenizer of a file whose `tokenizer.ggml.model` is `llama`.
///
/// # Errors
/// When the scores are missing or do not fit the vocabulary, or some bytes have no token.
pub(super) fn build(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Tokenizer, Error> {
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
    let fallback = Fallback { bytes: true, fuse_unknown: true, ignore_merges: false };
    let built = pieces(vocabulary, merges(vocabulary, scores), fallback);
    built.map_err(|reason| gguf.unusable(reason))
}

/// What is done with text that no merge makes a piece of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fallback {
    /// It is spelled in bytes.
    pub bytes: bool,
    /// Several unknown characters are one unknown token.
    pub fuse_unknown: bool,
    /// A run that is a piece as a whole is that piece, without looking at the merges.
    pub ignore_merges: bool,
}

/// The tokenizer of pieces that `merges` make, best first.
///
/// # Errors
/// When there is neither a token for every byte nor one for the unknown.
pub(super) fn pieces(
    vocabulary: &Vocabulary,
    merges: Vec<(String, String)>,
    fallback: Fallback,
) -> Result<Tokenizer, String> {
    let spells_bytes = fallback.bytes
        && (0..=255u8).all(|byte| vocabulary.id(&format!("<0x{byte:02X}>")).is_some());
    let unknown = vocabulary.unknown.and_then(|id| vocabulary.text(id)).or(Some("<unk>"));
    let unknown = unknown.filter(|text| vocabulary.id(text).is_some());
    if !spells_bytes && unknown.is_none() {
        return Err(
            "its vocabulary has neither a token for every byte nor one for the unknown".into()
        );
    }

    // Control tokens stay out; text that looks like one is spelled from pieces.
    let vocab = vocabulary.iter().filter(|(_, _, kind)| *kind != Kind::Control);
    let vocab = vocab
        .map(|(id, text, _)| (text.to_owned(), id))
        .collect::<tokenizers::models::bpe::Vocab>();
    let mut builder = BPE::builder()
        .vocab_and_merges(vocab, merges)
        .fuse_unk(fallback.fuse_unknown)
        .byte_fallback(fallback.bytes)
        .ignore_merges(fallback.ignore_merges);
    if let Some(unknown) = unknown {
        builder = builder.unk_token(unknown.to_owned());
    }
    let bpe = builder.build().map_err(|error| format!("its tokenizer cannot be built: {error}"))?;
    Ok(Tokenizer::new(bpe))
}

/// When a space is put before a run of text, which is the whole text or what lies between special tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Never,
    /// SentencePiece's habit.
    BeforeEachRun,
    /// Unless it begins with one.
    BeforeEachRunWithout,
    /// Before the whole text only, unless it begins with one.
    BeforeTheTextWithout,
}

impl Space {
    /// The run as pieces write it; `first` says that nothing stands before it in the whole text.
    pub fn write(self, run: &str, first: bool) -> String {
        let there = run.starts_with([' ', '▁']);
        let added = match self {
            Self::Never => false,
            Self::BeforeEachRun => true,
            Self::BeforeEachRunWithout => !there,
            Self::BeforeTheTextWithout => first && !there,
        };
        format!("{}{run}", if added { " " } else { "" }).replace(' ', "▁")
    }
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

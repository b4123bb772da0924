//! SentencePiece's BPE as a GGUF file has it (Llama 1 and 2, Mistral, TinyLlama, Gemma): a score for each
//! piece instead of merges. Of all neighbours that make a piece the best is joined first, of equals the
//! leftmost, until none is left; what has no piece is spelled in bytes.
//!
//! Sources: SentencePiece's `bpe_model.cc`; llama.cpp's `llm_tokenizer_spm`. The order of joining is found
//! while a text is read: merges would be half a million for Gemma, and most of the time to open it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::vocabulary::{Kind, Vocabulary};
use crate::model::error::Error;
use crate::model::gguf::Gguf;

/// What a vocabulary needs to cut text so.
#[derive(Debug)]
pub(super) struct ScoredPieces {
    /// By id.
    scores: Vec<f32>,
    /// The tokens of all bytes, when there are all.
    bytes: Option<Vec<u32>>,
    unknown: Option<u32>,
}

/// A piece in the making: a part of the text between two others.
#[derive(Debug, Clone, Copy)]
struct Part {
    start: usize,
    /// The same as `start` once it was joined to the part before it.
    end: usize,
    before: Option<usize>,
    after: Option<usize>,
}

/// Two neighbours that make a piece.
#[derive(Debug, Clone, Copy)]
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Bytes of both when this was written down; less than they have now, if it is out of date.
    length: usize,
}

impl Ord for Pair {
    /// The greatest is joined first.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

impl ScoredPieces {
    /// Reads the scores of a file whose `tokenizer.ggml.model` is `llama`.
    ///
    /// # Errors
    /// When the scores are missing or do not fit the vocabulary, or some bytes have no token.
    pub fn from_gguf(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Self, Error> {
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
        let bytes: Option<Vec<u32>> = vocabulary.bytes_spelled();
        let unknown = vocabulary.unknown.or_else(|| vocabulary.id("<unk>"));
        if bytes.is_none() && unknown.is_none() {
            return Err(gguf.unusable(
                "its vocabulary has neither a token for every byte nor one for the unknown",
            ));
        }
        Ok(Self { scores: scores.to_vec(), bytes, unknown })
    }

    /// Appends the ids of `text`, whose spaces are written `▁`.
    pub fn encode(&self, vocabulary: &Vocabulary, text: &str, ids: &mut Vec<u32>) {
        // Control tokens are no pieces; text that looks like one is spelled from others.
        let piece = |start: usize, end: usize| {
            let id = vocabulary.id(text.get(start..end)?)?;
            let kind = vocabulary.kind(id)?;
            matches!(kind, Kind::Normal | Kind::UserDefined | Kind::Unused).then_some(id)
        };
        let mut parts: Vec<Part> = text
            .char_indices()
            .enumerate()
            .map(|(place, (start, character))| {
                let end = start + character.len_utf8();
                let after = (end < text.len()).then_some(place + 1);
                Part { start, end, before: place.checked_sub(1), after }
            })
            .collect();
        let pair = |parts: &[Part], left: Option<usize>, right: Option<usize>| {
            let (left, right) = (left?, right?);
            let (start, end) = (parts[left].start, parts[right].end);
            let score = self.scores.get(piece(start, end)? as usize).copied()?;
            Some(Pair { score, left, right, length: end - start })
        };
        let neighbours = (1..parts.len()).filter_map(|i| pair(&parts, Some(i - 1), Some(i)));
        let mut pairs: BinaryHeap<Pair> = neighbours.collect();
        while let Some(Pair { left, right, length, .. }) = pairs.pop() {
            let (first, second) = (parts[left], parts[right]);
            // One of them was joined to another part since.
            if first.after != Some(right) || second.end - first.start != length {
                continue;
            }
            parts[left] = Part { end: second.end, after: second.after, ..first };
            parts[right] = Part { end: second.start, before: None, after: None, ..second };
            if let Some(after) = second.after {
                parts[after].before = Some(left);
            }
            pairs.extend(pair(&parts, first.before, Some(left)));
            pairs.extend(pair(&parts, Some(left), second.after));
        }

        let mut was_unknown = false;
        for Part { start, end, .. } in parts.into_iter().filter(|part| part.end > part.start) {
            let spelled = match (piece(start, end), &self.bytes) {
                (Some(id), _) => {
                    ids.push(id);
                    true
                }
                (None, Some(bytes)) => {
                    let text = text.as_bytes().get(start..end).unwrap_or_default();
                    ids.extend(text.iter().filter_map(|&byte| bytes.get(usize::from(byte))));
                    true
                }
                (None, None) => false,
            };
            // Several unknown characters are one unknown token.
            if !spelled && !was_unknown {
                ids.extend(self.unknown);
            }
            was_unknown = !spelled;
        }
    }
}

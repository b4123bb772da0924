//! SentencePiece's BPE as a `tokenizer.json` has it (Llama 2, Mistral, Gemma), with merges; and how
//! SentencePiece writes spaces, whatever the file.

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};

use super::vocabulary::{Kind, Vocabulary};

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
    let spells_bytes = fallback.bytes && vocabulary.bytes_spelled().is_some();
    let unknown = vocabulary.unknown.and_then(|id| vocabulary.text(id)).or(Some("<unk>"));
    let unknown = unknown.filter(|text| vocabulary.id(text).is_some());
    if !spells_bytes && unknown.is_none() {
        return Err(
            "its vocabulary has neither a token for every byte nor one for the unknown".into()
        );
    }

    // Control tokens stay out; text that looks like one is spelled from pieces.
    let vocab = vocabulary.iter().filter(|(_, _, kind)| *kind != Kind::Control);
    let vocab = vocab.map(|(id, text, _)| (text.to_owned(), id)).collect::<Vocab>();
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

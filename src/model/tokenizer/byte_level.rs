//! Byte-level BPE, GPT-2's way and its descendants': text is cut into words by an expression that
//! differs from family to family (`tokenizer.ggml.pre`), words into bytes, bytes merged into tokens.

use std::collections::HashMap;
use std::sync::LazyLock;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

use super::vocabulary::{Kind, Vocabulary};
use crate::model::error::Error;
use crate::model::gguf::Gguf;

/// How one family of models cuts text into words.
///
/// Sources: each family's published `tokenizer.json`; llama.cpp's `llama-vocab.cpp` for the names.
struct Family {
    /// Values of `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    cuts: &'static [Cut],
    /// A word that is a token as a whole is that token, without looking at the merges.
    ignore_merges: bool,
    /// Text is brought to Unicode's composed form first.
    composed: bool,
    /// Whether a text begins with the beginning-of-sequence token when the file does not say.
    pub add_bos: bool,
}

/// One pass over the pieces that the pass before left.
enum Cut {
    /// Every digit is a word of its own.
    Digits,
    /// What matches is a word, and so is what lies between.
    Expression(&'static str),
    /// GPT-2's own expression.
    Gpt2,
}

const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const FAMILIES: &[Family] = &[
    Family {
        names: &["smollm", "starcoder", "refact"],
        cuts: &[Cut::Digits, Cut::Gpt2],
        ignore_merges: false,
        composed: false,
        add_bos: false,
    },
    Family {
        // A file that names no family ("default") was made before names were kept; GPT-2's cut is
        // what such models most often have.
        names: &["gpt-2", "gpt2", "phi-2", "default"],
        cuts: &[Cut::Gpt2],
        ignore_merges: false,
        composed: false,
        add_bos: false,
    },
    Family {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3"],
        cuts: &[Cut::Expression(LLAMA_3)],
        ignore_merges: true,
        composed: false,
        add_bos: true,
    },
    Family {
        names: &["smaug-bpe", "dbrx"],
        cuts: &[Cut::Expression(LLAMA_3)],
        ignore_merges: false,
        composed: false,
        add_bos: false,
    },
    Family {
        names: &["qwen2", "deepseek-r1-qwen", "megrez"],
        cuts: &[Cut::Expression(QWEN_2)],
        ignore_merges: false,
        composed: true,
        add_bos: false,
    },
    Family {
        names: &["tekken"],
        cuts: &[Cut::Expression(TEKKEN)],
        ignore_merges: true,
        composed: false,
        add_bos: true,
    },
    Family {
        names: &["deepseek-coder"],
        cuts: &[
            Cut::Expression(r"[\r\n]"),
            Cut::Expression(r"\s?\p{L}+"),
            Cut::Expression(r"\s?\p{P}+"),
            Cut::Expression(r"[一-龥ࠀ-一가-퟿]+"),
            Cut::Digits,
        ],
        ignore_merges: false,
        composed: false,
        add_bos: false,
    },
];

/// Builds the tokenizer of a file whose `tokenizer.ggml.model` is `gpt2`, and says whether its
/// family begins texts with the beginning-of-sequence token.
///
/// # Errors
/// When the family is not one of ours, or the merges do not fit the vocabulary.
pub(super) fn build(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<(Tokenizer, bool), Error> {
    let name = gguf.optional_str("tokenizer.ggml.pre")?.unwrap_or("default");
    let Some(family) = FAMILIES.iter().find(|family| family.names.contains(&name)) else {
        let supported: Vec<_> = FAMILIES.iter().flat_map(|family| family.names).copied().collect();
        return Err(gguf.unusable(format!(
            "its tokenizer cuts words in the way {name:?} (`tokenizer.ggml.pre`), which is not supported; supported are {}",
            supported.join(", ")
        )));
    };
    let failed =
        |error: tokenizers::Error| gguf.unusable(format!("its tokenizer cannot be built: {error}"));
    let bpe = BPE::builder()
        .vocab_and_merges(mergeable(vocabulary), merges(gguf, vocabulary)?)
        .ignore_merges(family.ignore_merges)
        .build()
        .map_err(failed)?;
    let mut tokenizer = Tokenizer::new(bpe);
    if family.composed {
        tokenizer.with_normalizer(Some(NFC)).map_err(failed)?;
    }
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer(family).map_err(failed)?));
    Ok((tokenizer, family.add_bos))
}

fn pre_tokenizer(family: &Family) -> tokenizers::Result<Sequence> {
    let mut passes: Vec<PreTokenizerWrapper> = Vec::new();
    let mut gpt2 = false;
    for cut in family.cuts {
        match cut {
            Cut::Digits => passes.push(Digits::new(true).into()),
            Cut::Expression(expression) => {
                let pattern = SplitPattern::Regex((*expression).to_owned());
                passes.push(Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into());
            }
            Cut::Gpt2 => gpt2 = true,
        }
    }
    // The last pass writes bytes as characters, and applies GPT-2's expression where it is wanted.
    passes.push(ByteLevel::new(false, false, gpt2).into());
    Ok(Sequence::new(passes))
}

/// The tokens that text may become: all but those that steer the model, which no text makes.
pub(super) fn mergeable(vocabulary: &Vocabulary) -> Vocab {
    vocabulary
        .iter()
        .filter(|(_, _, kind)| !matches!(kind, Kind::Control | Kind::Unknown))
        .map(|(id, text, _)| (text.to_owned(), id))
        .collect()
}

fn merges(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Vec<(String, String)>, Error> {
    let merges = gguf.strings("tokenizer.ggml.merges")?;
    let merges = merges.into_iter().map(|merge| {
        let halves = merge.split_once(' ');
        halves.ok_or_else(|| format!("its merge {merge:?} is not two tokens"))
    });
    possible(merges, vocabulary).map_err(|reason| gguf.unusable(reason))
}

/// The merges, in order, without those that would make a token that steers the model.
///
/// # Errors
/// When a merge is of tokens that there are not, or makes one that there is not.
pub(super) fn possible<Half: AsRef<str> + Into<String>>(
    merges: impl Iterator<Item = Result<(Half, Half), String>>,
    vocabulary: &Vocabulary,
) -> Result<Vec<(String, String)>, String> {
    let mut kept = Vec::with_capacity(merges.size_hint().0);
    let mut made = String::new();
    for merge in merges {
        let (left, right) = merge?;
        made.clear();
        made.extend([left.as_ref(), right.as_ref()]);
        let mut steers = false;
        for text in [left.as_ref(), right.as_ref(), &made] {
            let id = vocabulary.id(text).ok_or_else(|| {
                let merge = format!("{} {}", left.as_ref(), right.as_ref());
                format!("its merge {merge:?} is of tokens that it does not have")
            })?;
            steers |= matches!(vocabulary.kind(id), Some(Kind::Control | Kind::Unknown));
        }
        if !steers {
            kept.push((left.into(), right.into()));
        }
    }
    Ok(kept)
}

/// The bytes behind a token written in GPT-2's characters; none when it holds others.
pub(super) fn bytes_of_characters(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| BYTES.get(&character).copied()).collect()
}

/// GPT-2's characters: a printable byte stands for itself, the others are numbered from U+0100.
static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| {
    let mut next = 0x100;
    (0..=255u8)
        .map(|byte| {
            let printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let character = if printable {
                char::from(byte)
            } else {
                next += 1;
                char::from_u32(next - 1).unwrap_or(char::REPLACEMENT_CHARACTER)
            };
            (character, byte)
        })
        .collect()
});

//! The tokens of a model as its files list them: text, kind, and the bytes each stands for. Knows
//! nothing of how text is cut into them.

use std::collections::BTreeSet;

use tokenizers::models::bpe::Vocab;

use super::byte_level::bytes_of_characters;
use crate::model::error::Error;
use crate::model::gguf::Gguf;

/// What a token is for (`tokenizer.ggml.token_type`, numbered as in llama.cpp's `llama_token_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    /// Stands for what the vocabulary cannot say.
    Unknown,
    /// Steers the model: begins and ends turns. Never made from a person's text.
    Control,
    /// A text that always is one token.
    UserDefined,
    Unused,
    /// One byte, written `<0x0A>`, for characters that have no token.
    Byte,
}

/// How the text of a normal token stands for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// GPT-2's: every byte is written as a printable character.
    ByteLevel,
    /// SentencePiece's: as it is, with `▁` for a space.
    SentencePiece,
}

/// All tokens, by id.
#[derive(Debug)]
pub(super) struct Vocabulary {
    tokens: Vec<String>,
    kinds: Vec<Kind>,
    spelling: Spelling,
    /// The crate's map, since its hash is the fastest at hand.
    ids: Vocab,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub unknown: Option<u32>,
    /// Every token that ends a turn.
    pub ends: BTreeSet<u32>,
}

/// Tokens that end a turn in the models we know, whatever `eos_token_id` says. llama.cpp recognises
/// them in the same way, since many files name only one of several.
const END_TEXTS: [&str; 9] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<｜end▁of▁sentence｜>",
];

/// What a model's files say of its tokens.
#[derive(Debug)]
pub(super) struct Listed {
    /// By id; empty where the numbering has a hole.
    pub texts: Vec<String>,
    /// As many as texts.
    pub kinds: Vec<Kind>,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub unknown: Option<u32>,
    /// What else they say ends a turn.
    pub ends: Vec<u32>,
}

impl Vocabulary {
    /// Takes the tokens that a model's files list, and adds the ends of turns that are known by name.
    ///
    /// # Errors
    /// When there are none or far too many, when two are the same, or when a special one lies outside.
    pub fn new(listed: Listed, spelling: Spelling) -> Result<Self, String> {
        let Listed { texts, mut kinds, bos, eos, unknown, ends } = listed;
        if texts.is_empty() || u32::try_from(texts.len()).is_err() || kinds.len() != texts.len() {
            return Err(format!("its vocabulary has {} tokens", texts.len()));
        }
        let mut ids = Vocab::with_capacity(texts.len());
        for (id, text) in (0u32..).zip(&texts) {
            if !text.is_empty()
                && let Some(earlier) = ids.insert(text.clone(), id)
            {
                return Err(format!("its tokens {earlier} and {id} are the same, {text:?}"));
            }
        }
        let named = [bos, eos, unknown].into_iter().flatten().chain(ends.iter().copied());
        for id in named {
            if id as usize >= texts.len() {
                return Err(format!("its special token {id} is none of its {}", texts.len()));
            }
        }
        let listed = END_TEXTS.iter().filter_map(|&text| ids.get(text).copied());
        // In a byte-level vocabulary "</s>" may be an ordinary piece of a web page.
        let listed =
            listed.filter(|&id| matches!(kinds[id as usize], Kind::Control | Kind::UserDefined));
        let ends: BTreeSet<u32> = listed.chain(eos).chain(ends).collect();
        // Some files call them normal or user-defined; a person's text must not make them all the same.
        for &id in ends.iter().chain(&bos) {
            kinds[id as usize] = Kind::Control;
        }
        Ok(Self { tokens: texts, kinds, spelling, ids, bos, eos, unknown, ends })
    }

    /// Reads the tokens of a model file.
    ///
    /// # Errors
    /// When a list is missing, too short, or names a token twice, or an id lies outside.
    pub fn from_gguf(gguf: &Gguf, spelling: Spelling) -> Result<Self, Error> {
        let texts = gguf.strings("tokenizer.ggml.tokens")?;
        let kinds = match gguf.optional_i32s("tokenizer.ggml.token_type")? {
            None => vec![Kind::Normal; texts.len()],
            Some(types) if types.len() == texts.len() => types.iter().map(|&t| kind(t)).collect(),
            Some(types) => {
                return Err(gguf.unusable(format!(
                    "it has {} tokens but {} token types; the file is damaged, fetch it again",
                    texts.len(),
                    types.len()
                )));
            }
        };
        let named =
            |name: &str| {
                let key = format!("tokenizer.ggml.{name}_token_id");
                match gguf.optional_usize(&key)? {
                    Some(id) if id >= texts.len() => Err(gguf
                        .unusable(format!("`{key}` is {id}, but it has {} tokens", texts.len()))),
                    id => Ok(id.map(|id| id as u32)),
                }
            };
        let listed = Listed {
            bos: named("bos")?,
            eos: named("eos")?,
            unknown: named("unknown")?,
            ends: [named("eot")?, named("eom")?].into_iter().flatten().collect(),
            texts: texts.into_iter().map(str::to_owned).collect(),
            kinds,
        };
        Self::new(listed, spelling).map_err(|reason| gguf.unusable(reason))
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The id of the token that is written so in the file.
    pub fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// How the file writes the token.
    pub fn text(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize).map(String::as_str)
    }

    pub fn kind(&self, id: u32) -> Option<Kind> {
        self.kinds.get(id as usize).copied()
    }

    /// The tokens that stand for one byte each, by the byte; none when one is missing.
    pub fn bytes_spelled(&self) -> Option<Vec<u32>> {
        (0..=255u8).map(|byte| self.id(&format!("<0x{byte:02X}>"))).collect()
    }

    /// Every token with its id and kind, the empty ones (holes in the numbering) left out.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str, Kind)> {
        (0u32..)
            .zip(self.tokens.iter().zip(&self.kinds))
            .map(|(id, (text, kind))| (id, text.as_str(), *kind))
            .filter(|(_, text, _)| !text.is_empty())
    }

    /// The bytes that the token stands for; of a special token, its own text.
    pub fn bytes(&self, id: u32) -> Vec<u8> {
        let (Some(text), Some(kind)) = (self.text(id), self.kind(id)) else { return Vec::new() };
        match (kind, self.spelling) {
            (Kind::Control | Kind::UserDefined | Kind::Unknown, _) => text.as_bytes().to_vec(),
            (Kind::Byte, _) => {
                byte_of(text).map_or_else(|| text.as_bytes().to_vec(), |byte| vec![byte])
            }
            (_, Spelling::ByteLevel) => {
                bytes_of_characters(text).unwrap_or_else(|| text.as_bytes().to_vec())
            }
            (_, Spelling::SentencePiece) => text.replace('▁', " ").into_bytes(),
        }
    }
}

fn kind(number: i32) -> Kind {
    match number {
        2 => Kind::Unknown,
        3 => Kind::Control,
        4 => Kind::UserDefined,
        5 => Kind::Unused,
        6 => Kind::Byte,
        _ => Kind::Normal,
    }
}

/// `<0x0A>` → 10.
pub(super) fn byte_of(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

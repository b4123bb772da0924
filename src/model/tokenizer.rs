//! Text to token ids and back, as the model's own files describe it. Owns which texts are special;
//! knows nothing of conversations (the chat template does).
//!
//! Special tokens are found here and not by the `tokenizers` crate, so that the same text can be
//! encoded with them or, when it comes from a person, without.

mod byte_level;
mod hugging_face;
mod scored_pieces;
mod sentence_piece;
mod special;
mod stream;
mod tokenizer_json;
mod vocabulary;

use std::collections::HashMap;

use self::scored_pieces::ScoredPieces;
use self::sentence_piece::Space;
use self::special::{SpecialTexts, Strips};
use self::vocabulary::{Kind, Spelling, Vocabulary};
use super::error::{Error, Result};
use super::gguf::Gguf;
use super::safetensors::SafetensorsFolder;

pub(super) use self::special::Fragment;
pub use self::stream::TextStream;

/// What a special token's text means inside a text to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// It is that token: for text of our own making, such as a rendered chat template.
    Recognise,
    /// It is text like any other: for what a person or a model wrote. Tokens that the model's makers
    /// defined for plain text (such as runs of spaces) are still recognised.
    AsText,
}

/// What cuts a run of text that holds no special token.
#[derive(Debug)]
enum Pieces {
    Merged(Box<tokenizers::Tokenizer>),
    Scored(ScoredPieces),
}

/// What a tokenizer is made of, wherever it was read from.
struct Parts {
    pieces: Pieces,
    vocabulary: Vocabulary,
    spelling: Spelling,
    space: Space,
    /// Whether every sequence begins with the beginning-of-sequence token, if there is one.
    add_bos: bool,
    /// Special tokens that take white space around them away.
    strips: HashMap<u32, Strips>,
}

/// A model's tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    pieces: Pieces,
    vocabulary: Vocabulary,
    spelling: Spelling,
    /// Texts of control tokens.
    control: SpecialTexts,
    /// Texts that are one token in anybody's text.
    user_defined: SpecialTexts,
    /// Both.
    special: SpecialTexts,
    /// When a space is put before a run of text.
    space: Space,
    add_bos: bool,
}

impl Tokenizer {
    /// Builds the tokenizer that a model file describes.
    ///
    /// # Errors
    /// When the file describes none, one of a kind that is not supported (named, with those that
    /// are), or a damaged one.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let spelling = match gguf.str("tokenizer.ggml.model")? {
            "gpt2" => Spelling::ByteLevel,
            "llama" => Spelling::SentencePiece,
            other => {
                return Err(gguf.unusable(format!(
                    "its tokenizer is of the kind {other:?} (`tokenizer.ggml.model`), which is not supported; supported are gpt2 (byte-level BPE) and llama (SentencePiece)"
                )));
            }
        };
        let vocabulary = Vocabulary::from_gguf(gguf, spelling)?;
        let (pieces, usual_bos) = match spelling {
            Spelling::ByteLevel => {
                let (pieces, usual_bos) = byte_level::build(gguf, &vocabulary)?;
                (Pieces::Merged(Box::new(pieces)), usual_bos)
            }
            Spelling::SentencePiece => {
                (Pieces::Scored(ScoredPieces::from_gguf(gguf, &vocabulary)?), true)
            }
        };
        let space = match spelling {
            // llama.cpp ignores the key here, as the published tokenizers do.
            Spelling::ByteLevel => Space::Never,
            Spelling::SentencePiece => {
                let stated = gguf.optional_bool("tokenizer.ggml.add_space_prefix")?;
                // Gemma never has one, and ollama's files of it do not say so.
                let architecture = gguf.optional_str("general.architecture")?.unwrap_or_default();
                match stated.unwrap_or(!architecture.starts_with("gemma")) {
                    false => Space::Never,
                    true => Space::BeforeEachRun,
                }
            }
        };
        let add_bos = gguf.optional_bool("tokenizer.ggml.add_bos_token")?.unwrap_or(usual_bos);
        let parts = Parts { pieces, vocabulary, spelling, space, add_bos, strips: HashMap::new() };
        Self::new(parts).map_err(|reason| gguf.unusable(reason))
    }

    /// Builds the tokenizer of a folder from the hub: its `tokenizer.json`, and what
    /// `tokenizer_config.json`, `generation_config.json` and `config.json` say of special tokens.
    ///
    /// # Errors
    /// When the folder has none, one of a kind that is not supported (named, with those that are), or
    /// a damaged one.
    pub fn from_folder(folder: &SafetensorsFolder) -> Result<Self> {
        Self::new(hugging_face::parts(folder)?).map_err(|reason| folder.unusable(reason))
    }

    fn new(parts: Parts) -> std::result::Result<Self, String> {
        let Parts { pieces, vocabulary, spelling, space, add_bos, strips } = parts;
        let of_kinds = |kinds: &[Kind]| {
            let texts = vocabulary.iter().filter(|(_, _, kind)| kinds.contains(kind));
            let strips = |id| strips.get(&id).copied().unwrap_or_default();
            SpecialTexts::new(texts.map(|(id, text, _)| (id, text, strips(id))))
                .map_err(|reason| format!("its special tokens cannot be used: {reason}"))
        };
        Ok(Self {
            pieces,
            control: of_kinds(&[Kind::Control, Kind::Unknown])?,
            user_defined: of_kinds(&[Kind::UserDefined])?,
            special: of_kinds(&[Kind::Control, Kind::Unknown, Kind::UserDefined])?,
            space,
            add_bos: add_bos && vocabulary.bos.is_some(),
            spelling,
            vocabulary,
        })
    }

    /// The ids of a text. No beginning-of-sequence token is put before it (see [`Tokenizer::add_bos`]).
    ///
    /// Bytes that the vocabulary cannot say vanish, as in transformers and llama.cpp: SmolLM2 lacks
    /// six control characters and the unassigned planes of Unicode.
    ///
    /// # Errors
    /// When the text cannot be cut, which no known text makes happen.
    pub fn encode(&self, text: &str, special: Special) -> Result<Vec<u32>> {
        self.encode_part(text, special, true)
    }

    /// As [`Tokenizer::encode`], of a part of a text; `first` says that nothing stands before it.
    pub(super) fn encode_part(
        &self,
        text: &str,
        special: Special,
        first: bool,
    ) -> Result<Vec<u32>> {
        let texts = match special {
            Special::Recognise => &self.special,
            Special::AsText => &self.user_defined,
        };
        let mut ids = Vec::new();
        for (place, fragment) in texts.split(text).into_iter().enumerate() {
            match fragment {
                Fragment::Special(id) => ids.push(id),
                Fragment::Text(run) => self.encode_run(run, first && place == 0, &mut ids)?,
            }
        }
        Ok(ids)
    }

    /// The text of these ids, special tokens left out. Bytes that are no UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut stream = self.stream();
        let mut text: String = ids.iter().map(|&id| stream.push(self, id)).collect();
        text.push_str(&stream.finish());
        text
    }

    /// Decodes token by token, as they are generated.
    pub fn stream(&self) -> TextStream {
        TextStream::new(self)
    }

    /// The bytes that a token stands for: a special token's own text, nothing for an unknown id.
    pub fn bytes_of(&self, id: u32) -> Vec<u8> {
        self.vocabulary.bytes(id)
    }

    /// A token as a person reads it; incomplete characters become U+FFFD.
    pub fn piece(&self, id: u32) -> String {
        String::from_utf8_lossy(&self.bytes_of(id)).into_owned()
    }

    /// Whether the token steers the model rather than being text.
    pub fn is_special(&self, id: u32) -> bool {
        matches!(self.vocabulary.kind(id), Some(Kind::Control | Kind::Unknown))
    }

    /// The id of the token that the file writes so (`<|im_end|>`).
    pub fn id_of(&self, text: &str) -> Option<u32> {
        self.vocabulary.id(text)
    }

    /// How many tokens there are; ids are below it.
    pub fn vocab_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// The beginning-of-sequence token.
    pub fn bos(&self) -> Option<u32> {
        self.vocabulary.bos
    }

    /// The token that the file names as the end of a sequence.
    pub fn eos(&self) -> Option<u32> {
        self.vocabulary.eos
    }

    /// Whether this token ends a turn: generation stops at it.
    pub fn is_end_of_turn(&self, id: u32) -> bool {
        self.vocabulary.ends.contains(&id)
    }

    /// All tokens that end a turn, in rising order.
    pub fn ends_of_turn(&self) -> impl Iterator<Item = u32> {
        self.vocabulary.ends.iter().copied()
    }

    /// Whether the model expects every sequence to begin with [`Tokenizer::bos`].
    pub fn add_bos(&self) -> bool {
        self.add_bos
    }

    /// Cuts a text at its control tokens; the rest is still to be encoded.
    pub(super) fn split_control<'a>(&self, text: &'a str) -> Vec<Fragment<'a>> {
        self.control.split(text)
    }

    /// The texts of the control tokens.
    pub fn control_texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.control.texts()
    }

    /// Encodes a run of plain text, which begins the whole text (`first`) or follows a special token.
    fn encode_run(&self, run: &str, first: bool, ids: &mut Vec<u32>) -> Result<()> {
        let written;
        let run = match self.spelling {
            Spelling::ByteLevel => run,
            Spelling::SentencePiece => {
                written = self.space.write(run, first);
                &written
            }
        };
        match &self.pieces {
            Pieces::Merged(tokenizer) => {
                let encoding = tokenizer.encode_fast(run, false);
                let encoding =
                    encoding.map_err(|error| Error::Tokenize { reason: error.to_string() })?;
                ids.extend_from_slice(encoding.get_ids());
            }
            Pieces::Scored(scored) => scored.encode(&self.vocabulary, run, ids),
        }
        Ok(())
    }
}

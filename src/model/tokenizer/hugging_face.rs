//! The tokenizer of a folder from the hub. Owns what the parts of a `tokenizer.json` mean to us, and
//! refuses by name what would be ignored; the shape of the files is in `tokenizer_json.rs`.
//!
//! The `tokenizers` crate gets the model, and for byte-level BPE the normalizer and pre-tokenizer, as the
//! file has them. It never sees the added tokens: they are found here, so that a person's text cannot
//! become one that steers the model. A token's `normalized` is not looked at: its text is searched in the
//! text as it was written, as llama.cpp does.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};

use super::sentence_piece::{self, Fallback, Space};
use super::special::Strips;
use super::tokenizer_json::{Ids, Model, TokenIds, TokenText, TokenizerConfig, TokenizerJson};
use super::vocabulary::{Kind, Listed, Spelling, Vocabulary, byte_of};
use super::{Parts, Pieces, byte_level};
use crate::model::error::Result;
use crate::model::safetensors::SafetensorsFolder;

const FILE: &str = "tokenizer.json";
/// Ids may leave this many holes beyond as many as there are tokens.
const MAX_HOLES: usize = 1 << 16;

type Refused<T> = std::result::Result<T, String>;

/// What the folder's tokenizer is made of.
pub(super) fn parts(folder: &SafetensorsFolder) -> Result<Parts> {
    let unusable = |reason: String| folder.unusable(reason);
    let Some(text) = folder.text(FILE)? else {
        let made = match folder.path().join("tokenizer.model").exists() {
            true => "its tokenizer.model is not read; make tokenizer.json of it with transformers",
            false => "fetch it",
        };
        return Err(unusable(format!("{FILE} is missing; {made}")));
    };
    let file: TokenizerJson = parse(FILE, &text).map_err(unusable)?;
    drop(text);
    let config: TokenizerConfig = optional(folder, "tokenizer_config.json")?;
    let generation: TokenIds = optional(folder, "generation_config.json")?;
    let model = TokenIds::deserialize(folder.config()).unwrap_or_default();
    build(file, &config, &[generation, model])
        .map_err(|reason| unusable(format!("its {FILE} {reason}")))
}

fn optional<T: DeserializeOwned + Default>(folder: &SafetensorsFolder, name: &str) -> Result<T> {
    match folder.text(name)? {
        Some(text) => parse(name, &text).map_err(|reason| folder.unusable(reason)),
        None => Ok(T::default()),
    }
}

fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Refused<T> {
    serde_json::from_str(text).map_err(|error| {
        let complaint: String = error.to_string().chars().take(300).collect();
        format!("its {name} cannot be read ({complaint}); fetch it again")
    })
}

fn build(file: TokenizerJson, config: &TokenizerConfig, ids: &[TokenIds]) -> Refused<Parts> {
    check_model(&file.model)?;
    let spelling = spelling(&file)?;
    let strips = strips(&file)?;
    let begins_with = first_of_template(&file.post_processor);
    let vocabulary = vocabulary(&file, spelling, config, ids, begins_with)?;
    let begins = begins_with.and_then(|text| vocabulary.id(text));
    let add_bos = config.add_bos_token.unwrap_or(begins.is_some() && begins == vocabulary.bos);
    let TokenizerJson { model, normalizer, pre_tokenizer, .. } = file;
    let merges = model.merges.into_iter().map(|merge| Ok((merge.0, merge.1)));
    let merges = byte_level::possible(merges, &vocabulary)?;
    let (pieces, space) = match spelling {
        Spelling::ByteLevel => {
            let bpe = BPE::builder()
                .vocab_and_merges(byte_level::mergeable(&vocabulary), merges)
                .ignore_merges(model.ignore_merges)
                .build()
                .map_err(|error| format!("cannot be used: {error}"))?;
            let mut pieces = tokenizers::Tokenizer::new(bpe);
            let wrong = |what| move |error| format!("has a {what} that is not supported: {error}");
            let normalizer: Option<NormalizerWrapper> =
                serde_json::from_value(normalizer).map_err(wrong("normalizer"))?;
            pieces
                .with_normalizer(normalizer)
                .map_err(|error| format!("has a normalizer that is not supported: {error}"))?;
            let pre_tokenizer: Option<PreTokenizerWrapper> =
                serde_json::from_value(pre_tokenizer).map_err(wrong("pre-tokenizer"))?;
            pieces.with_pre_tokenizer(pre_tokenizer);
            (pieces, Space::Never)
        }
        Spelling::SentencePiece => {
            let fallback = Fallback {
                bytes: model.byte_fallback,
                fuse_unknown: model.fuse_unk,
                ignore_merges: model.ignore_merges,
            };
            let (space, splits) = spaces(&normalizer, &pre_tokenizer)?;
            let mut pieces = sentence_piece::pieces(&vocabulary, merges, fallback)?;
            if splits {
                let cut = Metaspace::new('▁', PrependScheme::Never, true);
                pieces.with_pre_tokenizer(Some(cut));
            }
            (pieces, space)
        }
    };
    let pieces = Pieces::Merged(Box::new(pieces));
    Ok(Parts { pieces, vocabulary, spelling, space, add_bos, strips })
}

/// Refuses what is no BPE, and what BPE may do that no model in use does.
fn check_model(model: &Model) -> Refused<()> {
    let kind = model.kind.as_deref();
    if !(kind == Some("BPE") || kind.is_none() && !model.merges.is_empty()) {
        return Err(format!(
            "is of the kind {:?}, which is not supported; supported is BPE (byte-level, or of SentencePiece's pieces)",
            kind.unwrap_or("unknown")
        ));
    }
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    for (used, name) in [
        (given(&model.continuing_subword_prefix), "continuing_subword_prefix"),
        (given(&model.end_of_word_suffix), "end_of_word_suffix"),
        (model.dropout.is_some_and(|dropout| dropout > 0.0), "dropout"),
    ] {
        if used {
            return Err(format!("uses `{name}`, which is not supported"));
        }
    }
    Ok(())
}

/// The steps of a component: those of a sequence, itself, or none.
fn steps(component: &Value) -> Vec<&Value> {
    let parts = ["normalizers", "pretokenizers", "decoders", "processors"];
    match component {
        Value::Null => Vec::new(),
        component if kind(component) == "Sequence" => {
            let parts = parts.iter().find_map(|name| component.get(name)?.as_array());
            parts.into_iter().flatten().flat_map(steps).collect()
        }
        component => vec![component],
    }
}

fn kind(component: &Value) -> &str {
    component.get("type").and_then(Value::as_str).unwrap_or("unknown")
}

fn spelling(file: &TokenizerJson) -> Refused<Spelling> {
    let components = [&file.normalizer, &file.pre_tokenizer, &file.decoder];
    let kinds: Vec<&str> = components.into_iter().flat_map(steps).map(kind).collect();
    if kinds.contains(&"ByteLevel") {
        return Ok(Spelling::ByteLevel);
    }
    let has_mark =
        [&file.normalizer, &file.pre_tokenizer].into_iter().flat_map(steps).any(|step| {
            kind(step) == "Metaspace" || step.get("content").and_then(Value::as_str) == Some("▁")
        });
    match has_mark {
        true => Ok(Spelling::SentencePiece),
        false => Err("spells tokens neither as bytes (ByteLevel) nor with ▁ for a space, which is not supported".into()),
    }
}

/// When a space is put before a run, and whether runs are cut at spaces.
///
/// Sources: transformers' `convert_slow_tokenizer.py` (Llama, Gemma) for what there is; the crate's
/// `normalizers/prepend.rs` and `pre_tokenizers/metaspace.rs` for what it does.
fn spaces(normalizer: &Value, pre_tokenizer: &Value) -> Refused<(Space, bool)> {
    let unsupported =
        |step: &Value| format!("changes text by {:?}, which is not supported", kind(step));
    let (mut prepends, mut replaces) = (false, false);
    for step in steps(normalizer) {
        let text = |key: &str| step.get(key).and_then(Value::as_str);
        let pattern = step.get("pattern").and_then(|pattern| pattern.get("String"));
        match kind(step) {
            "Prepend" if text("prepend") == Some("▁") => prepends = true,
            "Replace" if pattern == Some(&" ".into()) && text("content") == Some("▁") => {
                replaces = true;
            }
            _ => return Err(unsupported(step)),
        }
    }
    let (mut space, mut splits) = (Space::Never, false);
    for step in steps(pre_tokenizer) {
        match kind(step) {
            "Metaspace" => {
                let metaspace: Metaspace = serde_json::from_value(step.clone())
                    .map_err(|error| format!("has a Metaspace that is not supported: {error}"))?;
                if metaspace.get_replacement() != '▁' {
                    return Err(unsupported(step));
                }
                space = match metaspace.get_prepend_scheme() {
                    PrependScheme::Always => Space::BeforeEachRunWithout,
                    PrependScheme::First => Space::BeforeTheTextWithout,
                    PrependScheme::Never => Space::Never,
                };
                splits = metaspace.get_split();
                replaces = true;
            }
            // Gemma's cut at spaces, of which none is left.
            "Split" if replaces && step.pointer("/pattern/String") == Some(&" ".into()) => {}
            _ => return Err(unsupported(step)),
        }
    }
    if !replaces {
        return Err("does not write spaces as ▁, which is not supported".into());
    }
    Ok((if prepends { Space::BeforeEachRun } else { space }, splits))
}

fn strips(file: &TokenizerJson) -> Refused<HashMap<u32, Strips>> {
    let mut strips = HashMap::new();
    for token in &file.added_tokens {
        if token.single_word {
            return Err(format!(
                "finds its token {:?} as a single word only, which is not supported",
                token.content
            ));
        }
        if token.lstrip || token.rstrip {
            strips.insert(token.id, Strips { before: token.lstrip, after: token.rstrip });
        }
    }
    Ok(strips)
}

/// The special token that a text alone begins with, if the file's template has one.
fn first_of_template(post_processor: &Value) -> Option<&str> {
    let template =
        steps(post_processor).into_iter().find(|step| kind(step) == "TemplateProcessing")?;
    template.pointer("/single/0/SpecialToken/id").and_then(Value::as_str)
}

fn vocabulary(
    file: &TokenizerJson,
    spelling: Spelling,
    config: &TokenizerConfig,
    said: &[TokenIds],
    begins_with: Option<&str>,
) -> Refused<Vocabulary> {
    let model = &file.model;
    let of_model = model.vocab.0.iter().map(|(text, &id)| (text, id));
    let added = file.added_tokens.iter().map(|token| (&token.content, token.id));
    let count = model.vocab.0.len() + file.added_tokens.len();
    let length = of_model.clone().chain(added).map(|(_, id)| id as usize + 1).max().unwrap_or(0);
    if length > count + MAX_HOLES {
        return Err(format!("numbers its {count} tokens up to {length}"));
    }
    let (mut texts, mut kinds) = (vec![String::new(); length], vec![Kind::Unused; length]);
    let mut put = |id: u32, text: &String, kind: Kind| {
        let (old, old_kind) = (&mut texts[id as usize], &mut kinds[id as usize]);
        if !old.is_empty() && old != text {
            return Err(format!("has two tokens {id}, {old:?} and {text:?}"));
        }
        (*old, *old_kind) = (text.clone(), kind);
        Ok(())
    };
    let spells_bytes = spelling == Spelling::SentencePiece && model.byte_fallback;
    for (text, id) in of_model {
        let is_byte = spells_bytes && byte_of(text).is_some();
        put(id, text, if is_byte { Kind::Byte } else { Kind::Normal })?;
    }
    for token in &file.added_tokens {
        let kind = if token.special { Kind::Control } else { Kind::UserDefined };
        put(token.id, &token.content, kind)?;
    }

    let added = file.added_tokens.iter().map(|token| (token.content.as_str(), token.id));
    let added: HashMap<&str, u32> = added.collect();
    let id_of = |text: &str| added.get(text).or_else(|| model.vocab.0.get(text)).copied();
    let inside = |id: &u32| (*id as usize) < length;
    let first_of = |of: fn(&TokenIds) -> &Option<Ids>| {
        let ids = said.iter().filter_map(|said| of(said).as_ref()).flat_map(Ids::as_slice);
        ids.copied().find(inside)
    };
    let text_of = |token: &Option<TokenText>| token.as_ref().and_then(|token| id_of(token.text()));
    let unknown = model.unk_token.as_deref().and_then(id_of);
    if let Some(unknown) = unknown {
        kinds[unknown as usize] = Kind::Unknown;
    }
    let bos = text_of(&config.bos_token).or_else(|| begins_with.and_then(id_of));
    let ends = said.iter().filter_map(|said| said.eos_token_id.as_ref()).flat_map(Ids::as_slice);
    let listed = Listed {
        bos: bos.or_else(|| first_of(|said| &said.bos_token_id)),
        eos: text_of(&config.eos_token).or_else(|| first_of(|said| &said.eos_token_id)),
        unknown,
        ends: ends.copied().filter(inside).collect(),
        texts,
        kinds,
    };
    Vocabulary::new(listed, spelling)
}

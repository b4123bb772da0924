//! Which key of a JSONL line holds what: `--map prompt=question,answer=output`.

use std::str::FromStr;

use super::error::{Error, Result};

/// The keys a line may have, each with the name it has in the person's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMap {
    names: [(Field, String, bool); Field::ALL.len()],
}

/// A key of the set format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Id,
    Area,
    Prompt,
    Answer,
    Messages,
    Check,
    Weight,
    Provenance,
}

impl Field {
    const ALL: [Field; 8] = [
        Field::Id,
        Field::Area,
        Field::Prompt,
        Field::Answer,
        Field::Messages,
        Field::Check,
        Field::Weight,
        Field::Provenance,
    ];

    fn key(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Area => "area",
            Field::Prompt => "prompt",
            Field::Answer => "answer",
            Field::Messages => "messages",
            Field::Check => "check",
            Field::Weight => "weight",
            Field::Provenance => "provenance",
        }
    }
}

impl Default for FieldMap {
    /// Every key has its own name.
    fn default() -> Self {
        Self { names: Field::ALL.map(|field| (field, field.key().to_owned(), false)) }
    }
}

impl FieldMap {
    /// The name of `field` in the file.
    pub fn name(&self, field: Field) -> &str {
        &self.names[field as usize].1
    }

    /// Whether the person named this key, rather than leaving it at its own name.
    pub fn is_mapped(&self, field: Field) -> bool {
        self.names[field as usize].2
    }
}

impl FromStr for FieldMap {
    type Err = Error;

    /// Parses `ours=theirs` pairs, separated by commas.
    fn from_str(text: &str) -> Result<Self> {
        let bad = |reason: String| Error::FieldMap { reason };
        let mut map = Self::default();
        for pair in text.split(',') {
            let Some((ours, theirs)) = pair.split_once('=') else {
                return Err(bad(format!("{pair:?} has no '='")));
            };
            let (ours, theirs) = (ours.trim(), theirs.trim());
            let Some(field) = Field::ALL.into_iter().find(|field| field.key() == ours) else {
                let known = Field::ALL.map(Field::key).join(", ");
                return Err(bad(format!("{ours:?} is none of {known}")));
            };
            if theirs.is_empty() {
                return Err(bad(format!("no name stands after \"{ours}=\"")));
            }
            if map.is_mapped(field) {
                return Err(bad(format!("{ours:?} is given twice")));
            }
            map.names[field as usize] = (field, theirs.to_owned(), true);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_person_can_use_their_own_names_for_keys() {
        let map: FieldMap = "prompt=question, answer=output".parse().unwrap();
        assert_eq!(map.name(Field::Prompt), "question");
        assert_eq!(map.name(Field::Answer), "output");
        assert_eq!(map.name(Field::Id), "id");
        assert!(map.is_mapped(Field::Answer) && !map.is_mapped(Field::Id));
    }

    #[test]
    fn a_mistyped_map_is_named_rather_than_ignored() {
        for (text, part) in [
            ("", "no '='"),
            ("prompt", "no '='"),
            ("promt=question", "none of id, area, prompt"),
            ("prompt=", "no name stands after"),
            ("prompt=a,prompt=b", "given twice"),
            ("prompt=a,", "no '='"),
        ] {
            let error = text.parse::<FieldMap>().unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn every_field_finds_its_own_name() {
        let map = FieldMap::default();
        for field in Field::ALL {
            assert_eq!(map.name(field), field.key());
        }
    }
}

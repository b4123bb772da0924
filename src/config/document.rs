//! The text of a `config.toml`: finds the line and the written value of a key, and turns a parser's
//! error, which knows only a byte position, into one that names the key.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::error::{Error, Place};
use super::rules;

pub(super) struct Document<'t> {
    text: &'t str,
    file: PathBuf,
    /// Every key with a value, in the order of the file's tables.
    entries: Vec<Entry>,
}

struct Entry {
    path: String,
    key: Range<usize>,
    value: Range<usize>,
}

impl<'t> Document<'t> {
    pub fn new(text: &'t str, file: &Path) -> Self {
        let mut entries = Vec::new();
        if let Ok(table) = DeTable::parse(text) {
            collect(table.get_ref(), "", &mut entries);
        }
        Self { text, file: file.to_path_buf(), entries }
    }

    /// Where a key stands; the file's first line when it is not written.
    pub fn place(&self, path: &str) -> Place {
        let entry = self.entries.iter().find(|entry| entry.path == path);
        self.place_at(entry.map_or(0, |entry| entry.key.start))
    }

    /// The value of a key as it is written.
    pub fn value(&self, path: &str) -> Option<String> {
        let entry = self.entries.iter().find(|entry| entry.path == path)?;
        self.written(entry)
    }

    /// Names the key behind an error of the parser, what was found and what is allowed.
    pub fn explain(&self, error: &toml::de::Error) -> Error {
        let start = error.span().map_or(0, |span| span.start);
        let place = self.place_at(start);
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        let Some(entry) = self.entry_at(start) else {
            return Error::Syntax { place, problem: message };
        };
        if let Some(known) = known_keys(&message) {
            return Error::UnknownKey { place, key: entry.path.clone(), known };
        }
        // A list's element is explained by its list: `train.targets[1]` by `train.targets`.
        let listed = entry.path.split('[').next().unwrap_or(&entry.path);
        match (rules::allowed(&entry.path).or_else(|| rules::allowed(listed)), self.written(entry))
        {
            (Some(allowed), Some(found)) if !listed.starts_with("model.sources") => {
                Error::NotAllowed {
                    place,
                    key: entry.path.clone(),
                    found,
                    allowed: allowed.to_owned(),
                }
            }
            _ if self.entries.is_empty() => Error::Syntax { place, problem: message },
            _ => Error::Invalid { place, key: entry.path.clone(), problem: message },
        }
    }

    fn place_at(&self, position: usize) -> Place {
        let before = self.text.get(..position).unwrap_or(self.text);
        Place::Line { file: self.file.clone(), line: before.matches('\n').count() + 1 }
    }

    fn written(&self, entry: &Entry) -> Option<String> {
        let text = self.text.get(entry.value.clone())?;
        Some(text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
    }

    /// The innermost key whose name or value covers a position.
    fn entry_at(&self, position: usize) -> Option<&Entry> {
        let covers = |range: &Range<usize>| range.start <= position && position < range.end;
        // Entries stand after those that hold them, so the last of equally long ones is the innermost.
        self.entries
            .iter()
            .rev()
            .filter(|entry| covers(&entry.key) || covers(&entry.value))
            .min_by_key(|entry| entry.value.len())
    }
}

fn collect(table: &DeTable<'_>, parent: &str, entries: &mut Vec<Entry>) {
    for (key, value) in table {
        let path = match parent {
            "" => key.get_ref().to_string(),
            _ => format!("{parent}.{}", key.get_ref()),
        };
        entries.push(Entry { path: path.clone(), key: key.span(), value: value.span() });
        collect_value(value.get_ref(), &path, entries);
    }
}

fn collect_value(value: &DeValue<'_>, path: &str, entries: &mut Vec<Entry>) {
    match value {
        DeValue::Table(table) => collect(table, path, entries),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                let path = format!("{path}[{index}]");
                entries.push(Entry { path: path.clone(), key: item.span(), value: item.span() });
                collect_value(item.get_ref(), &path, entries);
            }
        }
        _ => {}
    }
}

/// The keys that serde would have taken, from its message about one that it does not know.
fn known_keys(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (_, expected) = rest.split_once("expected ")?;
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    Some(names.join(", "))
}

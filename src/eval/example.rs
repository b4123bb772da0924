//! One item: what is asked, the answer that counts as right, and where it came from.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::check::Check;
use crate::store::{Message, Role};

/// Where an example came from; training says how much of each it will learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// What a person wrote as the right answer of a failed session.
    Correction,
    /// Made for a weak area.
    Targeted,
    /// One of the model's own good answers, trained on so that it does not forget.
    Replay,
    /// Read from a file the person gave.
    File,
}

impl Provenance {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Targeted => "targeted",
            Self::Replay => "replay",
            Self::File => "file",
        }
    }
}

/// One item of an evaluation set or a training file.
///
/// Serialised, it is one line of such a file, which [`super::set::read_from`] reads back as the
/// same example.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    pub id: String,
    pub area: String,
    /// All turns before the answer; never empty.
    pub messages: Vec<Message>,
    pub answer: String,
    /// How much it counts in training; 1 unless the file says otherwise. Scores ignore it.
    pub weight: f64,
    pub provenance: Provenance,
    /// How a generated answer is judged, where the set says so; see [`Example::effective_check`].
    pub check: Option<Check>,
}

impl Example {
    /// What is asked, as one text: the contents of all turns before the answer.
    pub fn prompt(&self) -> String {
        let turns: Vec<&str> = self.messages.iter().map(|m| m.content.as_str()).collect();
        turns.join("\n")
    }

    /// What is asked last: the one turn in which items of a conversation differ.
    pub fn question(&self) -> &str {
        self.messages.last().map_or("", |message| message.content.as_str())
    }

    /// SHA-256 of the prompt, by which an adapter remembers what it was trained on.
    pub fn prompt_sha256(&self) -> String {
        Sha256::digest(self.prompt().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The whole conversation with the answer as its last turn, as it is scored and trained on.
    pub fn conversation(&self) -> Vec<Message> {
        let mut turns = self.messages.clone();
        turns.push(Message::assistant(self.answer.clone()));
        turns
    }

    /// The check in force: the set's own, else the one its area and answer imply, else none.
    pub fn effective_check(&self) -> Option<Check> {
        self.check.clone().or_else(|| super::check::inferred(&self.area, &self.answer))
    }
}

impl Serialize for Example {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("id", &self.id)?;
        line.serialize_entry("area", &self.area)?;
        match self.messages.as_slice() {
            [Message { role: Role::User, content, .. }] => {
                line.serialize_entry("prompt", content)?;
                line.serialize_entry("answer", &self.answer)?;
            }
            _ => line.serialize_entry("messages", &self.conversation())?,
        }
        if let Some(check) = &self.check {
            line.serialize_entry("check", check)?;
        }
        if self.weight != 1.0 {
            line.serialize_entry("weight", &self.weight)?;
        }
        if self.provenance != Provenance::File {
            line.serialize_entry("provenance", &self.provenance)?;
        }
        line.end()
    }
}

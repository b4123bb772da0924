//! The lines of the ledger.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Question;
use crate::eval::decision::Decision;
use crate::eval::split::Place;

/// One line; the key `kind` says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// Places given to items for the first time.
    Places {
        time: String,
        items: Vec<PlaceRecord>,
    },
    /// The items (prompt fingerprints) of a held-out set that decided something.
    Set {
        hash: String,
        items: BTreeSet<String>,
    },
    Decision(Box<DecisionRecord>),
    /// The line before was cut short when the machine went down, and was never reported.
    CutLine,
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceRecord {
    pub id: String,
    pub area: String,
    /// Fingerprint of the prompt.
    pub prompt: String,
    pub place: Place,
}

/// A decision that was made and what it was about; k and α are the decision's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    pub time: String,
    pub adapter_hash: String,
    pub reference_hash: String,
    pub set_hash: String,
    pub decision: Decision,
}

impl DecisionRecord {
    pub fn answers(&self, question: &Question<'_>) -> bool {
        self.adapter_hash == question.adapter_hash
            && self.reference_hash == question.reference_hash
            && self.set_hash == question.held_out.hash()
    }
}

//! `held-out.jsonl`: which item is in which place, and what every held-out set has decided.
//!
//! Append-only, one record a line, synced before anyone is told; a file lock keeps two processes
//! from spending the same share. Without this file a person could ask until chance says yes.
//!
//! **What counts as the same held-out set.** Sets grow, are renamed, copied and mixed, so neither
//! path nor name identifies one. Two held-out sets are *of one family* when they share an item
//! (told by its prompt), directly or through a third. The k of a decision counts all earlier
//! distinct questions of its family; adding items resets nothing. A question is the candidate's
//! hash, the reference's, and the hash of the held-out items with their answers: asked again,
//! the recorded decision comes back and nothing is spent.

mod file;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::decision::Decision;
use super::error::{Error, Result};
use super::example::Example;
use super::near::same_text;
use super::split::{Assignment, Place, assign_by};
use super::statistics::Spending;
use file::LedgerFile;
use record::{DecisionRecord, PlaceRecord, Record};

/// The file of splits and decisions.
#[derive(Debug, Clone)]
pub struct Ledger {
    path: PathBuf,
}

/// The held-out items of a set, as far as the ledger tells them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldOutSet {
    hash: String,
    items: BTreeSet<String>,
}

impl HeldOutSet {
    /// Of *all* held-out items of a set, whatever areas are targeted.
    ///
    /// # Errors
    /// There are none.
    pub fn new<'a>(items: impl IntoIterator<Item = &'a Example>) -> Result<Self> {
        let mut contents = BTreeSet::new();
        let mut fingerprints = BTreeSet::new();
        for item in items {
            fingerprints.insert(fingerprint(item));
            let content = (&item.id, &item.area, &item.messages, &item.answer, &item.check);
            // A list of texts and finite numbers always has a JSON form.
            contents.insert(serde_json::to_string(&content).unwrap_or_default());
        }
        if fingerprints.is_empty() {
            return Err(Error::NothingHeldOut);
        }
        let lines: Vec<String> = contents.into_iter().collect();
        Ok(Self { hash: hex(&Sha256::digest(lines.join("\n").as_bytes())), items: fingerprints })
    }

    /// SHA-256 over the items, their prompts and answers, in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// What a decision is about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Identifies the candidate's weights.
    pub adapter_hash: &'a str,
    /// Identifies what it is compared with.
    pub reference_hash: &'a str,
    pub held_out: &'a HeldOutSet,
}

/// A decision as it stands in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub decision: Decision,
    /// When it was made, in RFC 3339.
    pub time: String,
    /// It was made earlier; this time nothing was computed or spent.
    pub repeated: bool,
}

impl Ledger {
    /// The ledger at `path`; the file and its folder are made at the first record.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Divides the whole set `items`, keeping every place given earlier and recording new ones.
    ///
    /// An item is recognised by its prompt, in the same area, or else by its id: neither a
    /// renamed item nor a reworded one changes sides.
    ///
    /// # Errors
    /// The file cannot be read or written, or is damaged.
    pub fn assign(&self, items: &[Example]) -> Result<Assignment> {
        self.assign_by(items, Place::of_id)
    }

    /// As [`Ledger::assign`], with another rule for the place that an id implies.
    ///
    /// # Errors
    /// As [`Ledger::assign`].
    pub fn assign_by(&self, items: &[Example], place_of: fn(&str) -> Place) -> Result<Assignment> {
        let mut file = LedgerFile::lock(&self.path)?;
        let known = KnownPlaces::of(file.records());
        let stored: BTreeMap<String, Place> =
            items.iter().filter_map(|item| Some((item.id.clone(), known.find(item)?))).collect();
        let assignment = assign_by(items, &stored, place_of);
        let new: Vec<PlaceRecord> = items
            .iter()
            .filter(|item| !known.has(item))
            .filter_map(|item| {
                Some(PlaceRecord {
                    id: item.id.clone(),
                    area: item.area.clone(),
                    prompt: fingerprint(item),
                    place: *assignment.places.get(&item.id)?,
                })
            })
            .collect();
        if !new.is_empty() {
            file.append(&[Record::Places { time: now(), items: new }])?;
        }
        Ok(assignment)
    }

    /// How many decisions the family of a held-out set has made: "held-out used k times".
    ///
    /// # Errors
    /// As [`Ledger::assign`].
    pub fn used(&self, held_out: &HeldOutSet) -> Result<u32> {
        if !self.path.exists() {
            return Ok(0);
        }
        let file = LedgerFile::lock(&self.path)?;
        Ok(decisions_of_family(file.records(), held_out))
    }

    /// Answers a question: with the recorded decision when it was asked before, else with what
    /// `make` decides given the share that this decision may spend, which is recorded.
    ///
    /// The ledger stays locked meanwhile, so `make` should only compute; everything must have
    /// been measured before, for the first decision is the one that stands.
    ///
    /// # Errors
    /// As [`Ledger::assign`], or `make` fails, and then nothing is spent.
    pub fn decide(
        &self,
        question: Question<'_>,
        make: impl FnOnce(Spending) -> Result<Decision>,
    ) -> Result<Recorded> {
        let mut file = LedgerFile::lock(&self.path)?;
        let held_out = question.held_out;
        if let Some(earlier) = file.records().iter().find_map(|record| match record {
            Record::Decision(made) if made.answers(&question) => Some(made),
            _ => None,
        }) {
            return Ok(Recorded {
                decision: earlier.decision.clone(),
                time: earlier.time.clone(),
                repeated: true,
            });
        }
        let used = decisions_of_family(file.records(), held_out);
        let decision = make(Spending::of(used.saturating_add(1)))?;
        let time = now();
        let mut records = Vec::new();
        let is_known =
            |record: &Record| matches!(record, Record::Set { hash, .. } if *hash == held_out.hash);
        if !file.records().iter().any(is_known) {
            records
                .push(Record::Set { hash: held_out.hash.clone(), items: held_out.items.clone() });
        }
        records.push(Record::Decision(Box::new(DecisionRecord {
            time: time.clone(),
            adapter_hash: question.adapter_hash.to_owned(),
            reference_hash: question.reference_hash.to_owned(),
            set_hash: held_out.hash.clone(),
            decision: decision.clone(),
        })));
        file.append(&records)?;
        Ok(Recorded { decision, time, repeated: false })
    }
}

/// The decisions made by sets that share items with `held_out`, directly or through others.
fn decisions_of_family(records: &[Record], held_out: &HeldOutSet) -> u32 {
    let mut others: BTreeMap<&str, &BTreeSet<String>> = BTreeMap::new();
    for record in records {
        if let Record::Set { hash, items } = record {
            others.insert(hash, items);
        }
    }
    let mut family: BTreeSet<&str> = BTreeSet::new();
    let mut items: BTreeSet<&String> = held_out.items.iter().collect();
    loop {
        let joins = |other: &BTreeSet<String>| other.iter().any(|item| items.contains(item));
        let Some((hash, joined)) = others
            .iter()
            .find(|(hash, other)| !family.contains(*hash) && joins(other))
            .map(|(hash, other)| (*hash, *other))
        else {
            break;
        };
        family.insert(hash);
        items.extend(joined);
    }
    let made = records.iter().filter(|record| {
        matches!(record, Record::Decision(made) if family.contains(made.set_hash.as_str()))
    });
    u32::try_from(made.count()).unwrap_or(u32::MAX)
}

/// Places given earlier, by prompt within an area and by id within an area; the first stands.
#[derive(Default)]
struct KnownPlaces {
    exact: BTreeSet<(String, String)>,
    by_prompt: HashMap<(String, String), Place>,
    by_id: HashMap<(String, String), Place>,
}

impl KnownPlaces {
    fn of(records: &[Record]) -> Self {
        let mut known = Self::default();
        for record in records {
            let Record::Places { items, .. } = record else { continue };
            for item in items {
                let by_prompt = (item.area.clone(), item.prompt.clone());
                let by_id = (item.area.clone(), item.id.clone());
                known.by_prompt.entry(by_prompt).or_insert(item.place);
                known.by_id.entry(by_id).or_insert(item.place);
                known.exact.insert((item.id.clone(), item.prompt.clone()));
            }
        }
        known
    }

    fn find(&self, item: &Example) -> Option<Place> {
        let by_prompt = self.by_prompt.get(&(item.area.clone(), fingerprint(item)));
        by_prompt.or_else(|| self.by_id.get(&(item.area.clone(), item.id.clone()))).copied()
    }

    fn has(&self, item: &Example) -> bool {
        self.exact.contains(&(item.id.clone(), fingerprint(item)))
    }
}

/// Tells a prompt from others, apart from case and spacing: 16 hexadecimal digits.
fn fingerprint(item: &Example) -> String {
    let digest = Sha256::digest(same_text(&item.prompt()).as_bytes());
    hex(&digest[..8])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

#[cfg(test)]
mod tests;

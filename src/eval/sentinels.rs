//! What base can already do: the sentinel items it passes in 4 of 5 samples, found out once per base
//! model and set and kept.

use super::error::Result;
use super::measure::{Length, Progress, answer};
use super::{Error, Example, SentinelAnswer};
use crate::model::lora::Lora;
use crate::model::sampler::Sampling;
use crate::runtime::Runtime;
use crate::store::atomic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples of each item, and how many of them must pass.
const SAMPLES: usize = 5;
const MUST_PASS: usize = 4;

/// Tokens that a sentinel's answer may take.
const SENTINEL_TOKENS: usize = 48;

/// Samples for diversity: how many, of how many tokens.
pub const DIVERSITY_SAMPLES: usize = 64;
pub const DIVERSITY_TOKENS: usize = 64;

/// The sentinel items that one base model passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    pub base_sha256: String,
    pub sentinels_sha256: String,
    pub ids: Vec<String>,
}

impl Passed {
    /// Reads what was kept for this base and set, or finds it out and keeps it in `folder`.
    ///
    /// # Errors
    /// When the model cannot answer or the folder cannot be written.
    pub fn of_base(
        runtime: &Runtime,
        sentinels: &[Example],
        folder: &Path,
        progress: Progress,
    ) -> Result<Self> {
        let base_sha256 = runtime.model().identity().sha256.clone();
        let sentinels_sha256 = hash(sentinels)?;
        let path = file(folder, &base_sha256, &sentinels_sha256);
        if let Ok(text) = std::fs::read_to_string(&path)
            && let Ok(kept) = serde_json::from_str::<Self>(&text)
            && kept.base_sha256 == base_sha256
            && kept.sentinels_sha256 == sentinels_sha256
        {
            return Ok(kept);
        }
        let passed =
            Self { base_sha256, sentinels_sha256, ids: sampled(runtime, sentinels, progress)? };
        let text = serde_json::to_string_pretty(&passed).map_err(|e| Error::Kept(e.to_string()))?;
        atomic::write(&path, text.as_bytes())?;
        Ok(passed)
    }

    /// Those of `sentinels` that base passes.
    pub fn select<'a>(&self, sentinels: &'a [Example]) -> Vec<&'a Example> {
        sentinels.iter().filter(|s| self.ids.contains(&s.id)).collect()
    }
}

fn file(folder: &Path, base: &str, sentinels: &str) -> PathBuf {
    folder.join(format!("sentinels-{:.12}-{:.12}.json", base, sentinels))
}

fn hash(sentinels: &[Example]) -> Result<String> {
    let mut hash = Sha256::new();
    for sentinel in sentinels {
        hash.update(serde_json::to_vec(sentinel).map_err(|e| Error::Kept(e.to_string()))?);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The items that pass often enough when sampled as a person would see them.
fn sampled(runtime: &Runtime, sentinels: &[Example], progress: Progress) -> Result<Vec<String>> {
    let asked: Vec<&Example> =
        sentinels.iter().flat_map(|sentinel| std::iter::repeat_n(sentinel, SAMPLES)).collect();
    let answers = answer(runtime, &asked, None, sample, Length::UpTo(SENTINEL_TOKENS), progress)?;
    let mut ids = Vec::new();
    for (sentinel, answers) in sentinels.iter().zip(answers.chunks(SAMPLES)) {
        let passed = answers.iter().filter(|answer| passes(sentinel, &answer.text)).count();
        if passed >= MUST_PASS {
            ids.push(sentinel.id.clone());
        }
    }
    Ok(ids)
}

/// Moderate sampling, seeded by the sample's number.
fn sample(number: usize) -> Sampling {
    Sampling {
        temperature: 0.6,
        top_p: 0.95,
        min_p: 0.0,
        repetition_penalty: 1.0,
        seed: number as u64,
    }
}

fn passes(sentinel: &Example, text: &str) -> bool {
    sentinel.effective_check().is_some_and(|check| check.passes(&sentinel.answer, text))
}

/// One arm's greedy answer to a sentinel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenAnswer {
    pub id: String,
    pub text: String,
    pub right: bool,
}

/// The answers of one arm to the sentinels that base passes, each once and greedily.
///
/// # Errors
/// When the model cannot answer.
pub fn answers(
    runtime: &Runtime,
    passed: &[&Example],
    lora: Option<&Arc<Lora>>,
    progress: Progress,
) -> Result<Vec<GivenAnswer>> {
    let length = Length::UpTo(SENTINEL_TOKENS);
    let given = answer(runtime, passed, lora, |_| Sampling::GREEDY, length, progress)?;
    let answers = passed.iter().zip(given).map(|(sentinel, given)| GivenAnswer {
        id: sentinel.id.clone(),
        right: passes(sentinel, &given.text),
        text: given.text,
    });
    Ok(answers.collect())
}

/// The answers of reference and candidate to the same sentinels, in the order of the reference's.
pub fn pair_answers(reference: &[GivenAnswer], candidate: &[GivenAnswer]) -> Vec<SentinelAnswer> {
    let of: std::collections::HashMap<&str, bool> =
        candidate.iter().map(|answer| (answer.id.as_str(), answer.right)).collect();
    let pair = |a: &GivenAnswer| {
        Some(SentinelAnswer {
            id: a.id.clone(),
            reference_ok: a.right,
            candidate_ok: *of.get(a.id.as_str())?,
        })
    };
    reference.iter().filter_map(pair).collect()
}

/// Samples of fixed length on the sentinel prompts, for distinct-2; the same prompts and seeds for
/// every model.
///
/// # Errors
/// When the model cannot answer.
pub fn diversity_samples(
    runtime: &Runtime,
    sentinels: &[Example],
    lora: Option<&Arc<Lora>>,
    progress: Progress,
) -> Result<Vec<Vec<u32>>> {
    // Spread over the whole set, so that every area takes part.
    let step = sentinels.len().div_ceil(DIVERSITY_SAMPLES).max(1);
    let prompts: Vec<&Example> = sentinels
        .iter()
        .step_by(step)
        .cycle()
        .take(DIVERSITY_SAMPLES.min(64 * sentinels.len()))
        .collect();
    let drawn =
        |number: usize| Sampling { temperature: 1.0, top_p: 1.0, ..sample(1_000_000 + number) };
    let samples =
        answer(runtime, &prompts, lora, drawn, Length::Exactly(DIVERSITY_TOKENS), progress)?;
    Ok(samples.into_iter().map(|sample| sample.tokens).collect())
}

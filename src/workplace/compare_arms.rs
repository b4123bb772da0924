//! The comparison that a person asks for, by command or on screen: what the adapters say of themselves
//! decides what they are judged by, and the result stays with the adapter.

use super::compare::{CompareRequest, Comparison, compare};
use super::evaluate::SplitChoice;
use super::measurements::Sentinels;
use super::{Result, Seen, Workplace};
use crate::eval::Example;
use crate::model::adapter::{AdapterFolder, AdapterMetadata};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// On what two arms are compared.
#[derive(Debug, Clone, Copy)]
pub struct ArmsRequest<'a> {
    pub examples: &'a [Example],
    pub split: SplitChoice,
    /// The file decides as a whole: it is unseen by construction.
    pub no_split: bool,
    /// Of the resampling behind the test and the intervals.
    pub seed: u64,
}

/// Compares reference `a` and candidate `b` with all guards: over the areas that `b` was trained for,
/// without what either was trained on. A comparison with base is kept as the adapter's last evaluation.
///
/// # Errors
/// As [`compare`], or an adapter whose metadata cannot be read or written.
pub fn compare_arms(
    workplace: &Workplace,
    runtime: &Runtime,
    request: ArmsRequest,
    a: &Arm,
    b: &Arm,
    seen: Seen,
) -> Result<Comparison> {
    let mut trained_on = trained_prompts(workplace, a)?;
    trained_on.extend(trained_prompts(workplace, b)?);
    let request = CompareRequest {
        examples: request.examples,
        split: request.split,
        no_split: request.no_split,
        targeted: match b.lora {
            None => BTreeSet::new(),
            Some(_) => {
                lineage(workplace, &b.name)?.into_iter().take(1).flat_map(|m| m.areas).collect()
            }
        },
        trained_on,
        sentinels: Sentinels::All,
        answers: true,
        spends: false,
        seed: request.seed,
    };
    let experiments = workplace.home.experiments();
    let ledger = workplace.ledger();
    let comparison = compare(runtime, &ledger, &experiments, &request, a, b, seen)?;
    keep_evaluation(workplace, &comparison)?;
    Ok(comparison)
}

/// SHA-256 of the prompts that an arm was trained on, those of the adapters it was trained from
/// included; none for base.
///
/// # Errors
/// Metadata that cannot be read.
pub fn trained_prompts(workplace: &Workplace, arm: &Arm) -> Result<BTreeSet<String>> {
    match arm.lora {
        None => Ok(BTreeSet::new()),
        Some(_) => prompts_of_adapter(workplace, &arm.name),
    }
}

/// As [`trained_prompts`], for an adapter by its name, or `base`.
///
/// # Errors
/// As [`trained_prompts`].
pub fn prompts_of_adapter(workplace: &Workplace, name: &str) -> Result<BTreeSet<String>> {
    if name == "base" {
        return Ok(BTreeSet::new());
    }
    let lineage = lineage(workplace, name)?;
    Ok(lineage.into_iter().flat_map(|metadata| metadata.prompts_sha256).collect())
}

/// The metadata of an adapter, then of the one it was trained from, and so on, as far as they are still
/// there.
fn lineage(workplace: &Workplace, name: &str) -> Result<Vec<AdapterMetadata>> {
    let mut found = Vec::new();
    let mut folder = workplace.registry().folder(name)?;
    let mut visited = BTreeSet::new();
    while visited.insert(folder.path().to_owned()) {
        let Some(metadata) = folder.metadata()? else { break };
        let parent = metadata.parent.as_ref().map(std::path::PathBuf::from);
        found.push(metadata);
        match parent.filter(|parent| parent.is_dir()) {
            Some(parent) => folder = AdapterFolder::new(parent),
            None => break,
        }
    }
    Ok(found)
}

/// Keeps a comparison with base as the adapter's last evaluation.
///
/// # Errors
/// Metadata that cannot be read or written.
pub fn keep_evaluation(workplace: &Workplace, comparison: &Comparison) -> Result<()> {
    if comparison.a != "base" || comparison.b == "base" {
        return Ok(());
    }
    let folder = workplace.registry().folder(&comparison.b)?;
    if let Some(mut metadata) = folder.metadata()? {
        metadata.evaluation = Some(comparison.document());
        folder.write_metadata(&metadata)?;
    }
    Ok(())
}

impl Comparison {
    /// The comparison as it is printed with `--json` and kept with the adapter.
    pub fn document(&self) -> Value {
        let decision = &self.decision;
        json!({
            "a": self.a,
            "b": self.b,
            "areas": decision.areas,
            "sentinels": decision.sentinels,
            "verdict": decision.verdict,
            "style": decision.style,
            "reason": decision.reason,
            "held_out": {
                "a": decision.a,
                "b": decision.b,
                "change": decision.change,
                "ci95": decision.ci95,
                "p": decision.p,
                "alpha": decision.spending.alpha,
                "items": decision.items,
                "groups": decision.groups,
                "used": self.used,
            },
            "accuracy": decision.accuracy,
            "guards": decision.guards,
            "sentinels_passed": self.sentinels_passed,
            "needs_more": decision.needs_more,
        })
    }
}

//! `kaizen eval`: a set scored by the one definition.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use super::table::{columns, percentage};
use crate::eval::{FieldMap, set};
use crate::workplace::{EvaluateRequest, SplitChoice, evaluate};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct SetArguments {
    /// JSONL: {"id","area","prompt","answer"} or {"id","area","messages":[…]}.
    #[arg(long, value_name = "FILE")]
    pub set: PathBuf,
    /// Other field names, as in prompt=question,answer=output.
    #[arg(long, value_name = "NAMES")]
    pub map: Option<String>,
}

impl SetArguments {
    pub fn read(&self) -> Result<Vec<crate::eval::Example>> {
        Ok(set::read(&self.set, &field_map(self.map.as_deref())?)?)
    }
}

pub fn field_map(text: Option<&str>) -> Result<FieldMap> {
    let map = text.map(str::parse::<FieldMap>).transpose();
    Ok(map.map_err(|error| Error::Usage(error.to_string()))?.unwrap_or_default())
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Split {
    All,
    Find,
    HeldOut,
}

impl From<Split> for SplitChoice {
    fn from(split: Split) -> Self {
        match split {
            Split::All => Self::All,
            Split::Find => Self::Find,
            Split::HeldOut => Self::HeldOut,
        }
    }
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    #[command(flatten)]
    set: SetArguments,
    /// Which part of the set.
    #[arg(long, value_enum, default_value = "all")]
    split: Split,
    /// Scores only: no answers (accuracy) and no samples (diversity).
    #[arg(long)]
    no_answers: bool,
}

pub fn run(context: &Context, arguments: &EvalArguments) -> Result<Outcome> {
    let examples = arguments.set.read()?;
    let runtime = context.runtime()?;
    let arm = context.chosen_arm(&runtime)?;
    let request = EvaluateRequest {
        examples: &examples,
        split: arguments.split.into(),
        answers: !arguments.no_answers,
    };
    let evaluation =
        evaluate(&runtime, &context.workplace.ledger(), request, &arm, &mut |event| {
            context.output.event(event)
        })?;
    for item in &evaluation.left_out {
        context.output.note(format!("{} is left out: {}", item.id, item.reason));
    }
    let summary = evaluation.summary.as_ref();
    let areas = summary.map(|summary| summary.areas.as_slice()).unwrap_or_default();
    let mut rows = vec![
        ["area", "items", "perplexity", "first", "rest", "end", "accuracy"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(areas.iter().map(|area| {
        vec![
            area.area.clone(),
            area.n.to_string(),
            format!("{:.2}", area.perplexity),
            format!("{:.2}", area.first),
            area.rest.map_or_else(|| "-".into(), |rest| format!("{rest:.2}")),
            format!("{:.2}", area.end_of_turn),
            percentage(area.accuracy),
        ]
    }));
    if !context.output.json {
        context.output.raw(&columns(&rows))?;
        match summary {
            Some(summary) => context.output.line(format!(
                "\n{}: perplexity {:.3} (mean over areas), {:.3} pooled over tokens{}\nfirst, rest, end: nats of the answer's first token, those between, and the end of the turn",
                arm.name,
                summary.perplexity,
                summary.pooled_perplexity,
                evaluation.diversity.map(|d| format!(", diversity {d:.3}")).unwrap_or_default()
            ))?,
            None => context.output.line("\nno item of the set is in this part")?,
        }
    }
    context.output.json(&json!({
        "adapter": arm.name,
        "perplexity": summary.map(|s| s.perplexity),
        "pooled_perplexity": summary.map(|s| s.pooled_perplexity),
        "diversity": evaluation.diversity,
        "areas": areas,
        "examples": evaluation.examples,
        "left_out": evaluation.left_out,
    }))?;
    Ok(Outcome::Done)
}

//! `kaizen adapters`: the versions of a home.

mod export;

use self::export::ExportArguments;
use super::context::Context;
use super::outcome::{Outcome, Result};
use super::routing;
use super::table::columns;
use crate::adapters::Routing;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct AdaptersArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All versions, oldest first.
    List,
    /// What is known about one.
    Show {
        /// As in lora-v1.
        version: String,
    },
    /// Give an adapter (or base) all tasks from now on; the evidence is shown and kept.
    Promote {
        /// As in lora-v1.
        version: String,
    },
    /// Go back to what was before the adapter that came last.
    Rollback,
    /// Let an adapter answer a part of the tasks, drawn at random.
    Canary {
        /// As in lora-v1.
        version: String,
        /// Percent of the tasks [default: config.toml, there 10].
        percent: Option<f64>,
    },
    /// Divide the tasks among any arms, as in `route base=50 lora-v1=50`; what is left goes to the active
    /// arm.
    Route {
        /// An arm and its percent.
        #[arg(required = true, value_name = "ARM=PERCENT")]
        shares: Vec<String>,
    },
    /// How the versions did: ratings by week, held-out change, what each learned.
    Progress,
    /// Take a PEFT adapter from elsewhere, checked against the model.
    Import {
        /// With adapter_config.json and adapter_model.safetensors.
        folder: PathBuf,
    },
    /// Write one to a new folder, for PEFT, llama.cpp or ollama.
    Export(ExportArguments),
}

pub fn run(context: &Context, arguments: &AdaptersArguments) -> Result<Outcome> {
    let registry = context.workplace.registry();
    match &arguments.action {
        Action::List => {
            let adapters = context.workplace.adapters()?;
            let fits = context.workplace.fitting()?;
            let mut rows = vec![
                [
                    "name", "state", "created", "examples", "own work", "held-out", "rated",
                    "stars", "fits", "base",
                ]
                .map(str::to_owned)
                .to_vec(),
            ];
            let dash = || "-".to_owned();
            for (adapter, stars) in &adapters {
                rows.push(vec![
                    adapter.name.clone(),
                    if adapter.damaged.is_some() { "damaged" } else { adapter.state.as_str() }
                        .into(),
                    adapter.created.clone().unwrap_or_else(dash),
                    adapter.examples.map_or_else(dash, |n| n.to_string()),
                    adapter.own_work.clone().unwrap_or_else(dash),
                    adapter.verdict.clone().unwrap_or_else(dash),
                    stars.ratings.to_string(),
                    stars.mean.map_or_else(dash, |mean| format!("{mean:.2}")),
                    match fits(adapter) {
                        Some(true) => "yes".into(),
                        Some(false) => "no".into(),
                        None => "?".into(),
                    },
                    adapter.base.clone().unwrap_or_else(dash),
                ]);
            }
            match adapters.is_empty() {
                true => context.output.line("No adapters yet: `kaizen train` makes one.")?,
                false => context.output.line(columns(&rows).trim_end())?,
            }
            if adapters.iter().any(|(adapter, _)| fits(adapter) == Some(false)) {
                context.output.line(
                    "\nAn adapter that does not fit was trained for another model; `--model` or `kaizen models use` takes that one.",
                )?;
            }
            let adapters: Vec<Value> = adapters
                .iter()
                .map(|(adapter, stars)| {
                    let mut told = json!(adapter);
                    told["fits"] = fits(adapter).into();
                    told["ratings"] = stars.ratings.into();
                    told["mean_stars"] = stars.mean.into();
                    told
                })
                .collect();
            let routing = registry.history().routing()?;
            if routing != Routing::default() {
                context.output.line(format!("\n{}", routing.describe()))?;
            }
            context.output.json(&json!({
                "adapters": adapters,
                "active": routing.active,
                "arms": routing.arms,
            }))?;
        }
        Action::Show { version } => {
            let metadata = registry.folder(version)?.metadata()?;
            let text = serde_json::to_string_pretty(&metadata).unwrap_or_default();
            match metadata.is_some() {
                true => context.output.line(text)?,
                false => context
                    .output
                    .line(format!("{version} came from elsewhere: nothing more is known"))?,
            }
            context.output.json(&json!({"name": version, "metadata": metadata}))?;
        }
        Action::Promote { version } => routing::promote(context, version)?,
        Action::Rollback => routing::rollback(context)?,
        Action::Canary { version, percent } => routing::canary(context, version, *percent)?,
        Action::Route { shares } => routing::route(context, shares)?,
        Action::Progress => routing::progress(context)?,
        Action::Import { folder } => {
            let runtime = context.runtime()?;
            let (name, warnings) = registry.import(folder, runtime.model())?;
            for warning in warnings {
                context.output.note(format!("note: {warning}"));
            }
            context
                .output
                .line(format!("imported as {name}; try it: kaizen run --adapter {name} \"…\""))?;
            context.output.json(&json!({"name": name}))?;
        }
        Action::Export(arguments) => export::run(context, arguments)?,
    }
    Ok(Outcome::Done)
}

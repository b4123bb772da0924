//! `kaizen adapters`: the versions of a home.

mod export;

use self::export::ExportArguments;
use super::context::Context;
use super::outcome::{Outcome, Result};
use super::table::columns;
use clap::{Args, Subcommand};
use serde_json::json;
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
            let adapters = registry.list()?;
            let mut rows = vec![
                ["name", "state", "created", "examples", "loss", "base"]
                    .map(str::to_owned)
                    .to_vec(),
            ];
            for adapter in &adapters {
                let dash = || "-".to_owned();
                rows.push(vec![
                    adapter.name.clone(),
                    if adapter.damaged.is_some() { "damaged".into() } else { "candidate".into() },
                    adapter.created.clone().unwrap_or_else(dash),
                    adapter.examples.map_or_else(dash, |n| n.to_string()),
                    adapter.last_loss.map_or_else(dash, |loss| format!("{loss:.3}")),
                    adapter.base.clone().unwrap_or_else(dash),
                ]);
            }
            match adapters.is_empty() {
                true => context.output.line("No adapters yet: `kaizen train` makes one.")?,
                false => context.output.line(columns(&rows).trim_end())?,
            }
            context.output.json(&json!({
                "adapters": adapters,
                "active": "base",
                "arms": [{"adapter": "base", "share": 1.0}],
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

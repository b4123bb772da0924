//! `kaizen models`: what is on this machine, which is the default, and fetching another.

use super::context::Context;
use super::outcome::{Outcome, Result};
use super::table::columns;
use crate::workplace::{ListedModel, MemoryFit, ModelList, Suggestion};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub struct ModelsArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All models on this machine: of the hub's cache, ollama, LM Studio, llama.cpp, Kaizen's own folder,
    /// and `paths` under [model] in config.toml.
    List,
    /// Make one the default of this home, in its config.toml.
    Use {
        /// A name of the list or the beginning of one, a path, ollama's name:tag, or `sources` for the one
        /// that Kaizen comes with.
        name: String,
    },
    /// Fetch one from the hub; a fetch that was stopped goes on where it ended.
    Get {
        /// owner/repo, owner/repo:file.gguf, or the name of a recommended one.
        name: String,
    },
}

pub fn run(context: &Context, arguments: &ModelsArguments) -> Result<Outcome> {
    match &arguments.action {
        Action::List => list(context),
        Action::Use { name } => choose(context, name),
        Action::Get { name } => get(context, name),
    }
}

fn list(context: &Context) -> Result<Outcome> {
    let list = context.workplace.model_list()?;
    let output = &context.output;
    match list.models.is_empty() {
        true => output.line("No models on this machine yet.")?,
        false => output.line(columns(&rows(&list)).trim_end())?,
    }
    for listed in &list.models {
        if let Some(why) = &listed.model.facts.refusal {
            output.line(format!("\n{}: {why}", listed.model.name))?;
        }
    }
    for what in &list.unreadable {
        output.note(format!("note: {what}"));
    }
    if let Some(free) = list.free_mib {
        output.line(format!("\nMemory is reckoned against {free} MiB that are free now."))?;
    }
    let open: Vec<&Suggestion> = list
        .suggestions
        .iter()
        .filter(|suggestion| suggestion.is_recommended() && !suggestion.is_here)
        .collect();
    if !open.is_empty() {
        output.line("\nRecommended: small instruct models under open licences that can be trained in this memory")?;
        let mut rows = vec![row(["name", "parameters", "size", "training", "licence"])];
        rows.extend(open.iter().map(|suggestion| {
            let model = &suggestion.model;
            vec![
                model.name.to_owned(),
                count(u64::from(model.parameters_millions) * 1_000_000),
                size(model.bytes),
                fit(Some(&suggestion.training)),
                model.licence.to_owned(),
            ]
        }));
        output.line(columns(&rows).trim_end())?;
        output.line(
            "`kaizen models get NAME` fetches one, `kaizen models use NAME` makes it the default.",
        )?;
    }
    output.json(&json!({
        "models": list.models.iter().map(told).collect::<Vec<Value>>(),
        "recommended": list.suggestions.iter().map(suggested).collect::<Vec<Value>>(),
        "unreadable": list.unreadable,
        "free_mib": list.free_mib,
    }))?;
    Ok(Outcome::Done)
}

fn choose(context: &Context, name: &str) -> Result<Outcome> {
    let chosen = context.workplace.choose_default(name)?;
    let file = chosen.config_file.display();
    context.output.line(format!(
        "{} is the default from now on (model.default = \"{}\" in {file})",
        chosen.name, chosen.default
    ))?;
    if context.workplace.model.is_some() {
        context.output.note("note: --model wins over the default where it is given");
    }
    context.output.json(&json!({
        "name": chosen.name,
        "default": chosen.default,
        "path": chosen.path,
        "config": chosen.config_file,
    }))?;
    Ok(Outcome::Done)
}

fn get(context: &Context, name: &str) -> Result<Outcome> {
    let output = &context.output;
    let fetched = context.workplace.get_model(name, &mut |event| output.event(event))?;
    let (file, facts) = (&fetched.file, &fetched.facts);
    output.line(format!(
        "{} is at {} ({})",
        fetched.name,
        file.path.display(),
        size(file.bytes)
    ))?;
    output.line(format!("SHA-256 {}", file.sha256))?;
    match &facts.refusal {
        None => {
            output.line(format!("make it the default: kaizen models use {}", fetched.name))?;
        }
        Some(why) => output.line(format!("Kaizen cannot use it: {why}"))?,
    }
    output.json(&json!({
        "name": fetched.name,
        "path": file.path,
        "sha256": file.sha256,
        "bytes": file.bytes,
        "architecture": facts.architecture,
        "supported": facts.is_supported(),
        "why": facts.refusal,
    }))?;
    Ok(Outcome::Done)
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn rows(list: &ModelList) -> Vec<Vec<String>> {
    let mut rows = vec![row([
        "name",
        "where",
        "architecture",
        "parameters",
        "quantisation",
        "context",
        "size",
        "running",
        "training",
        "adapters",
        "state",
    ])];
    let dash = || "-".to_owned();
    rows.extend(list.models.iter().map(|listed| {
        let ListedModel { model, .. } = listed;
        let facts = &model.facts;
        let state = match (listed.is_default, facts.is_supported()) {
            (_, false) => "not supported",
            (true, true) => "default",
            (false, true) => "supported",
        };
        vec![
            model.name.clone(),
            model.keeper.as_str().to_owned(),
            facts.architecture.clone().unwrap_or_else(dash),
            facts.parameters.map_or_else(dash, count),
            facts.quantisation.clone().unwrap_or_else(dash),
            facts.context.map_or_else(dash, |tokens| tokens.to_string()),
            size(facts.bytes),
            fit(listed.running.as_ref()),
            fit(listed.training.as_ref()),
            listed.adapters.len().to_string(),
            state.to_owned(),
        ]
    }));
    rows
}

fn fit(fit: Option<&MemoryFit>) -> String {
    fit.map_or_else(|| "-".into(), |fit| format!("{} ({} MiB)", fit.fits.as_str(), fit.needed_mib))
}

/// As in 135M, 1.7B.
fn count(parameters: u64) -> String {
    match parameters {
        0..1_000_000 => parameters.to_string(),
        1_000_000..1_000_000_000 => format!("{}M", parameters / 1_000_000),
        _ => format!("{:.1}B", parameters as f64 / 1e9),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn told(listed: &ListedModel) -> Value {
    let facts = &listed.model.facts;
    let fits = |fit: &Option<MemoryFit>| fit.map(|fit| fit.fits.as_str());
    let needed = |fit: &Option<MemoryFit>| fit.map(|fit| fit.needed_mib);
    json!({
        "name": listed.model.name,
        "path": listed.model.path,
        "where": listed.model.keeper.as_str(),
        "title": facts.title,
        "architecture": facts.architecture,
        "parameters": facts.parameters,
        "quantisation": facts.quantisation,
        "context": facts.context,
        "bytes": facts.bytes,
        "supported": facts.is_supported(),
        "why": facts.refusal,
        "default": listed.is_default,
        "fits_running": fits(&listed.running),
        "running_mib": needed(&listed.running),
        "fits_training": fits(&listed.training),
        "training_mib": needed(&listed.training),
        "adapters": listed.adapters,
    })
}

fn suggested(suggestion: &Suggestion) -> Value {
    let model = &suggestion.model;
    json!({
        "name": model.name,
        "repo": model.repo,
        "file": model.file,
        "architecture": model.architecture,
        "parameters": u64::from(model.parameters_millions) * 1_000_000,
        "bytes": model.bytes,
        "licence": model.licence,
        "running_mib": model.running_mib,
        "training_mib": model.training_mib,
        "fits_running": suggestion.running.fits.as_str(),
        "fits_training": suggestion.training.fits.as_str(),
        "recommended": suggestion.is_recommended(),
        "here": suggestion.is_here,
    })
}

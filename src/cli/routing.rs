//! Who answers: promote, roll back, canary, any split, and how the versions did.

use super::context::Context;
use super::outcome::{Error, Result};
use super::table::columns;
use crate::adapters::{ArmShare, BASE, Change, Grounds};
use crate::workplace::progress::{self, VersionProgress};
use crate::workplace::service;
use serde_json::{Value, json};

pub fn promote(context: &Context, version: &str) -> Result<()> {
    checked(context, version)?;
    say(context, &service::promote(&context.workplace, version)?)
}

pub fn rollback(context: &Context) -> Result<()> {
    say(context, &service::roll_back(&context.workplace)?)
}

pub fn canary(context: &Context, version: &str, percent: Option<f64>) -> Result<()> {
    let share = percent.map_or(context.workplace.config.routing.canary, |percent| percent / 100.0);
    // Before the model is loaded for a share that is none.
    context.workplace.registry().history().routing()?.with_canary(version, share)?;
    checked(context, version)?;
    say(context, &service::canary(&context.workplace, version, share)?)
}

pub fn route(context: &Context, shares: &[String]) -> Result<()> {
    let shares = shares.iter().map(|text| share(text)).collect::<Result<Vec<ArmShare>>>()?;
    let history = context.workplace.registry().history();
    history.routing()?.with_shares(&shares)?;
    for arm in &shares {
        checked(context, &arm.adapter)?;
    }
    let change = history.route(&shares, Grounds::person("a person wanted it", Value::Null))?;
    say(context, &change)
}

fn share(text: &str) -> Result<ArmShare> {
    let wrong = || {
        Error::Usage(format!(
            "{text:?} is no share; write an arm and its percent, as in lora-v1=50"
        ))
    };
    let (adapter, percent) = text.split_once('=').ok_or_else(wrong)?;
    let percent: f64 = percent.trim().trim_end_matches('%').trim().parse().map_err(|_| wrong())?;
    Ok(ArmShare { adapter: adapter.trim().to_owned(), share: percent / 100.0 })
}

/// Makes sure that an arm can answer at all, and tells what is known of it.
fn checked(context: &Context, version: &str) -> Result<()> {
    if version == BASE {
        return Ok(());
    }
    let registry = context.workplace.registry();
    registry.folder(version)?;
    let runtime = context.runtime()?;
    registry.load(version, runtime.model())?;
    let standing = service::standing(&context.workplace, version)?;
    let missing = standing.missing().map(|missing| format!("; {missing}")).unwrap_or_default();
    context.output.note(format!(
        "{version} against {}: {}{missing}",
        standing.reference,
        standing.evidence.describe()
    ));
    Ok(())
}

fn say(context: &Context, change: &Change) -> Result<()> {
    context.output.line(change.announcement())?;
    context.output.json(change)
}

pub fn progress(context: &Context) -> Result<()> {
    let versions = progress::progress(&context.workplace)?;
    let mut rows = vec![
        ["version", "week", "stars", "95 %", "rated", "held-out", "own work", "learned"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for version in &versions {
        rows.extend(progress_rows(version));
    }
    match versions.is_empty() {
        true => context.output.line("Nothing was rated and no adapter trained yet.")?,
        false => context.output.line(columns(&rows).trim_end())?,
    }
    context.output.json(&json!({ "versions": versions }))
}

fn progress_rows(version: &VersionProgress) -> Vec<Vec<String>> {
    let dash = || "-".to_owned();
    let change = |change: Option<f64>| change.map_or_else(dash, |c| format!("{:+.1} %", 100.0 * c));
    let mut rows = Vec::new();
    let mut row = |first: bool, week: &progress::WeekStars| {
        let only = |text: String| if first { text } else { String::new() };
        rows.push(vec![
            only(version.name.clone()),
            week.week.clone(),
            format!("{:.2}", week.mean),
            week.ci95.map_or_else(dash, |[low, high]| format!("{low:.2} to {high:.2}")),
            week.rated.to_string(),
            only(change(version.held_out)),
            only(change(version.own_work)),
            only(version.learned.clone()),
        ]);
    };
    for (place, week) in version.weeks.iter().enumerate() {
        row(place == 0, week);
    }
    if version.weeks.is_empty() {
        rows.push(vec![
            version.name.clone(),
            dash(),
            dash(),
            dash(),
            "0".into(),
            change(version.held_out),
            change(version.own_work),
            version.learned.clone(),
        ]);
    }
    rows
}

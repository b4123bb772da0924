//! `kaizen weak`: the examples that the model did not expect, worst first.

use super::context::Context;
use super::eval::SetArguments;
use super::outcome::{Outcome, Result};
use super::table::{columns, counted};
use crate::config::PerplexityThreshold;
use crate::workplace::find_weak;
use clap::Args;

#[derive(Debug, Args)]
pub struct WeakArguments {
    #[command(flatten)]
    set: SetArguments,
    /// `auto` (the worst quarter, above 10) or a perplexity.
    #[arg(long, value_name = "auto|P", value_parser = threshold)]
    threshold: Option<PerplexityThreshold>,
}

pub fn threshold(text: &str) -> Result<PerplexityThreshold, String> {
    match text {
        "auto" => Ok(PerplexityThreshold::Auto),
        number => number
            .parse::<f64>()
            .ok()
            .filter(|p| p.is_finite() && *p >= 1.0)
            .map(PerplexityThreshold::Fixed)
            .ok_or_else(|| "must be `auto` or a perplexity of at least 1".into()),
    }
}

pub fn run(context: &Context, arguments: &WeakArguments) -> Result<Outcome> {
    let examples = arguments.set.read()?;
    let runtime = context.runtime()?;
    let arm = context.chosen_arm(&runtime)?;
    let threshold =
        arguments.threshold.unwrap_or(context.workplace.config.error_driven.perplexity_threshold);
    let weakness = find_weak(
        &runtime,
        &context.workplace.ledger(),
        &examples,
        threshold,
        &arm,
        &mut |event| {
            context.output.event(event);
        },
    )?;
    if weakness.weak.is_empty() {
        context.output.line(format!(
            "nothing is at or over perplexity {:.1}: no weak examples (a lower --threshold finds more)",
            weakness.threshold
        ))?;
    } else {
        context.output.line(format!(
            "{}, at or over perplexity {:.1}:",
            counted(weakness.weak.len(), "weak example"),
            weakness.threshold
        ))?;
        let rows: Vec<Vec<String>> = weakness
            .weak
            .iter()
            .map(|weak| vec![weak.id.clone(), weak.area.clone(), format!("{:.1}", weak.perplexity)])
            .collect();
        context.output.line(columns(&rows).trim_end())?;
    }
    context.output.json(&weakness)?;
    Ok(Outcome::Done)
}

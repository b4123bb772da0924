//! `kaizen report`: everything that was tried, as Markdown with charts, and the final split's figure.

use super::context::Context;
use super::outcome::{Outcome, Result};
use crate::experiments::{closing_figure, stored_experiments};
use crate::improve::stored_rounds;
use crate::report::{Closing, ReportParts, RoundLine, write_report};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The folder to write to [default: HOME/experiments/report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Do not open the final split: no closing figure.
    #[arg(long)]
    no_final: bool,
}

pub fn run(context: &Context, arguments: &ReportArguments) -> Result<Outcome> {
    let workplace = &context.workplace;
    let experiments: Vec<_> =
        stored_experiments(workplace).into_iter().filter(|record| record.ended.is_some()).collect();
    let stored = stored_rounds(workplace);
    let figure = match arguments.no_final {
        true => None,
        false => closing_figure(
            workplace,
            || workplace.runtime(&mut |event| context.output.event(event)),
            &mut |event| context.output.event(event),
        )?,
    };
    let closing = figure.map(|figure| Closing {
        words: format!(
            "{} of {} against {}, opened {}",
            figure.adapter, figure.round, figure.reference, figure.opened
        ),
        adapter: figure.adapter,
        base: figure.reference,
        areas: figure.areas,
    });
    let rounds: Vec<RoundLine> = stored
        .iter()
        .filter_map(|round| {
            let result = round.result.as_ref()?;
            let held_out = result.held_out.as_ref();
            Some(RoundLine {
                name: round.name.clone(),
                started: result.started.clone(),
                adapter: result.adapter.clone(),
                change: held_out.map(|held_out| held_out.change),
                ci95: held_out.and_then(|held_out| held_out.ci95),
                verdict: result.decision.as_str().into(),
                reason: result.reason.clone(),
                used: held_out.map_or(0, |held_out| held_out.used.saturating_sub(1)),
            })
        })
        .collect();
    let parts = ReportParts {
        figures: vec![
            ("experiments".into(), experiments.len().to_string()),
            ("rounds".into(), rounds.len().to_string()),
            (
                "adapters".into(),
                workplace.registry().list().map_or(0, |adapters| adapters.len()).to_string(),
            ),
        ],
        experiments,
        rounds,
        closing,
    };
    let folder =
        arguments.out.clone().unwrap_or_else(|| workplace.home.experiments().join("report"));
    let files = write_report(&folder, &parts)?;
    context.output.json(&json!({"files": files}))?;
    for file in &files {
        context.output.line(file.display().to_string())?;
    }
    Ok(Outcome::Done)
}

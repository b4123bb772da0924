//! `kaizen generate`: examples for the weak areas of a set, for people to read or to train on.

use super::context::Context;
use super::eval::SetArguments;
use super::making::MakingArguments;
use super::outcome::{Error, Outcome, Result};
use super::table::columns;
use crate::improve::{ExampleCounts, RoundEvent, make_examples};
use crate::store::atomic;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Args)]
pub struct GenerateArguments {
    #[command(flatten)]
    set: SetArguments,
    #[command(flatten)]
    making: MakingArguments,
    /// Where the kept examples go, as JSONL that `kaizen train --from` reads [default: they are shown
    /// only].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(context: &Context, arguments: &GenerateArguments) -> Result<Outcome> {
    let settings = arguments.making.settings(&context.workplace.config)?;
    let set = arguments.set.read()?;
    let switch: Arc<AtomicBool> = Arc::default();
    let runtime = context.runtime()?.cancelled_by(Arc::clone(&switch));
    context.interrupt.attach(switch.clone());
    let arm = context.chosen_arm(&runtime)?;
    let seen = &mut |event| {
        if let RoundEvent::Work(event) = event {
            context.output.event(event);
        }
    };
    let made = match make_examples(&context.workplace, &runtime, &set, &settings, &arm, seen) {
        Err(_) if switch.load(Ordering::Relaxed) => return Err(Error::Interrupted),
        made => made?,
    };
    let counts = ExampleCounts::from(&made.filtered);
    if let Some(out) = &arguments.out {
        let mut lines = String::new();
        for example in &made.examples {
            lines += &serde_json::to_string(example).map_err(|e| Error::Output(e.into()))?;
            lines.push('\n');
        }
        atomic::write(out, lines.as_bytes())?;
    }
    context.output.json(&json!({
        "threshold": made.weak.threshold,
        "weak": made.weak.examples,
        "areas": made.weak.areas,
        "generated": counts.generated,
        "kept": counts.kept,
        "rejected": counts.rejected,
        "checked": counts.checked,
        "failed_check": counts.failed_check,
        "examples": made.examples,
    }))?;
    if made.weak.areas.is_empty() {
        context.output.line(format!(
            "nothing to improve: no area is weak (over perplexity {:.1}); a lower --threshold finds more",
            made.weak.threshold
        ))?;
        return Ok(Outcome::No);
    }
    for example in &made.examples {
        context.output.line(format!("Q {}\nA {}\n", example.prompt(), example.answer))?;
    }
    context.output.line(describe(&counts))?;
    if let Some(out) = &arguments.out {
        context.output.line(format!("the kept ones are in {}", out.display()))?;
    }
    Ok(if made.examples.is_empty() { Outcome::No } else { Outcome::Done })
}

/// What became of the examples, in columns.
pub fn describe(counts: &ExampleCounts) -> String {
    let mut rows = vec![vec!["kept".to_owned(), counts.kept.to_string()]];
    rows.extend(
        counts.rejected.iter().map(|(rule, count)| vec![rule.as_str().into(), count.to_string()]),
    );
    let mut text = format!("{} examples were made:\n{}", counts.generated, columns(&rows));
    if counts.checked > 0 {
        text += &format!(
            "\nof the kept ones {} can be checked, {} fail",
            counts.checked, counts.failed_check
        );
    }
    text
}

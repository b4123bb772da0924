//! `kaizen improve`: weak areas, examples made for them, training, and the gate's verdict.

use super::context::Context;
use super::eval::field_map;
use super::generate;
use super::making::MakingArguments;
use super::outcome::{Error, Outcome, Result};
use super::table::{change, columns, counted, percentage};
use crate::eval::set;
use crate::improve::{Control, Ending, ImproveRequest, RoundEvent, RoundResult, improve, resume};
use crate::train::{TrainEvent, TrainSettings};
use crate::workplace::Event;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Args)]
pub struct ImproveArguments {
    /// JSONL: {"id","area","prompt","answer"} or {"id","area","messages":[…]}.
    #[arg(long, value_name = "FILE", required_unless_present = "resume")]
    set: Option<PathBuf>,
    /// Other field names, as in prompt=question,answer=output.
    #[arg(long, value_name = "NAMES")]
    map: Option<String>,
    #[command(flatten)]
    making: MakingArguments,
    /// Rounds: each starts from the last adapter that was accepted; two in a row that are not end it.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    iterations: u32,
    /// Also train on examples made from find items drawn at random, and say what targeting gained.
    #[arg(long, value_enum, default_value = "none")]
    control: ControlChoice,
    /// Sentinel items an area: fewer are faster, and leave accuracy and diversity unmeasured, so that
    /// nothing is accepted [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sentinels: Option<u32>,
    /// Go on with a round that was stopped.
    #[arg(long, value_name = "ROUND|last", conflicts_with_all = ["set", "map", "iterations", "control", "sentinels", "threshold", "generator", "pool", "count", "variations", "keep_top", "min_diversity", "no_filter", "checked", "temperature", "top_p", "weighting", "seed"])]
    resume: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ControlChoice {
    RandomFind,
    None,
}

pub fn run(context: &Context, arguments: &ImproveArguments) -> Result<Outcome> {
    let workplace = &context.workplace;
    let settings = arguments.making.settings(&workplace.config)?;
    let set = match &arguments.set {
        Some(path) => Some((
            path.display().to_string(),
            set::read(path, &field_map(arguments.map.as_deref())?)?,
        )),
        None => None,
    };
    let switch: Arc<AtomicBool> = Arc::default();
    let runtime = context.runtime()?.cancelled_by(Arc::clone(&switch));
    context.interrupt.attach(switch.clone());
    let seen = &mut |event| tell(context, event);
    let results = match (&arguments.resume, set) {
        (Some(name), _) => resume(workplace, &runtime, name, seen),
        (None, Some((name, examples))) => {
            let reference = context.chosen_arm(&runtime)?;
            let request = ImproveRequest {
                examples,
                set: name,
                reference,
                settings,
                train: TrainSettings::from_config(&workplace.config),
                accumulation_is_default: true,
                replay: workplace.config.train.replay,
                control: match arguments.control {
                    ControlChoice::RandomFind => Control::RandomFind,
                    ControlChoice::None => Control::None,
                },
                iterations: arguments.iterations as usize,
                sentinels: arguments.sentinels.map(|n| n as usize),
            };
            improve(workplace, &runtime, &request, seen)
        }
        (None, None) => return Err(Error::Usage("--set FILE is needed".into())),
    };
    let results = match results {
        Err(_) if switch.load(Ordering::Relaxed) => {
            context.output.note("stopped; `kaizen improve --resume last` goes on");
            return Ok(Outcome::Interrupted);
        }
        Err(error) if arguments.resume.is_some() => return Err(Error::of_resuming(error)),
        results => results?,
    };
    context.output.json(&json!({"rounds": results}))?;
    for result in &results {
        context.output.line(describe(result))?;
    }
    let accepted = results.iter().any(|result| result.decision == Ending::Accepted);
    Ok(if accepted { Outcome::Done } else { Outcome::No })
}

fn tell(context: &Context, event: RoundEvent) {
    let output = &context.output;
    match event {
        RoundEvent::Began { round, iteration, iterations } => {
            output.note(format!("{round}: round {iteration} of {iterations}"));
        }
        RoundEvent::Phase(phase) => output.note(format!("{} …", phase.as_str())),
        RoundEvent::Weak(weak) => {
            let areas: Vec<&str> = weak.areas.iter().map(String::as_str).collect();
            output.note(format!(
                "{} at or over perplexity {:.1} in {}",
                counted(weak.examples.len(), "weak example"),
                weak.threshold,
                if areas.is_empty() { "no area".into() } else { areas.join(", ") }
            ));
        }
        RoundEvent::Examples { counts, .. } => {
            output.note(format!("{} made, {} kept", counts.generated, counts.kept));
        }
        RoundEvent::Training { run, steps } => {
            output.note(format!("{run}: {}", counted(steps, "step")))
        }
        RoundEvent::Work(Event::Train(TrainEvent::Step(step))) => {
            output.note(format!("step {}: loss {:.3}", step.step, step.loss));
        }
        RoundEvent::Work(event) => output.event(event),
        RoundEvent::Ended(_) => {}
    }
}

/// A round in words.
pub fn describe(result: &RoundResult) -> String {
    let mut text = format!("{}: {}\n", result.round, result.decision.as_str());
    if let Some(held_out) = &result.held_out {
        text += &format!(
            "{} against {}: held-out perplexity {:.2} -> {:.2} ({}{}), p = {:.4} (needs {:.4}); held-out used {} times\n",
            result.adapter.as_deref().unwrap_or("-"),
            result.reference,
            held_out.a,
            held_out.b,
            change(held_out.change),
            interval(held_out.ci95),
            held_out.p,
            held_out.alpha,
            held_out.used,
        );
        let mut rows = vec![
            ["area", "items", "before", "after", "change", "right before", "right after"]
                .map(str::to_owned)
                .to_vec(),
        ];
        let named = |prefix: &str, areas: &[crate::eval::AreaOutcome]| -> Vec<Vec<String>> {
            areas
                .iter()
                .map(|area| {
                    vec![
                        format!("{prefix}{}", area.area),
                        area.n.to_string(),
                        format!("{:.2}", area.a),
                        format!("{:.2}", area.b),
                        change(area.change),
                        percentage(area.accuracy_a),
                        percentage(area.accuracy_b),
                    ]
                })
                .collect()
        };
        rows.extend(named("", &result.areas));
        rows.extend(named("sentinel ", &result.sentinels));
        text += &columns(&rows);
        text.push('\n');
    }
    if result.examples.generated > 0 {
        text += &generate::describe(&result.examples);
        text.push('\n');
    }
    if let Some(control) = &result.control {
        text += &format!(
            "control ({} examples from find items at random): {}; targeted against it: {}{}\n",
            control.examples,
            change(control.change),
            change(control.targeted_against_control),
            interval(control.ci95),
        );
    }
    text += &result.reason;
    if let Some(advice) = &result.advice {
        text += &format!("\ntry: {advice}");
    }
    text
}

fn interval(ends: Option<[f64; 2]>) -> String {
    ends.map(|[low, high]| format!(", 95 % {} to {}", change(low), change(high)))
        .unwrap_or_default()
}

//! `kaizen tasks`: checked tasks, each in a fresh folder, unattended.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use super::table::{columns, counted};
use crate::eval::statistics::wilson;
use crate::model::sampler::Sampling;
use crate::store::{ActEnding, atomic};
use crate::tasks::checked::{self, CheckedMeans, CheckedResult, CheckedTask};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Args)]
pub struct TasksArguments {
    #[command(subcommand)]
    command: TasksCommand,
}

#[derive(Debug, Subcommand)]
enum TasksCommand {
    /// Carry out each task of a file in a fresh folder, and let its check say whether it was done.
    Run(RunTasks),
}

#[derive(Debug, Args)]
struct RunTasks {
    /// JSONL; or `learn` or `test`, one of the two sets that come with Kaizen.
    file: String,
    /// Only the tasks of this area (repeatable).
    #[arg(long = "area", value_name = "AREA")]
    areas: Vec<String>,
    /// Try a task that failed up to N times more; a try that passes becomes its correction.
    #[arg(long, value_name = "N", default_value_t = 0)]
    retries: usize,
    /// Sample as config.toml says, instead of always taking the likeliest token.
    #[arg(long)]
    sample: bool,
    /// The same seed gives the same actions.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Actions of one task at most [default: config.toml, there 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_steps: Option<u64>,
    /// Write the corrections of the failed tasks as a training file.
    #[arg(long, value_name = "FILE")]
    corrections: Option<PathBuf>,
}

/// Tasks done of tasks tried.
#[derive(Default, Clone, Copy)]
struct Tally {
    passed: usize,
    tried: usize,
}

impl Tally {
    /// The share that was done; none where nothing was tried.
    fn rate(self) -> Option<f64> {
        (self.tried > 0).then(|| self.passed as f64 / self.tried as f64)
    }

    fn interval(self) -> Option<[f64; 2]> {
        wilson(self.passed, self.tried, 0.95).map(|interval| [interval.low, interval.high])
    }

    fn words(self) -> String {
        let (Some(rate), Some([low, high])) = (self.rate(), self.interval()) else {
            return "no task was tried".into();
        };
        let percent = |share: f64| format!("{:.0}", 100.0 * share);
        format!(
            "{} of {} done, {} % (95 %: {} to {} %)",
            self.passed,
            self.tried,
            percent(rate),
            percent(low),
            percent(high)
        )
    }
}

pub fn run(context: &Context, arguments: &TasksArguments) -> Result<Outcome> {
    let TasksCommand::Run(arguments) = &arguments.command;
    let workplace = &context.workplace;
    let cancel = Arc::new(AtomicBool::new(false));
    let (toolbox, sandbox) = workplace.toolbox(false, &cancel)?;
    let mut tasks = match checked::shipped(&arguments.file, &toolbox) {
        Some(tasks) => tasks?,
        None => checked::read(arguments.file.as_ref(), &toolbox)?,
    };
    if !arguments.areas.is_empty() {
        tasks.retain(|task| arguments.areas.contains(&task.area));
        if tasks.is_empty() {
            return Err(Error::Usage(format!("no task is of {}", arguments.areas.join(", "))));
        }
    }
    if let Some(why) = sandbox.protection().warning() {
        context.output.note(format!("{why}: commands of the actor are not run here"));
    }
    let runtime = context.runtime()?;
    let arm = context.chosen_arm(&runtime)?;
    context.interrupt.attach(cancel.clone());
    let sampling = match arguments.sample {
        true => workplace.sampling(arguments.seed),
        false => Sampling { seed: arguments.seed, ..Sampling::GREEDY },
    };
    let means = CheckedMeans {
        runtime: &runtime,
        home: &workplace.home,
        sandbox: &sandbox,
        toolbox: &toolbox,
        arm: &arm,
        cancel: &cancel,
    };
    let mut rows: Vec<Value> = Vec::new();
    let mut all = Tally::default();
    let mut areas: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut corrections = String::new();
    let mut corrected = 0;
    for (number, task) in tasks.iter().enumerate() {
        let mut request = workplace.act_request(&task.task, sampling.clone());
        if let Some(steps) = arguments.max_steps {
            request.limits.max_steps = steps as usize;
        }
        let result = checked::run(&means, task, &request, arguments.retries)?;
        if result.ended == ActEnding::Cancelled || cancel.load(Ordering::Relaxed) {
            break;
        }
        index(context, &result);
        all.tried += 1;
        all.passed += usize::from(result.passed);
        let area = areas.entry(&task.area).or_default();
        area.tried += 1;
        area.passed += usize::from(result.passed);
        context.output.line(told(number, tasks.len(), task, &result))?;
        for line in examples(task, &result) {
            corrections.push_str(&format!("{line}\n"));
            corrected += 1;
        }
        rows.push(row(task, &result));
    }
    let interrupted = cancel.load(Ordering::Relaxed);
    // What an earlier run wrote is worth more than nothing.
    let written = arguments.corrections.as_ref().filter(|_| !interrupted || corrected > 0);
    if let Some(path) = written {
        atomic::write(path, corrections.as_bytes())?;
        let are = if corrected == 1 { "is" } else { "are" };
        context.output.note(format!(
            "{} {are} in {}",
            counted(corrected, "example"),
            path.display()
        ));
    }
    if interrupted {
        context.output.note(format!(
            "stopped after {} of {}",
            all.tried,
            counted(tasks.len(), "task")
        ));
    }
    if !areas.is_empty() {
        let lines: Vec<Vec<String>> =
            areas.iter().map(|(area, tally)| vec![(*area).to_owned(), tally.words()]).collect();
        context.output.line(columns(&lines).trim_end())?;
    }
    context.output.line(format!("{}: {}", arm.name, all.words()))?;
    let by_area: Vec<Value> = areas
        .iter()
        .map(|(area, tally)| {
            json!({"area": area, "n": tally.tried, "success_rate": tally.rate(), "ci95": tally.interval()})
        })
        .collect();
    context.output.json(&json!({
        "adapter": arm.name,
        "tasks": rows,
        "areas": by_area,
        "success_rate": all.rate(),
        "ci95": all.interval(),
        "corrections": corrected,
    }))?;
    Ok(match interrupted {
        true => Outcome::Interrupted,
        false => Outcome::Done,
    })
}

fn index(context: &Context, result: &CheckedResult) {
    let indexed = context.workplace.index().and_then(|index| Ok(index.upsert(&result.session)?));
    if let Err(error) = indexed {
        context.output.note(format!("saved, but not in the index yet: {error}"));
    }
}

fn told(number: usize, of: usize, task: &CheckedTask, result: &CheckedResult) -> String {
    let mark = if result.passed { "done  " } else { "failed" };
    let mut words = format!("{}/{of} {mark} {}", number + 1, task.id);
    if result.ended != ActEnding::Answered {
        words.push_str(&format!(" ({})", result.ended.words()));
    }
    if result.retries > 0 {
        words.push_str(match result.retry_passed {
            true => ", another try passed",
            false => ", no further try passed",
        });
    }
    if result.expected_fails {
        words.push_str("; its expected actions do not pass its own check");
    }
    words
}

fn row(task: &CheckedTask, result: &CheckedResult) -> Value {
    json!({
        "id": task.id,
        "area": task.area,
        "kind": task.kind,
        "success": result.passed,
        "session": result.session.session_id,
        "ended": result.ended,
        "steps": result.session.iterations.len(),
        "retries": result.retries,
        "retry_passed": result.retry_passed,
        "corrected": !examples(task, result).is_empty(),
    })
}

/// The correction of a failed task as training examples, one a step.
fn examples(task: &CheckedTask, result: &CheckedResult) -> Vec<Value> {
    let act = result.session.kaizen.as_ref().and_then(|record| record.act.as_ref());
    let Some(shown) = act.and_then(|act| act.demonstration.as_ref()) else { return Vec::new() };
    let example = |(place, (mut messages, action)): (
        usize,
        (Vec<crate::store::Message>, String),
    )| {
        messages.push(crate::store::Message::assistant(action));
        json!({"id": format!("{}#{}", task.id, place + 1), "area": task.area, "messages": messages})
    };
    shown.examples().into_iter().enumerate().map(example).collect()
}

//! `kaizen train`: an adapter from failed sessions or a file, with the loss as it falls.

use super::context::Context;
use super::detach::{self, Detached};
use super::eval::field_map;
use super::outcome::{Error, Outcome, Result};
use crate::eval::set;
use crate::model::Projection;
use crate::train::{RunFolder, Schedule, StepMetrics, TrainEvent, TrainSettings};
use crate::workplace::run as train;
use crate::workplace::{
    Event, Material, Prepared, TrainRequest, leave_terminal, peak_memory_mib, prepare,
    prepare_resume,
};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct TrainArguments {
    /// `failed` (failed sessions that have a correction) or a JSONL file.
    #[arg(long, value_name = "failed|FILE", required_unless_present = "resume")]
    from: Option<String>,
    /// Other field names of the file, as in prompt=question,answer=output.
    #[arg(long, value_name = "NAMES")]
    map: Option<String>,
    /// Start from the adapter in this folder.
    #[arg(long, value_name = "DIR")]
    init: Option<PathBuf>,
    /// Size of the adapter [default: 16; this and the following defaults are those of config.toml].
    #[arg(long, value_name = "N")]
    rank: Option<usize>,
    /// The adapter's strength is alpha / rank [default: 32].
    #[arg(long, value_name = "X")]
    alpha: Option<f64>,
    /// Share of the adapter's inputs dropped while training; 0 switches it off [default: 0.05].
    #[arg(long, value_name = "SHARE")]
    dropout: Option<f64>,
    /// Of q, k, v, o, gate, up, down; separated by commas [default: all].
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = projection)]
    targets: Option<Vec<Projection>>,
    /// Times that each example is seen [default: 3].
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Examples in a micro-batch [default: 4].
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Micro-batches in a step [default: 4, fewer when that leaves under 10 steps].
    #[arg(long, value_name = "N")]
    accumulate: Option<usize>,
    /// Learning rate [default: 2e-4].
    #[arg(long, value_name = "X")]
    lr: Option<f64>,
    /// How the learning rate falls: cosine, linear or constant [default: cosine].
    #[arg(long, value_name = "NAME", value_parser = schedule)]
    schedule: Option<Schedule>,
    /// Share of the steps over which the learning rate rises; 0 switches it off [default: 0.03].
    #[arg(long, value_name = "SHARE")]
    warmup: Option<f64>,
    /// Greatest gradient norm; 0 switches it off [default: 1].
    #[arg(long, value_name = "X")]
    clip: Option<f64>,
    /// Decay of the weights a step; 0 switches it off [default: 0].
    #[arg(long, value_name = "X")]
    weight_decay: Option<f64>,
    /// Longest example, in tokens [default: 512].
    #[arg(long, value_name = "N")]
    max_seq: Option<usize>,
    /// The same seed and data give the same adapter [default: 0].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Share of the model's own good answers among the examples; 0 switches it off [default: 0.25].
    #[arg(long, value_name = "SHARE")]
    replay: Option<f64>,
    /// Save every so many steps instead of every 30 seconds.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
    /// Recompute activations in the backward pass: less memory, more time.
    #[arg(long)]
    checkpointing: bool,
    /// Go on with a run where its last checkpoint left it.
    #[arg(
        long,
        value_name = "RUN|last",
        conflicts_with_all = [
            "from", "map", "init", "rank", "alpha", "dropout", "targets", "epochs", "batch", "accumulate", "lr",
            "schedule", "warmup", "clip", "weight_decay", "max_seq", "seed", "replay", "checkpoint_every", "checkpointing",
        ]
    )]
    resume: Option<String>,
    /// Train in the background: print what the run is, and return.
    #[arg(long)]
    detach: bool,
    /// This is the process in the background.
    #[arg(long, hide = true, conflicts_with = "detach")]
    detached: bool,
}

fn projection(text: &str) -> Result<Projection, String> {
    Projection::from_name(text.trim())
        .ok_or_else(|| "must be one of q, k, v, o, gate, up, down".into())
}

fn schedule(text: &str) -> Result<Schedule, String> {
    match text {
        "cosine" => Ok(Schedule::Cosine),
        "linear" => Ok(Schedule::Linear),
        "constant" => Ok(Schedule::Constant),
        _ => Err("must be cosine, linear or constant".into()),
    }
}

pub fn run(context: &Context, arguments: &TrainArguments) -> Result<Outcome> {
    if arguments.detach {
        return detached(context);
    }
    if arguments.detached {
        // Whoever started it reads the first line alone.
        context.output.go_on_unread();
        if let Err(error) = leave_terminal() {
            tracing::warn!("the terminal's end may end this training: {error}");
        }
    }
    let workplace = &context.workplace;
    let mut seen = |event| context.output.event(event);
    let (runtime, prepared) = match &arguments.resume {
        Some(name) => {
            let run = RunFolder::find(&workplace.home.runs(), name)?;
            let threads = run.record()?.threads;
            let runtime = workplace.runtime_with_threads(threads, &mut seen)?;
            let prepared = prepare_resume(workplace, &runtime, run)?;
            (runtime, prepared)
        }
        None => {
            let request = request(context, arguments)?;
            let runtime = workplace.runtime(&mut seen)?;
            let prepared = prepare(workplace, &runtime, request)?;
            (runtime, prepared)
        }
    };
    announce(context, &prepared)?;
    let steps = prepared.steps;
    let run = prepared.run.name();
    let mut printed = Ok(());
    let trained = train(
        workplace,
        &runtime,
        prepared,
        |cancel| context.interrupt.attach(cancel),
        &mut |event| match event {
            Event::Train(TrainEvent::Step(metrics)) if printed.is_ok() => {
                printed = step(context, &metrics, steps);
            }
            Event::Train(_) => {}
            other => context.output.event(other),
        },
    )?;
    printed?;
    let loss = trained.losses.last();
    context.output.json(&json!({
        "run": run,
        "adapter": trained.adapter,
        "steps": trained.steps,
        "loss": loss,
        "seconds": trained.seconds,
        "peak_rss_mib": peak_memory_mib(),
    }))?;
    match &trained.adapter {
        Some(adapter) => {
            context.output.line(format!(
                "\n{adapter} is ready after {:.0} s of training (loss {:.3} -> {:.3}).\nIs it better? kaizen compare base {adapter} --set FILE",
                trained.seconds,
                trained.losses.first().copied().unwrap_or(f64::NAN),
                loss.copied().unwrap_or(f64::NAN),
            ))?;
            Ok(Outcome::Done)
        }
        None => {
            context.output.note(format!(
                "stopped after step {}; nothing is lost: kaizen train --resume {run}",
                trained.steps
            ));
            Ok(Outcome::Interrupted)
        }
    }
}

fn detached(context: &Context) -> Result<Outcome> {
    match detach::start(&context.output)? {
        Detached::Working(process) => {
            context.output.note(format!(
                "it trains in the background as process {process}; `kaizen adapters list` shows the result, and \
                 `kaizen train --resume last` goes on should it be stopped"
            ));
            Ok(Outcome::Done)
        }
        Detached::Ended(status) => Ok(Outcome::Elsewhere(status.code().unwrap_or(1))),
    }
}

fn request(context: &Context, arguments: &TrainArguments) -> Result<TrainRequest> {
    let mut config = context.workplace.config.clone();
    let train = &mut config.train;
    let shape_is_default =
        arguments.rank.is_none() && arguments.alpha.is_none() && arguments.targets.is_none();
    set_if(&mut train.rank, arguments.rank);
    set_if(&mut train.alpha, arguments.alpha);
    set_if(&mut train.dropout, arguments.dropout);
    set_if(&mut train.targets, arguments.targets.clone());
    set_if(&mut train.epochs, arguments.epochs);
    set_if(&mut train.batch_size, arguments.batch);
    set_if(&mut train.gradient_accumulation_steps, arguments.accumulate);
    set_if(&mut train.learning_rate, arguments.lr);
    set_if(&mut train.schedule, arguments.schedule);
    set_if(&mut train.warmup, arguments.warmup);
    set_if(&mut train.clip, arguments.clip);
    set_if(&mut train.weight_decay, arguments.weight_decay);
    set_if(&mut train.max_seq, arguments.max_seq);
    set_if(&mut train.seed, arguments.seed);
    set_if(&mut train.replay, arguments.replay);
    config.check().map_err(|error| Error::Usage(error.to_string()))?;
    let material = match arguments.from.as_deref() {
        None | Some("failed") => Material::Failed,
        Some(path) => {
            Material::Examples(set::read(Path::new(path), &field_map(arguments.map.as_deref())?)?)
        }
    };
    let configured = TrainRequest::configured(&config, material);
    Ok(TrainRequest {
        init: arguments.init.clone(),
        settings: TrainSettings {
            checkpoint_steps: arguments.checkpoint_every.map(|steps| steps as usize),
            recompute: arguments.checkpointing,
            ..configured.settings
        },
        accumulation_is_default: arguments.accumulate.is_none(),
        shape_is_default,
        ..configured
    })
}

fn set_if<T>(setting: &mut T, flag: Option<T>) {
    if let Some(value) = flag {
        *setting = value;
    }
}

/// What will be learned and what it will cost, before it starts.
fn announce(context: &Context, prepared: &Prepared) -> Result<()> {
    for note in &prepared.notes {
        context.output.note(format!("note: {note}"));
    }
    let examples: usize = prepared.examples.values().sum();
    let sources: Vec<String> =
        prepared.examples.iter().map(|(name, count)| format!("{count} {name}")).collect();
    context.output.line(format!(
        "{}: {} examples ({}), {} tokens of which {} are trained, {} steps of {} x {}",
        prepared.run.name(),
        examples,
        sources.join(", "),
        prepared.tokens,
        prepared.trained_tokens,
        prepared.steps,
        prepared.settings.batch_size,
        prepared.settings.accumulate,
    ))?;
    if prepared.steps_done > 0 {
        context.output.line(format!("goes on after step {}", prepared.steps_done))?;
    }
    context.output.line(format!(
        "about {:.0} s and {} MiB of memory",
        prepared.estimated_seconds,
        prepared.memory.mib()
    ))?;
    context.output.json(&json!({
        "run": prepared.run.name(),
        "examples": examples,
        "provenance": prepared.examples,
        "tokens": prepared.tokens,
        "trained_tokens": prepared.trained_tokens,
        "steps": prepared.steps,
        "steps_done": prepared.steps_done,
        "memory_mib": prepared.memory.mib(),
        "estimated_seconds": prepared.estimated_seconds,
    }))
}

fn step(context: &Context, metrics: &StepMetrics, steps: usize) -> Result<()> {
    context.output.line(format!(
        "step {:>4}/{steps}  loss {:.4}  lr {:.2e}  grad norm {:.3}  {:.0} tokens/s",
        metrics.step, metrics.loss, metrics.lr, metrics.grad_norm, metrics.tokens_per_second
    ))?;
    context.output.json(metrics)
}

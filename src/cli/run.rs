//! `kaizen run`: one task, answered and recorded.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use crate::model::sampler::Sampling;
use crate::runtime::Stop;
use crate::store::Message;
use crate::tasks::{self, AskRequest};
use crate::workplace::service;
use clap::Args;
use serde_json::json;
use std::io::Read;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct RunArguments {
    /// What is to be done; `-` reads it from stdin.
    prompt: String,
    /// Always the likeliest token (temperature 0).
    #[arg(long, conflicts_with_all = ["temperature", "top_p", "min_p"])]
    greedy: bool,
    /// 0 is greedy, higher is more varied [default: config.toml, there 0.2].
    #[arg(long, value_name = "T", value_parser = at_least_zero)]
    temperature: Option<f64>,
    /// Sample among the likeliest tokens that hold this share; 1 is off [default: config.toml, there 0.9].
    #[arg(long, value_name = "P", value_parser = share)]
    top_p: Option<f64>,
    /// Leave out tokens below this share of the likeliest one; 0 is off [default: config.toml, there 0].
    #[arg(long, value_name = "P", value_parser = share_or_zero)]
    min_p: Option<f64>,
    /// Above 1 repeats less; 1 is off [default: config.toml, there 1].
    #[arg(long, value_name = "X", value_parser = above_zero)]
    repetition_penalty: Option<f64>,
    /// The same seed gives the same text [default: another each time].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Length of the answer at most [default: config.toml, there 512].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_tokens: Option<u64>,
    /// A system turn before the prompt.
    #[arg(long, value_name = "TEXT", conflicts_with = "act")]
    system: Option<String>,
    /// A text file that is added to the prompt.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    act: super::act::ActArguments,
}

fn number(text: &str, fits: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|n| n.is_finite() && fits(*n))
        .ok_or_else(|| format!("must be {wanted}"))
}

fn at_least_zero(text: &str) -> Result<f64, String> {
    number(text, |n| n >= 0.0, "a number of at least 0")
}

fn above_zero(text: &str) -> Result<f64, String> {
    number(text, |n| n > 0.0, "a number above 0")
}

fn share(text: &str) -> Result<f64, String> {
    number(text, |n| n > 0.0 && n <= 1.0, "above 0 and at most 1")
}

fn share_or_zero(text: &str) -> Result<f64, String> {
    number(text, |n| (0.0..=1.0).contains(&n), "from 0 to 1")
}

pub fn run(context: &Context, arguments: &RunArguments) -> Result<Outcome> {
    let prompt = prompt(arguments)?;
    if prompt.trim().is_empty() {
        return Err(tasks::Error::EmptyPrompt.into());
    }
    let max_tokens = context.workplace.config.generate.max_tokens;
    let seed = arguments.seed.unwrap_or_else(tasks::any_seed);
    let defaults = context.workplace.sampling(seed);
    let sampling = Sampling {
        temperature: if arguments.greedy {
            0.0
        } else {
            arguments.temperature.unwrap_or(defaults.temperature)
        },
        top_p: arguments.top_p.unwrap_or(defaults.top_p),
        min_p: arguments.min_p.unwrap_or(defaults.min_p),
        repetition_penalty: arguments.repetition_penalty.unwrap_or(match arguments.greedy {
            true => 1.0,
            false => defaults.repetition_penalty,
        }),
        seed,
    };
    if arguments.act.is_wanted() {
        let action_tokens = arguments.max_tokens.map(|tokens| tokens as usize);
        return super::act::run(context, &arguments.act, &prompt, sampling, action_tokens);
    }
    let mut messages = Vec::new();
    messages.extend(arguments.system.as_ref().map(Message::system));
    messages.push(Message::user(prompt));
    let runtime = context.runtime()?;
    let arm = context.chosen_arm(&runtime)?;
    let request = AskRequest {
        messages,
        sampling,
        max_tokens: arguments.max_tokens.map_or(max_tokens, |tokens| tokens as usize),
        retry_of: None,
    };
    let mut closed = Ok(());
    let asked = tasks::ask(
        &runtime,
        &context.workplace.home,
        &request,
        &arm,
        |cancel| context.interrupt.attach(cancel),
        |text| {
            if !context.output.json && closed.is_ok() {
                closed = context.output.raw(text);
            }
        },
    );
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(change) = service::inspect_failure(&context.workplace, &arm, &error)? {
                context
                    .output
                    .note(format!("{} was rolled back: {}", change.adapter, change.reason));
            }
            return Err(error.into());
        }
    };
    closed?;
    // The file is the truth and is saved; whatever is wrong with the index can wait.
    let indexed = context.workplace.index().and_then(|index| Ok(index.upsert(&answer.session)?));
    if let Err(error) = indexed {
        context.output.note(format!("saved, but not in the index yet: {error}"));
    }
    if let Some(change) = service::inspect(&context.workplace, &answer.session)? {
        context.output.note(format!("{} was rolled back: {}", change.adapter, change.reason));
    }
    let speed = answer.generation.tokens_per_second();
    context.output.line("")?;
    context.output.note(format!(
        "{} · {} · {} tokens · {speed:.1} tokens/s · rate it: kaizen rate {} 1-5",
        answer.session.session_id,
        if answer.session.is_blind() {
            "which arm answered is hidden until you rate"
        } else {
            &arm.name
        },
        answer.generation.tokens.len(),
        answer.session.session_id
    ));
    context.output.json(&json!({
        "session": answer.session.session_id,
        "adapter": arm.name,
        "text": crate::store::plain(&answer.generation.text),
        "tokens": answer.generation.tokens,
        "steps": [],
        "tokens_per_second": speed,
    }))?;
    Ok(match answer.generation.stop {
        Stop::Cancelled => Outcome::Interrupted,
        _ => Outcome::Done,
    })
}

fn prompt(arguments: &RunArguments) -> Result<String> {
    let mut prompt = match arguments.prompt.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|source| Error::File {
                action: "read",
                name: "stdin".into(),
                source,
            })?;
            text.trim_end().to_owned()
        }
        text => text.to_owned(),
    };
    if let Some(path) = &arguments.file {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read",
            name: path.display().to_string(),
            source,
        })?;
        prompt = format!("{prompt}\n\n{text}");
    }
    Ok(prompt)
}

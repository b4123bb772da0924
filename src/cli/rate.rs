//! `kaizen rate`: what a person says of a session.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use crate::feedback::{self, Rating, StepRating};
use crate::store::{Issue, Stars};
use crate::workplace::service;
use clap::Args;
use serde_json::json;
use std::io::Read;

#[derive(Debug, Args)]
pub struct RateArguments {
    /// The session's id, or the beginning or end of only one.
    session: String,
    /// 1 (bad) to 5 (good).
    #[arg(value_parser = |text: &str| text.parse::<Stars>())]
    stars: Stars,
    /// What went wrong: ocr, wrong-action, timeout, coordination, other (repeatable).
    #[arg(long = "issue", value_name = "SLUG", value_parser = issue)]
    issues: Vec<Issue>,
    /// Words of your own.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// A file with the answer that would have been right; `-` reads it from stdin.
    #[arg(long, value_name = "FILE|-")]
    answer: Option<String>,
    /// Rate one step of a task that was carried out, from 1; --answer then has the action that would have
    /// been right, as JSON.
    #[arg(long, value_name = "N", conflicts_with_all = ["issues", "comment"],
          value_parser = clap::value_parser!(u64).range(1..))]
    step: Option<u64>,
}

fn issue(text: &str) -> Result<Issue, String> {
    text.parse::<Issue>().map_err(|error| error.to_string())
}

pub fn run(context: &Context, arguments: &RateArguments) -> Result<Outcome> {
    let correction = arguments.answer.as_deref().map(read).transpose()?;
    if let Some(step) = arguments.step {
        return rate_step(context, arguments, step, correction);
    }
    let rating = Rating {
        stars: arguments.stars,
        issues: (!arguments.issues.is_empty()).then(|| arguments.issues.clone()),
        comment: arguments.comment.clone(),
        correction,
    };
    let index = context.workplace.index()?;
    let rated = feedback::rate(&context.workplace.home, &index, &arguments.session, &rating)?;
    if let Some(error) = &rated.index_failure {
        context.output.note(format!("saved, but not in the index yet: {error}"));
    }
    // The rating is saved; what follows from it for the adapter on trial is said, not needed.
    match service::review(&context.workplace) {
        Ok(Some(change)) => context.output.note(change.announcement()),
        Ok(None) => {}
        Err(error) => {
            context.output.note(format!("the adapter on trial was not reviewed: {error}"))
        }
    }
    let id = &rated.session.session_id;
    context.output.line(format!(
        "{id}: {} of 5 stars{}",
        arguments.stars.get(),
        if rating.correction.is_some() { ", with a correction" } else { "" }
    ))?;
    context.output.json(&json!({"session": id, "rating": arguments.stars.get()}))?;
    Ok(Outcome::Done)
}

fn rate_step(
    context: &Context,
    arguments: &RateArguments,
    step: u64,
    correction: Option<String>,
) -> Result<Outcome> {
    let workplace = &context.workplace;
    let correction = match correction {
        Some(text) => Some(workplace.canonical_action(&text)?),
        None => None,
    };
    let rating = StepRating { step, stars: Some(arguments.stars), correction };
    let session = feedback::save_step_rating(&workplace.home, &arguments.session, &rating)?;
    if let Err(error) = workplace.index().and_then(|index| Ok(index.upsert(&session)?)) {
        context.output.note(format!("saved, but not in the index yet: {error}"));
    }
    let id = &session.session_id;
    context.output.line(format!(
        "{id}, step {step}: {} of 5 stars{}",
        arguments.stars.get(),
        if rating.correction.is_some() {
            ", with the action that would have been right"
        } else {
            ""
        }
    ))?;
    let stars = arguments.stars.get();
    context.output.json(&json!({"session": id, "step": step, "rating": stars}))?;
    Ok(Outcome::Done)
}

fn read(name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let outcome = match name {
        "-" => std::io::stdin().read_to_end(&mut bytes).map(|_| ()),
        path => std::fs::read(path).map(|read| bytes = read),
    };
    let failed = |source| Error::File { action: "read", name: name.to_owned(), source };
    outcome.map_err(failed)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| failed(std::io::Error::other("it is not UTF-8 text")))?;
    Ok(text.trim_end().to_owned())
}

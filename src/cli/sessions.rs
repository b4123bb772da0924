//! `kaizen sessions`: what has been done and rated.

use super::context::Context;
use super::outcome::{Outcome, Result};
use super::table::{columns, counted};
use crate::store::{self, Filter, SessionSummary, Skipped, logs, plain, plain_line};
use crate::workplace::Event;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct SessionsArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All sessions, newest first.
    List {
        /// Words that must all stand in the id, task, comment or issues.
        #[arg(long, value_name = "WORDS")]
        search: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// One session, whole.
    Show {
        /// The session's id, or the beginning or end of only one.
        id: String,
    },
    /// Bring in a folder of */session.json; what is damaged is listed and left untouched.
    Import {
        /// The folder above the sessions' own folders.
        folder: PathBuf,
    },
    /// Rebuild the index from the files.
    Reindex,
}

pub fn run(context: &Context, arguments: &SessionsArguments) -> Result<Outcome> {
    match &arguments.action {
        Action::List { search, limit } => list(context, search.clone(), *limit),
        Action::Show { id } => show(context, id),
        Action::Import { folder } => import(context, folder),
        Action::Reindex => reindex(context),
    }
}

fn list(context: &Context, text: Option<String>, limit: Option<usize>) -> Result<Outcome> {
    let index = context.workplace.index()?;
    let sessions = index.list(&Filter { text, limit, ..Filter::default() })?;
    if context.output.json {
        let sessions: Vec<Value> = sessions.iter().map(summary).collect();
        context.output.json(&json!({"sessions": sessions}))?;
        return Ok(Outcome::Done);
    }
    if sessions.is_empty() {
        context.output.line(match index.count(&Filter::default())? {
            0 => "No sessions yet: `kaizen run \"…\"` makes one.".to_owned(),
            1 => "The only session is not among them.".to_owned(),
            all => format!("None of the {all} sessions is among them."),
        })?;
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| {
            let stars =
                session.stars.map_or_else(|| "-".to_owned(), |s| "*".repeat(s.get().into()));
            // Of two arms that share the work, nobody is told which one answered before they have rated.
            let arm = match session.is_blind() {
                true => "hidden".into(),
                false => session
                    .arm
                    .clone()
                    .or_else(|| session.adapter.clone())
                    .unwrap_or_else(|| "-".into()),
            };
            let task: String = plain_line(&session.task).chars().take(50).collect();
            let corrected = if session.corrected { "corrected" } else { "" };
            vec![session.id.to_string(), stars, plain_line(&arm), corrected.to_owned(), task]
        })
        .collect();
    context.output.raw(&columns(&rows))?;
    context.output.line(format!("\n{}", context.workplace.trigger(&index)?))?;
    Ok(Outcome::Done)
}

fn summary(session: &SessionSummary) -> Value {
    json!({
        "id": session.id,
        "started": session.started,
        "task": session.task,
        "rating": session.stars.map(store::Stars::get),
        "issues": session.issues.iter().map(store::Issue::slug).collect::<Vec<_>>(),
        "comment": session.comment,
        "arm": session.arm,
        "lora_version": session.adapter,
        "corrected": session.corrected,
        "imported": session.imported,
        "outcome": session.outcome,
    })
}

fn show(context: &Context, id: &str) -> Result<Outcome> {
    let home = &context.workplace.home;
    let session = logs::load(home, &logs::resolve(home, id)?)?;
    context.output.json(&session)?;
    let began =
        session.started().map_or_else(|| "no start time".to_owned(), |time| time.to_string());
    context.output.line(format!("{} · {began}", session.session_id))?;
    for message in session.prompt() {
        context.output.line(format!(
            "\n[{}]\n{}",
            message.role.as_str(),
            plain(&message.content)
        ))?;
    }
    for iteration in &session.iterations {
        if let Some(text) = &iteration.grok_response {
            context.output.line(format!(
                "\n[answer {}]\n{}",
                iteration.iteration_number,
                plain(text)
            ))?;
        }
    }
    let metadata = &session.metadata;
    if let Some(stars) = metadata.user_rating {
        let issues: Vec<&str> = metadata.what_went_wrong.iter().map(store::Issue::words).collect();
        context.output.line(format!(
            "\n{} of 5 stars {}",
            stars.get(),
            plain_line(&issues.join(", "))
        ))?;
    }
    if let Some(comment) = &metadata.feedback_comment {
        context.output.line(format!("comment: {}", plain(comment)))?;
    }
    if let Some(correction) = session.kaizen.as_ref().and_then(|record| record.correction.as_ref())
    {
        context.output.line(format!("\n[corrected]\n{}", plain(&correction.answer)))?;
    }
    Ok(Outcome::Done)
}

fn skipped(skipped: &[Skipped]) -> Vec<Value> {
    skipped.iter().map(|s| json!({"path": s.path, "why": s.why})).collect()
}

fn tell_skipped(context: &Context, entries: &[Skipped]) -> Result<()> {
    for entry in entries {
        context.output.line(format!(
            "  skipped {}: {}",
            entry.path.display(),
            plain_line(&entry.why)
        ))?;
    }
    Ok(())
}

fn import(context: &Context, folder: &std::path::Path) -> Result<Outcome> {
    let mut index = context.workplace.index()?;
    let report = store::import(&context.workplace.home, &mut index, folder, &mut |done, total| {
        context.output.event(Event::Measuring { what: "importing", done, total });
    })?;
    context.output.line(format!(
        "{} imported, {} already here, {} skipped",
        report.imported,
        report.already_here,
        report.skipped.len()
    ))?;
    tell_skipped(context, &report.skipped)?;
    context.output.json(&json!({
        "imported": report.imported,
        "already_here": report.already_here,
        "skipped": skipped(&report.skipped),
    }))?;
    Ok(Outcome::Done)
}

fn reindex(context: &Context) -> Result<Outcome> {
    let mut index = store::Index::open(&context.workplace.home)?;
    let refreshed = index.reindex(&mut |done, total| {
        context.output.event(Event::Measuring { what: "reading sessions", done, total });
    })?;
    if let Some(words) = index.recovered() {
        context.output.note(words);
    }
    context.output.line(format!("{} indexed", counted(refreshed.read, "session")))?;
    tell_skipped(context, &refreshed.damaged)?;
    context
        .output
        .json(&json!({"indexed": refreshed.read, "skipped": skipped(&refreshed.damaged)}))?;
    Ok(Outcome::Done)
}

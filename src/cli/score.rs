//! `kaizen score`: how surprised the model is by each token of a text or of a last answer.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use crate::model::{Model, Special};
use crate::runtime::{Score, ScoreItem};
use crate::store::{Message, Role};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Read;

#[derive(Debug, Args)]
pub struct ScoreArguments {
    /// JSONL: {"id","text"} or {"id","messages":[…]} (the last assistant turn is scored); `-` is stdin.
    #[arg(value_name = "FILE|-")]
    file: String,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    text: Option<String>,
    messages: Option<Vec<Message>>,
}

pub fn run(context: &Context, arguments: &ScoreArguments) -> Result<Outcome> {
    let lines = read(&arguments.file)?;
    let runtime = context.runtime()?;
    let arm = context.chosen_arm(&runtime)?;
    let mut items = Vec::with_capacity(lines.len());
    for (number, line) in &lines {
        let item = item(runtime.model(), line).map_err(|reason| Error::Line {
            name: shown(&arguments.file).to_owned(),
            line: *number,
            reason,
        })?;
        items.push(item);
    }
    let lengths: Vec<usize> = items.iter().map(|item| item.ids.len()).collect();
    let mut printed = Ok(());
    let running = runtime.submit(Score::new(items, arm.lora));
    context.interrupt.attach(running.canceller());
    let ending = running.wait(|(i, losses)| {
        if printed.is_ok() {
            printed = print(context, &lines[i].1.id, lengths[i], &losses);
        }
    });
    printed?;
    match ending {
        crate::runtime::Ending::Failed(error) => Err(error.into()),
        crate::runtime::Ending::Cancelled(_) => Ok(Outcome::Interrupted),
        crate::runtime::Ending::Finished(_) => Ok(Outcome::Done),
    }
}

fn print(context: &Context, id: &Value, tokens: usize, losses: &[f32]) -> Result<()> {
    let losses: Vec<f64> = losses.iter().map(|loss| f64::from(*loss)).collect();
    let nll = (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64);
    let perplexity = nll.map(f64::exp);
    context.output.line(format!(
        "{}: {} tokens, {} scored, {}",
        crate::store::plain_line(&id.as_str().map_or_else(|| id.to_string(), str::to_owned)),
        tokens,
        losses.len(),
        perplexity.map_or_else(|| "nothing to score".into(), |p| format!("perplexity {p:.3}"))
    ))?;
    context.output.json(&json!({
        "id": id,
        "tokens": tokens,
        "scored": losses.len(),
        "nll": nll,
        "perplexity": perplexity,
        "token_nlls": losses,
    }))
}

fn shown(name: &str) -> &str {
    if name == "-" { "stdin" } else { name }
}

/// All lines with their numbers, checked before any work is done.
fn read(name: &str) -> Result<Vec<(usize, Line)>> {
    let failed = |source| Error::File { action: "read", name: shown(name).to_owned(), source };
    let text = match name {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        path => std::fs::read_to_string(path),
    }
    .map_err(failed)?;
    let mut lines = Vec::new();
    for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let bad =
            |reason: String| Error::Line { name: shown(name).to_owned(), line: i + 1, reason };
        let line: Line = serde_json::from_str(line).map_err(|e| {
            bad(format!("it is not {{\"id\",\"text\"}} or {{\"id\",\"messages\"}} ({e})"))
        })?;
        if line.text.is_none() && line.messages.is_none() {
            return Err(bad("it needs `text` or `messages`".into()));
        }
        lines.push((i + 1, line));
    }
    Ok(lines)
}

fn item(model: &Model, line: &Line) -> Result<ScoreItem, String> {
    // A line may carry the rendered text beside its messages: the messages are what is scored.
    if let (Some(text), None) = (&line.text, &line.messages) {
        let mut ids =
            model.tokenizer.encode(text, Special::Recognise).map_err(|e| e.to_string())?;
        if let Some(bos) = model.tokenizer.bos()
            && model.tokenizer.add_bos()
        {
            ids.insert(0, bos);
        }
        return Ok(ScoreItem::whole(ids));
    }
    match line.messages.as_deref().unwrap_or_default().split_last() {
        Some((Message { role: Role::Assistant, content, tool_calls, .. }, before))
            if !before.is_empty() && tool_calls.is_empty() =>
        {
            let answered = model
                .template
                .encode_answered(&model.tokenizer, before, content)
                .map_err(|e| e.to_string())?;
            let scored = answered.answer_start..answered.ids.len();
            Ok(ScoreItem { ids: answered.ids, scored })
        }
        _ => Err("the last of `messages` must be an assistant turn that answers something".into()),
    }
}

//! `kaizen tokenize`: JSON strings in, token ids out, a line each.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use crate::model::{Gguf, Special, Tokenizer};
use serde_json::json;
use std::io::BufRead;

pub fn run(context: &Context) -> Result<Outcome> {
    let file = context.workplace.model_file(&mut |event| context.output.event(event))?;
    let tokenizer = Tokenizer::from_gguf(&Gguf::open(&file.path)?)?;
    for (i, line) in std::io::stdin().lock().lines().enumerate() {
        let bad = |reason: String| Error::Line { name: "stdin".into(), line: i + 1, reason };
        let line = line.map_err(|e| bad(format!("it is not UTF-8 text ({e})")))?;
        if line.trim().is_empty() {
            continue;
        }
        let text: String = serde_json::from_str(&line)
            .map_err(|e| bad(format!("it is not a JSON string such as \"Hello\" ({e})")))?;
        context.output.json_line(&json!({"ids": tokenizer.encode(&text, Special::Recognise)?}))?;
    }
    Ok(Outcome::Done)
}

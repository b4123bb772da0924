//! A session that was carried out, as Sessions tells it: which steps there are, what each did, what was
//! said of it, and what the person may write in its place. Pure: from a session alone.

use crate::driver::{ShownStep, shown_step};
use crate::store::{Iteration, Session, plain_line};
use crate::tasks::Action;
use serde_json::Value;

/// Whether there are steps that something can be said of.
pub fn has_steps(session: &Session) -> bool {
    session.is_act() && !session.iterations.is_empty()
}

/// The action of a step.
fn action(step: &Iteration) -> Action {
    let mut arguments = match &step.action {
        Some(Value::Object(fields)) => fields.clone(),
        _ => serde_json::Map::new(),
    };
    let tool = arguments.shift_remove("tool");
    let tool = tool.as_ref().and_then(Value::as_str).unwrap_or("?").to_owned();
    Action { tool, arguments }
}

/// A step, safe to show; `number` is from 1.
pub fn step(number: usize, step: &Iteration) -> ShownStep {
    let action = action(step);
    let mut shown = shown_step(number, &action, &step.outcome().unwrap_or_default());
    if action.tool == "answer" {
        // It prints what it was given.
        shown.output.clear();
    }
    shown
}

/// A step as a person may change it: a command, or the action as JSON. Not safe to show.
pub fn editable(step: &Iteration) -> String {
    let action = action(step);
    match action.tool.as_str() {
        "shell" => action.text("command").to_owned(),
        _ => action.to_json(),
    }
}

/// An action that somebody wrote, in one line: `shell  ls -l`.
pub fn told(written: &str) -> String {
    match serde_json::from_str(written) {
        Ok(value @ Value::Object(_)) => {
            let step = Iteration { action: Some(value), ..Iteration::default() };
            plain_line(&action(&step).describe())
        }
        _ => plain_line(written),
    }
}

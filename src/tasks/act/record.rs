//! What a session says of act mode: how it began, each step, how it ended. Pure: a session in, changed.

use super::{ActRequest, Means};
use crate::runtime::Generation;
use crate::store::{
    self, ActEnding, ActRecord, Approval, Iteration, Message, Outcome, Session, StepFeedback,
    StepResult,
};
use crate::tasks::{Action, Error};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A step that was made.
pub(super) struct Done<'a> {
    pub step: usize,
    pub started: jiff::Timestamp,
    pub observation: &'a str,
    /// What the model wrote.
    pub written: &'a str,
    /// What was done, or not allowed.
    pub action: &'a Action,
    pub result: &'a StepResult,
    /// Reading the observation and writing the action.
    pub thought: Duration,
}

pub(super) fn describe(
    session: &mut Session,
    request: &ActRequest,
    means: &Means,
    beginning: &[Message],
) {
    let model = means.runtime.model();
    session.metadata.model = Some(model.name().to_owned());
    session.metadata.lora_version = Some(means.arm.name.clone());
    session.metadata.max_iterations = Some(request.limits.max_steps as u64);
    let record = session.record_mut();
    record.messages = beginning.to_vec();
    record.retry_of = request.retry_of.clone();
    record.arm = Some(means.arm.name.clone());
    record.arm_probability = Some(means.arm.probability);
    record.arm_draw = means.arm.draw;
    record.adapter = means.arm.lora.is_some().then(|| means.arm.name.clone());
    record.model_hash = Some(model.identity().sha256.clone());
    record.generation = Some(store::Generation {
        temperature: Some(request.sampling.temperature),
        top_p: Some(request.sampling.top_p),
        min_p: Some(request.sampling.min_p),
        repetition_penalty: Some(request.sampling.repetition_penalty),
        max_tokens: Some(request.limits.action_tokens as u64),
        seed: Some(request.sampling.seed),
        ..store::Generation::default()
    });
    record.act = Some(ActRecord {
        workspace: means.workspace.root().to_string_lossy().into_owned(),
        max_steps: request.limits.max_steps as u64,
        ..ActRecord::default()
    });
}

pub(super) fn add_step(session: &mut Session, done: &Done) {
    let result = done.result;
    let status = if result.is_success() { "success" } else { "error" };
    let error = result
        .error
        .clone()
        .or_else(|| result.timed_out.then(|| "it took too long and was stopped".to_owned()));
    let logged = json!({
        "function_name": done.action.tool,
        "result": {"status": status, "output": result.output, "error": error},
    });
    session.iterations.push(Iteration {
        iteration_number: done.step as u64,
        start_time: Some(done.started.as_millisecond() as f64 / 1000.0),
        tool_results: vec![logged],
        grok_response: Some(done.written.to_owned()),
        errors: error.map(Value::from).into_iter().collect(),
        observation: Some(done.observation.into()),
        action: serde_json::from_str(&done.action.to_json()).ok(),
        result: serde_json::to_value(result).ok(),
        extra: Map::from_iter([
            ("screenshot_captured".to_owned(), (done.action.tool == "screenshot").into()),
            ("api_call_duration".to_owned(), done.thought.as_secs_f64().into()),
            ("api_call_success".to_owned(), true.into()),
            ("tool_calls_count".to_owned(), 1.into()),
            ("tool_duration".to_owned(), result.seconds.into()),
        ]),
    });
    session.total_iterations = session.iterations.len() as u64;
    // What a person did in the place of what was proposed is what would have been right.
    if result.approval == Approval::Edited
        && let Some(act) = &mut session.record_mut().act
    {
        act.feedback.push(StepFeedback {
            step: done.step as u64,
            stars: None,
            correction: Some(done.action.to_json()),
            at: jiff::Timestamp::now(),
        });
    }
}

pub(super) fn complete(
    session: &mut Session,
    ended: &Result<ActEnding, Error>,
    answer: Option<&str>,
    generations: &[Generation],
    seconds: f64,
) {
    let record = session.record_mut();
    record.duration_seconds = Some(seconds);
    record.answer = answer.map(str::to_owned);
    let tokens = |of: fn(&Generation) -> usize| generations.iter().map(of).sum::<usize>() as u64;
    record.prompt_tokens = Some(tokens(|written| written.prompt_tokens));
    record.answer_tokens = Some(tokens(|written| written.tokens.len()));
    let writing: f64 = generations.iter().map(|w| w.write_time.as_secs_f64()).sum();
    record.tokens_per_second = (writing > 0.0)
        .then(|| generations.iter().map(|w| w.tokens.len()).sum::<usize>() as f64 / writing);
    record.outcome = Some(match ended {
        Ok(ActEnding::Cancelled) => Outcome::Cancelled,
        Ok(_) => Outcome::Finished,
        Err(error) => Outcome::Failed { error: error.to_string() },
    });
    if let Some(act) = &mut record.act {
        act.ended = ended.as_ref().ok().copied();
    }
}

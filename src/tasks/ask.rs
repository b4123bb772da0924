//! Ask mode: one answer to a conversation, streamed, and on disk before it is said to be done.

use super::{Error, Result};
use crate::model::lora::Lora;
use crate::model::sampler::Sampling;
use crate::runtime::{
    Ending, Generate, GenerateEvent, GenerateRequest, Generation, Runtime, Stop, Until,
};
use crate::store::{self, Home, Iteration, Message, Outcome, PlainStream, Session, SessionId};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What answers a task, and how it came to be chosen.
#[derive(Debug, Clone)]
pub struct Arm {
    /// `base`, or the adapter's name.
    pub name: String,
    pub lora: Option<Arc<Lora>>,
    /// The probability with which routing chose it; 1 when a person did.
    pub probability: f64,
    /// The random number that routing drew, in [0, 1); none when a person chose.
    pub draw: Option<f64>,
}

impl Arm {
    /// An arm that somebody named.
    pub fn chosen(name: &str, lora: Option<Arc<Lora>>) -> Self {
        Self { name: name.to_owned(), lora, probability: 1.0, draw: None }
    }

    /// The model without an adapter.
    pub fn base() -> Self {
        Self::chosen("base", None)
    }
}

/// A task in ask mode.
#[derive(Debug, Clone)]
pub struct AskRequest {
    /// All turns so far; the last is the person's.
    pub messages: Vec<Message>,
    pub sampling: Sampling,
    pub max_tokens: usize,
    /// The session that this one tries again.
    pub retry_of: Option<SessionId>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub session: Session,
    pub generation: Generation,
}

/// Runs a task and records it. `started` gets the switch that cancels it; `seen` gets the text as it
/// comes, safe to show on a terminal.
///
/// # Errors
/// An empty prompt, one longer than the context, or a home that cannot be written.
pub fn ask(
    runtime: &Runtime,
    home: &Home,
    request: &AskRequest,
    arm: &Arm,
    started: impl FnOnce(Arc<AtomicBool>),
    mut seen: impl FnMut(&str),
) -> Result<Answer> {
    let task = request.messages.last().map(|m| m.content.trim()).unwrap_or_default();
    if task.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    let model = runtime.model();
    let prompt = model.template.encode(&model.tokenizer, &request.messages, true)?;
    let mut session = store::logs::create(home, task)?;
    describe(&mut session, request, arm, runtime);
    store::logs::save(home, &session)?;
    let began = std::time::Instant::now();
    let job = Generate::in_conversation(
        GenerateRequest {
            prompt,
            sampling: request.sampling.clone(),
            max_tokens: request.max_tokens,
            until: Until::EndOfTurn,
        },
        arm.lora.clone(),
        runtime.conversations(),
    );
    let running = runtime.submit(job);
    started(running.canceller());
    let mut plain = PlainStream::default();
    let ending = running.wait(|event| {
        if let GenerateEvent::Text { text, .. } = event {
            let shown = plain.push(&text);
            if !shown.is_empty() {
                seen(&shown);
            }
        }
    });
    let result = match ending {
        Ending::Finished(mut texts) | Ending::Cancelled(mut texts) => {
            texts.pop().ok_or_else(|| Error::Runtime(crate::runtime::Error::EmptyPrompt))
        }
        Ending::Failed(error) => Err(error.into()),
    };
    let seconds = began.elapsed().as_secs_f64();
    // Read again and changed under the lock: a rating given meanwhile stays.
    let (session, ()) = store::logs::update(home, &session.session_id, |session| {
        session.record_mut().duration_seconds = Some(seconds);
        match &result {
            Ok(generation) => complete(session, generation, seconds),
            Err(error) => {
                session.record_mut().outcome = Some(Outcome::Failed { error: error.to_string() });
            }
        }
        Ok::<(), Error>(())
    })?;
    Ok(Answer { session, generation: result? })
}

fn describe(session: &mut Session, request: &AskRequest, arm: &Arm, runtime: &Runtime) {
    session.metadata.model = Some(runtime.model().name().to_owned());
    session.metadata.lora_version = Some(arm.name.clone());
    let record = session.record_mut();
    record.messages = request.messages.clone();
    record.retry_of = request.retry_of.clone();
    record.arm = Some(arm.name.clone());
    record.arm_probability = Some(arm.probability);
    record.arm_draw = arm.draw;
    record.adapter = arm.lora.is_some().then(|| arm.name.clone());
    record.model_hash = Some(runtime.model().identity().sha256.clone());
    record.generation = Some(store::Generation {
        temperature: Some(request.sampling.temperature),
        top_p: Some(request.sampling.top_p),
        min_p: Some(request.sampling.min_p),
        repetition_penalty: Some(request.sampling.repetition_penalty),
        max_tokens: Some(request.max_tokens as u64),
        seed: Some(request.sampling.seed),
        ..store::Generation::default()
    });
}

fn complete(session: &mut Session, generation: &Generation, seconds: f64) {
    session.iterations = vec![Iteration {
        iteration_number: 1,
        start_time: session
            .started()
            .and_then(|time| time.to_zoned(jiff::tz::TimeZone::system()).ok())
            .map(|time| time.timestamp().as_millisecond() as f64 / 1000.0),
        grok_response: Some(generation.text.clone()),
        extra: serde_json::Map::from_iter([
            ("api_call_duration".to_owned(), seconds.into()),
            ("api_call_success".to_owned(), true.into()),
        ]),
        ..Iteration::default()
    }];
    session.total_iterations = 1;
    let record = session.record_mut();
    record.answer = Some(generation.text.clone());
    record.prompt_tokens = Some(generation.prompt_tokens as u64);
    record.answer_tokens = Some(generation.tokens.len() as u64);
    record.tokens_per_second = Some(generation.tokens_per_second());
    record.outcome = Some(match generation.stop {
        Stop::Cancelled => Outcome::Cancelled,
        _ => Outcome::Finished,
    });
}

/// A seed that differs from run to run and is small enough for every JSON reader.
pub fn any_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| u64::from(time.subsec_nanos()) ^ (time.as_secs() & 0xffff_ffff))
}

//! The job that writes text: one sequence for a person, or many at once for a measurement.

use super::conversations::{Conversation, Conversations};
use super::{Error, Job, Priority, Step};
use crate::kernels::for_each_chunk;
use crate::model::lora::Lora;
use crate::model::network::{Feed, KeyValueCache};
use crate::model::sampler::{Sampler, Sampling};
use crate::model::tokenizer::TextStream;
use crate::model::{Grammar, Matching, Model};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One text to write.
#[derive(Debug, Clone)]
pub struct GenerateRequest {
    pub prompt: Vec<u32>,
    pub sampling: Sampling,
    pub max_tokens: usize,
    pub until: Until,
}

/// What ends a text before its `max_tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    EndOfTurn,
    /// Nothing: past the end of the turn, for measurements of fixed length.
    MaxTokens,
    /// The end of the turn, or the first place where this stands: it and what follows are cut off. For
    /// plain text that goes on and on, such as a list of questions.
    Marker(String),
    /// The text keeps to this grammar, token by token, and ends when it is complete. It always is: before
    /// `max_tokens` are used up, what is open is closed.
    Complete(Arc<Grammar>),
}

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The model ended its turn.
    EndOfTurn,
    /// The marker of [`Until::Marker`] came.
    Marker,
    /// The text of [`Until::Complete`] is whole.
    Complete,
    /// `max_tokens` were written.
    MaxTokens,
    /// The model's context is full.
    ContextFull,
    Cancelled,
}

/// A text that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// Without the end-of-turn token.
    pub tokens: Vec<u32>,
    pub text: String,
    pub stop: Stop,
    pub prompt_tokens: usize,
    /// Of these, the first ones that were known already: earlier turns of a conversation, or what the
    /// prompts of a measurement have in common.
    pub prompt_tokens_cached: usize,
    /// Reading the rest of the prompt.
    pub prompt_time: Duration,
    /// Writing the text.
    pub write_time: Duration,
}

impl Generation {
    /// Tokens written a second, the end-of-turn token included.
    pub fn tokens_per_second(&self) -> f64 {
        let written = self.tokens.len() + usize::from(self.stop == Stop::EndOfTurn);
        written as f64 / self.write_time.as_secs_f64().max(1e-9)
    }
}

/// A piece of text `request` just got.
#[derive(Debug, Clone, PartialEq)]
pub enum GenerateEvent {
    Text { request: usize, text: String },
    Ended { request: usize },
}

/// Writes texts, up to `together` at a time; a finished one makes room for the next.
pub struct Generate {
    requests: Vec<GenerateRequest>,
    lora: Option<Arc<Lora>>,
    priority: Priority,
    together: usize,
    next: usize,
    reading: Option<Reading>,
    active: Vec<Active>,
    /// Tokens that all prompts start with, leaving each at least one of its own.
    common: usize,
    shared_prefix: Option<KeyValueCache>,
    /// Where earlier turns are looked for and this one is kept; none for a measurement, which must not
    /// depend on what a person did before.
    conversations: Option<Conversations>,
    finished: Vec<Option<Generation>>,
}

/// A prompt that is being read, a slice at a time.
struct Reading {
    request: usize,
    cache: KeyValueCache,
    /// Tokens that were in the cache from the start.
    cached: usize,
    time: Duration,
}

/// Prompt tokens read in one slice: nobody waits longer than that for a cancellation.
pub const READ_TOKENS: usize = 256;

struct Active {
    request: usize,
    cache: KeyValueCache,
    sampler: Sampler,
    stream: TextStream,
    /// Prompt and answer so far; the last one is not in the cache yet.
    tokens: Vec<u32>,
    text: String,
    /// The way through the grammar of [`Until::Complete`].
    matching: Option<Matching>,
    cached: usize,
    prompt_time: Duration,
    started: Instant,
}

impl Active {
    /// Draws the next token from its logits.
    fn pick(
        &mut self,
        model: &Model,
        request: &GenerateRequest,
        logits: &mut [f32],
    ) -> Result<u32, Error> {
        if request.until == Until::MaxTokens {
            for end in model.tokenizer.ends_of_turn() {
                if let Some(logit) = logits.get_mut(end as usize) {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        if let Some(matching) = &mut self.matching {
            let written = self.tokens.len() - request.prompt.len();
            let left = request.max_tokens.saturating_sub(written);
            matching.restrict(logits, left)?;
        }
        Ok(self.sampler.pick(logits, &self.tokens))
    }
}

impl Generate {
    /// One text for a person who waits for it.
    pub fn for_person(request: GenerateRequest, lora: Option<Arc<Lora>>) -> Self {
        Self::new(vec![request], lora, Priority::Person, 1)
    }

    /// As [`for_person`](Self::for_person), reading only what is new since an earlier turn of the
    /// conversation, and known to the next turn in its stead.
    pub fn in_conversation(
        request: GenerateRequest,
        lora: Option<Arc<Lora>>,
        conversations: &Conversations,
    ) -> Self {
        let conversations = Some(conversations.clone());
        Self { conversations, ..Self::for_person(request, lora) }
    }

    /// Many texts for a measurement. What their prompts have in common is read once.
    pub fn measured(
        requests: Vec<GenerateRequest>,
        lora: Option<Arc<Lora>>,
        together: usize,
    ) -> Self {
        Self::new(requests, lora, Priority::Measuring, together.max(1))
    }

    fn new(
        requests: Vec<GenerateRequest>,
        lora: Option<Arc<Lora>>,
        priority: Priority,
        together: usize,
    ) -> Self {
        let finished = requests.iter().map(|_| None).collect();
        Self {
            common: common_prefix(&requests),
            requests,
            lora,
            priority,
            together,
            next: 0,
            reading: None,
            active: Vec::new(),
            shared_prefix: None,
            conversations: None,
            finished,
        }
    }

    /// Takes up the next request.
    fn begin_reading(&mut self, model: &Model) -> Result<(), Error> {
        let request = &self.requests[self.next];
        let context = model.network.architecture().context;
        if request.prompt.is_empty() {
            return Err(Error::EmptyPrompt);
        }
        if request.prompt.len() >= context {
            return Err(Error::PromptTooLong { tokens: request.prompt.len(), context });
        }
        let known = match (&self.shared_prefix, &self.conversations) {
            (Some(prefix), _) => Some(prefix.clone()),
            (None, Some(earlier)) => earlier.recall(self.lora.as_ref(), &request.prompt),
            (None, None) => None,
        };
        let cache = known.unwrap_or_else(|| KeyValueCache::new(model.network.architecture()));
        let cached = cache.len();
        self.reading = Some(Reading { request: self.next, cache, cached, time: Duration::ZERO });
        self.next += 1;
        Ok(())
    }

    /// Reads the next slice of a prompt; after the last one, draws the first token.
    fn read(
        &mut self,
        model: &Model,
        mut reading: Reading,
        emit: &mut dyn FnMut(GenerateEvent),
    ) -> Result<(), Error> {
        let started = Instant::now();
        let request = &self.requests[reading.request];
        let from = reading.cache.len();
        let mut to = request.prompt.len().min(from + READ_TOKENS);
        if from < self.common {
            to = to.min(self.common);
        }
        let mut feeds = [Feed { tokens: &request.prompt[from..to], cache: &mut reading.cache }];
        let hidden = model.network.extend(self.lora.as_deref(), &mut feeds)?;
        if to == self.common && self.shared_prefix.is_none() {
            self.shared_prefix = Some(reading.cache.clone());
        }
        if to < request.prompt.len() {
            reading.time += started.elapsed();
            self.reading = Some(reading);
            return Ok(());
        }
        let mut logits = model.network.logits(&hidden, &[to - from - 1])?;
        let mut active = Active {
            request: reading.request,
            cache: reading.cache,
            sampler: Sampler::new(request.sampling.clone()),
            stream: model.tokenizer.stream(),
            tokens: request.prompt.clone(),
            text: String::new(),
            matching: match &request.until {
                Until::Complete(grammar) => Some(grammar.begin()),
                _ => None,
            },
            cached: reading.cached,
            prompt_time: reading.time + started.elapsed(),
            started: Instant::now(),
        };
        let request = &self.requests[active.request];
        let token = active.pick(model, request, &mut logits)?;
        self.active.push(active);
        let last = self.active.len() - 1;
        self.take_token(model, last, token, emit)?;
        Ok(())
    }

    /// Adds the token that was drawn to an active text; ends the text when it is complete. True when
    /// the text at `place` is gone.
    fn take_token(
        &mut self,
        model: &Model,
        place: usize,
        token: u32,
        emit: &mut dyn FnMut(GenerateEvent),
    ) -> Result<bool, Error> {
        let active = &mut self.active[place];
        let request = &self.requests[active.request];
        let written = active.tokens.len() - request.prompt.len();
        if written >= request.max_tokens {
            self.end(place, Stop::MaxTokens, emit);
            return Ok(true);
        }
        if model.tokenizer.is_end_of_turn(token) {
            self.end(place, Stop::EndOfTurn, emit);
            return Ok(true);
        }
        let complete = match &mut active.matching {
            Some(matching) => matching.accept(token)?,
            None => false,
        };
        active.tokens.push(token);
        let text = active.stream.push(&model.tokenizer, token);
        if !text.is_empty() {
            active.text.push_str(&text);
            emit(GenerateEvent::Text { request: active.request, text });
        }
        if let Until::Marker(marker) = &request.until
            && let Some(found) = active.text.find(marker.as_str())
        {
            active.text.truncate(found);
            self.end(place, Stop::Marker, emit);
            return Ok(true);
        }
        let stop = if complete {
            Stop::Complete
        } else if written + 1 >= request.max_tokens {
            Stop::MaxTokens
        } else if active.tokens.len() >= model.network.architecture().context {
            Stop::ContextFull
        } else {
            return Ok(false);
        };
        self.end(place, stop, emit);
        Ok(true)
    }

    fn end(&mut self, place: usize, stop: Stop, emit: &mut dyn FnMut(GenerateEvent)) {
        let mut active = self.active.remove(place);
        let rest = active.stream.finish();
        if !rest.is_empty() && stop != Stop::Marker {
            active.text.push_str(&rest);
            emit(GenerateEvent::Text { request: active.request, text: rest });
        }
        let prompt_tokens = self.requests[active.request].prompt.len();
        emit(GenerateEvent::Ended { request: active.request });
        self.keep(&active.tokens, prompt_tokens, active.cache);
        self.finished[active.request] = Some(Generation {
            tokens: active.tokens.split_off(prompt_tokens),
            text: active.text,
            stop,
            prompt_tokens,
            prompt_tokens_cached: active.cached,
            prompt_time: active.prompt_time,
            write_time: active.started.elapsed(),
        });
    }

    /// Leaves what was computed to the next turn of the conversation.
    fn keep(&self, tokens: &[u32], prompt: usize, cache: KeyValueCache) {
        if let Some(conversations) = &self.conversations {
            let (lora, tokens) = (self.lora.clone(), tokens.to_vec());
            conversations.keep(Conversation { lora, tokens, prompt, cache });
        }
    }
}

/// How many tokens all prompts share, leaving each at least one; none for a single prompt.
fn common_prefix(requests: &[GenerateRequest]) -> usize {
    let Some((first, others)) = requests.split_first() else { return 0 };
    if others.is_empty() {
        return 0;
    }
    others.iter().fold(first.prompt.len().saturating_sub(1), |len, other| {
        let same = first.prompt.iter().zip(&other.prompt).take_while(|(a, b)| a == b).count();
        len.min(same).min(other.prompt.len().saturating_sub(1))
    })
}

impl Job for Generate {
    type Event = GenerateEvent;
    /// In the order of the requests; of a cancelled job, those that had begun.
    type Output = Vec<Generation>;
    type Error = Error;

    fn priority(&self) -> Priority {
        self.priority
    }

    fn step(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(GenerateEvent),
    ) -> Result<Step<Self::Output>, Error> {
        if self.reading.is_none()
            && self.next < self.requests.len()
            && self.active.len() < self.together
        {
            self.begin_reading(model)?;
        }
        if let Some(reading) = self.reading.take() {
            self.read(model, reading, emit)?;
            return Ok(Step::More);
        }
        if self.active.is_empty() {
            return Ok(Step::Done(self.finished.drain(..).flatten().collect()));
        }
        let mut feeds: Vec<Feed> = self
            .active
            .iter_mut()
            .map(|active| Feed {
                tokens: &active.tokens[active.tokens.len() - 1..],
                cache: &mut active.cache,
            })
            .collect();
        let hidden = model.network.extend(self.lora.as_deref(), &mut feeds)?;
        let rows: Vec<usize> = (0..self.active.len()).collect();
        let mut logits = model.network.logits(&hidden, &rows)?;
        let vocabulary = model.network.architecture().vocabulary;
        // Drawing looks at every logit: the sequences share the threads.
        let requests = &self.requests;
        let mut draws: Vec<(&mut Active, &mut [f32], Result<u32, Error>)> = self
            .active
            .iter_mut()
            .zip(logits.chunks_exact_mut(vocabulary))
            .map(|(active, logits)| (active, logits, Ok(0)))
            .collect();
        for_each_chunk(&mut draws, 1, |_, draw| {
            let (active, logits, token) = &mut draw[0];
            *token = active.pick(model, &requests[active.request], logits);
        });
        let drawn: Vec<u32> =
            draws.into_iter().map(|(_, _, token)| token).collect::<Result<_, _>>()?;
        let mut place = 0;
        for token in drawn {
            if !self.take_token(model, place, token, emit)? {
                place += 1;
            }
        }
        Ok(Step::More)
    }

    fn cancel(&mut self, _: &Model, _: &mut dyn FnMut(Self::Event)) -> Result<Self::Output, Error> {
        if let Some(reading) = self.reading.take() {
            let prompt = &self.requests[reading.request].prompt;
            self.keep(prompt, prompt.len(), reading.cache);
            self.finished[reading.request] = Some(Generation {
                tokens: Vec::new(),
                text: String::new(),
                stop: Stop::Cancelled,
                prompt_tokens: prompt.len(),
                prompt_tokens_cached: reading.cached,
                prompt_time: reading.time,
                write_time: Duration::ZERO,
            });
        }
        while !self.active.is_empty() {
            self.end(0, Stop::Cancelled, &mut |_| {});
        }
        Ok(self.finished.drain(..).flatten().collect())
    }
}

//! The job that scores text: the negative log-likelihood of chosen tokens.

use super::{Error, Job, Priority, Step};
use crate::model::Model;
use crate::model::lora::Lora;
use crate::model::network::Target;
use std::ops::Range;
use std::sync::Arc;

/// A token sequence of which the tokens in `scored` are scored, each given all before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreItem {
    pub ids: Vec<u32>,
    /// Places in `ids`; the first token has nothing before it and is never scored.
    pub scored: Range<usize>,
}

impl ScoreItem {
    /// All tokens but the first.
    pub fn whole(ids: Vec<u32>) -> Self {
        let scored = 1..ids.len().max(1);
        Self { ids, scored }
    }
}

/// Scores items in order; each event is `(index, nats per scored token)`.
pub struct Score {
    items: Vec<ScoreItem>,
    lora: Option<Arc<Lora>>,
    done: usize,
    losses: Vec<Vec<f32>>,
}

/// Tokens that one slice packs together, unless a single item is longer.
const SLICE_TOKENS: usize = 512;

/// Scores as many of the first `items` as one slice takes, at least one of them: nats per scored token.
/// For jobs that measure while they do something else.
///
/// # Errors
/// An item that is longer than the model's context.
pub fn score_slice(
    model: &Model,
    lora: Option<&Lora>,
    items: &[ScoreItem],
) -> Result<Vec<Vec<f32>>, Error> {
    let context = model.network.architecture().context;
    let mut tokens = Vec::new();
    let mut sequences = Vec::new();
    let mut targets = Vec::new();
    let mut counts = Vec::new();
    for item in items {
        if !sequences.is_empty() && tokens.len() + item.ids.len() > SLICE_TOKENS {
            break;
        }
        if item.ids.len() > context {
            return Err(Error::PromptTooLong { tokens: item.ids.len(), context });
        }
        let start = tokens.len();
        let scored = item.scored.start.max(1)..item.scored.end.min(item.ids.len());
        counts.push(scored.len());
        targets
            .extend(scored.map(|place| Target { row: start + place - 1, token: item.ids[place] }));
        tokens.extend_from_slice(&item.ids);
        sequences.push(start..tokens.len());
    }
    let hidden = model.network.read(lora, &tokens, &sequences)?;
    let mut losses = model.network.losses(&hidden, &targets)?.into_iter();
    Ok(counts.into_iter().map(|count| losses.by_ref().take(count).collect()).collect())
}

impl Score {
    pub fn new(items: Vec<ScoreItem>, lora: Option<Arc<Lora>>) -> Self {
        Self { items, lora, done: 0, losses: Vec::new() }
    }
}

impl Job for Score {
    type Event = (usize, Vec<f32>);
    type Output = Vec<Vec<f32>>;
    type Error = Error;

    fn priority(&self) -> Priority {
        Priority::Measuring
    }

    fn step(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(Self::Event),
    ) -> Result<Step<Self::Output>, Error> {
        if self.done >= self.items.len() {
            return Ok(Step::Done(std::mem::take(&mut self.losses)));
        }
        for own in score_slice(model, self.lora.as_deref(), &self.items[self.done..])? {
            emit((self.done, own.clone()));
            self.losses.push(own);
            self.done += 1;
        }
        Ok(Step::More)
    }

    fn cancel(&mut self, _: &Model) -> Result<Self::Output, Error> {
        Ok(std::mem::take(&mut self.losses))
    }
}

//! The job that scores text: the negative log-likelihood of chosen tokens. Owns how items are packed
//! into slices and what is computed once for many of them; knows nothing of what a score is for.

use super::{Error, Job, Priority, Step};
use crate::kernels::Buffer;
use crate::model::Model;
use crate::model::lora::Lora;
use crate::model::network::{Feed, KeyValueCache, Target};
use std::collections::BTreeMap;
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

    /// What comes before the row that predicts the first scored token: nothing of it is looked at.
    fn unscored(&self) -> &[u32] {
        let row = self.scored.start.max(1) - 1;
        &self.ids[..row.min(self.ids.len().saturating_sub(1))]
    }
}

/// Scores items in order; each event is `(index, nats per scored token)`.
pub struct Score {
    items: Vec<ScoreItem>,
    lora: Option<Arc<Lora>>,
    shared: SharedBeginning,
    done: usize,
    losses: Vec<Vec<f32>>,
}

/// Tokens that one slice computes, unless a single item is longer.
const SLICE_TOKENS: usize = 512;

/// Tokens whose keys and values one slice holds, copies of a shared beginning included, unless a
/// single item is longer: a long beginning under many short items must not fill the memory.
const HELD_TOKENS: usize = 2048;

/// A shared beginning is worth a pass of its own from this length on.
const SHORTEST_SHARED: usize = 8;

/// What most items of a job begin with, such as the template's system turn: read once, whatever the
/// number of items. It belongs to one job, one model and one adapter as it is at the time.
#[derive(Debug, Default)]
pub struct SharedBeginning {
    tokens: Vec<u32>,
    /// Keys and values of the tokens that have been read.
    cache: Option<KeyValueCache>,
}

impl SharedBeginning {
    /// Finds the beginning that saves most, a function of the items alone; empty if none saves
    /// anything. Items that begin in another way are read as a whole.
    pub fn of(items: &[ScoreItem]) -> Self {
        // By their first tokens: how many items, and what they all begin with.
        let mut groups = BTreeMap::<&[u32], (usize, &[u32])>::new();
        for own in items.iter().map(ScoreItem::unscored) {
            let Some(first) = own.get(..SHORTEST_SHARED) else { continue };
            let (count, shared) = groups.entry(first).or_insert((0, own));
            *count += 1;
            let same = shared.iter().zip(own).take_while(|(a, b)| a == b).count();
            *shared = &shared[..same];
        }
        let saved = |(count, shared): &(usize, &[u32])| (count - 1) * shared.len();
        let best = groups.into_values().max_by_key(saved).filter(|group| saved(group) > 0);
        Self { tokens: best.map_or(Vec::new(), |(_, shared)| shared.to_vec()), cache: None }
    }

    /// Reads the next slice of it; true once nothing is left to read.
    fn is_read(&mut self, model: &Model, lora: Option<&Lora>) -> Result<bool, Error> {
        let architecture = model.network.architecture();
        let cache = self.cache.get_or_insert_with(|| KeyValueCache::new(architecture));
        let left = &self.tokens[cache.len()..];
        if left.is_empty() {
            return Ok(true);
        }
        // Every item that begins so is longer still.
        fits(self.tokens.len() + 1, architecture.context)?;
        let tokens = &left[..left.len().min(SLICE_TOKENS)];
        model.network.extend(lora, &mut [Feed { tokens, cache }])?;
        Ok(false)
    }

    /// The cache of this beginning, if `item` has it.
    fn cache_for(&self, item: &ScoreItem) -> Option<&KeyValueCache> {
        let cache = self.cache.as_ref().filter(|_| !self.tokens.is_empty())?;
        item.unscored().starts_with(&self.tokens).then_some(cache)
    }
}

pub(super) fn fits(tokens: usize, context: usize) -> Result<(), Error> {
    match tokens <= context {
        true => Ok(()),
        false => Err(Error::PromptTooLong { tokens, context }),
    }
}

/// Scores as many of the first `items` as one slice takes: nats per scored token. None of them while
/// what they share is being read, at least one otherwise. For jobs that measure while they do something
/// else; `shared` is of all items of the job and goes from slice to slice.
///
/// # Errors
/// An item that is longer than the model's context.
pub fn score_slice(
    model: &Model,
    lora: Option<&Lora>,
    shared: &mut SharedBeginning,
    items: &[ScoreItem],
) -> Result<Vec<Vec<f32>>, Error> {
    if !shared.is_read(model, lora)? {
        return Ok(Vec::new());
    }
    let architecture = model.network.architecture();
    let mut slice = Slice::default();
    for item in items {
        let known = shared.cache_for(item);
        if !slice.takes(item.ids.len(), known.map_or(0, KeyValueCache::len)) {
            break;
        }
        fits(item.ids.len(), architecture.context)?;
        slice.add(item, known);
    }
    let hidden = slice.read(model, lora)?;
    let mut losses = model.network.losses(&hidden, &slice.targets)?.into_iter();
    Ok(slice.counts.into_iter().map(|count| losses.by_ref().take(count).collect()).collect())
}

/// Items that are computed in one pass.
#[derive(Default)]
struct Slice {
    /// What is to be computed, item after item.
    tokens: Vec<u32>,
    /// Where each item lies in `tokens`.
    sequences: Vec<Range<usize>>,
    /// What each item's tokens come after, where something is known.
    known: Vec<Option<KeyValueCache>>,
    /// Tokens of the items, known or not.
    held: usize,
    targets: Vec<Target>,
    /// Scored tokens of each item.
    counts: Vec<usize>,
}

impl Slice {
    /// Whether an item of `len` tokens, of which `known` are, still has its place here.
    fn takes(&self, len: usize, known: usize) -> bool {
        let computed = self.tokens.len() + len - known;
        self.sequences.is_empty() || (computed <= SLICE_TOKENS && self.held + len <= HELD_TOKENS)
    }

    fn add(&mut self, item: &ScoreItem, known: Option<&KeyValueCache>) {
        let skipped = known.map_or(0, KeyValueCache::len);
        let start = self.tokens.len();
        let scored = item.scored.start.max(1)..item.scored.end.min(item.ids.len());
        self.counts.push(scored.len());
        self.targets.extend(
            scored.map(|place| Target { row: start + place - 1 - skipped, token: item.ids[place] }),
        );
        self.tokens.extend_from_slice(&item.ids[skipped..]);
        self.sequences.push(start..self.tokens.len());
        self.known.push(known.map(|cache| cache.beginning(skipped, item.ids.len() - skipped)));
        self.held += item.ids.len();
    }

    /// The residual stream of all computed tokens, `(n, hidden)`.
    fn read(&mut self, model: &Model, lora: Option<&Lora>) -> Result<Buffer, Error> {
        let network = &model.network;
        if self.known.iter().all(Option::is_none) {
            return Ok(network.read(lora, &self.tokens, &self.sequences)?);
        }
        let mut caches: Vec<KeyValueCache> = self
            .known
            .drain(..)
            .map(|known| known.unwrap_or_else(|| KeyValueCache::new(network.architecture())))
            .collect();
        let mut feeds: Vec<Feed> = self
            .sequences
            .iter()
            .zip(&mut caches)
            .map(|(rows, cache)| Feed { tokens: &self.tokens[rows.clone()], cache })
            .collect();
        Ok(network.extend(lora, &mut feeds)?)
    }
}

impl Score {
    pub fn new(items: Vec<ScoreItem>, lora: Option<Arc<Lora>>) -> Self {
        let shared = SharedBeginning::of(&items);
        Self { items, lora, shared, done: 0, losses: Vec::new() }
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
        let lora = self.lora.as_deref();
        for own in score_slice(model, lora, &mut self.shared, &self.items[self.done..])? {
            emit((self.done, own.clone()));
            self.losses.push(own);
            self.done += 1;
        }
        Ok(Step::More)
    }

    fn cancel(&mut self, _: &Model, _: &mut dyn FnMut(Self::Event)) -> Result<Self::Output, Error> {
        Ok(std::mem::take(&mut self.losses))
    }
}

//! Making examples, a batch at a time, until there are enough good ones.

use super::candidate::Candidate;
use super::filter::{Filter, Filtered};
use crate::eval::{Example, measure};
use crate::runtime::Runtime;
use crate::workplace::{Event, Result, Seen, measuring};
use std::collections::HashMap;

/// Candidates of one batch. A batch is made as a whole or not at all: what is in it depends on seed and
/// data, never on where a round was interrupted.
pub const BATCH: usize = 48;

/// So many candidates for every example wanted, and no more: a model that cannot do it will not learn to
/// by being asked on and on.
const MOST_PER_EXAMPLE: usize = 12;

/// A find item that may be imitated.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub example: Example,
    pub perplexity: f64,
}

/// The find items that may be imitated.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sources {
    pub items: Vec<Source>,
}

/// In what order items are imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Each in its turn, in a new order every time.
    EachInTurn,
    /// One drawn at random for every candidate.
    Random,
}

/// Who makes candidates.
pub trait Generator {
    /// Batch `nth`; empty when there are no more. The same `nth` gives the same batch.
    ///
    /// # Errors
    /// When the model cannot be asked.
    fn batch(&self, runtime: &Runtime, nth: usize, seen: Seen) -> Result<Vec<Candidate>>;
}

/// How many are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All that the generator has.
    All,
    /// So many good ones.
    Kept(usize),
}

/// Where batches are kept as they are made, so that an interrupted round goes on after the last whole one.
pub trait Batches {
    /// The batches that were made before.
    fn made(&self) -> &[Vec<Candidate>];

    /// Keeps one more; when this returns, it survives a crash.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn add(&mut self, batch: Vec<Candidate>) -> Result<()>;
}

/// What happens while examples are made.
#[derive(Debug)]
pub enum MakingEvent<'a> {
    /// Progress of one piece of work.
    Work(Event),
    /// After every batch: all candidates so far with their fates.
    Judged(&'a Filtered),
}

/// Makes candidates until there are enough good ones, and says which those are.
///
/// # Errors
/// When the model cannot be asked or a batch cannot be kept.
pub(super) fn generate(
    runtime: &Runtime,
    generator: &dyn Generator,
    filter: &Filter,
    wanted: Wanted,
    batches: &mut dyn Batches,
    told: &mut dyn FnMut(MakingEvent<'_>),
) -> Result<Filtered> {
    loop {
        let candidates: Vec<Candidate> = batches.made().concat();
        let filtered = filter.judge(&candidates);
        told(MakingEvent::Judged(&filtered));
        let enough = match wanted {
            Wanted::All => false,
            Wanted::Kept(count) => {
                filtered.kept().count() >= count || candidates.len() >= MOST_PER_EXAMPLE * count
            }
        };
        if enough {
            return Ok(filtered);
        }
        let seen = &mut |event| told(MakingEvent::Work(event));
        let mut batch = generator.batch(runtime, batches.made().len(), seen)?;
        if batch.is_empty() {
            return Ok(filtered);
        }
        score(runtime, &mut batch, &filter.find, seen)?;
        batches.add(batch)?;
    }
}

/// What each candidate's answer costs base: one yardstick for all rounds.
fn score(
    runtime: &Runtime,
    batch: &mut [Candidate],
    find: &HashMap<String, Example>,
    seen: Seen,
) -> Result<()> {
    let context = runtime.model().network.architecture().context;
    let mut places = Vec::new();
    let mut examples = Vec::new();
    for (at, candidate) in batch.iter_mut().enumerate() {
        let seed = candidate.seeds.first().and_then(|id| find.get(id));
        let Some(seed) = seed.filter(|_| candidate.complete && !candidate.answer.is_empty()) else {
            continue;
        };
        let example = candidate.example(seed);
        let items = measure::items(runtime.model(), std::slice::from_ref(&example))?;
        if items.iter().all(|item| item.ids.len() <= context) {
            places.push(at);
            examples.push(example);
        } else {
            candidate.complete = false;
        }
    }
    let progress = &mut measuring("scoring examples", seen);
    let scores = measure::score(runtime, &examples, None, progress)?;
    for (at, score) in places.into_iter().zip(scores) {
        batch[at].nll = score.nll;
    }
    Ok(())
}

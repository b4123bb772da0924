//! Examples chosen from a file that the person gives: those that are like the weak items and that the
//! model is unsure of (active learning: Settles 2009, "Active learning literature survey", §3.1 and its
//! information density, §3.6).

use super::candidate::Candidate;
use super::generate::{BATCH, Generator, Sources};
use super::phrase::Similarity;
use crate::eval::{Example, Neighbourhood, measure};
use crate::model::lora::Lora;
use crate::runtime::Runtime;
use crate::workplace::{Event, Result, Seen, measuring};
use std::sync::{Arc, OnceLock};

/// Items looked at more closely for every one that may be needed: scoring all of a large file would take
/// longer than training.
const LOOKED_AT: usize = 8;

/// The generator `pool`.
pub struct Pool {
    /// The file's items, none of them near to an item that decides.
    items: Vec<Example>,
    sources: Sources,
    lora: Option<Arc<Lora>>,
    limit: usize,
    /// The chosen ones, best first; found out at the first batch.
    chosen: OnceLock<Vec<Candidate>>,
}

impl Pool {
    /// A pool without what is near to `deciding`; also says how many those were.
    pub fn new(
        items: Vec<Example>,
        sources: Sources,
        deciding: &Neighbourhood,
        lora: Option<Arc<Lora>>,
        limit: usize,
    ) -> (Self, usize) {
        let before = items.len();
        let items: Vec<Example> = items
            .into_iter()
            .filter(|item| deciding.near_in_any_way(item.question()).is_none())
            .collect();
        let dropped = before - items.len();
        (Self { items, sources, lora, limit, chosen: OnceLock::new() }, dropped)
    }

    fn choose(&self, runtime: &Runtime, seen: Seen) -> Result<Vec<Candidate>> {
        let texts = self.items.iter().map(Example::question);
        let similarity = Similarity::over(
            texts.chain(self.sources.items.iter().map(|source| source.example.question())),
        );
        let weak: Vec<_> = self
            .sources
            .items
            .iter()
            .map(|source| (source, similarity.vector(source.example.question())))
            .collect();
        // The weak item that each is most like.
        let mut liked: Vec<(f64, usize, &Example)> = Vec::new();
        for (place, item) in self.items.iter().enumerate() {
            let own = similarity.vector(item.question());
            let best = weak
                .iter()
                .map(|(source, vector)| (Similarity::cosine(&own, vector), &source.example))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((cosine, example)) = best.filter(|(cosine, _)| *cosine > 0.0) {
                liked.push((cosine, place, example));
            }
        }
        liked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        liked.truncate(self.limit.saturating_mul(LOOKED_AT));
        let context = runtime.model().network.architecture().context;
        let mut near: Vec<Example> = Vec::new();
        let mut fitting = Vec::new();
        for one in liked {
            let item = &self.items[one.1];
            let read = measure::items(runtime.model(), std::slice::from_ref(item))?;
            if read.iter().all(|read| read.ids.len() <= context) {
                near.push(item.clone());
                fitting.push(one);
            }
        }
        let liked = fitting;
        let scores = measure::score(
            runtime,
            &near,
            self.lora.as_ref(),
            &mut measuring("looking through the pool", seen),
        )?;
        let mut ranked: Vec<(f64, Candidate)> = liked
            .iter()
            .zip(scores)
            .map(|((cosine, place, weak), score)| {
                let item = &self.items[*place];
                let candidate = Candidate {
                    id: format!("pool-{}", item.id),
                    area: weak.area.clone(),
                    seeds: vec![weak.id.clone()],
                    question: item.question().to_owned(),
                    answer: item.answer.clone(),
                    complete: true,
                    refused: None,
                    nll: f64::NAN,
                    before: item.messages[..item.messages.len().saturating_sub(1)].to_vec(),
                };
                (cosine * uncertainty(score.nll.exp()), candidate)
            })
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
        Ok(ranked.into_iter().map(|(_, candidate)| candidate).take(self.limit).collect())
    }
}

/// How unsure a model is of an answer, from its perplexity: about 0.15 where it knows it, 1 at 99.
pub(super) fn uncertainty(perplexity: f64) -> f64 {
    (perplexity + 1.0).ln() / 100f64.ln()
}

impl Generator for Pool {
    fn batch(&self, runtime: &Runtime, nth: usize, seen: Seen) -> Result<Vec<Candidate>> {
        if self.chosen.get().is_none() {
            let chosen = self.choose(runtime, seen)?;
            if chosen.is_empty() {
                seen(Event::Note("no item of the pool is like a weak one".into()));
            }
            let _ = self.chosen.set(chosen);
        }
        let chosen = self.chosen.get().map(Vec::as_slice).unwrap_or_default();
        Ok(chosen.chunks(BATCH).nth(nth).unwrap_or_default().to_vec())
    }
}

//! The job that looks at what a model expected where a token stands: the likeliest tokens with their
//! probabilities, and how likely the one was that stood there. One pass over one text; measuring a set does
//! without it.

use super::score::fits;
use super::{Error, Job, Priority, ScoreItem, Step};
use crate::kernels::log_sum_exp;
use crate::model::Model;
use crate::model::lora::Lora;
use std::sync::Arc;

/// Rows whose logits are held at one time.
const ROWS: usize = 64;

/// What was expected in one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The token that stands there.
    pub token: u32,
    pub probability: f32,
    /// 1 where no other token was likelier.
    pub rank: usize,
    /// Tokens and their probabilities, the likeliest first.
    pub likeliest: Vec<(u32, f32)>,
}

impl Expected {
    /// From the logits of the place before `token`; of equally likely tokens the one with the lower number
    /// comes first.
    pub fn of(logits: &[f32], token: u32, count: usize) -> Self {
        let log_sum = log_sum_exp(logits);
        let own = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
        let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
        let mut rank = 1;
        for (id, logit) in (0u32..).zip(logits.iter().copied()) {
            if logit > own || (logit == own && id < token) {
                rank += 1;
            }
            if best.len() == count && best.last().is_none_or(|last| logit <= last.1) {
                continue;
            }
            let place = best.partition_point(|(_, other)| *other >= logit);
            best.insert(place, (id, logit));
            best.truncate(count);
        }
        let probability = |logit: f32| (logit - log_sum).exp();
        let likeliest = best.into_iter().map(|(id, logit)| (id, probability(logit))).collect();
        Self { token, probability: probability(own), rank, likeliest }
    }
}

/// Looks at the scored tokens of one item.
pub struct Alternatives {
    item: ScoreItem,
    lora: Option<Arc<Lora>>,
    /// Tokens named for each place.
    count: usize,
}

impl Alternatives {
    pub fn new(item: ScoreItem, lora: Option<Arc<Lora>>, count: usize) -> Self {
        Self { item, lora, count }
    }
}

impl Job for Alternatives {
    type Event = ();
    type Output = Vec<Expected>;
    type Error = Error;

    /// Somebody has an example in front of them and waits.
    fn priority(&self) -> Priority {
        Priority::Person
    }

    fn step(
        &mut self,
        model: &Model,
        _: &mut dyn FnMut(Self::Event),
    ) -> Result<Step<Self::Output>, Error> {
        let ids = &self.item.ids;
        let network = &model.network;
        let architecture = network.architecture();
        fits(ids.len(), architecture.context)?;
        let scored = self.item.scored.start.max(1)..self.item.scored.end.min(ids.len());
        let places: Vec<usize> = scored.collect();
        if places.is_empty() {
            return Ok(Step::Done(Vec::new()));
        }
        let whole = 0..ids.len();
        let hidden = network.read(self.lora.as_deref(), ids, std::slice::from_ref(&whole))?;
        let mut expected = Vec::with_capacity(places.len());
        for places in places.chunks(ROWS) {
            let rows: Vec<usize> = places.iter().map(|place| place - 1).collect();
            let logits = network.logits(&hidden, &rows)?;
            for (place, logits) in places.iter().zip(logits.chunks_exact(architecture.vocabulary)) {
                expected.push(Expected::of(logits, ids[*place], self.count));
            }
        }
        Ok(Step::Done(expected))
    }

    fn cancel(&mut self, _: &Model, _: &mut dyn FnMut(Self::Event)) -> Result<Self::Output, Error> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a person is told that the model expected other words than it did.
    #[test]
    fn the_likeliest_come_first_and_the_rank_counts_those_before() {
        let logits = [1.0, 3.0, 2.0, 3.0, -1.0];
        let total: f32 = logits.iter().map(|logit: &f32| logit.exp()).sum();
        let expected = Expected::of(&logits, 2, 3);
        let ids: Vec<u32> = expected.likeliest.iter().map(|(id, _)| *id).collect();
        assert_eq!((expected.rank, ids), (3, vec![1, 3, 2]));
        assert!((expected.probability - 2f32.exp() / total).abs() < 1e-6);
        assert!((expected.likeliest[0].1 - 3f32.exp() / total).abs() < 1e-6);
        assert_eq!(Expected::of(&logits, 3, 9).rank, 2);
        assert_eq!(Expected::of(&logits, 3, 9).likeliest.len(), 5);
        assert!(Expected::of(&logits, 1, 0).likeliest.is_empty());
    }
}

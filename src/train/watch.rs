//! Held-out examples scored while a run goes on, a slice at a time, so that a person sees early whether
//! it learns or only learns by heart. Shown, and never used for a decision: the training is the same
//! with and without it.

use super::Result;
use crate::eval::measure;
use crate::model::Model;
use crate::model::lora::Lora;
use crate::runtime::{ScoreItem, SharedBeginning, score_slice};

/// How often a run looks, beside its start.
const LOOKS: usize = 10;

/// The watched examples and how far the present look at them is.
#[derive(Debug, Default)]
pub(super) struct Watch {
    items: Vec<ScoreItem>,
    /// The present look, if there is one.
    look: Option<Look>,
}

/// How far a look is. What its examples share is read anew each time: the adapter has changed.
#[derive(Debug)]
struct Look {
    shared: SharedBeginning,
    scores: Vec<f64>,
}

impl Watch {
    pub(super) fn new(items: Vec<ScoreItem>) -> Self {
        Self { items, look: None }
    }

    pub(super) fn items(&self) -> usize {
        self.items.len()
    }

    /// Whether to look after `step` of `steps` (0: before the first).
    pub(super) fn is_due(&self, step: usize, steps: usize) -> bool {
        !self.items.is_empty() && (step == steps || step.is_multiple_of(steps.div_ceil(LOOKS)))
    }

    pub(super) fn begin(&mut self) {
        self.look = Some(Look { shared: SharedBeginning::of(&self.items), scores: Vec::new() });
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.look.is_some()
    }

    /// Examples scored in the present look.
    pub(super) fn done(&self) -> usize {
        self.look.as_ref().map_or(0, |look| look.scores.len())
    }

    /// Scores the next examples; once all are scored, their mean in nats per token.
    pub(super) fn slice(&mut self, model: &Model, lora: &Lora) -> Result<Option<f64>> {
        let Some(mut look) = self.look.take() else { return Ok(None) };
        let left = self.items.get(look.scores.len()..).unwrap_or_default();
        if !left.is_empty() {
            let losses = score_slice(model, Some(lora), &mut look.shared, left)?;
            look.scores.extend(losses.iter().map(|losses| measure::mean(losses)));
        }
        let Look { scores, .. } = &look;
        if scores.len() >= self.items.len() {
            return Ok(Some(scores.iter().sum::<f64>() / scores.len().max(1) as f64));
        }
        self.look = Some(look);
        Ok(None)
    }
}

/// How often a run of `steps` looks.
pub fn looks(steps: usize) -> usize {
    match steps {
        0 => 0,
        _ => 1 + steps.div_ceil(steps.div_ceil(LOOKS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, the person sees no held-out loss at the start or the end, or waits for far too
    // many.
    #[test]
    fn a_run_looks_at_its_start_at_its_end_and_about_ten_times_between() {
        let watch = Watch::new(vec![ScoreItem::whole(vec![1, 2])]);
        for steps in [1, 2, 3, 9, 10, 11, 25, 100, 101, 1234] {
            let due: Vec<usize> = (0..=steps).filter(|step| watch.is_due(*step, steps)).collect();
            assert_eq!((due.first(), due.last()), (Some(&0), Some(&steps)));
            assert_eq!(due.len(), looks(steps), "{steps}");
            assert!(due.len() <= LOOKS + 2, "{steps}: {due:?}");
        }
        assert!((0..9).all(|step| !Watch::default().is_due(step, 8)));
    }
}

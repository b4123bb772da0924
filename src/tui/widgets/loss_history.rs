//! The course of a run as charts need it: its steps in order, its loss raw and smoothed, its held-out losses.
//! Grows a step at a time without computing anything anew.

use super::curve::{self, Average, Smoothing};
use super::extremes::Extremes;
use crate::train::StepMetrics;
use std::cell::OnceCell;
use std::ops::Range;

/// A run so far.
#[derive(Debug, Clone, Default)]
pub struct LossHistory {
    /// By step, each once.
    metrics: Vec<StepMetrics>,
    losses: Extremes,
    /// By smoothing, where somebody has looked.
    smoothed: [OnceCell<(Average, Extremes)>; Smoothing::COUNT],
    /// Step and nats; 0 is before the first step.
    held_out: Vec<(usize, f64)>,
}

/// What is known of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub line: StepMetrics,
    pub smoothed: f64,
    /// The last one measured by then, and when.
    pub held_out: Option<(usize, f64)>,
}

impl LossHistory {
    pub fn of(metrics: &[StepMetrics]) -> Self {
        let mut history = Self::default();
        metrics.iter().for_each(|line| history.push(*line));
        history
    }

    /// Takes the next step, with the held-out losses in its line. Where it is not after the last one, the run
    /// went back to a checkpoint: what it had done since is forgotten.
    pub fn push(&mut self, line: StepMetrics) {
        if self.metrics.last().is_some_and(|last| line.step <= last.step) {
            let kept = self.metrics.partition_point(|before| before.step < line.step);
            let mut held_out = std::mem::take(&mut self.held_out);
            held_out.retain(|(step, _)| *step < line.step);
            let metrics = std::mem::take(&mut self.metrics);
            *self = Self::default();
            for before in metrics.into_iter().take(kept) {
                self.take(before);
            }
            self.held_out = held_out;
        }
        self.take(line);
        for (step, loss) in curve::held_out(&[line]) {
            self.held_out(step, loss);
        }
    }

    fn take(&mut self, line: StepMetrics) {
        self.metrics.push(line);
        self.losses.push(line.loss);
        for (average, values) in self.smoothed.iter_mut().filter_map(OnceCell::get_mut) {
            values.push(average.next(line.loss));
        }
    }

    /// Takes a held-out loss; measured twice, the later one stands.
    pub fn held_out(&mut self, step: usize, loss: f64) {
        let place = self.held_out.partition_point(|(before, _)| *before < step);
        match self.held_out.get_mut(place).filter(|(other, _)| *other == step) {
            Some(same) => same.1 = loss,
            None => self.held_out.insert(place, (step, loss)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty() && self.held_out.is_empty()
    }

    pub fn metrics(&self) -> &[StepMetrics] {
        &self.metrics
    }

    pub fn losses(&self) -> &Extremes {
        &self.losses
    }

    pub fn smoothed(&self, smoothing: Smoothing) -> &Extremes {
        // As many cells as there are smoothings.
        let cell = &self.smoothed[smoothing.place()];
        let (_, values) = cell.get_or_init(|| {
            let mut average = Average::new(smoothing);
            let mut values = Extremes::default();
            self.losses.values().iter().for_each(|loss| values.push(average.next(*loss)));
            (average, values)
        });
        values
    }

    pub fn held_outs(&self) -> &[(usize, f64)] {
        &self.held_out
    }

    /// The last step; 0 before the first.
    pub fn last_step(&self) -> usize {
        let last = self.metrics.last().map_or(0, |line| line.step);
        last.max(self.held_out.last().map_or(0, |(step, _)| *step))
    }

    /// First and last smoothed loss.
    pub fn ends(&self, smoothing: Smoothing) -> (Option<f64>, Option<f64>) {
        let values = self.smoothed(smoothing).values();
        (values.first().copied(), values.last().copied())
    }

    /// The places of the steps from `from` to `to`, both included.
    pub fn places(&self, from: usize, to: usize) -> Range<usize> {
        let start = self.metrics.partition_point(|line| line.step < from);
        start..self.metrics.partition_point(|line| line.step <= to).max(start)
    }

    /// The step at a place of [`losses`](Self::losses).
    pub fn step_at(&self, place: usize) -> usize {
        self.metrics.get(place).map_or(0, |line| line.step)
    }

    /// What is known of the done step that is nearest to `step`.
    pub fn reading(&self, step: usize, smoothing: Smoothing) -> Option<Reading> {
        let after = self.metrics.partition_point(|line| line.step < step);
        let distance = |place: usize| self.metrics.get(place).map(|line| line.step.abs_diff(step));
        let place = match after.checked_sub(1) {
            Some(before) if distance(before) < distance(after) || after == self.metrics.len() => {
                before
            }
            _ => after,
        };
        let line = *self.metrics.get(place)?;
        let known = self.held_out.partition_point(|(measured, _)| *measured <= line.step);
        Some(Reading {
            line,
            smoothed: self.smoothed(smoothing).values().get(place).copied().unwrap_or(f64::NAN),
            held_out: known.checked_sub(1).and_then(|last| self.held_out.get(last)).copied(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(step: usize, loss: f64) -> StepMetrics {
        StepMetrics {
            step,
            loss,
            lr: 1e-4,
            grad_norm: 1.0,
            tokens_per_second: 100.0,
            held_out_before: None,
            held_out_loss: None,
        }
    }

    // If this fails, the curve of a run that goes on differs from the same run's curve when it is read again.
    #[test]
    fn what_grows_is_what_is_read_at_once() {
        let lines: Vec<StepMetrics> =
            (1..300).map(|step| line(step, (step as f64 * 0.7).sin() + 2.0)).collect();
        let weak = Smoothing::default();
        let mut grown = LossHistory::of(&lines[..100]);
        grown.smoothed(weak);
        lines[100..].iter().for_each(|line| grown.push(*line));
        let read = LossHistory::of(&lines);
        assert_eq!(grown.smoothed(weak).values(), read.smoothed(weak).values());
        let losses = lines.iter().map(|line| line.loss);
        assert_eq!(read.smoothed(weak).values(), curve::smoothed(losses, weak));
    }

    // If this fails, a run that went back to its checkpoint has a curve that runs back and forth.
    #[test]
    fn steps_that_are_done_again_take_the_place_of_the_first_ones() {
        let mut history = LossHistory::of(&[line(1, 3.0), line(2, 2.0), line(3, 9.0)]);
        history.held_out(0, 4.0);
        history.held_out(3, 8.0);
        history.push(line(3, 1.5));
        history.held_out(3, 1.7);
        assert_eq!(history.losses().values(), [3.0, 2.0, 1.5]);
        assert_eq!(history.held_outs(), [(0, 4.0), (3, 1.7)]);
        assert_eq!(history.last_step(), 3);
    }

    // If this fails, the cursor reads off another step's figures.
    #[test]
    fn a_reading_is_that_of_the_nearest_step() {
        let mut history = LossHistory::of(&[line(10, 3.0), line(20, 2.0), line(30, f64::NAN)]);
        history.held_out(20, 2.5);
        let read = |step| {
            let reading = history.reading(step, Smoothing::default()).unwrap();
            (reading.line.step, reading.held_out)
        };
        assert_eq!((read(0), read(14)), ((10, None), (10, None)));
        assert_eq!((read(16), read(999)), ((20, Some((20, 2.5))), (30, Some((20, 2.5)))));
        assert!(history.reading(30, Smoothing::default()).unwrap().smoothed.is_nan());
        assert_eq!(LossHistory::default().reading(3, Smoothing::default()), None);
        assert_eq!((history.places(11, 30), history.places(31, 99)), (1..3, 3..3));
    }
}

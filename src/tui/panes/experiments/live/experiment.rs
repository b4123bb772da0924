//! An experiment while it runs.

use super::Told;
use crate::experiments::{ExperimentEvent, ExperimentRecord};
use crate::train::TrainEvent;
use crate::tui::panes::experiments::arm_chart::ArmCurve;
use crate::tui::panes::experiments::pace::seconds_between;
use jiff::Zoned;

/// The present state of an experiment.
#[derive(Debug, Default)]
pub struct LiveExperiment {
    /// Names, in the order of the plan.
    pub arms: Vec<String>,
    pub seeds: Vec<u64>,
    /// The arm and the seed that are being worked on.
    pub now: Option<(usize, u64)>,
    /// Seconds that were left, and when that was told.
    left: Option<(f64, Zoned)>,
    /// As far as it goes.
    pub record: Option<Box<ExperimentRecord>>,
    /// Of each arm, the training under its newest seed.
    curves: Vec<Option<(u64, ArmCurve)>>,
}

impl LiveExperiment {
    pub(super) fn event(&mut self, event: &ExperimentEvent, now: &Zoned) -> Told {
        let mut told = Told::default();
        match event {
            ExperimentEvent::Began { experiment, arms, seeds } => {
                *self = Self {
                    arms: arms.clone(),
                    seeds: seeds.clone(),
                    curves: arms.iter().map(|_| None).collect(),
                    ..Self::default()
                };
                told = Told { name: Some(experiment.clone()), another_part: true, list: true };
            }
            ExperimentEvent::Estimated(left) => self.left = Some((*left, now.clone())),
            ExperimentEvent::Arm { arm, seed } => {
                self.now = Some((*arm, *seed));
                told.another_part = true;
            }
            ExperimentEvent::Progressed(record) => {
                self.take_curves(record);
                self.record = Some(record.clone());
                told = Told { another_part: true, list: true, ..told };
            }
            ExperimentEvent::Ended(record) => self.record = Some(record.clone()),
            ExperimentEvent::Work(_) => {}
        }
        told
    }

    /// Arms that were through before this screen looked have their losses in the record.
    fn take_curves(&mut self, record: &ExperimentRecord) {
        for arm in &record.arms {
            let place = self.arms.iter().position(|name| *name == arm.name);
            let curve = place.and_then(|place| self.curves.get_mut(place));
            let newest = arm.seeds.last().filter(|seed| !seed.losses.is_empty());
            if let (Some(curve), Some(newest)) = (curve, newest) {
                *curve = Some((newest.seed, ArmCurve::of_losses(&arm.name, &newest.losses)));
            }
        }
    }

    pub(super) fn trained(&mut self, event: &TrainEvent) {
        let (TrainEvent::Step(line), Some((arm, seed))) = (event, self.now) else { return };
        let (Some(curve), Some(name)) = (self.curves.get_mut(arm), self.arms.get(arm)) else {
            return;
        };
        // The curve of the seed before stays until the new one begins.
        if curve.as_ref().is_none_or(|(of, _)| *of != seed) {
            *curve = Some((seed, ArmCurve::of_losses(name, &[])));
        }
        if let Some((_, curve)) = curve {
            curve.points.push((line.step as f64, line.loss));
        }
    }

    /// The curves with their places in the plan.
    pub fn curves(&self) -> Vec<(usize, &ArmCurve)> {
        let curves = self.curves.iter().enumerate();
        curves.filter_map(|(place, curve)| Some((place, &curve.as_ref()?.1))).collect()
    }

    /// Arms and seeds that are through, and how many there are.
    pub fn done(&self) -> (usize, usize) {
        let arms = self.record.as_ref().map(|record| record.arms.as_slice()).unwrap_or_default();
        (arms.iter().map(|arm| arm.seeds.len()).sum(), self.arms.len() * self.seeds.len())
    }

    pub(super) fn seconds_left(&self, now: &Zoned) -> Option<f64> {
        let (left, told) = self.left.as_ref()?;
        Some((left - seconds_between(told, now)).max(0.0))
    }
}

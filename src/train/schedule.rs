//! The learning rate over a run.

pub use crate::config::Schedule;

impl Schedule {
    /// What the peak rate is multiplied by at `step` (from 0) of `steps`: rising linearly over the
    /// first `warmup` share of the steps, then as the schedule says, as in transformers.
    pub fn factor(self, step: usize, steps: usize, warmup: f64) -> f64 {
        let warmup_steps = (warmup * steps as f64).ceil();
        let (step, steps) = (step as f64, steps as f64);
        if step < warmup_steps {
            // The first step already learns: a rate of exactly zero would be a wasted step.
            return (step + 1.0) / (warmup_steps + 1.0);
        }
        let done = (step - warmup_steps) / (steps - warmup_steps).max(1.0);
        match self {
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Self::Linear => 1.0 - done,
            Self::Constant => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn rises_over_the_warm_up_and_then_falls_as_its_name_says() {
        let factors = |schedule: Schedule| -> Vec<f64> {
            (0..100).map(|s| schedule.factor(s, 100, 0.1)).collect()
        };
        for schedule in [Schedule::Cosine, Schedule::Linear, Schedule::Constant] {
            let factors = factors(schedule);
            assert!(factors[..10].windows(2).all(|w| w[0] < w[1]) && factors[0] > 0.0);
            assert_eq!(factors[10], 1.0);
        }
        assert!((factors(Schedule::Cosine)[55] - 0.5).abs() < 1e-9);
        assert!((factors(Schedule::Linear)[55] - 0.5).abs() < 1e-9);
        assert_eq!(factors(Schedule::Constant)[99], 1.0);
        assert!(factors(Schedule::Cosine)[99] < 0.001 && factors(Schedule::Linear)[99] < 0.02);
    }

    #[test]
    fn no_warm_up_starts_at_the_peak_even_for_one_step() {
        assert_eq!(Schedule::Cosine.factor(0, 1, 0.0), 1.0);
        assert_eq!(Schedule::Constant.factor(0, 1, 0.0), 1.0);
    }
}

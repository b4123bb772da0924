//! The job that trains: one micro-batch a slice, one update a step.

use super::watch::Watch;
use super::{
    AdamW, Checkpoint, Dataset, Error, Plan, Result, RunFolder, StepMetrics, TrainSettings,
};
use crate::kernels::{Buffer, norm};
use crate::model::Model;
use crate::model::lora::Lora;
use crate::model::network::{Dropout, Target};
use crate::runtime::{Job, Priority, ScoreItem, Step};
use std::time::{Duration, Instant};

/// What happens while a run goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainEvent {
    Step(StepMetrics),
    /// A look at the held-out examples goes on: examples scored, of how many.
    Watching {
        done: usize,
        total: usize,
    },
    /// Mean score of the watched held-out examples after this step (0: before the first), in nats.
    HeldOut {
        step: usize,
        loss: f64,
    },
    /// All up to this step survives a crash.
    Saved {
        step: usize,
    },
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct TrainOutcome {
    pub lora: Lora,
    /// Mean loss of every step.
    pub losses: Vec<f64>,
    /// Training alone, without loading, in this process.
    pub seconds: f64,
    /// Fewer steps were done than planned: somebody stopped the run.
    pub stopped: bool,
}

/// One run on the model thread.
pub struct Trainer {
    settings: TrainSettings,
    dataset: Dataset,
    plan: Plan,
    run: RunFolder,
    lora: Lora,
    optimizer: AdamW,
    gradient: Vec<f32>,
    losses: Vec<f64>,
    /// Steps done, and micro-batches of the next one.
    step: usize,
    micro: usize,
    step_loss: f64,
    step_time: Duration,
    busy: Duration,
    saved_at: Instant,
    saved_step: usize,
    watch: Watch,
    held_out_before: Option<f64>,
    /// A step that is done and whose line waits for the held-out loss after it.
    unrecorded: Option<StepMetrics>,
}

impl Trainer {
    /// A run from the start, or from `run`'s checkpoint when it has one.
    ///
    /// # Errors
    /// When the checkpoint cannot be read.
    pub fn new(
        settings: TrainSettings,
        dataset: Dataset,
        run: RunFolder,
        mut lora: Lora,
    ) -> Result<Self> {
        let plan = Plan::new(dataset.samples.len(), &settings);
        let mut optimizer = AdamW::new(lora.parameters.len(), settings.weight_decay, settings.clip);
        let mut step = 0;
        if let Some(checkpoint) = Checkpoint::read(&run, lora.parameters.len())? {
            step = checkpoint.steps;
            lora.parameters = checkpoint.parameters;
            optimizer.first = checkpoint.first;
            optimizer.second = checkpoint.second;
            optimizer.updates = step as u64;
        }
        // Steps after the checkpoint, or all where a run was killed before its first, come again.
        let losses = run.truncate_metrics(step)?.iter().map(|m| m.loss).collect();
        Ok(Self {
            gradient: vec![0.0; lora.parameters.len()],
            settings,
            dataset,
            plan,
            run,
            lora,
            optimizer,
            losses,
            step,
            micro: 0,
            step_loss: 0.0,
            step_time: Duration::ZERO,
            busy: Duration::ZERO,
            saved_at: Instant::now(),
            saved_step: step,
            watch: Watch::default(),
            held_out_before: None,
            unrecorded: None,
        })
    }

    /// Scores these held-out examples at the start, at the end and now and then between. What is
    /// trained is the same without.
    pub fn watching(mut self, items: Vec<ScoreItem>) -> Self {
        self.watch = Watch::new(items);
        if self.step == 0 && self.watch.is_due(0, self.steps()) {
            self.watch.begin();
        }
        self
    }

    /// Steps done so far.
    pub fn steps_done(&self) -> usize {
        self.step
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> usize {
        self.plan.steps.len()
    }

    /// The sum of weights over the trained tokens of the current step.
    fn step_weight(&self) -> f64 {
        self.plan.steps[self.step]
            .iter()
            .flatten()
            .map(|&i| self.dataset.samples[i].weight * self.dataset.samples[i].trained.len() as f64)
            .sum()
    }

    /// Forward and backward of the next micro-batch: adds to the gradient and the step's loss.
    fn micro_batch(&mut self, model: &Model) -> Result<()> {
        let total_weight = self.step_weight();
        let batch = &self.plan.steps[self.step][self.micro];
        let (mut tokens, mut sequences) = (Vec::new(), Vec::new());
        let (mut targets, mut weights) = (Vec::new(), Vec::new());
        for &index in batch {
            let sample = &self.dataset.samples[index];
            let start = tokens.len();
            for place in sample.trained.clone() {
                targets.push(Target { row: start + place - 1, token: sample.ids[place] });
                weights.push((sample.weight / total_weight) as f32);
            }
            tokens.extend_from_slice(&sample.ids);
            sequences.push(start..tokens.len());
        }
        let dropout = Dropout {
            probability: self.settings.lora.dropout,
            seed: self.settings.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ ((self.step as u64) << 20 | self.micro as u64),
        };
        let network = &model.network;
        let recording =
            network.record(&self.lora, &tokens, &sequences, dropout, self.settings.recompute)?;
        let mut d_hidden = Buffer::zeroed(recording.hidden.len());
        let losses =
            network.losses_and_gradient(&recording.hidden, &targets, &weights, &mut d_hidden)?;
        self.step_loss += losses
            .iter()
            .zip(&weights)
            .map(|(loss, weight)| f64::from(*loss) * f64::from(*weight))
            .sum::<f64>();
        if self.step_loss.is_finite() {
            network.backward(&self.lora, recording, d_hidden, &mut self.gradient)?;
        }
        Ok(())
    }

    /// The update at the end of a step.
    fn finish_step(&mut self, emit: &mut dyn FnMut(TrainEvent)) -> Result<()> {
        let tokens: usize = self.plan.steps[self.step]
            .iter()
            .flatten()
            .map(|&i| self.dataset.samples[i].ids.len())
            .sum();
        let factor = self.settings.schedule.factor(self.step, self.steps(), self.settings.warmup);
        let lr = self.settings.learning_rate * factor;
        let norm = self.optimizer.update(&mut self.lora.parameters, &self.gradient, lr);
        if !self.lora.parameters.iter().all(|p| p.is_finite()) {
            return Err(self.not_finite(f64::NAN));
        }
        self.gradient.fill(0.0);
        self.step += 1;
        let metrics = StepMetrics {
            step: self.step,
            loss: self.step_loss,
            lr,
            grad_norm: norm,
            tokens_per_second: tokens as f64 / self.step_time.as_secs_f64().max(1e-9),
            held_out_before: self.held_out_before.take(),
            held_out_loss: None,
        };
        self.losses.push(self.step_loss);
        self.micro = 0;
        self.step_loss = 0.0;
        self.step_time = Duration::ZERO;
        if self.watch.is_due(self.step, self.steps()) {
            self.watch.begin();
            self.unrecorded = Some(metrics);
            return Ok(());
        }
        self.record(metrics, emit)
    }

    fn record(&self, metrics: StepMetrics, emit: &mut dyn FnMut(TrainEvent)) -> Result<()> {
        self.run.append_metrics(&metrics)?;
        emit(TrainEvent::Step(metrics));
        Ok(())
    }

    /// One slice of a look at the held-out examples.
    fn watch_slice(&mut self, model: &Model, emit: &mut dyn FnMut(TrainEvent)) -> Result<()> {
        let total = self.watch.items();
        let Some(loss) = self.watch.slice(model, &self.lora)? else {
            emit(TrainEvent::Watching { done: self.watch.done(), total });
            return Ok(());
        };
        emit(TrainEvent::HeldOut { step: self.step, loss });
        match self.unrecorded.take() {
            Some(metrics) => {
                self.record(StepMetrics { held_out_loss: Some(loss), ..metrics }, emit)
            }
            None => {
                self.held_out_before = Some(loss);
                Ok(())
            }
        }
    }

    /// Stops at a loss that is no number. The parameters are those that the last good step left.
    fn not_finite(&mut self, loss: f64) -> Error {
        if self.lora.parameters.iter().all(|value| value.is_finite())
            && let Err(error) = self.save()
        {
            return error;
        }
        let examples: Vec<&str> = self.plan.steps[self.step]
            .iter()
            .flatten()
            .map(|&i| self.dataset.samples[i].id.as_str())
            .take(16)
            .collect();
        Error::LossNotFinite {
            loss,
            step: self.step + 1,
            examples: examples.join(", "),
            run: self.run.path().display().to_string(),
        }
    }

    fn save(&mut self) -> Result<()> {
        Checkpoint::write(&self.run, self.step, &self.lora.parameters, &self.optimizer)?;
        self.saved_at = Instant::now();
        self.saved_step = self.step;
        Ok(())
    }

    fn save_is_due(&self) -> bool {
        let steps = self.step - self.saved_step;
        match self.settings.checkpoint_steps {
            Some(due) => steps >= due.max(1),
            None => {
                let seconds = self.settings.checkpoint_seconds;
                steps > 0 && self.saved_at.elapsed() >= Duration::from_secs(seconds)
            }
        }
    }

    fn outcome(&mut self, stopped: bool) -> TrainOutcome {
        TrainOutcome {
            lora: self.lora.clone(),
            losses: std::mem::take(&mut self.losses),
            seconds: self.busy.as_secs_f64(),
            stopped,
        }
    }
}

impl Job for Trainer {
    type Event = TrainEvent;
    type Output = TrainOutcome;
    type Error = Error;

    fn priority(&self) -> Priority {
        Priority::Training
    }

    fn step(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(TrainEvent),
    ) -> Result<Step<TrainOutcome>> {
        if self.step < self.steps() && self.run.is_asked_to_pause() {
            return Ok(Step::Done(self.cancel(model, emit)?));
        }
        if self.watch.is_under_way() {
            self.watch_slice(model, emit)?;
            return Ok(Step::More);
        }
        if self.step >= self.steps() {
            // The last state stays as a checkpoint until the adapter is written.
            self.save()?;
            emit(TrainEvent::Saved { step: self.step });
            return Ok(Step::Done(self.outcome(false)));
        }
        let started = Instant::now();
        self.micro_batch(model)?;
        self.step_time += started.elapsed();
        if !self.step_loss.is_finite() {
            return Err(self.not_finite(self.step_loss));
        }
        self.micro += 1;
        if self.micro == self.plan.steps[self.step].len() {
            if !norm(&self.gradient).is_finite() {
                return Err(self.not_finite(f64::NAN));
            }
            // Only parameters that have given a loss and a gradient are good ones: saved a step later
            // than they were made, those of an update that broke the run never replace them.
            if self.save_is_due() {
                self.save()?;
                emit(TrainEvent::Saved { step: self.step });
            }
            self.finish_step(emit)?;
        }
        self.busy += started.elapsed();
        Ok(Step::More)
    }

    fn cancel(&mut self, _: &Model, emit: &mut dyn FnMut(TrainEvent)) -> Result<TrainOutcome> {
        if let Some(metrics) = self.unrecorded.take() {
            self.record(metrics, emit)?;
        }
        self.save()?;
        Ok(self.outcome(true))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Config, Precision};
    use crate::store::Home;
    use crate::train::RunRecord;
    use std::path::Path;

    // If this fails, a paused run stands at the step that it has done with the loss of the one before.
    #[test]
    fn a_run_that_is_stopped_within_a_look_tells_of_the_step_that_waited_for_it() {
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama/model.gguf");
        let model = Model::load(&tiny, "tiny", "0", Precision::F32, |_| ()).unwrap();
        let settings = TrainSettings {
            epochs: 4,
            batch_size: 1,
            accumulate: 1,
            ..TrainSettings::from_config(&Config::default())
        };
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let record = RunRecord {
            settings: settings.clone(),
            base_sha256: String::new(),
            data_sha256: String::new(),
            threads: 2,
            parent: None,
            started: String::new(),
            adapter: None,
            abandoned: false,
        };
        let run = RunFolder::create(&home.runs(), "20260101_100000", &record, &[]).unwrap();
        let sample = super::super::Sample {
            id: "one".into(),
            ids: vec![1, 2, 3, 4],
            trained: 2..4,
            weight: 1.0,
        };
        let dataset = Dataset { samples: vec![sample], left_out: vec![], examples: vec![] };
        let lora = Lora::zeros(settings.lora.clone(), model.network.architecture());
        let watched = vec![ScoreItem::whole(vec![1, 2, 3])];
        let trainer = Trainer::new(settings, dataset, run.clone(), lora).unwrap();
        let mut trainer = trainer.watching(watched);
        let mut told = Vec::new();
        let mut emit = |event| told.push(event);
        while trainer.unrecorded.is_none() {
            trainer.step(&model, &mut emit).unwrap();
        }
        let outcome = trainer.cancel(&model, &mut emit).unwrap();
        let steps: Vec<StepMetrics> = told
            .into_iter()
            .filter_map(|event| match event {
                TrainEvent::Step(metrics) => Some(metrics),
                _ => None,
            })
            .collect();
        assert_eq!(steps.len(), outcome.losses.len());
        assert_eq!(steps.last().map(|step| step.loss), outcome.losses.last().copied());
        assert_eq!(run.metrics().unwrap(), steps);
    }
}

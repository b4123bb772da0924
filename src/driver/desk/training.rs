//! Training runs: prepared, started, paused, resumed.

use super::super::{
    PreviewSample, Report, RunSummary, TrainingMaterial, TrainingPreview, TrainingStarted,
    WorkEvent, WorkId,
};
use super::{Inner, Work, cancelled, lock};
use crate::eval::{FieldMap, set};
use crate::model::Model;
use crate::runtime::Runtime;
use crate::store::plain;
use crate::train::{Plan, RunFolder, Sample, TrainEvent};
use crate::workplace::{
    Error, Event, Material, Prepared, Result, TrainRequest, free_memory_mib, memory_mib, prepare,
    prepare_resume, run, watched_candidates,
};
use std::time::Instant;

/// Examples that a preview shows token by token.
const SHOWN: usize = 20;

impl Inner {
    /// The runs of this home; folders that make no sense are passed over.
    pub(super) fn list_runs(&self) -> Result<Report> {
        let runs = RunFolder::all(&self.workplace.home.runs());
        let summaries = runs.into_iter().filter_map(|run| match summary(&run) {
            Ok(summary) => Some(summary),
            Err(error) => {
                tracing::warn!("passed over: {error}");
                None
            }
        });
        Ok(Report::Runs(summaries.collect()))
    }

    pub(super) fn prepare_training(
        &self,
        work: &Work,
        material: TrainingMaterial,
    ) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let request = self.training_request(material)?;
        let prepared = prepare(&self.workplace, &runtime, request)?;
        if work.is_cancelled() {
            forget(prepared);
            return Err(cancelled());
        }
        let preview = preview(&prepared, runtime.model());
        lock(&self.prepared).insert(work.id, prepared);
        Ok(WorkEvent::Prepared(Box::new(preview)))
    }

    fn training_request(&self, material: TrainingMaterial) -> Result<TrainRequest> {
        let material = match material {
            TrainingMaterial::Failed => Material::Failed,
            TrainingMaterial::File(path) => {
                Material::Examples(set::read(&path, &FieldMap::default())?)
            }
            TrainingMaterial::Examples(examples) => Material::Examples(examples),
            TrainingMaterial::Request(request) => return Ok(*request),
        };
        let config = &self.workplace.config;
        Ok(TrainRequest {
            watch: watched_candidates(&self.workplace)?,
            ..TrainRequest::configured(config, material)
        })
    }

    pub(super) fn discard_training(&self, work: WorkId) {
        let prepared = lock(&self.prepared).remove(&work);
        if let Some(prepared) = prepared {
            forget(prepared);
        }
    }

    /// What was prepared and never started leaves nothing behind.
    pub(super) fn discard_all_training(&self) {
        let prepared = std::mem::take(&mut *lock(&self.prepared));
        prepared.into_values().for_each(forget);
    }

    pub(super) fn start_training(&self, work: &Work) -> Result<WorkEvent> {
        let prepared = lock(&self.prepared).remove(&work.id);
        let prepared = prepared.ok_or_else(|| {
            Error::Usage("this run is not prepared any more; prepare it again".into())
        })?;
        let runtime = self.runtime(work)?;
        self.train(work, &runtime, prepared)
    }

    pub(super) fn resume_training(&self, work: &Work, name: &str) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let folder = RunFolder::find(&self.workplace.home.runs(), name)?;
        let prepared = prepare_resume(&self.workplace, &runtime, folder)?;
        for note in &prepared.notes {
            work.progress(Event::Note(note.clone()));
        }
        self.train(work, &runtime, prepared)
    }

    fn train(&self, work: &Work, runtime: &Runtime, prepared: Prepared) -> Result<WorkEvent> {
        work.tell(WorkEvent::Training(Box::new(TrainingStarted {
            run: prepared.run.name(),
            steps: prepared.steps,
            done: prepared.run.metrics()?,
        })));
        let began = Instant::now();
        let trained = run(&self.workplace, runtime, prepared, |_| (), &mut |event| {
            if let Event::Train(TrainEvent::Step(_)) = &event {
                work.tell(WorkEvent::Elapsed(began.elapsed().as_secs_f64()));
                if let Some(mib) = memory_mib() {
                    work.tell(WorkEvent::Memory(mib));
                }
            }
            work.progress(event);
        })?;
        Ok(WorkEvent::Trained(Box::new(trained)))
    }

    /// Asks for a pause, whichever process trains the run; its end is seen by whoever watches the home.
    pub(super) fn pause_run(&self, name: &str) -> Result<Report> {
        RunFolder::find(&self.workplace.home.runs(), name)?.ask_to_pause()?;
        self.list_runs()
    }

    /// Marks a run as given up, also while it is still being stopped.
    pub(super) fn abandon_run(&self, name: &str) -> Result<Report> {
        let run = RunFolder::find(&self.workplace.home.runs(), name)?;
        let mut record = run.record()?;
        record.abandoned = true;
        run.write_record(&record)?;
        self.list_runs()
    }
}

fn summary(run: &RunFolder) -> Result<RunSummary> {
    let record = run.record()?;
    let examples = run.examples()?;
    let trainer = run.trainer();
    let resumable =
        record.adapter.is_none() && !record.abandoned && !examples.is_empty() && trainer.is_none();
    Ok(RunSummary {
        name: run.name(),
        metrics: run.metrics()?,
        steps: Plan::count(examples.len(), &record.settings),
        record,
        resumable,
        trainer,
    })
}

/// Removes the folder of a run that never started.
fn forget(prepared: Prepared) {
    let run = prepared.run.clone();
    // The lock goes first: where files in use cannot be removed, it is one.
    drop(prepared);
    let name = run.name();
    if let Err(error) = run.remove() {
        tracing::warn!("{name} was not started and its folder stays: {error}");
    }
}

fn preview(prepared: &Prepared, model: &Model) -> TrainingPreview {
    let dataset = &prepared.dataset;
    let samples = dataset.samples.iter().zip(&dataset.examples).take(SHOWN);
    TrainingPreview {
        run: prepared.run.name(),
        examples: prepared.examples.clone(),
        tokens: prepared.tokens,
        trained_tokens: prepared.trained_tokens,
        steps: prepared.steps,
        steps_done: prepared.steps_done,
        memory_mib: prepared.memory.mib(),
        free_mib: free_memory_mib(),
        estimated_seconds: prepared.estimated_seconds,
        notes: prepared.notes.clone(),
        samples: samples
            .map(|(sample, example)| PreviewSample {
                id: example.id.clone(),
                provenance: example.provenance.as_str(),
                tokens: pieces(sample, model),
            })
            .collect(),
    }
}

/// Every token's text, safe to show, and whether it is trained. A character that is spread over several
/// tokens stands with its last one.
fn pieces(sample: &Sample, model: &Model) -> Vec<(String, bool)> {
    let tokenizer = &model.tokenizer;
    let mut stream = tokenizer.stream();
    let tokens = sample.ids.iter().enumerate().map(|(place, id)| {
        let text = match tokenizer.is_special(*id) {
            true => tokenizer.piece(*id),
            false => stream.push(tokenizer, *id),
        };
        (plain(&text), sample.trained.contains(&place))
    });
    tokens.collect()
}

#[cfg(test)]
#[path = "training_tests.rs"]
mod tests;

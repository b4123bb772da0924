//! Training runs: prepared, started, paused, resumed.

use super::super::{Error, Report, Result, TrainingMaterial, WorkEvent, WorkId};
use super::{Inner, Work};

impl Inner {
    pub(super) fn list_runs(&self) -> Result<Report> {
        Ok(Report::Runs(Vec::new()))
    }

    pub(super) fn prepare_training(
        &self,
        work: &Work,
        material: TrainingMaterial,
    ) -> Result<WorkEvent> {
        let _ = (work, material);
        Err(Error::Usage("PLACEHOLDER".into()))
    }

    pub(super) fn discard_training(&self, work: WorkId) {
        let _ = work;
    }

    pub(super) fn start_training(&self, work: &Work) -> Result<WorkEvent> {
        let _ = work;
        Err(Error::Usage("PLACEHOLDER".into()))
    }

    pub(super) fn resume_training(&self, work: &Work, run: &str) -> Result<WorkEvent> {
        let _ = (work, run);
        Err(Error::Usage("PLACEHOLDER".into()))
    }

    pub(super) fn abandon_run(&self, run: &str) -> Result<Report> {
        let _ = run;
        Err(Error::Usage("PLACEHOLDER".into()))
    }
}

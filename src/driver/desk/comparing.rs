//! Comparing two arms: the gate, the failed tasks, the ratings.

use super::super::{ArmChoice, Error, Report, Result, SetChoice, WorkEvent};
use super::{Inner, Work};

impl Inner {
    pub(super) fn list_adapters(&self) -> Result<Report> {
        Ok(Report::Adapters(self.workplace.registry().list()?))
    }

    pub(super) fn judge(
        &self,
        work: &Work,
        a: &ArmChoice,
        b: &ArmChoice,
        set: &SetChoice,
    ) -> Result<WorkEvent> {
        let _ = (work, a, b, set);
        Err(Error::Usage("PLACEHOLDER".into()))
    }

    pub(super) fn compare_failed(
        &self,
        work: &Work,
        a: &ArmChoice,
        b: &ArmChoice,
    ) -> Result<WorkEvent> {
        let _ = (work, a, b);
        Err(Error::Usage("PLACEHOLDER".into()))
    }

    pub(super) fn rate_arms(&self) -> Result<Report> {
        Err(Error::Usage("PLACEHOLDER".into()))
    }
}

//! Finding where an arm is weak.

use super::super::{ArmChoice, Error, Result, SetChoice, WorkEvent};
use super::{Inner, Work};

impl Inner {
    pub(super) fn find_weak(
        &self,
        work: &Work,
        set: &SetChoice,
        arm: &ArmChoice,
    ) -> Result<WorkEvent> {
        let _ = (work, set, arm);
        Err(Error::Usage("PLACEHOLDER".into()))
    }
}

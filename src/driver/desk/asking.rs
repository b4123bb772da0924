//! Tasks in ask mode.

use super::super::{Answered, AskTask, WorkEvent};
use super::{Inner, Work, lock};
use crate::runtime::Runtime;
use crate::store::{logs, plain};
use crate::tasks::{self, Arm, AskRequest};
use crate::workplace::{ArmChoice, Result, service};

impl Inner {
    pub(super) fn ask(&self, work: &Work, task: AskTask) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let arm = match self.arm_before(&task, &runtime, work) {
            Some(arm) => arm,
            None => self.arm(&task.arm, &runtime, work)?,
        };
        let seed = task.seed.unwrap_or_else(tasks::any_seed);
        let request = AskRequest {
            messages: task.messages,
            sampling: self.workplace.sampling(seed),
            max_tokens: self.workplace.config.generate.max_tokens,
            retry_of: task.retry_of,
        };
        let asked = tasks::ask(
            &runtime,
            &self.workplace.home,
            &request,
            &arm,
            |_| (),
            |text| work.tell(WorkEvent::Text(text.to_owned())),
        );
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => {
                self.routed(service::inspect_failure(&self.workplace, &arm, &error));
                return Err(error.into());
            }
        };
        // The file is the truth and is saved; the index catches up when the sessions are listed next.
        if let Err(error) = lock(&self.catalogue).upsert(&answer.session) {
            tracing::warn!("saved, but not in the index yet: {error}");
        }
        self.routed(service::inspect(&self.workplace, &answer.session));
        let generation = &answer.generation;
        Ok(WorkEvent::Answered(Box::new(Answered {
            session: answer.session.session_id.clone(),
            arm: arm.name,
            blind: answer.session.is_blind(),
            text: plain(&generation.text),
            stop: generation.stop,
            tokens: generation.tokens.len(),
            tokens_per_second: generation.tokens_per_second(),
        })))
    }

    /// The arm that was drawn for the turn before, so that one conversation is with one of them; none when
    /// a person chose, or when that arm no longer serves.
    fn arm_before(&self, task: &AskTask, runtime: &Runtime, work: &Work) -> Option<Arm> {
        if task.arm != ArmChoice::Auto {
            return None;
        }
        let session = logs::load(&self.workplace.home, task.follows.as_ref()?).ok()?;
        let record = session.kaizen?;
        let (name, draw) = (record.arm?, record.arm_draw?);
        let routing = self.workplace.registry().history().routing().ok()?;
        if routing.share(&name) == 0.0 {
            return None;
        }
        let arm = self.arm(&ArmChoice::parse(&name), runtime, work).ok()?;
        Some(Arm { probability: record.arm_probability?, draw: Some(draw), ..arm })
    }
}

//! Tasks in ask mode.

use super::super::{Answered, AskTask, WorkEvent};
use super::{Inner, Work, lock};
use crate::model::sampler::Sampling;
use crate::store::plain;
use crate::tasks::{self, AskRequest};
use crate::workplace::Result;

impl Inner {
    pub(super) fn ask(&self, work: &Work, task: AskTask) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let arm = self.arm(&task.arm, &runtime, work)?;
        let defaults = &self.workplace.config.generate;
        let request = AskRequest {
            messages: task.messages,
            sampling: Sampling {
                temperature: defaults.temperature,
                top_p: defaults.top_p,
                min_p: defaults.min_p,
                repetition_penalty: defaults.repetition_penalty,
                seed: task.seed.unwrap_or_else(tasks::any_seed),
            },
            max_tokens: defaults.max_tokens,
            retry_of: task.retry_of,
        };
        let answer = tasks::ask(
            &runtime,
            &self.workplace.home,
            &request,
            &arm,
            |_| (),
            |text| work.tell(WorkEvent::Text(text.to_owned())),
        )?;
        // The file is the truth and is saved; the index catches up when the sessions are listed next.
        if let Err(error) = lock(&self.catalogue).upsert(&answer.session) {
            tracing::warn!("saved, but not in the index yet: {error}");
        }
        let generation = &answer.generation;
        Ok(WorkEvent::Answered(Box::new(Answered {
            session: answer.session.session_id.clone(),
            arm: arm.name,
            text: plain(&generation.text),
            stop: generation.stop,
            tokens: generation.tokens.len(),
            tokens_per_second: generation.tokens_per_second(),
        })))
    }
}

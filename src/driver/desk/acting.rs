//! Tasks in act mode: each step told as it comes, each change asked about.

use super::super::{ActDecision, ActShown, ActTask, Acted, ShownProposal, ShownStep, WorkEvent};
use super::{Inner, Work, lock};
use crate::store::{ActEnding, StepResult, plain, plain_line};
use crate::tasks::act::{self, ActEvent, Decision, Means, Permission, Proposal, edit_action};
use crate::tasks::{self, Action};
use crate::workplace::{Result, service};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often a task that waits for a word looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(100);

impl Inner {
    pub(super) fn act(
        &self,
        work: &Work,
        task: &ActTask,
        decisions: &Receiver<ActDecision>,
    ) -> Result<WorkEvent> {
        let desktop = self.workplace.config.act.desktop;
        // The folder is looked at before anybody waits for a model.
        let acting = self.workplace.acting(&task.workspace, desktop, &work.switch)?;
        let runtime = self.runtime(work)?;
        let arm = self.arm(&task.arm, &runtime, work)?;
        let seed = task.seed.unwrap_or_else(tasks::any_seed);
        let sampling = self.workplace.sampling(seed);
        let mut request = self.workplace.act_request(&task.task, sampling);
        request.retry_of = task.retry_of.clone();
        let means = Means {
            runtime: &runtime,
            home: &self.workplace.home,
            workspace: &acting.workspace,
            toolbox: &acting.toolbox,
            arm: &arm,
            cancel: &work.switch,
        };
        let mut ask = |proposal: &Proposal| {
            let mut problem = None;
            loop {
                work.tell(WorkEvent::Proposed(Box::new(shown_proposal(proposal, problem.take()))));
                let decision = match wait(work, decisions) {
                    Some(decision) => decision,
                    None => return Decision::Stop,
                };
                return match decision {
                    ActDecision::Allow => Decision::Allow,
                    ActDecision::AllowKind => Decision::AllowKind,
                    ActDecision::Deny => Decision::Deny,
                    ActDecision::Stop => Decision::Stop,
                    ActDecision::Edit(text) => {
                        match edit_action(&proposal.action, &text, &acting.toolbox) {
                            Ok(action) => Decision::Edit(action),
                            Err(why) => {
                                problem = Some(why);
                                continue;
                            }
                        }
                    }
                };
            }
        };
        let acted = act::act(&means, &request, Permission::Ask(&mut ask), &mut |event| {
            work.tell(WorkEvent::Act(Box::new(shown(event))));
        });
        let acted = match acted {
            Ok(acted) => acted,
            Err(error) => {
                self.routed(service::inspect_failure(&self.workplace, &arm, &error));
                return Err(error.into());
            }
        };
        if let Err(error) = lock(&self.catalogue).upsert(&acted.session) {
            tracing::warn!("saved, but not in the index yet: {error}");
        }
        Ok(WorkEvent::Acted(Box::new(Acted {
            session: acted.session.session_id.clone(),
            arm: arm.name.clone(),
            blind: acted.session.is_blind(),
            answer: acted.answer.as_deref().map(plain),
            ended: acted.ended,
            steps: acted.session.iterations.len(),
            tokens_per_second: acted.tokens_per_second(),
        })))
    }
}

/// What the person says; none when the task is cancelled meanwhile.
fn wait(work: &Work, decisions: &Receiver<ActDecision>) -> Option<ActDecision> {
    loop {
        match decisions.recv_timeout(LOOK) {
            Ok(decision) => return Some(decision),
            Err(RecvTimeoutError::Timeout) if !work.is_cancelled() => {}
            Err(_) => return None,
        }
    }
}

fn shown_proposal(proposal: &Proposal, problem: Option<String>) -> ShownProposal {
    ShownProposal {
        step: proposal.step,
        words: words(&proposal.action),
        kind: plain_line(&proposal.kind),
        unconfined: proposal.unconfined.as_deref().map(plain_line),
        editable: match proposal.action.tool.as_str() {
            "shell" => proposal.action.text("command").to_owned(),
            _ => proposal.action.to_json(),
        },
        problem: problem.as_deref().map(plain_line),
    }
}

fn shown(event: ActEvent) -> ActShown {
    match event {
        ActEvent::Began { session } => ActShown::Began(session),
        ActEvent::Observed { step, .. } => ActShown::Choosing { step },
        ActEvent::Chosen { step, action } => ActShown::Chosen { step, words: words(&action) },
        ActEvent::Did { step, action, result } => ActShown::Did(shown_step(step, &action, &result)),
    }
}

/// A step as a screen may show it.
pub fn shown_step(step: usize, action: &Action, result: &StepResult) -> ShownStep {
    let trouble = match (&result.error, result.timed_out, result.exit_code) {
        (Some(error), ..) => Some(plain_line(error)),
        (None, true, _) => Some("it took too long and was stopped".to_owned()),
        (None, false, Some(code)) if code != 0 => Some(format!("exit code {code}")),
        _ => None,
    };
    ShownStep {
        step,
        words: words(action),
        output: plain(result.output.trim_end()),
        trouble,
        changed: result
            .files_changed
            .iter()
            .map(|change| (change.how, plain_line(&change.path)))
            .collect(),
        more_changed: result.more_changed,
        approval: result.approval,
        seconds: result.seconds,
    }
}

/// An action in one line, safe to show.
fn words(action: &Action) -> String {
    plain_line(&action.describe())
}

impl Acted {
    /// There is an answer that can be rated as such.
    pub fn is_answered(&self) -> bool {
        self.ended == ActEnding::Answered
    }
}

//! Adapters in service: replay, promotion, canary, rollback, progress.

use super::super::{JudgedPair, ReplayState, Report, ServiceState, ShownPair, WorkEvent};
use super::{Inner, Work};
use crate::adapters::{BASE, Change};
use crate::eval::promotion::Finding;
use crate::store::{plain, plain_line};
use crate::workplace::replay::{Choice, Replay, ReplayPair, ReplayTask};
use crate::workplace::{ArmChoice, Result, own_work, progress, service};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often a replay that waits for a person looks whether it was ended.
const BLINK: Duration = Duration::from_millis(50);

impl Inner {
    /// Tells of a change of who answers, if there was one.
    pub(super) fn routed(&self, change: Result<Option<Change>>) {
        match change {
            Ok(Some(change)) => self.tell(Report::Routed(Box::new(change))),
            Ok(None) => {}
            Err(error) => self.failed("review the adapter on trial", &error.to_string()),
        }
    }

    pub(super) fn service(&self, candidate: Option<&str>) -> Result<Report> {
        let changes = self.workplace.registry().history().changes()?;
        let standing = match candidate.filter(|candidate| *candidate != BASE) {
            Some(candidate) => Some(service::standing(&self.workplace, candidate)?),
            None => service::on_trial(&self.workplace)?,
        };
        let own = own_work::own_work(&self.workplace)?;
        Ok(Report::Service(Box::new(ServiceState {
            routing: changes.last().map(|change| change.routing.clone()).unwrap_or_default(),
            can_roll_back: crate::adapters::can_roll_back(&changes),
            standing,
            corrections: own.corrections(),
            held_back: own.held_back.len(),
        })))
    }

    pub(super) fn promote(&self, adapter: &str) -> Result<Report> {
        Ok(Report::Routed(Box::new(service::promote(&self.workplace, adapter)?)))
    }

    pub(super) fn canary(&self, adapter: &str) -> Result<Report> {
        let share = self.workplace.config.routing.canary;
        Ok(Report::Routed(Box::new(service::canary(&self.workplace, adapter, share)?)))
    }

    pub(super) fn roll_back(&self) -> Result<Report> {
        Ok(Report::Routed(Box::new(service::roll_back(&self.workplace)?)))
    }

    pub(super) fn progress(&self) -> Result<Report> {
        Ok(Report::Progress(progress::progress(&self.workplace)?))
    }

    pub(super) fn judge_own_work(
        &self,
        work: &Work,
        a: &ArmChoice,
        b: &ArmChoice,
    ) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let (a, b) = (self.arm(a, &runtime, work)?, self.arm(b, &runtime, work)?);
        let seen = &mut |event| work.progress(event);
        let comparison = own_work::judge_own_work(&self.workplace, &runtime, &a, &b, seen)?;
        self.routed(service::review_candidate(&self.workplace, &b.name));
        Ok(WorkEvent::Judged(Box::new(comparison)))
    }

    /// Shows pairs and takes judgements until there is a decision, the tasks are used up, or it is
    /// cancelled. While one pair is read the next one is answered.
    pub(super) fn replay(
        &self,
        work: &Work,
        reference: &ArmChoice,
        candidate: &ArmChoice,
        judgements: &Receiver<Option<Choice>>,
    ) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let (a, b) = (self.arm(reference, &runtime, work)?, self.arm(candidate, &runtime, work)?);
        let names = (a.name.clone(), b.name.clone());
        let replay = Replay::new(&self.workplace, &runtime, a, b)?;
        let tasks = replay.tasks()?;
        let state = |left: usize| ReplayState {
            reference: names.0.clone(),
            candidate: names.1.clone(),
            counts: replay.counts(),
            left,
        };
        let total = tasks.len();
        let answer = &|task: Option<ReplayTask>| task.map(|task| replay.answer(task));
        let mut tasks = tasks.into_iter();
        let mut number = 0;
        std::thread::scope(|scope| {
            let mut next = answer(tasks.next());
            while let Some(pair) = next.take() {
                if replay.counts().finding() != Finding::Open {
                    break;
                }
                let following = tasks.next();
                let ahead = scope.spawn(move || answer(following));
                number += 1;
                if let Some(pair) = pair? {
                    let choice = match pair.is_same() {
                        true => Some(Choice::Tie),
                        false => {
                            work.tell(WorkEvent::Pair(Box::new(shown(&pair, number, total))));
                            match heard(work, judgements) {
                                Some(choice) => choice,
                                None => return Err(super::cancelled()),
                            }
                        }
                    };
                    let judgement = choice.map(|choice| replay.judge(&pair, choice)).transpose()?;
                    work.tell(WorkEvent::PairJudged(Box::new(JudgedPair {
                        judgement,
                        same: pair.is_same(),
                        candidate_left: pair.candidate_left,
                        state: state(total - number),
                    })));
                    if judgement.is_some() {
                        let adapter = replay.candidate();
                        self.routed(service::review_candidate(&self.workplace, adapter));
                    }
                }
                next = ahead.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                if work.is_cancelled() {
                    return Err(super::cancelled());
                }
            }
            Ok(())
        })?;
        Ok(WorkEvent::Replayed(Box::new(state(total.saturating_sub(number)))))
    }
}

/// What the person says; none when the work was ended meanwhile.
fn heard(work: &Work, judgements: &Receiver<Option<Choice>>) -> Option<Option<Choice>> {
    loop {
        match judgements.recv_timeout(BLINK) {
            Ok(choice) => return Some(choice),
            Err(RecvTimeoutError::Timeout) if !work.is_cancelled() => {}
            Err(_) => return None,
        }
    }
}

fn shown(pair: &ReplayPair, number: usize, total: usize) -> ShownPair {
    ShownPair {
        number,
        total,
        task: plain_line(&pair.task.task),
        left: plain(&pair.left),
        right: plain(&pair.right),
    }
}

//! The gate's question and its answer, by the person's own work or by the evaluation set.

use super::arms::choice;
use super::evidence::Service;
use super::measuring::Measuring;
use crate::driver::{Effect, WorkEvent, WorkId};
use crate::store::plain_line;
use crate::tui::pane::Context;
use crate::tui::widgets::Scroll;
use crate::workplace::{Comparison, SetChoice};

/// What the gate judges by; also the place of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judge {
    OwnWork = 0,
    Set = 1,
}

/// The last answer of one judge.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) result: Option<Box<Comparison>>,
    /// The evaluation set that it was judged on, where the set judges.
    pub(super) set: SetChoice,
    /// What the person was told while it was measured.
    pub(super) notes: Vec<String>,
    /// Why there is no newer result.
    pub(super) failed: Option<String>,
    pub(super) scroll: Option<Scroll>,
}

/// A judging under way.
#[derive(Debug)]
pub(super) struct Judging {
    pub(super) by: Judge,
    /// As it was chosen when it began.
    pub(super) set: SetChoice,
    pub(super) measuring: Measuring,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    pub(super) running: Option<Judging>,
    verdicts: [Verdicts; 2],
    /// What the person chose; else their own work wherever it can decide.
    chosen: Option<Judge>,
}

impl Gate {
    pub(super) fn judge_by(&self, service: &Service) -> Judge {
        self.chosen.unwrap_or(match service.own_work_decides() {
            true => Judge::OwnWork,
            false => Judge::Set,
        })
    }

    pub(super) fn choose_other(&mut self, service: &Service) {
        self.chosen = Some(match self.judge_by(service) {
            Judge::OwnWork => Judge::Set,
            Judge::Set => Judge::OwnWork,
        });
    }

    pub(super) fn of(&self, judge: Judge) -> &Verdicts {
        &self.verdicts[judge as usize]
    }

    pub(super) fn scroll(&mut self, judge: Judge) -> Option<&mut Scroll> {
        self.verdicts[judge as usize].scroll.as_mut()
    }

    /// There is anything to look at.
    pub(super) fn has_result(&self) -> bool {
        self.verdicts.iter().any(|verdicts| verdicts.result.is_some())
    }

    /// This judge has judged, or judges, these arms; an evaluation set's word holds for that set alone.
    pub(super) fn knows(&self, judge: Judge, pair: &[String; 2], set: &SetChoice) -> bool {
        let same = |judged_on: &SetChoice| judge == Judge::OwnWork || judged_on == set;
        let judges = |running: &Judging| {
            running.by == judge && running.measuring.arms == *pair && same(&running.set)
        };
        let verdicts = self.of(judge);
        let judged = verdicts.result.as_ref().filter(|_| same(&verdicts.set));
        self.running.as_ref().is_some_and(judges)
            || judged.is_some_and(|result| result.a == pair[0] && result.b == pair[1])
    }

    pub(super) fn judge(&mut self, pair: [String; 2], service: &Service, context: &mut Context) {
        if self.running.is_some() {
            context.complain_with_keys("the gate is measuring already; <stop-comparing> stops it");
            return;
        }
        let by = self.judge_by(service);
        if let Some(why) = service.unproven().filter(|_| by == Judge::OwnWork) {
            context.complain(why);
            return;
        }
        let work = context.new_work();
        let (a, b) = (choice(&pair[0]), choice(&pair[1]));
        let set = context.shared.set.clone();
        context.perform(match by {
            Judge::OwnWork => Effect::JudgeOwnWork { work, a, b },
            Judge::Set => Effect::Judge { work, a, b, set: set.clone() },
        });
        let measuring = Measuring::new(work, pair, &context.shared.now);
        self.running = Some(Judging { by, set, measuring });
        self.verdicts[by as usize].failed = None;
    }

    pub(super) fn cancel(&self, context: &mut Context) {
        if let Some(running) = &self.running {
            context.perform(Effect::Cancel(running.measuring.work));
        }
    }

    /// True when the person's own work has decided. While a replay is on screen no arm is named.
    pub(super) fn event(
        &mut self,
        work: WorkId,
        event: &WorkEvent,
        blind: bool,
        context: &mut Context,
    ) -> bool {
        let Some(running) = self.running.as_mut().filter(|r| r.measuring.work == work) else {
            return false;
        };
        running.measuring.event(event);
        if !event.is_final() {
            return false;
        }
        let Some(Judging { by, set, measuring }) = self.running.take() else { return false };
        let verdicts = &mut self.verdicts[by as usize];
        match event {
            WorkEvent::Judged(comparison) => {
                let who = match by {
                    Judge::OwnWork => "Your own work",
                    Judge::Set => "The gate",
                };
                let verdict = comparison.decision.verdict.as_str();
                context.say(match blind {
                    true => format!("{who} has decided; the part Gate shows it."),
                    false => format!("{who} has decided about {}: {verdict}.", comparison.b),
                });
                verdicts.result = Some(comparison.clone());
                verdicts.set = set;
                verdicts.notes = measuring.notes;
                verdicts.scroll = Some(Scroll::at_top());
                return by == Judge::OwnWork;
            }
            WorkEvent::Failed(why) => verdicts.failed = Some(plain_line(why)),
            _ => verdicts.failed = Some("It was stopped; nothing of it is kept.".into()),
        }
        false
    }
}

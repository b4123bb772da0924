//! The failed tasks whose right answer the person wrote, scored by both arms.

use super::answers::Asked;
use super::arms::choice;
use super::measuring::Measuring;
use crate::driver::{Effect, FailedCompared, FailedTask, WorkEvent, WorkId};
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::pane::Context;
use crate::tui::widgets::Scroll;
use std::cell::Cell;

#[derive(Debug, Default)]
pub(super) struct FailedTasks {
    pub(super) running: Option<Measuring>,
    pub(super) result: Option<Box<FailedCompared>>,
    pub(super) notes: Vec<String>,
    /// Why there is no newer result.
    pub(super) failed: Option<String>,
    /// Sessions were rated or corrected since.
    stale: bool,
    pub(super) selected: usize,
    /// The first row of the list when last drawn, and how many were visible.
    pub(super) first: Cell<usize>,
    pub(super) visible: Cell<usize>,
    /// The selected task is read, not the list moved in.
    pub(super) reading: bool,
    pub(super) detail: Scroll,
}

/// What the failed tasks of one kind, seen or unseen in training, came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sum {
    pub(super) tasks: usize,
    pub(super) better: usize,
    /// exp of the mean difference in nats per token, − 1.
    pub(super) change: f64,
}

impl FailedTasks {
    /// Asks for the scores unless they are there.
    pub(super) fn ask_if_needed(&mut self, pair: [String; 2], context: &mut Context) {
        let known = self.result.as_ref().is_some_and(|r| r.a == pair[0] && r.b == pair[1]);
        if known && !self.stale {
            return;
        }
        if let Some(running) = &self.running {
            if running.arms == pair && !self.stale {
                return;
            }
            context.perform(Effect::Cancel(running.work));
        }
        let work = context.new_work();
        let (a, b) = (choice(&pair[0]), choice(&pair[1]));
        context.perform(Effect::CompareFailed { work, a, b });
        self.running = Some(Measuring::new(work, pair, &context.shared.now));
        self.failed = None;
        self.stale = false;
    }

    pub(super) fn sessions_changed(&mut self) {
        self.stale = true;
    }

    pub(super) fn cancel(&self, context: &mut Context) {
        if let Some(running) = &self.running {
            context.perform(Effect::Cancel(running.work));
        }
    }

    pub(super) fn event(&mut self, work: WorkId, event: &WorkEvent) {
        let Some(running) = self.running.as_mut().filter(|running| running.work == work) else {
            return;
        };
        running.event(event);
        if !event.is_final() {
            return;
        }
        let notes = std::mem::take(&mut running.notes);
        self.running = None;
        match event {
            WorkEvent::FailedCompared(compared) => {
                let session = self.selected_task().map(|task| task.session.clone());
                let place =
                    compared.tasks.iter().position(|t| Some(&t.session) == session.as_ref());
                if place.is_none() {
                    self.detail = Scroll::at_top();
                }
                self.selected = place.unwrap_or_default();
                self.result = Some(compared.clone());
                self.notes = notes;
            }
            WorkEvent::Failed(why) => self.failed = Some(plain_line(why)),
            _ => self.failed = Some("It was stopped.".into()),
        }
    }

    pub(super) fn tasks(&self) -> &[FailedTask] {
        self.result.as_ref().map_or(&[], |result| &result.tasks)
    }

    pub(super) fn selected_task(&self) -> Option<&FailedTask> {
        self.tasks().get(self.selected)
    }

    /// What both arms are to answer again.
    pub(super) fn selected_again(&self) -> Option<Asked> {
        let task = self.selected_task()?;
        Some(Asked {
            prompt: task.task.clone(),
            messages: task.messages.clone(),
            retry_of: Some(task.session.clone()),
        })
    }

    fn select(&mut self, place: usize) {
        if place != self.selected {
            self.detail = Scroll::at_top();
        }
        self.selected = place;
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Left => self.reading = false,
            Action::Right => self.reading = self.selected_task().is_some(),
            action if self.reading => {
                self.detail.act(action);
            }
            action => {
                let last = self.tasks().len().saturating_sub(1);
                let page = self.visible.get().saturating_sub(1).max(1);
                let place = match action {
                    Action::Up => self.selected.saturating_sub(1),
                    Action::Down => self.selected + 1,
                    Action::PageUp => self.selected.saturating_sub(page),
                    Action::PageDown => self.selected + page,
                    Action::First => 0,
                    Action::Last => last,
                    _ => return,
                };
                self.select(place.min(last));
            }
        }
    }

    /// The tasks that were seen in training, or those that were not; none without any.
    pub(super) fn sum(&self, seen: bool) -> Option<Sum> {
        let tasks: Vec<&FailedTask> = self.tasks().iter().filter(|t| t.seen == seen).collect();
        if tasks.is_empty() {
            return None;
        }
        let nats: f64 = tasks.iter().map(|task| task.after.ln() - task.before.ln()).sum();
        Some(Sum {
            tasks: tasks.len(),
            better: tasks.iter().filter(|task| task.after < task.before).count(),
            change: (nats / tasks.len() as f64).exp_m1(),
        })
    }
}

//! The failed tasks whose right answer the person wrote, scored by both arms.

use super::answers::Asked;
use super::arms::choice;
use super::measuring::Measuring;
use crate::driver::{Effect, FailedCompared, FailedTask, WorkEvent, WorkId};
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::pane::Context;
use crate::tui::widgets::{Scroll, common_beginning, has_words, moved};
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
    /// Only tasks with these words are shown.
    pub(super) words: String,
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
                self.result = Some(compared.clone());
                let shown = self.shown();
                let place = shown.iter().position(|t| Some(&t.session) == session.as_ref());
                if place.is_none() {
                    self.detail = Scroll::at_top();
                }
                self.selected = place.unwrap_or_default();
                self.notes = notes;
            }
            WorkEvent::Failed(why) => self.failed = Some(plain_line(why)),
            _ => self.failed = Some("It was stopped.".into()),
        }
    }

    pub(super) fn tasks(&self) -> &[FailedTask] {
        self.result.as_ref().map_or(&[], |result| &result.tasks)
    }

    /// Bytes that all tasks begin with alike, as a row shows them.
    pub(super) fn common_beginning(&self) -> usize {
        let tasks: Vec<String> = self.tasks().iter().map(|task| plain_line(&task.task)).collect();
        common_beginning(&tasks)
    }

    /// The tasks that are shown.
    pub(super) fn shown(&self) -> Vec<&FailedTask> {
        let has = |task: &&FailedTask| {
            has_words(&format!("{} {} {}", task.task, task.answer, task.correction), &self.words)
        };
        self.tasks().iter().filter(has).collect()
    }

    /// Shows only tasks with these words in task, answer or right answer.
    pub(super) fn search(&mut self, words: &str) {
        let session = self.selected_task().map(|task| task.session.clone());
        self.words = words.trim().to_owned();
        let place = self.shown().iter().position(|task| Some(&task.session) == session.as_ref());
        if place.is_none() {
            self.detail = Scroll::at_top();
            self.reading = false;
        }
        self.selected = place.unwrap_or_default();
    }

    pub(super) fn selected_task(&self) -> Option<&FailedTask> {
        self.shown().get(self.selected).copied()
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

    /// True if it was selected already.
    pub(super) fn select(&mut self, place: usize) -> bool {
        let place = place.min(self.shown().len().saturating_sub(1));
        if place != self.selected {
            self.detail = Scroll::at_top();
        }
        std::mem::replace(&mut self.selected, place) == place
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Left => self.reading = false,
            Action::Right => self.reading = self.selected_task().is_some(),
            action if self.reading => {
                self.detail.act(action);
            }
            action => self.move_in_list(action),
        }
    }

    pub(super) fn move_in_list(&mut self, action: Action) {
        let (rows, visible) = (self.shown().len(), self.visible.get());
        if let Some(place) = moved(action, self.selected, rows, visible) {
            self.select(place);
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

//! The gate's question and its answer.

use super::arms::choice;
use super::measuring::Measuring;
use crate::driver::{Effect, WorkEvent, WorkId};
use crate::store::plain_line;
use crate::tui::pane::Context;
use crate::tui::widgets::Scroll;
use crate::workplace::Comparison;

#[derive(Debug, Default)]
pub(super) struct Gate {
    pub(super) running: Option<Measuring>,
    pub(super) result: Option<Box<Comparison>>,
    /// What the person was told while it was measured.
    pub(super) notes: Vec<String>,
    /// Why there is no newer result.
    pub(super) failed: Option<String>,
    pub(super) scroll: Option<Scroll>,
}

impl Gate {
    /// It has judged, or judges, these arms.
    pub(super) fn knows(&self, pair: &[String; 2]) -> bool {
        let judged = self.result.as_ref().map(|result| [&result.a, &result.b]);
        self.running.as_ref().is_some_and(|running| running.arms == *pair)
            || judged.is_some_and(|[a, b]| *a == pair[0] && *b == pair[1])
    }

    pub(super) fn judge(&mut self, pair: [String; 2], context: &mut Context) {
        if self.running.is_some() {
            context.complain("the gate is measuring already; Esc stops it");
            return;
        }
        let work = context.new_work();
        let (a, b) = (choice(&pair[0]), choice(&pair[1]));
        context.perform(Effect::Judge { work, a, b, set: context.shared.set.clone() });
        self.running = Some(Measuring::new(work, pair, &context.shared.now));
        self.failed = None;
    }

    pub(super) fn cancel(&self, context: &mut Context) {
        if let Some(running) = &self.running {
            context.perform(Effect::Cancel(running.work));
        }
    }

    pub(super) fn event(&mut self, work: WorkId, event: &WorkEvent, context: &mut Context) {
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
            WorkEvent::Judged(comparison) => {
                context.say(format!(
                    "The gate has decided about {}: {}.",
                    comparison.b,
                    comparison.decision.verdict.as_str()
                ));
                self.result = Some(comparison.clone());
                self.notes = notes;
                self.scroll = Some(Scroll::at_top());
            }
            WorkEvent::Failed(why) => self.failed = Some(plain_line(why)),
            _ => self.failed = Some("It was stopped; nothing of it is kept.".into()),
        }
    }
}

//! The walk through failed sessions that have no right answer yet, and those whose right answers
//! contradict each other: one at a time, with the editor open below what was answered. Owns the way and
//! every text typed on it until it is on disk; what is on disk it knows from reports alone.

mod step;
#[cfg(test)]
mod tests;
mod view;

use crate::driver::{Effect, Report};
use crate::store::{Session, SessionId, SessionSummary, plain, plain_line};
use crate::tui::action::Action;
use crate::tui::pane::{Context, TerminalEffect};
use crate::tui::widgets::TextField;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::HashMap;
use step::{Member, Step};

/// Sessions this far from the present one stay in memory; their texts stay in any case.
const NEAR: usize = 2;

/// One walk. It begins with at least one session.
#[derive(Debug)]
pub struct Correcting {
    steps: Vec<Step>,
    at: usize,
    /// The end was reached; what is left was passed over.
    ended: bool,
    /// Esc was pressed over texts that are not saved.
    warned: bool,
    /// The session that is on its way here.
    asked: Option<SessionId>,
    /// The step whose text is in `$EDITOR`.
    editing: Option<usize>,
}

/// What a key makes of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    Walking,
    Over,
}

impl Correcting {
    /// A walk through sessions without a right answer and then through those that contradict each
    /// other, in their order; none when there are none.
    pub fn new(
        without: &[SessionSummary],
        contradicting: &[SessionSummary],
        context: &mut Context,
    ) -> Option<Self> {
        let mut steps: Vec<Step> = without.iter().map(|session| Step::of(&session.id)).collect();
        let mut prompts: HashMap<i64, usize> = HashMap::new();
        for session in contradicting {
            let Some(asked) = session.asked else { continue };
            match prompts.get(&asked).and_then(|place| steps.get_mut(*place)) {
                Some(step) => step.members.push(Member::of(&session.id)),
                None => {
                    prompts.insert(asked, steps.len());
                    steps.push(Step::of(&session.id));
                }
            }
        }
        // The other side may be left out by the words searched for: then there is nothing to choose from.
        let mut nth = 0;
        steps.retain(|step| {
            nth += 1;
            nth <= without.len() || step.is_contradiction()
        });
        if steps.is_empty() {
            return None;
        }
        let mut walk =
            Self { steps, at: 0, ended: false, warned: false, asked: None, editing: None };
        walk.go(0, context);
        Some(walk)
    }

    /// What the key that takes another answer is for, where that is not the given one.
    pub fn hint(&self, action: Action) -> Option<&'static str> {
        let contradiction = self.step().is_some_and(Step::is_contradiction);
        (action == Action::GivenAnswer && contradiction).then_some("the next answer")
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Prompts whose one right answer is not on disk.
    pub fn left(&self) -> usize {
        self.steps.iter().filter(|step| step.settled().is_none()).count()
    }

    pub fn applies(&self, action: Action) -> bool {
        if self.ended {
            return match action {
                Action::Back => true,
                Action::Train => self.left() < self.steps.len(),
                Action::CorrectAll => self.left() > 0,
                _ => false,
            };
        }
        let loaded = self.step().is_some_and(|step| step.is_loaded());
        match action {
            Action::PreviousSession => self.at > 0,
            Action::Confirm | Action::GivenAnswer | Action::Editor => loaded,
            _ => true,
        }
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        if action == Action::Back {
            return self.leave();
        }
        self.warned = false;
        match action {
            Action::Confirm => self.save(context),
            Action::NextSession => self.pass(context),
            Action::PreviousSession => self.go(self.at.saturating_sub(1), context),
            Action::CorrectAll => self.again(context),
            Action::NewLine => self.with_text(TextField::new_line),
            Action::GivenAnswer => {
                let taken = self.step().map(Step::other_text).unwrap_or_default();
                self.replace(taken);
            }
            Action::ClearText => {
                let Some(step) = self.steps.get(self.at) else { return Stay::Walking };
                let empty = step.text.as_ref().is_none_or(|text| text.is_empty());
                let text = if empty { step.taken_away.clone() } else { String::new() };
                self.replace(text);
            }
            Action::Editor => {
                self.editing = Some(self.at);
                let text = self.step().and_then(|step| step.text.as_ref());
                context.terminal(TerminalEffect::Edit(text.map_or_else(String::new, |t| t.text())));
            }
            Action::Copy => {
                let given = self.step().map(Step::given).unwrap_or_default();
                context.terminal(TerminalEffect::Copy(given));
                context.say("copied the answer");
            }
            scrolling => {
                let step = self.steps.get_mut(self.at);
                if let Some(shown) = step.and_then(Step::first_shown) {
                    shown.asked.act(scrolling);
                    shown.given.act(scrolling);
                }
            }
        }
        Stay::Walking
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        // What the text widget would take for a command of its own.
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if !control || !matches!(key.code, KeyCode::Char('j' | 'm')) {
            self.with_text(|text| text.type_key(key));
        }
    }

    pub fn paste(&mut self, pasted: &str) {
        self.with_text(|text| text.paste(pasted));
    }

    pub fn edited(&mut self, edited: &str) {
        if let Some(place) = self.editing.take()
            && let Some(text) = self.steps.get_mut(place).and_then(|step| step.text.as_mut())
        {
            text.set(&plain(edited));
            self.warned = false;
        }
    }

    pub fn report(&mut self, report: &Report, context: &mut Context) {
        match report {
            Report::Session(session) => self.loaded(session, context),
            Report::Failed { what: "open the session", why } => {
                let step = self.asked.take().and_then(|id| self.place(&id));
                if let Some(step) = step.and_then(|place| self.steps.get_mut(place)) {
                    step.unreadable = Some(plain_line(why));
                }
                self.load(context);
            }
            Report::Rated(session) => {
                let place = self.place(&session.session_id);
                if let Some(step) = place.and_then(|place| self.steps.get_mut(place)) {
                    step.rated(session);
                }
            }
            Report::RatingFailed { session, why } => {
                if let Some(place) = self.place(session) {
                    self.refused(place, session, plain_line(why), context);
                }
            }
            _ => {}
        }
    }

    fn step(&self) -> Option<&Step> {
        self.steps.get(self.at)
    }

    /// The step that a session belongs to.
    fn place(&self, id: &SessionId) -> Option<usize> {
        self.steps.iter().position(|step| step.members.iter().any(|member| member.id == *id))
    }

    /// Changes the text below the present session.
    fn with_text(&mut self, change: impl FnOnce(&mut TextField)) {
        self.warned = false;
        let Some(step) = self.steps.get_mut(self.at) else { return };
        if let Some(text) = &mut step.text {
            change(text);
            step.trouble = None;
        }
    }

    fn replace(&mut self, by: String) {
        self.warned = false;
        let Some(step) = self.steps.get_mut(self.at) else { return };
        let Some(text) = &mut step.text else { return };
        let before = text.text();
        text.set(&by);
        step.trouble = None;
        if !before.is_empty() && before != by {
            step.taken_away = before;
        }
    }

    /// Shows a step, and asks for its sessions and its neighbours'.
    fn go(&mut self, place: usize, context: &mut Context) {
        self.at = place.min(self.steps.len().saturating_sub(1));
        let at = self.at;
        for (place, step) in self.steps.iter_mut().enumerate() {
            if place.abs_diff(at) > NEAR {
                step.members.iter_mut().for_each(|member| member.shown = None);
            }
        }
        if let Some(step) = self.steps.get_mut(at) {
            step.begin();
        }
        self.load(context);
    }

    /// Asks for the nearest session that is wanted and not there; one at a time.
    fn load(&mut self, context: &mut Context) {
        if self.asked.is_some() {
            return;
        }
        let near = [self.at, self.at + 1, self.at.saturating_sub(1)];
        let steps = near.into_iter().filter_map(|place| self.steps.get(place));
        let wanted = steps
            .filter(|step| step.unreadable.is_none())
            .flat_map(|step| &step.members)
            .find(|member| member.shown.is_none());
        if let Some(member) = wanted {
            let id = member.id.clone();
            self.asked = Some(id.clone());
            context.perform(Effect::OpenSession(id));
        }
    }

    fn loaded(&mut self, session: &Session, context: &mut Context) {
        let Some(place) = self.place(&session.session_id) else { return };
        if self.asked.as_ref() == Some(&session.session_id) {
            self.asked = None;
        }
        let near = place.abs_diff(self.at) <= NEAR;
        if let Some(step) = self.steps.get_mut(place).filter(|_| near) {
            step.unreadable = None;
            step.loaded(session);
        }
        self.load(context);
    }

    /// Asks for the text to be saved, and goes on: should that fail, the walk comes back here.
    fn save(&mut self, context: &mut Context) {
        let Some(step) = self.steps.get_mut(self.at) else { return };
        let Some(text) = step.text.as_ref().map(|text| text.text()) else { return };
        if step.trouble.is_some() || step.promised().is_none_or(|answer| answer != text.trim()) {
            match step.ratings(&text) {
                Ok(ratings) => {
                    for (session, rating) in ratings {
                        context.perform(Effect::Rate { session, rating });
                    }
                    step.trouble = None;
                }
                Err(why) => {
                    step.trouble = Some(plain_line(&why));
                    return;
                }
            }
        }
        step.passed = false;
        self.go_on(self.at + 1, context);
    }

    /// Past a session without an answer for it.
    fn pass(&mut self, context: &mut Context) {
        if let Some(step) = self.steps.get_mut(self.at) {
            step.passed = !step.is_done();
        }
        match self.at + 1 {
            next if next < self.steps.len() => self.go(next, context),
            _ => self.go_on(0, context),
        }
    }

    /// To the next session that waits, from `first` on and then from the beginning; or to the end.
    fn go_on(&mut self, first: usize, context: &mut Context) {
        let waits = |(place, step): (usize, &Step)| step.waits().then_some(place);
        let mut places = self.steps.iter().enumerate().filter_map(waits);
        let before = places.clone().next();
        match places.find(|place| *place >= first).or(before) {
            Some(place) => self.go(place, context),
            None => self.ended = true,
        }
    }

    /// From the end: once more through what was passed over.
    fn again(&mut self, context: &mut Context) {
        for step in &mut self.steps {
            step.passed = false;
        }
        self.ended = false;
        self.go_on(0, context);
    }

    /// An answer is not saved. Whoever has not begun another goes back to it at once.
    fn refused(&mut self, place: usize, id: &SessionId, why: String, context: &mut Context) {
        let Some(step) = self.steps.get_mut(place) else { return };
        let member = step.members.iter_mut().find(|member| member.id == *id);
        if member.and_then(|member| member.asked.take()).is_none() {
            return;
        }
        step.trouble = Some(why);
        step.passed = false;
        let free = self.ended || self.step().is_some_and(|step| !step.has_text_to_lose());
        if free {
            self.ended = false;
            self.go(place, context);
        }
    }

    /// Goes, but never with a text that took somebody's time.
    fn leave(&mut self) -> Stay {
        if self.warned || self.unsaved() == 0 {
            return Stay::Over;
        }
        self.warned = true;
        Stay::Walking
    }

    /// Texts that are not on disk.
    pub fn unsaved(&self) -> usize {
        self.steps.iter().filter(|step| step.has_text_to_lose()).count()
    }

    /// A step that could not be saved, other than the present one.
    fn trouble_elsewhere(&self) -> Option<&Step> {
        let others = self.steps.iter().enumerate().filter(|(place, _)| *place != self.at);
        others.map(|(_, step)| step).find(|step| step.trouble.is_some() && !step.passed)
    }
}

//! The sessions so far: a list to filter and search, one session in full, and the way to rate and
//! correct it again. Owns what is listed and selected; what is on disk it knows from reports alone.

mod acted;
mod choice;
mod correcting;
mod cursor;
mod detail;
#[cfg(test)]
mod step_tests;
mod steps;
mod taken_out;
#[cfg(test)]
mod tests;
mod view;

use crate::driver::{Effect, Report, Sessions, TrainingMaterial, WorkEvent};
use crate::report::TakenOut;
use crate::store::{Filter, Session, SessionId, SessionSummary, plain_line};
use crate::tui::action::{Action, Scope};
use crate::tui::hits::Part;
use crate::tui::layers::{FeedbackForm, Layer, StepForm};
use crate::tui::pane::{Context, Intent, Pane, PaneName, Shared, TerminalEffect};
use choice::Choice;
use correcting::{Correcting, Stay};
use crossterm::event::KeyEvent;
use cursor::Cursor;
use detail::Detail;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::cell::Cell;
use std::sync::Arc;

/// The second numbered screen.
#[derive(Debug, Default)]
pub struct SessionsPane {
    /// None before the first report.
    listed: Option<Arc<Sessions>>,
    /// Why they could not be listed.
    trouble: Option<String>,
    choice: Choice,
    search: String,
    cursor: Cursor,
    /// The list that was asked for and has not come; one at a time.
    asked: Option<Filter>,
    /// Something changed since: once more when it comes.
    again: bool,
    /// The session that is read.
    opened: Option<Detail>,
    /// A session that was asked for, and what is to be done with it.
    awaited: Option<(SessionId, Purpose)>,
    /// The selected session beside the list, where there is room for it.
    preview: Option<Detail>,
    /// There was room when last drawn.
    wide: Cell<bool>,
    /// The walk through what is to be corrected.
    walk: Option<Box<Correcting>>,
    /// The lists that a walk begins with and that have not both come.
    gathering: Option<Gathering>,
}

/// What a walk will go through: what has no right answer, then what has two.
#[derive(Debug)]
struct Gathering {
    wanted: Filter,
    /// The first list, when the second is on its way.
    first: Option<Arc<Sessions>>,
}

/// What a session is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Preview,
    Read,
    Rate,
    Correct,
}

impl Pane for SessionsPane {
    fn scope(&self) -> Scope {
        match &self.walk {
            Some(walk) if !walk.has_ended() => Scope::Correcting,
            _ => Scope::Sessions,
        }
    }

    fn applies(&self, action: Action, shared: &Shared) -> bool {
        let _ = shared;
        if let Some(walk) = &self.walk {
            return walk.applies(action);
        }
        let reading = self.opened.is_some();
        match action {
            Action::Open => !reading && self.current().is_some(),
            Action::AddToSet => self.current().is_some() && !self.is_acted(),
            Action::Rate | Action::EditCorrection => self.current().is_some(),
            Action::PreviousStep | Action::NextStep | Action::RateStep | Action::CorrectStep => {
                self.opened.as_ref().is_some_and(|opened| opened.step().is_some())
            }
            Action::Left | Action::Right => reading,
            Action::NextFilter | Action::Search => !reading,
            Action::CorrectAll => !reading && self.listed.as_ref().is_some_and(|l| l.total > 0),
            Action::Train => self.listed.as_ref().is_some_and(|listed| listed.total > 0),
            Action::Back => reading || self.choice != Choice::default() || !self.search.is_empty(),
            _ => true,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        if let Some(walk) = self.walk.as_mut().filter(|_| action != Action::Train) {
            if walk.act(action, context) == Stay::Over {
                self.walk = None;
                self.ask(context);
            }
            return;
        }
        self.gathering = None;
        match action {
            Action::CorrectAll => {
                // What is searched for narrows the walk; which sessions it is for does not.
                let wanted = Choice::ToCorrect.filter(&self.search, &context.shared.config);
                context.perform(Effect::ListSessions(wanted.clone()));
                self.gathering = Some(Gathering { wanted, first: None });
            }
            Action::Open => self.load(Purpose::Read, context),
            Action::Rate => self.load(Purpose::Rate, context),
            Action::EditCorrection => self.load(Purpose::Correct, context),
            Action::AddToSet => self.add_to_set(context),
            Action::Left | Action::Right => self.read_next(action, context),
            Action::PreviousStep | Action::NextStep => {
                if let Some(opened) = self.opened.as_mut().filter(|opened| opened.step().is_some())
                {
                    opened.go_to_step(action == Action::NextStep, context.shared.reading());
                }
            }
            Action::RateStep | Action::CorrectStep => {
                self.say_of_step(action == Action::CorrectStep, context);
            }
            Action::NextFilter => self.show(self.choice.next(), context),
            Action::Train => context.intents.push(Intent::Train(TrainingMaterial::Failed)),
            Action::Copy => self.copy(context),
            Action::Back if self.opened.is_some() => self.close(context),
            Action::Back => {
                self.search.clear();
                self.show(Choice::default(), context);
            }
            movement => match &mut self.opened {
                Some(opened) => {
                    opened.scroll.act(movement);
                }
                None => {
                    let list = list(&self.listed);
                    if self.cursor.act(movement, list) {
                        self.load_preview(context);
                    }
                }
            },
        }
    }

    /// Only the walk takes text: the search has a layer of its own.
    fn type_key(&mut self, key: KeyEvent, _: &mut Context) {
        if let Some(walk) = &mut self.walk {
            walk.type_key(key);
        }
    }

    fn paste(&mut self, text: &str, _: &mut Context) {
        if let Some(walk) = &mut self.walk {
            walk.paste(text);
        }
    }

    fn edited(&mut self, text: &str, _: &mut Context) {
        if let Some(walk) = &mut self.walk {
            walk.edited(text);
        }
    }

    fn report(&mut self, report: &Report, context: &mut Context) {
        let ours = matches!(report, Report::Failed { what: "open the session", .. })
            && self.awaited.is_some();
        if let Some(walk) = self.walk.as_mut().filter(|_| !ours) {
            walk.report(report, context);
        }
        match report {
            Report::Sessions(sessions) => self.listed(sessions, context),
            Report::Session(session) => self.loaded(session, context),
            Report::Rated(session) => {
                for shown in self.opened.iter_mut().chain(&mut self.preview) {
                    if shown.session.session_id == session.session_id {
                        shown.update((**session).clone());
                    }
                }
                self.refresh(context);
            }
            Report::Work { event: WorkEvent::Answered(_) | WorkEvent::Acted(_), .. } => {
                self.refresh(context);
            }
            Report::AddedToSet { session, .. } => {
                context
                    .say(format!("{session} is in your evaluation set now, in its area own-work"));
            }
            Report::Failed { what: "list the sessions", why } => {
                self.asked = None;
                self.again = false;
                self.gathering = None;
                self.trouble = Some(plain_line(why));
            }
            Report::Failed { what: "open the session", .. } => self.awaited = None,
            _ => {}
        }
        self.hide(context.shared);
    }

    fn search(&mut self, text: &str, context: &mut Context) {
        if self.search != text.trim() {
            self.search = text.trim().to_owned();
            self.cursor.reset();
            self.ask(context);
        }
    }

    fn searched(&self) -> &str {
        &self.search
    }

    fn select(&mut self, place: usize, context: &mut Context) -> bool {
        let before = self.cursor.place();
        self.cursor.go(place, list(&self.listed));
        self.load_preview(context);
        self.cursor.place() == before
    }

    fn choose(&mut self, place: usize, context: &mut Context) {
        if let Some(choice) = Choice::ALL.get(place).filter(|_| self.walk.is_none()) {
            self.show(*choice, context);
        }
    }

    fn scroll(&mut self, part: Part, action: Action, context: &mut Context) {
        match (part, &mut self.preview) {
            (Part::Right, Some(preview)) if self.opened.is_none() && self.walk.is_none() => {
                preview.scroll.act(action);
            }
            _ => self.act(action, context),
        }
    }

    fn opened(&mut self, context: &mut Context) {
        self.hide(context.shared);
        self.ask(context);
    }

    fn is_moving(&self) -> bool {
        false
    }

    fn hint(&self, action: Action) -> Option<&'static str> {
        self.walk.as_ref()?.hint(action)
    }

    fn is_opening(&self) -> bool {
        let form = matches!(self.awaited, Some((_, Purpose::Rate | Purpose::Correct)));
        self.walk.is_none() && (form || self.gathering.is_some())
    }

    fn opens_no_more(&mut self) {
        self.awaited = None;
        self.gathering = None;
    }

    fn has_unsaved(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.unsaved() > 0)
    }

    fn taken_out(&self, shared: &Shared) -> Option<TakenOut> {
        self.taken(shared)
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        view::draw(self, frame, area, shared);
    }
}

impl SessionsPane {
    /// What two arms answer blind tells nobody here who answered.
    fn hide(&mut self, shared: &Shared) {
        for detail in self.opened.iter_mut().chain(&mut self.preview) {
            let hidden = shared.hides(&detail.session.metadata.task);
            detail.hide(hidden);
        }
    }

    fn show(&mut self, choice: Choice, context: &mut Context) {
        self.choice = choice;
        self.cursor.reset();
        self.ask(context);
    }

    /// Asks for the list, or once more when the one that is under way has come.
    fn ask(&mut self, context: &mut Context) {
        if self.asked.is_some() {
            self.again = true;
            return;
        }
        let filter = self.choice.filter(&self.search, &context.shared.config);
        self.asked = Some(filter.clone());
        context.perform(Effect::ListSessions(filter));
    }

    /// Asks again if the list was ever looked at; else coming here will.
    fn refresh(&mut self, context: &mut Context) {
        // A walk asks when it is over; until then nobody sees the list.
        if self.walk.is_some() {
            return;
        }
        if self.listed.is_some() || self.asked.is_some() {
            self.ask(context);
        }
    }

    /// Begins the walk, if this is the list it waits for.
    fn gathered(&mut self, sessions: &Arc<Sessions>, context: &mut Context) {
        let Some(gathering) = self.gathering.take_if(|g| g.wanted == sessions.filter) else {
            return;
        };
        let Some(first) = gathering.first else {
            let wanted = Choice::Contradicting.filter(&self.search, &context.shared.config);
            context.perform(Effect::ListSessions(wanted.clone()));
            self.gathering = Some(Gathering { wanted, first: Some(sessions.clone()) });
            return;
        };
        self.walk = Correcting::new(&first.list, &sessions.list, context).map(Box::new);
        if self.walk.is_none() {
            context.say("no failed session waits for its right answer");
        }
    }

    fn listed(&mut self, sessions: &Arc<Sessions>, context: &mut Context) {
        self.gathered(sessions, context);
        if self.asked.as_ref() == Some(&sessions.filter) {
            self.asked = None;
        }
        if sessions.filter == self.choice.filter(&self.search, &context.shared.config) {
            self.listed = Some(sessions.clone());
            self.trouble = None;
            self.cursor.settle(&sessions.list);
            self.load_preview(context);
        }
        if self.asked.is_none() && std::mem::take(&mut self.again) {
            self.ask(context);
        }
    }

    /// The session that keys act on: the one that is read, or the selected one.
    fn current(&self) -> Option<&SessionId> {
        match &self.opened {
            Some(opened) => Some(&opened.session.session_id),
            None => self.selected().map(|session| &session.id),
        }
    }

    fn selected(&self) -> Option<&SessionSummary> {
        list(&self.listed).get(self.cursor.place())
    }

    fn load(&mut self, purpose: Purpose, context: &mut Context) {
        let Some(id) = self.current().cloned() else { return };
        self.awaited = Some((id.clone(), purpose));
        context.perform(Effect::OpenSession(id));
    }

    /// Loads the selected session for the place beside the list; one at a time, and never before
    /// what a key asked for.
    fn load_preview(&mut self, context: &mut Context) {
        if !self.wide.get() || self.awaited.is_some() {
            return;
        }
        let shown = self.preview.as_ref().map(|preview| &preview.session.session_id);
        let wanted = self.selected().map(|session| session.id.clone());
        if let Some(id) = wanted.filter(|wanted| shown != Some(wanted)) {
            self.awaited = Some((id.clone(), Purpose::Preview));
            context.perform(Effect::OpenSession(id));
        }
    }

    fn loaded(&mut self, session: &Session, context: &mut Context) {
        let Some((_, purpose)) =
            self.awaited.take_if(|(awaited, _)| *awaited == session.session_id)
        else {
            return;
        };
        let detail = match &mut self.opened {
            Some(opened) if opened.session.session_id == session.session_id => {
                opened.update(session.clone());
                None
            }
            _ => Some(Detail::new(session.clone())),
        };
        match purpose {
            Purpose::Preview => {
                self.preview = detail;
                return self.load_preview(context);
            }
            Purpose::Read => {}
            Purpose::Rate | Purpose::Correct => {
                // Whoever went elsewhere meanwhile is not followed there.
                if context.shared.front == PaneName::Sessions && !context.shared.layered {
                    let form = FeedbackForm::of(session, purpose == Purpose::Correct);
                    let form = if session.is_act() { form.about("the work") } else { form };
                    context.push(Layer::Feedback(form));
                }
            }
        }
        if detail.is_some() {
            self.opened = detail;
        }
    }

    /// Reads the session above or below the one that is open.
    fn read_next(&mut self, action: Action, context: &mut Context) {
        let towards = if action == Action::Left { Action::Up } else { Action::Down };
        let before = self.cursor.place();
        self.cursor.act(towards, list(&self.listed));
        if self.cursor.place() == before {
            return;
        }
        if let Some(id) = self.selected().map(|session| session.id.clone()) {
            self.awaited = Some((id.clone(), Purpose::Read));
            context.perform(Effect::OpenSession(id));
        }
    }

    /// Back to the list.
    fn close(&mut self, context: &mut Context) {
        self.opened = None;
        self.awaited = None;
        self.load_preview(context);
    }

    /// The session that keys act on is a task that was carried out.
    fn is_acted(&self) -> bool {
        match &self.opened {
            Some(opened) => opened.session.is_act(),
            None => self.selected().is_some_and(|session| session.acted),
        }
    }

    /// Opens the form for the selected step.
    fn say_of_step(&self, correcting: bool, context: &mut Context) {
        let Some(opened) = &self.opened else { return };
        let Some(number) = opened.step() else { return };
        let Some(step) = opened.session.iterations.get(number - 1) else { return };
        let done = acted::step(number, step).words;
        let editable = acted::editable(step);
        let form = StepForm::new(&opened.session, number as u64, &done, &editable, correcting);
        context.push(Layer::Step(form));
    }

    fn add_to_set(&mut self, context: &mut Context) {
        let Some(id) = self.current().cloned() else { return };
        let corrected = match &self.opened {
            Some(opened) => {
                opened.session.kaizen.as_ref().is_some_and(|record| record.correction.is_some())
            }
            None => self.selected().is_some_and(|session| session.corrected),
        };
        match corrected {
            true => context.perform(Effect::AddToSet(id)),
            false => {
                context.complain_with_keys(
                    "an evaluation item needs the right answer: <correct> writes it",
                );
            }
        }
    }

    fn copy(&self, context: &mut Context) {
        let Some(opened) = &self.opened else {
            if let Some(id) = self.current() {
                context.terminal(TerminalEffect::Copy(id.to_string()));
                context.say(format!("copied {id}"));
            }
            return;
        };
        match opened.answer() {
            Some(answer) => {
                context.terminal(TerminalEffect::Copy(answer));
                context.say("copied the answer");
            }
            None => context.complain("this session has no answer to copy"),
        }
    }
}

fn list(listed: &Option<Arc<Sessions>>) -> &[SessionSummary] {
    listed.as_ref().map(|listed| listed.list.as_slice()).unwrap_or_default()
}

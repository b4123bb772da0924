//! Tasks: a conversation with the model, one recorded session a turn, and the way into rating. Owns the
//! conversation on screen; what was answered is on disk before it is said to be done.

mod conversation;
mod history;
#[cfg(test)]
mod tests;
mod view;

use crate::driver::{AskTask, Effect, Report, WorkEvent, WorkId};
use crate::runtime::Stop;
use crate::tui::action::{Action, Scope};
use crate::tui::layers::{Entry, EntryPurpose, FeedbackForm, Layer};
use crate::tui::pane::{Context, ModelState, Pane, PaneName, Shared, TerminalEffect};
use crate::tui::widgets::{Scroll, TextField};
use crate::workplace::ArmChoice;
use conversation::{Attempt, AttemptState, Conversation};
use crossterm::event::KeyEvent;
use history::History;
use ratatui::Frame;
use ratatui::layout::Rect;

/// The first pane.
#[derive(Debug)]
pub struct TasksPane {
    conversation: Conversation,
    /// Told to the model before the conversation; empty leaves the model's own.
    system: String,
    prompt: TextField,
    /// The prompt has the keys.
    writing: bool,
    history: History,
    scroll: Scroll,
    /// The answer that comes now.
    work: Option<WorkId>,
    /// An answer ended while the person was elsewhere: it can be rated when they come back.
    unrated: bool,
}

impl Default for TasksPane {
    fn default() -> Self {
        Self {
            conversation: Conversation::default(),
            system: String::new(),
            prompt: TextField::several_lines(),
            writing: true,
            history: History::default(),
            scroll: Scroll::default(),
            work: None,
            unrated: false,
        }
    }
}

impl TasksPane {
    /// Told to the model before every task from now on.
    pub fn set_system_prompt(&mut self, text: &str) {
        self.system = text.trim().to_owned();
    }

    fn send(&mut self, context: &mut Context) {
        let prompt = self.prompt.text().trim().to_owned();
        if prompt.is_empty() {
            return context.complain("the prompt is empty: say what is to be done");
        }
        if self.work.is_some() {
            return context.complain("an answer is being written: Esc cancels it");
        }
        self.history.add(&prompt);
        self.conversation.begin(prompt);
        self.prompt.set("");
        self.ask(None, context);
    }

    fn ask(&mut self, retry_of: Option<crate::store::SessionId>, context: &mut Context) {
        if matches!(context.shared.model, ModelState::Failed(_)) {
            context.perform(Effect::LoadModel);
        }
        let work = context.new_work();
        let messages = self.conversation.messages(&self.system);
        let arm = context.shared.arm.clone();
        let follows = self.conversation.session_before().cloned();
        self.work = Some(work);
        self.conversation.attempt();
        self.scroll.follow();
        context.perform(Effect::Ask {
            work,
            task: AskTask { messages, arm, retry_of, follows, seed: None },
        });
    }

    fn regenerate(&mut self, context: &mut Context) {
        if self.work.is_none() && !self.conversation.is_empty() {
            let earlier = self.conversation.last_attempt().and_then(Attempt::session).cloned();
            self.ask(earlier, context);
        }
    }

    fn cancel(&mut self, context: &mut Context) {
        if let Some(work) = self.work {
            context.perform(Effect::Cancel(work));
        }
    }

    fn rate(&mut self, context: &mut Context) {
        self.unrated = false;
        let attempt = self.conversation.last_attempt();
        if let Some((session, attempt)) = attempt.and_then(|a| Some((a.session()?.clone(), a))) {
            context.push(Layer::Feedback(FeedbackForm::new(session, &attempt.text)));
        }
    }

    fn work_event(&mut self, event: &WorkEvent, context: &mut Context) {
        if event.is_final() {
            self.work = None;
        }
        let Some(attempt) = self.conversation.last_attempt_mut() else { return };
        match event {
            WorkEvent::Started => attempt.state = AttemptState::Writing,
            WorkEvent::Text(text) => attempt.text.push_str(text),
            WorkEvent::Answered(answered) => {
                attempt.text.clone_from(&answered.text);
                attempt.state = AttemptState::Done(answered.as_ref().clone());
                self.answered(answered.stop, context);
            }
            WorkEvent::Cancelled => attempt.state = AttemptState::Cancelled,
            WorkEvent::Failed(why) => {
                attempt.state = AttemptState::Failed(crate::store::plain_line(why));
            }
            WorkEvent::Progress(crate::workplace::Event::Note(note)) => {
                context.complain(note.clone())
            }
            _ => {}
        }
    }

    /// The feedback form opens, unless the person is elsewhere or already writes on: a digit meant for
    /// the text must never become a rating.
    fn answered(&mut self, stop: Stop, context: &mut Context) {
        if stop == Stop::Cancelled {
            return;
        }
        match context.shared.front == PaneName::Tasks && self.prompt.is_empty() {
            true if !context.shared.layered => self.rate(context),
            _ => self.unrated = true,
        }
    }

    fn next_arm(&self, context: &mut Context) {
        let mut arms = vec![ArmChoice::Auto, ArmChoice::Base];
        arms.extend(context.shared.adapters.iter().cloned().map(ArmChoice::Adapter));
        let place = arms.iter().position(|arm| *arm == context.shared.arm).map_or(0, |p| p + 1);
        if let Some(arm) = arms.get(place % arms.len()) {
            context.shared.arm = arm.clone();
        }
        context.say_unfit();
    }
}

impl Pane for TasksPane {
    fn scope(&self) -> Scope {
        if self.writing { Scope::TasksPrompt } else { Scope::Tasks }
    }

    fn applies(&self, action: Action, _: &Shared) -> bool {
        match action {
            Action::Older => self.prompt.on_first_line(),
            Action::Newer => self.prompt.on_last_line(),
            Action::Back => self.writing || self.work.is_some(),
            Action::Regenerate => self.work.is_none() && !self.conversation.is_empty(),
            Action::NewTask => !self.conversation.is_empty(),
            Action::Rate => self.conversation.last_attempt().is_some_and(|a| a.session().is_some()),
            _ => true,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        match action {
            Action::Confirm => self.send(context),
            Action::NewLine => self.prompt.new_line(),
            Action::Back if self.work.is_some() => self.cancel(context),
            Action::Back => self.writing = false,
            Action::EnterPrompt => self.writing = true,
            Action::Older => {
                if let Some(prompt) = self.history.older(&self.prompt.text()) {
                    self.prompt.set(&prompt);
                }
            }
            Action::Newer => {
                if let Some(prompt) = self.history.newer() {
                    self.prompt.set(&prompt);
                }
            }
            Action::Editor => context.terminal(TerminalEffect::Edit(self.prompt.text())),
            Action::Regenerate => self.regenerate(context),
            Action::Rate => self.rate(context),
            Action::ChooseArm => self.next_arm(context),
            Action::SystemPrompt => {
                let entry = Entry::new(EntryPurpose::SystemPrompt, &self.system);
                context.push(Layer::Entry(entry));
            }
            Action::NewTask => {
                self.cancel(context);
                self.work = None;
                self.unrated = false;
                self.conversation = Conversation::default();
                self.writing = true;
            }
            Action::Copy => match self.conversation.last_attempt() {
                Some(attempt) if !attempt.text.is_empty() => {
                    context.terminal(TerminalEffect::Copy(attempt.text.clone()));
                    context.say("the answer is copied");
                }
                _ => context.complain("there is no answer to copy yet"),
            },
            action => {
                self.scroll.act(action);
            }
        }
    }

    fn type_key(&mut self, key: KeyEvent, _: &mut Context) {
        self.prompt.type_key(key);
        self.history.leave();
    }

    fn paste(&mut self, text: &str, _: &mut Context) {
        self.prompt.paste(text);
    }

    fn report(&mut self, report: &Report, context: &mut Context) {
        match report {
            Report::Work { work, event } if self.work == Some(*work) => {
                self.work_event(event, context);
            }
            Report::Rated(session) => self.conversation.rated(session),
            Report::Sessions(sessions) => {
                let tasks = sessions.list.iter().rev().map(|session| session.task.as_str());
                self.history.remember(tasks);
            }
            _ => {}
        }
    }

    fn opened(&mut self, context: &mut Context) {
        if std::mem::take(&mut self.unrated) && self.prompt.is_empty() {
            self.rate(context);
        }
    }

    fn edited(&mut self, text: &str, _: &mut Context) {
        self.prompt.set(text);
        self.writing = true;
    }

    fn is_moving(&self) -> bool {
        self.work.is_some()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        view::draw(self, frame, area, shared);
    }
}

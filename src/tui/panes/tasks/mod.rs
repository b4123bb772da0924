//! Tasks: a conversation with the model, or tasks that are carried out in a folder; one recorded session a
//! turn, and the way into rating. Owns what is on screen; what was answered or done is on disk before it is
//! said to be so. When an action waits for a word, this says whether the prompt for it may open.

#[cfg(test)]
mod act_tests;
mod acting;
mod conversation;
mod history;
mod steps_view;
#[cfg(test)]
mod tests;
mod view;

use crate::driver::{
    ActDecision, ActTask, AskTask, Effect, Report, ShownProposal, WorkEvent, WorkId,
};
use crate::runtime::Stop;
use crate::store::ActEnding;
use crate::tui::action::{Action, Scope};
use crate::tui::hits::Part;
use crate::tui::layers::{ApprovalPrompt, Entry, EntryPurpose, FeedbackForm, Layer};
use crate::tui::pane::{Context, ModelState, Pane, PaneName, Shared, TerminalEffect};
use crate::tui::widgets::{Scroll, TextField};
use crate::workplace::ArmChoice;
use conversation::{Attempt, AttemptState, Conversation};
use crossterm::event::KeyEvent;
use history::History;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::path::PathBuf;

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
    /// New tasks are carried out, not answered.
    acting: bool,
    /// The folder that they are carried out in.
    folder: PathBuf,
}

impl TasksPane {
    /// Tasks are carried out in `folder`, until another is chosen.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self {
            acting: false,
            folder,
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

    /// Told to the model before every task from now on.
    pub fn set_system_prompt(&mut self, text: &str) {
        self.system = text.trim().to_owned();
    }

    /// Tasks are carried out in this folder from now on.
    pub fn set_folder(&mut self, text: &str, shared: &Shared) {
        // What is shown may leave out what would steer the terminal.
        if text.trim() != shared.places.shown(&self.folder) {
            self.folder = shared.places.folder(text.trim());
        }
        self.acting = true;
    }

    /// An action waits for a word.
    pub fn waits(&self) -> bool {
        self.waiting().is_some()
    }

    fn waiting(&self) -> Option<(WorkId, &ShownProposal)> {
        let work = self.work?;
        self.conversation.acting()?.waiting.as_ref().map(|proposal| (work, proposal))
    }

    /// What the person said of the action of a step, if it still waits.
    pub fn decide(
        &mut self,
        work: WorkId,
        step: usize,
        decision: ActDecision,
        context: &mut Context,
    ) {
        if !self.waiting().is_some_and(|(of, proposal)| of == work && proposal.step == step) {
            return;
        }
        if let Some(acting) = self.conversation.acting_mut() {
            acting.waiting = None;
            acting.written = match &decision {
                ActDecision::Edit(text) => Some(text.clone()),
                _ => None,
            };
        }
        context.perform(Effect::Decide { work, decision });
    }

    fn send(&mut self, context: &mut Context) {
        let prompt = self.prompt.text().trim().to_owned();
        if prompt.is_empty() {
            return context.complain("the prompt is empty: say what is to be done");
        }
        if self.work.is_some() {
            return context.complain_with_keys(match self.conversation.acting() {
                Some(_) => "a task is being carried out: <leave-prompt> cancels it",
                None => "an answer is being written: <leave-prompt> cancels it",
            });
        }
        self.history.add(&prompt);
        self.conversation.begin(prompt, self.acting.then(|| self.folder.clone()));
        self.prompt.set("");
        self.begin(None, context);
    }

    /// The last turn is answered or carried out.
    fn begin(&mut self, retry_of: Option<crate::store::SessionId>, context: &mut Context) {
        if matches!(context.shared.model, ModelState::Failed(_)) {
            context.perform(Effect::LoadModel);
        }
        let Some(turn) = self.conversation.turns.last() else { return };
        let work = context.new_work();
        let arm = context.shared.arm.clone();
        let effect = match turn.folder.clone() {
            Some(workspace) => {
                let task = turn.prompt.clone();
                let task = ActTask { task, workspace, arm, retry_of, seed: None };
                Effect::Act { work, task }
            }
            None => {
                let messages = self.conversation.messages(&self.system);
                let follows = self.conversation.session_before().cloned();
                let task = AskTask { messages, arm, retry_of, follows, seed: None };
                Effect::Ask { work, task }
            }
        };
        self.work = Some(work);
        self.conversation.attempt();
        self.scroll.follow();
        context.perform(effect);
    }

    fn regenerate(&mut self, context: &mut Context) {
        if self.work.is_none() && !self.conversation.is_empty() {
            let earlier = self.conversation.last_attempt().and_then(Attempt::session).cloned();
            self.begin(earlier, context);
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
            let form = FeedbackForm::new(session, &attempt.text);
            let form = if attempt.acting.is_some() { form.about("the work") } else { form };
            context.push(Layer::Feedback(form));
        }
    }

    /// Shows the action that waits.
    fn show_waiting(&self, context: &mut Context) {
        let Some(((work, proposal), acting)) = self.waiting().zip(self.conversation.acting())
        else {
            return;
        };
        let folder = context.shared.places.shown(&acting.folder);
        let written = acting.written.as_deref().filter(|_| proposal.problem.is_some());
        let prompt = ApprovalPrompt::new(work, proposal, folder, written);
        context.push(Layer::Approval(prompt));
    }

    /// Nothing that somebody does would be interrupted.
    fn is_undisturbed(&self, shared: &Shared) -> bool {
        shared.front == PaneName::Tasks && self.prompt.is_empty() && !shared.layered
    }

    /// An action waits. Its prompt opens by itself only where no text is taken from under anybody's
    /// fingers.
    fn proposed(&mut self, proposal: &ShownProposal, context: &mut Context) {
        if let Some(acting) = self.conversation.acting_mut() {
            acting.proposed(proposal);
        }
        if self.is_undisturbed(context.shared) {
            self.show_waiting(context);
        } else if context.shared.front == PaneName::Tasks {
            context.say_with_keys(
                "an action waits for your word: <look-at-action>, or <leave-prompt> and then <show-action>",
            );
        } else {
            context.say_with_keys(
                "an action waits for your word: <leave-prompt> and then <show-tasks> shows it",
            );
        }
    }

    fn work_event(&mut self, event: &WorkEvent, context: &mut Context) {
        if event.is_final() {
            self.work = None;
        }
        if let WorkEvent::Proposed(proposal) = event {
            return self.proposed(proposal, context);
        }
        let Some(attempt) = self.conversation.last_attempt_mut() else { return };
        if event.is_final()
            && let Some(acting) = &mut attempt.acting
        {
            acting.waiting = None;
        }
        match event {
            WorkEvent::Act(event) => {
                if let Some(acting) = &mut attempt.acting {
                    acting.shown(event);
                }
            }
            WorkEvent::Acted(acted) => {
                attempt.text = acted.answer.clone().unwrap_or_default();
                attempt.state = AttemptState::Acted(acted.as_ref().clone());
                self.ended(acted.ended == ActEnding::Cancelled, context);
            }
            WorkEvent::Started => attempt.state = AttemptState::Writing,
            WorkEvent::Text(text) => attempt.text.push_str(text),
            WorkEvent::Answered(answered) => {
                attempt.text.clone_from(&answered.text);
                attempt.state = AttemptState::Done(answered.as_ref().clone());
                self.ended(answered.stop == Stop::Cancelled, context);
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
    fn ended(&mut self, cancelled: bool, context: &mut Context) {
        if cancelled {
            return;
        }
        match self.is_undisturbed(context.shared) {
            true => self.rate(context),
            false => self.unrated = true,
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
            Action::ChooseFolder => self.acting,
            Action::SystemPrompt => !self.acting,
            Action::ShowWaiting => self.waits(),
            Action::Search => false,
            Action::Rate => self.conversation.last_attempt().is_some_and(|a| a.session().is_some()),
            _ => true,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        match action {
            Action::Confirm => self.send(context),
            Action::NewLine => self.prompt.new_line(),
            // Who writes while an action waits wants to leave the prompt, not the task.
            Action::Back if self.work.is_some() && !(self.writing && self.waits()) => {
                self.cancel(context);
            }
            Action::Back => self.writing = false,
            Action::EnterPrompt => self.writing = true,
            Action::SwitchMode => self.acting = !self.acting,
            Action::ChooseFolder => {
                let folder = context.shared.places.shown(&self.folder);
                context.push(Layer::Entry(Entry::new(EntryPurpose::Folder, &folder)));
            }
            Action::ShowWaiting => self.show_waiting(context),
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
                self.scroll = Scroll::default();
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

    fn scroll(&mut self, _: Part, action: Action, _: &mut Context) {
        self.scroll.act(action);
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
        if !self.prompt.is_empty() {
            return;
        }
        if self.waits() {
            self.show_waiting(context);
        } else if std::mem::take(&mut self.unrated) {
            self.rate(context);
        }
    }

    fn edited(&mut self, text: &str, _: &mut Context) {
        self.prompt.set("");
        // As what is pasted: nothing of it steers the terminal, or reaches the model unseen.
        self.prompt.paste(text);
        self.writing = true;
    }

    fn is_moving(&self) -> bool {
        self.work.is_some()
    }

    fn hint(&self, action: Action) -> Option<&'static str> {
        let cancels = self.work.is_some() && !(self.writing && self.waits());
        (action == Action::Back && cancels).then_some("cancel")
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        view::draw(self, frame, area, shared);
    }
}

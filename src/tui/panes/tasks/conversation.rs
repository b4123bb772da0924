//! The turns on screen.

use super::acting::Acting;
use crate::driver::{Acted, Answered};
use crate::store::{Message, Session, SessionId};
use crate::tui::answer::AnswerLines;
use std::path::PathBuf;

/// What was asked and answered, oldest first.
#[derive(Debug, Default)]
pub struct Conversation {
    pub turns: Vec<Turn>,
}

/// One prompt with its answers; the last one counts.
#[derive(Debug)]
pub struct Turn {
    pub prompt: String,
    /// Carried out in this folder; none: answered.
    pub folder: Option<PathBuf>,
    pub attempts: Vec<Attempt>,
}

/// One answer, or the beginning of one.
#[derive(Debug)]
pub struct Attempt {
    /// Safe to show.
    pub text: String,
    /// The text as it is laid out.
    pub lines: AnswerLines,
    pub state: AttemptState,
    pub stars: Option<u8>,
    /// How it is carried out; none for an answer.
    pub acting: Option<Box<Acting>>,
}

#[derive(Debug)]
pub enum AttemptState {
    /// The model is not there yet, or does something else.
    Waiting,
    Writing,
    Done(Answered),
    Acted(Acted),
    Cancelled,
    Failed(String),
}

impl Attempt {
    /// The session it is recorded in, once it has ended.
    pub fn session(&self) -> Option<&SessionId> {
        match &self.state {
            AttemptState::Done(answered) => Some(&answered.session),
            AttemptState::Acted(acted) => Some(&acted.session),
            _ => None,
        }
    }
}

impl Conversation {
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Something was asked that a new prompt goes on from.
    pub fn has_answers(&self) -> bool {
        self.turns.iter().any(|turn| turn.folder.is_none())
    }

    /// A new turn, without an answer yet; carried out in `folder` if there is one.
    pub fn begin(&mut self, prompt: String, folder: Option<PathBuf>) {
        self.turns.push(Turn { prompt, folder, attempts: Vec::new() });
    }

    /// A new answer to the last turn begins.
    pub fn attempt(&mut self) {
        if let Some(turn) = self.turns.last_mut() {
            turn.attempts.push(Attempt {
                text: String::new(),
                lines: AnswerLines::default(),
                state: AttemptState::Waiting,
                stars: None,
                acting: turn.folder.clone().map(|folder| Box::new(Acting::in_folder(folder))),
            });
        }
    }

    /// The session of the last answer before the present turn. A task that was carried out is none.
    pub fn session_before(&self) -> Option<&SessionId> {
        let (_, earlier) = self.turns.split_last()?;
        let answered = earlier.iter().filter(|turn| turn.folder.is_none());
        answered.flat_map(|turn| &turn.attempts).rev().find_map(Attempt::session)
    }

    /// How the last turn is carried out, if it is.
    pub fn acting(&self) -> Option<&Acting> {
        self.last_attempt()?.acting.as_deref()
    }

    pub fn acting_mut(&mut self) -> Option<&mut Acting> {
        self.last_attempt_mut()?.acting.as_deref_mut()
    }

    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.turns.last()?.attempts.last()
    }

    pub fn last_attempt_mut(&mut self) -> Option<&mut Attempt> {
        self.turns.last_mut()?.attempts.last_mut()
    }

    /// All turns as the model is to see them, up to the last prompt. Turns that were never answered
    /// are left out, and those that were carried out: each is a task of its own.
    pub fn messages(&self, system: &str) -> Vec<Message> {
        let mut messages = Vec::new();
        if !system.is_empty() {
            messages.push(Message::system(system));
        }
        let Some((last, earlier)) = self.turns.split_last() else { return messages };
        for turn in earlier.iter().filter(|turn| turn.folder.is_none()) {
            let answered = turn.attempts.iter().rev().find(|attempt| attempt.session().is_some());
            if let Some(attempt) = answered {
                messages.push(Message::user(turn.prompt.clone()));
                messages.push(Message::assistant(attempt.text.clone()));
            }
        }
        messages.push(Message::user(last.prompt.clone()));
        messages
    }

    /// A rating is on disk.
    pub fn rated(&mut self, session: &Session) {
        for attempt in self.turns.iter_mut().flat_map(|turn| &mut turn.attempts) {
            if attempt.session() == Some(&session.session_id) {
                attempt.stars = session.metadata.user_rating.map(|stars| stars.get());
            }
        }
    }
}

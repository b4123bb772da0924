//! One prompt of the walk: its sessions, the text typed for them, and what of it is on disk. Knows
//! nothing of the way from one to the next.

use crate::feedback::{self, Rating};
use crate::store::{Session, SessionId, plain};
use crate::tui::answer::Reading;
use crate::tui::panes::sessions::detail::{self, Detail};
use crate::tui::widgets::{Scroll, TextField};

/// One prompt of the walk, and the text that is to be its right answer.
#[derive(Debug)]
pub struct Step {
    /// One session without a right answer; or several whose right answers contradict each other, newest
    /// first.
    pub members: Vec<Member>,
    /// Why it cannot be shown.
    pub unreadable: Option<String>,
    /// None before anybody came here. Boxed: text fields are large.
    pub text: Option<Box<TextField>>,
    /// What stood there before anybody typed.
    pub began: String,
    /// What `ctrl-u` or `ctrl-g` took away.
    pub taken_away: String,
    /// Why the last text is not saved.
    pub trouble: Option<String>,
    /// A key went past it.
    pub passed: bool,
}

/// One session of a step.
#[derive(Debug)]
pub struct Member {
    pub id: SessionId,
    pub shown: Option<Shown>,
    /// The right answer that was asked to be saved, and the one that is.
    pub asked: Option<String>,
    pub on_disk: Option<String>,
}

/// A loaded session, and how far its texts are scrolled.
#[derive(Debug)]
pub struct Shown {
    pub session: Session,
    /// What was asked, or all where there is one column; and what was answered.
    pub asked: Scroll,
    pub given: Scroll,
    pub lines: detail::Lines,
}

impl Step {
    pub fn of(id: &SessionId) -> Self {
        Self {
            members: vec![Member::of(id)],
            unreadable: None,
            text: None,
            began: String::new(),
            taken_away: String::new(),
            trouble: None,
            passed: false,
        }
    }

    /// Its right answers contradict each other: one is to be kept.
    pub fn is_contradiction(&self) -> bool {
        self.members.len() > 1
    }

    /// It is a task that was carried out.
    pub fn is_acted(&self) -> bool {
        let first = self.members.first().and_then(|member| member.shown.as_ref());
        first.is_some_and(|shown| shown.session.is_act())
    }

    pub fn is_loaded(&self) -> bool {
        self.members.iter().all(|member| member.shown.is_some())
    }

    pub fn first_shown(&mut self) -> Option<&mut Shown> {
        self.members.first_mut().and_then(|member| member.shown.as_mut())
    }

    /// The one right answer that is on disk for all its sessions.
    pub fn settled(&self) -> Option<&str> {
        same(self.members.iter().map(|member| member.on_disk.as_deref()))
    }

    /// As [`settled`](Self::settled), once what was asked for is done.
    pub fn promised(&self) -> Option<&str> {
        let answers = self.members.iter();
        same(answers.map(|member| member.asked.as_deref().or(member.on_disk.as_deref())))
    }

    pub fn is_saving(&self) -> bool {
        self.members.iter().any(|member| member.asked.is_some())
    }

    /// Its right answer is on disk or on the way there.
    pub fn is_done(&self) -> bool {
        self.trouble.is_none() && self.promised().is_some()
    }

    pub fn waits(&self) -> bool {
        !self.is_done() && !self.passed && self.unreadable.is_none()
    }

    pub fn has_text_to_lose(&self) -> bool {
        let Some(text) = &self.text else { return false };
        let text = text.text();
        let asked = self.is_saving() || text.trim() != self.began.trim();
        asked && !text.trim().is_empty() && self.settled() != Some(text.trim())
    }

    /// Somebody comes here: there is a text to type into. Where answers contradict each other it is the
    /// newest of them; else it is empty, since a right answer is seldom the wrong one with a few words
    /// changed.
    pub fn begin(&mut self) {
        let text = self.text.get_or_insert_with(|| Box::new(TextField::several_lines()));
        if self.members.len() > 1 && self.began.is_empty() && text.is_empty() {
            let newest = self.members.iter().find_map(|member| member.on_disk.as_deref());
            self.began = newest.map(plain).unwrap_or_default();
            text.set(&self.began);
        }
    }

    pub fn loaded(&mut self, session: &Session) {
        let Some(member) = self.members.iter_mut().find(|m| m.id == session.session_id) else {
            return;
        };
        if member.shown.is_none() {
            member.on_disk = correction(session).or(member.on_disk.take());
            member.shown = Some(Shown::new(session.clone()));
        }
        if self.is_loaded() && self.text.is_some() {
            self.begin();
        }
    }

    /// The answer that was given, safe to show.
    pub fn given(&self) -> String {
        let shown = self.members.first().and_then(|member| member.shown.as_ref());
        shown.and_then(|shown| shown.session.answer()).map(plain).unwrap_or_default()
    }

    /// What a key puts into the editor: the given answer, or the next of those that contradict.
    pub fn other_text(&self) -> String {
        if !self.is_contradiction() {
            return self.given();
        }
        let present = self.text.as_ref().map_or_else(String::new, |text| text.text());
        let answers: Vec<String> =
            self.members.iter().filter_map(|member| member.on_disk.as_deref()).map(plain).collect();
        let at = answers.iter().position(|answer| answer.trim() == present.trim());
        let others = answers.iter().cycle().skip(at.map_or(0, |at| at + 1)).take(answers.len());
        let mut others = others.filter(|answer| answer.trim() != present.trim());
        others.next().cloned().unwrap_or(present)
    }

    /// What has to be saved for `text` to be the right answer of every session here; or why it cannot
    /// be.
    pub fn ratings(&mut self, text: &str) -> Result<Vec<(SessionId, Rating)>, String> {
        let mut ratings = Vec::new();
        for member in &self.members {
            let Some(shown) = &member.shown else { return Err("it is not read yet".into()) };
            let session = &shown.session;
            let Some(stars) = session.metadata.user_rating else {
                return Err(format!("{} is not rated any more", member.id));
            };
            let answer = feedback::checked_correction(session, text).map_err(|e| e.to_string())?;
            // What is shown leaves out what would steer the terminal, so it differs from the answer.
            if session.answer().is_some_and(|given| plain(given).trim() == answer.trim()) {
                let session = member.id.clone();
                return Err(feedback::Error::UnchangedAnswer { session }.to_string());
            }
            let present = member.asked.as_deref().or(member.on_disk.as_deref());
            if present.is_none_or(|present| present.trim() != answer.trim()) {
                let rating = Rating { correction: Some(answer), ..Rating::stars(stars) };
                ratings.push((member.id.clone(), rating));
            }
        }
        for (id, rating) in &ratings {
            if let Some(member) = self.members.iter_mut().find(|member| member.id == *id) {
                member.asked = rating.correction.clone();
            }
        }
        Ok(ratings)
    }

    pub fn rated(&mut self, session: &Session) {
        let Some(saved) = correction(session) else { return };
        let member = self.members.iter_mut().find(|member| member.id == session.session_id);
        let Some(member) = member else { return };
        // An earlier text is no answer for a later one.
        if member.asked.as_ref().is_some_and(|asked| asked.trim() == saved.trim()) {
            member.asked = None;
        }
        member.on_disk = Some(saved);
        if let Some(shown) = &mut member.shown {
            shown.session = session.clone();
        }
        if self.settled().is_some() && !self.is_saving() {
            self.trouble = None;
        }
    }
}

impl Member {
    pub fn of(id: &SessionId) -> Self {
        Self { id: id.clone(), shown: None, asked: None, on_disk: None }
    }
}

fn correction(session: &Session) -> Option<String> {
    let record = session.kaizen.as_ref();
    record.and_then(|record| record.correction.as_ref()).map(|right| right.answer.clone())
}

/// The answer that all have, without the white space around it.
fn same<'a>(answers: impl Iterator<Item = Option<&'a str>>) -> Option<&'a str> {
    let mut answers = answers.map(|answer| answer.map(str::trim));
    let first = answers.next().flatten()?;
    answers.all(|answer| answer == Some(first)).then_some(first)
}

impl Shown {
    pub fn new(session: Session) -> Self {
        Self {
            session,
            asked: Scroll::default(),
            given: Scroll::at_top(),
            lines: detail::Lines::default(),
        }
    }

    /// What was asked and answered, in `width` columns.
    pub fn lines(&self, width: usize, reading: Reading) -> detail::Parts {
        self.lines.of(width, reading, || Detail::parts(&self.session, width, reading))
    }
}

//! The feedback form: one key rates, the rest may follow. Owns what is being entered and when the form
//! goes; what is on disk it knows from reports alone.

mod saving;
#[cfg(test)]
mod tests;
mod view;

use super::Stay;
use crate::driver::Report;
use crate::feedback::Rating;
use crate::store::{Issue, Session, SessionId, Stars, plain, plain_line};
use crate::tui::action::{Action, Scope};
use crate::tui::pane::{Context, TerminalEffect};
use crate::tui::widgets::{TextField, stars};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use saving::{Saving, Step};

/// Fewer stars than this ask for what went wrong.
const GOOD: u8 = 4;

/// The parts of the form, in the order of Tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Stars,
    Issues,
    Comment,
    Correction,
}

/// Rates one session.
#[derive(Debug)]
pub struct FeedbackForm {
    session: SessionId,
    /// Which answer of several, such as `the answer on the left`.
    about: Option<&'static str>,
    /// On disk, or being saved.
    stars: Option<Stars>,
    /// Which of [`Issue::ALL`] are ticked.
    ticked: [bool; Issue::ALL.len()],
    /// Issues of an imported session that stand in no list of ours: they stay.
    foreign: Vec<Issue>,
    /// Boxed, as the next: text fields are large, and layers are moved about.
    comment: Box<TextField>,
    correction: Box<TextField>,
    /// Comment and correction as the form began; what still equals them was not written by anybody.
    before: (String, String),
    /// What stood in each before it was emptied.
    taken_away: (Option<String>, Option<String>),
    corrected_before: bool,
    field: Field,
    /// It was opened for the right answer: the stars alone do not end it.
    for_correction: bool,
    saving: Saving,
    /// Goes as soon as everything asked for is on disk.
    closing: bool,
    /// Esc was pressed over something that is not saved.
    warned: bool,
    /// The correction is in `$EDITOR`.
    editing: bool,
}

impl FeedbackForm {
    /// The form for an answer that has just come.
    pub fn new(session: SessionId, answer: &str) -> Self {
        let answer = plain(answer);
        let mut correction = Box::new(TextField::several_lines());
        correction.set(&answer);
        Self {
            session,
            about: None,
            stars: None,
            ticked: [false; Issue::ALL.len()],
            foreign: Vec::new(),
            comment: Box::new(TextField::line()),
            correction,
            before: (String::new(), answer),
            taken_away: (None, None),
            corrected_before: false,
            field: Field::Stars,
            for_correction: false,
            saving: Saving::default(),
            closing: false,
            warned: false,
            editing: false,
        }
    }

    /// Says which of several answers it is about, such as `the answer on the left`.
    pub fn about(self, which: &'static str) -> Self {
        Self { about: Some(which), ..self }
    }

    /// The form for a session as it stands on disk, at its stars or at its correction.
    pub fn of(session: &Session, at_correction: bool) -> Self {
        let mut form = Self::new(session.session_id.clone(), session.answer().unwrap_or_default());
        let metadata = &session.metadata;
        form.stars = metadata.user_rating;
        form.saving.saved = metadata.user_rating;
        for (ticked, issue) in form.ticked.iter_mut().zip(Issue::ALL) {
            *ticked = metadata.what_went_wrong.contains(&issue);
        }
        for issue in &metadata.what_went_wrong {
            if matches!(issue, Issue::Unrecognised(_)) && !form.foreign.contains(issue) {
                form.foreign.push(issue.clone());
            }
        }
        if let Some(comment) = &metadata.feedback_comment {
            form.comment.set(&plain_line(comment));
            form.before.0 = form.comment.text();
        }
        if let Some(correction) = session.kaizen.as_ref().and_then(|r| r.correction.as_ref()) {
            form.correction.set(&plain(&correction.answer));
            form.before.1 = form.correction.text();
            form.corrected_before = true;
        }
        form.for_correction = at_correction;
        if at_correction && form.stars.is_some() {
            form.field = Field::Correction;
        }
        form
    }

    pub fn scope(&self) -> Scope {
        match self.field {
            Field::Stars => Scope::FormStars,
            Field::Issues => Scope::FormIssues,
            Field::Comment | Field::Correction => Scope::FormText,
        }
    }

    pub fn applies(&self, action: Action) -> bool {
        match action {
            Action::Back => true,
            // A slip of the finger can be put right while it is being saved.
            Action::Stars(_) => !self.closing || self.field == Field::Stars,
            _ if self.closing => false,
            Action::NextField => self.field != Field::Stars || self.stars.is_some(),
            Action::NewLine => self.field == Field::Correction,
            _ => true,
        }
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        if action != Action::Back {
            self.warned = false;
        }
        match action {
            Action::Stars(number) => self.rate(number, context),
            Action::ToggleIssue(number) => {
                let place = usize::from(number).saturating_sub(1);
                if let Some(ticked) = self.ticked.get_mut(place) {
                    *ticked = !*ticked;
                }
            }
            Action::NextField => self.field = self.next_field(),
            Action::PreviousField => self.field = self.previous_field(),
            Action::NewLine => self.correction.new_line(),
            Action::ClearText => self.clear_or_restore(),
            Action::Editor => {
                self.editing = true;
                context.terminal(TerminalEffect::Edit(self.correction.text()));
            }
            Action::Confirm => self.save(context),
            Action::Back => return self.leave(context),
            Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::HalfUp
            | Action::HalfDown
            | Action::First
            | Action::Last => return Stay::OpenAnd(action),
            _ => {}
        }
        Stay::Open
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        if self.closing {
            return;
        }
        self.warned = false;
        // What the text widget would take for a command of its own.
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && matches!(key.code, KeyCode::Char('j' | 'm')) {
            return;
        }
        match (self.field, key.code) {
            (Field::Comment, KeyCode::Up) => self.field = Field::Issues,
            (Field::Comment, KeyCode::Down) => self.field = Field::Correction,
            (Field::Correction, KeyCode::Up) if self.correction.on_first_line() => {
                self.field = Field::Comment;
            }
            (Field::Comment, _) => self.comment.type_key(key),
            (Field::Correction, _) => self.correction.type_key(key),
            (Field::Stars | Field::Issues, _) => {}
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.warned = false;
        match self.field {
            _ if self.closing => {}
            Field::Comment => self.comment.paste(text),
            Field::Correction => self.correction.paste(text),
            Field::Stars | Field::Issues => {}
        }
    }

    pub fn edited(&mut self, text: &str) {
        if std::mem::take(&mut self.editing) && !self.closing {
            self.correction.set(&plain(text));
            self.field = Field::Correction;
        }
    }

    pub fn report(&mut self, report: &Report, context: &mut Context) -> Stay {
        match self.saving.report(&self.session, report) {
            Step::Saved(rating) if self.closing => {
                context.say(told(&rating));
                Stay::Closed
            }
            Step::Refused => {
                self.closing = false;
                self.warned = false;
                Stay::Open
            }
            Step::Saved(_) | Step::Nothing => Stay::Open,
        }
    }

    /// Saves the stars at once; the rest may follow.
    fn rate(&mut self, number: u8, context: &mut Context) {
        let Ok(stars) = Stars::try_from(i64::from(number)) else { return };
        self.stars = Some(stars);
        self.saving.ask(&self.session, Rating::stars(stars), context);
        let failed = number < GOOD || number <= context.shared.config.feedback.failed_rating;
        self.closing = !failed && !self.for_correction;
        if self.for_correction {
            self.field = Field::Correction;
        } else if failed {
            self.field = Field::Issues;
        }
    }

    /// Saves all that the form says, and closes once it is on disk.
    fn save(&mut self, context: &mut Context) {
        let Some(stars) = self.stars else { return };
        let ticked = Issue::ALL.into_iter().zip(self.ticked).filter(|(_, ticked)| *ticked);
        let issues = ticked.map(|(issue, _)| issue).chain(self.foreign.clone()).collect();
        let rating = Rating {
            stars,
            issues: Some(issues),
            // A comment that nobody touched stays to the letter, line breaks included.
            comment: self.comment_changed().then(|| self.comment.text()),
            correction: self.new_correction(),
        };
        self.saving.ask(&self.session, rating, context);
        self.closing = true;
    }

    /// Goes, but never with something half saved or with a text that took somebody's time.
    fn leave(&mut self, context: &mut Context) -> Stay {
        if self.warned {
            if self.saving.is_under_way() {
                context
                    .complain("left before the rating was saved; Sessions shows what is on disk");
            }
            return Stay::Closed;
        }
        if !self.closing && (self.comment_changed() || self.new_correction().is_some()) {
            self.warned = true;
            return Stay::Open;
        }
        if self.saving.is_under_way() {
            self.warned = true;
            self.closing = true;
            return Stay::Open;
        }
        Stay::Closed
    }

    /// What is sent as the right answer: nothing where the text is what it was, or was cleared and
    /// none had been given before.
    fn new_correction(&self) -> Option<String> {
        let text = self.correction.text();
        let unchanged = text.trim() == self.before.1.trim();
        let cleared = text.trim().is_empty() && !self.corrected_before;
        (!unchanged && !cleared).then_some(text)
    }

    fn comment_changed(&self) -> bool {
        self.comment.text().trim() != self.before.0.trim()
    }

    /// Empties the field, or brings back what had stood there.
    fn clear_or_restore(&mut self) {
        let (field, before, taken_away) = match self.field {
            Field::Comment => (&mut self.comment, &self.before.0, &mut self.taken_away.0),
            Field::Correction => (&mut self.correction, &self.before.1, &mut self.taken_away.1),
            Field::Stars | Field::Issues => return,
        };
        if field.is_empty() {
            field.set(taken_away.as_ref().unwrap_or(before));
        } else {
            *taken_away = Some(field.text());
            field.set("");
        }
    }

    fn next_field(&self) -> Field {
        match self.field {
            Field::Stars => Field::Issues,
            Field::Issues => Field::Comment,
            Field::Comment => Field::Correction,
            Field::Correction => Field::Issues,
        }
    }

    fn previous_field(&self) -> Field {
        match self.field {
            Field::Stars | Field::Issues => Field::Stars,
            Field::Comment => Field::Issues,
            Field::Correction => Field::Comment,
        }
    }
}

/// What was saved, in words for the footer.
fn told(rating: &Rating) -> String {
    let mut parts = Vec::new();
    match rating.issues.as_deref().unwrap_or_default().len() {
        0 => {}
        1 => parts.push("1 issue".to_owned()),
        several => parts.push(format!("{several} issues")),
    }
    if rating.comment.as_ref().is_some_and(|comment| !comment.trim().is_empty()) {
        parts.push("a comment".into());
    }
    if rating.correction.is_some() {
        parts.push("the right answer".into());
    }
    let saved = format!("{} saved", stars(Some(rating.stars.get())));
    match parts.split_last() {
        None => saved,
        Some((last, [])) => format!("{saved}, with {last}"),
        Some((last, others)) => format!("{saved}, with {} and {last}", others.join(", ")),
    }
}

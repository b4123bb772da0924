//! One prompt, answered by two arms at the same time, blind if wanted.

use super::arms::{Side, choice};
use crate::driver::{Answered, AskTask, Effect, WorkEvent, WorkId};
use crate::store::{Message, Session, SessionId, plain_line};
use crate::tui::action::Action;
use crate::tui::answer::AnswerLines;
use crate::tui::layers::{FeedbackForm, Layer};
use crate::tui::pane::Context;
use crate::tui::widgets::{Piece, Scroll, differences};
use std::cell::OnceCell;

/// What two arms are asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// As it stands over the answers.
    pub(super) prompt: String,
    pub(super) messages: Vec<Message>,
    pub(super) retry_of: Option<SessionId>,
}

/// How far one answer is.
#[derive(Debug)]
pub(super) enum State {
    Waiting,
    Answering,
    Answered(Box<Answered>),
    Cancelled,
    Failed(String),
}

/// One answer on screen.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) arm: String,
    work: WorkId,
    pub(super) state: State,
    text: String,
    /// What is shown of the text, as it is laid out.
    pub(super) lines: AnswerLines,
    /// Where each piece of the text ends, in bytes.
    ends: Vec<usize>,
    pub(super) stars: Option<u8>,
    pub(super) scroll: Scroll,
}

impl Column {
    fn is_final(&self) -> bool {
        !matches!(self.state, State::Waiting | State::Answering)
    }

    fn event(&mut self, event: &WorkEvent) {
        match event {
            WorkEvent::Text(text) => {
                self.state = State::Answering;
                self.text.push_str(text);
                self.ends.push(self.text.len());
            }
            WorkEvent::Answered(answered) => {
                self.text.clone_from(&answered.text);
                self.state = State::Answered(answered.clone());
            }
            WorkEvent::Cancelled => self.state = State::Cancelled,
            WorkEvent::Failed(why) => self.state = State::Failed(plain_line(why)),
            _ => {}
        }
    }

    /// The session of an answer that can be rated.
    fn session(&self) -> Option<&SessionId> {
        match &self.state {
            State::Answered(answered) => Some(&answered.session),
            _ => None,
        }
    }
}

/// The two answers, and how they are shown.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) asked: Option<Asked>,
    columns: Option<[Column; 2]>,
    /// The next prompt is answered blind.
    pub(super) blind: bool,
    /// Which arm is which is hidden until both answers are rated.
    hidden: bool,
    /// The column that scrolls.
    focused: Option<Side>,
    /// What only one of them says is marked.
    marked: bool,
    /// Found once, when both are whole.
    differences: OnceCell<[Vec<Piece>; 2]>,
}

impl Answers {
    pub(super) fn columns(&self) -> Option<&[Column; 2]> {
        self.columns.as_ref()
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.hidden
    }

    pub(super) fn focused(&self) -> Side {
        self.focused.unwrap_or(Side::Left)
    }

    pub(super) fn is_answering(&self) -> bool {
        self.columns.iter().flatten().any(|column| !column.is_final())
    }

    pub(super) fn can_be_rated(&self) -> bool {
        !self.is_answering() && self.columns.iter().flatten().any(|c| c.session().is_some())
    }

    /// The name over a column.
    pub(super) fn title(&self, side: Side) -> &str {
        match &self.columns {
            Some(columns) if !self.hidden => &columns[side as usize].arm,
            _ => side.word(),
        }
    }

    /// Has both arms answer. While the sides are hidden, neither order nor pace tells which is which.
    pub(super) fn ask(&mut self, asked: Asked, pair: [String; 2], context: &mut Context) {
        self.cancel(context);
        let works = [context.new_work(), context.new_work()];
        let seed = mixed(works[0].0, &context.shared.now);
        let [a, b] = pair;
        let arms = if self.blind && seed & 1 == 1 { [b, a] } else { [a, b] };
        let mut works = works.into_iter();
        let columns = arms.map(|arm| {
            let work = works.next().unwrap_or(WorkId(0));
            let task = AskTask {
                messages: asked.messages.clone(),
                arm: choice(&arm),
                retry_of: asked.retry_of.clone(),
                follows: None,
                // The same for both, so that luck is shared.
                seed: Some(seed >> 32),
            };
            context.perform(Effect::Ask { work, task });
            Column {
                arm,
                work,
                state: State::Waiting,
                text: String::new(),
                lines: AnswerLines::default(),
                ends: Vec::new(),
                stars: None,
                scroll: Scroll::default(),
            }
        });
        self.columns = Some(columns);
        self.hidden = self.blind;
        if self.blind {
            // Also takes the place of a notice that says who was who in the pair before.
            context.say("The sides are dealt anew: nobody knows which arm is where.");
        }
        self.differences = OnceCell::new();
        self.asked = Some(asked);
    }

    pub(super) fn cancel(&mut self, context: &mut Context) {
        for column in self.columns.iter().flatten().filter(|column| !column.is_final()) {
            context.perform(Effect::Cancel(column.work));
        }
    }

    pub(super) fn event(&mut self, work: WorkId, event: &WorkEvent) {
        if let Some(column) = self.columns.iter_mut().flatten().find(|c| c.work == work) {
            column.event(event);
            // What cannot be rated cannot be kept hidden until it is.
            if column.is_final() && column.session().is_none() {
                self.hidden = false;
            }
        }
    }

    /// Marks what only one of them says, or no longer.
    pub(super) fn mark_differences(&mut self, context: &mut Context) {
        self.marked = !self.marked;
        if self.marked && self.is_answering() {
            context.say("The differences are marked when both answers are whole.");
        }
    }

    /// An answer in pieces, where differences are to be marked and both are whole.
    pub(super) fn pieces(&self, side: Side) -> Option<&[Piece]> {
        let whole = Side::BOTH.iter().all(|side| self.seems_ended(*side));
        if !self.marked || !whole {
            return None;
        }
        let [left, right] = Side::BOTH.map(|side| self.shown(side));
        Some(&self.differences.get_or_init(|| differences(left, right))[side as usize])
    }

    /// One of two hidden answers is rated: whatever the ratings say now tells which arm it was.
    pub(super) fn is_half_rated(&self) -> bool {
        self.hidden && self.columns.iter().flatten().any(|column| column.stars.is_some())
    }

    /// What was asked, while nobody is to know who answered what.
    pub(super) fn hidden_task(&self) -> Option<String> {
        let asked = self.asked.as_ref().filter(|_| self.hidden)?;
        Some(asked.prompt.clone())
    }

    /// A rating is on disk.
    pub(super) fn rated(&mut self, session: &Session, context: &mut Context) {
        let Some(columns) = &mut self.columns else { return };
        for column in columns.iter_mut() {
            if column.session() == Some(&session.session_id) {
                column.stars = session.metadata.user_rating.map(|stars| stars.get());
            }
        }
        if self.hidden && columns.iter().all(|column| column.stars.is_some()) {
            self.hidden = false;
            let [left, right] = columns;
            context.say(format!("Left was {}, right was {}.", left.arm, right.arm));
        }
    }

    /// Opens the forms for the answers without a rating, or for both: the left one on top.
    pub(super) fn rate(&self, context: &mut Context) {
        let all_rated = self.columns.iter().flatten().all(|column| column.stars.is_some());
        for side in Side::BOTH.into_iter().rev() {
            let Some(column) = self.columns.as_ref().map(|columns| &columns[side as usize]) else {
                return;
            };
            if let Some(session) = column.session().filter(|_| all_rated || column.stars.is_none())
            {
                let which = match side {
                    Side::Left => "the answer on the left",
                    Side::Right => "the answer on the right",
                };
                let form = FeedbackForm::new(session.clone(), &column.text).about(which);
                context.push(Layer::Feedback(form));
            }
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Left => self.focused = Some(Side::Left),
            Action::Right => self.focused = Some(Side::Right),
            action => {
                self.scroll(self.focused(), action);
            }
        }
    }

    /// Scrolls one of the answers.
    pub(super) fn scroll(&mut self, side: Side, action: Action) {
        if let Some(columns) = &mut self.columns {
            columns[side as usize].scroll.act(action);
        }
    }

    /// As much of an answer as is shown: all of it, or while the sides are hidden as many pieces as the
    /// other has, so that the pace says nothing.
    pub(super) fn shown(&self, side: Side) -> &str {
        let Some(columns) = &self.columns else { return "" };
        let (own, other) = (&columns[side as usize], &columns[1 - side as usize]);
        if !self.hidden || other.is_final() {
            return &own.text;
        }
        let end = match other.ends.len().min(own.ends.len()) {
            0 => 0,
            pieces => own.ends.get(pieces - 1).copied().unwrap_or_default(),
        };
        own.text.get(..end).unwrap_or_default()
    }

    /// Whether a column is shown as ended.
    pub(super) fn seems_ended(&self, side: Side) -> bool {
        let Some(columns) = &self.columns else { return false };
        let (own, other) = (&columns[side as usize], &columns[1 - side as usize]);
        own.is_final() && (!self.hidden || other.is_final() || other.ends.len() > own.ends.len())
    }

    /// Both answers as text.
    pub(super) fn text(&self) -> Option<String> {
        let asked = self.asked.as_ref()?;
        self.columns.as_ref()?;
        let mut text = format!("{}\n", asked.prompt.trim_end());
        for side in Side::BOTH {
            text.push_str(&format!(
                "\n--- {}\n{}\n",
                self.title(side),
                self.shown(side).trim_end()
            ));
        }
        Some(text)
    }
}

/// Bits that look random and are the same for the same work at the same time (the finaliser of
/// SplitMix64: Steele, Lea and Flood 2014).
fn mixed(work: u64, now: &jiff::Zoned) -> u64 {
    let mut bits = work ^ now.timestamp().as_nanosecond() as u64;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

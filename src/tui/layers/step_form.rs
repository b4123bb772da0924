//! What a person says of one step of a task that was carried out: stars, and the action that would have
//! been right. Owns what is entered; what is on disk it knows from reports alone.

use super::Stay;
use crate::driver::{Effect, Report};
use crate::feedback::StepRating;
use crate::store::{Session, SessionId, Stars, plain, plain_line};
use crate::tui::action::{Action, Scope};
use crate::tui::keymap::Keymap;
use crate::tui::pane::{Context, Shared};
use crate::tui::widgets::{TextField, dialog, elide, stars, wrap};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use std::collections::VecDeque;

/// Fewer stars than this ask for the right action.
const GOOD: u8 = 4;
/// Columns of the frame and the margins inside it, and its rows.
const FRAME: (u16, u16) = (4, 2);
/// Rows of the action while it is written.
const FIELD: u16 = 6;

/// Rates one step.
#[derive(Debug)]
pub struct StepForm {
    session: SessionId,
    step: u64,
    /// What was done, in one line, safe to show.
    done: String,
    /// On disk, or being saved.
    stars: Option<Stars>,
    /// The right action is written, not the stars given. Boxed: text fields are large.
    writing: bool,
    field: Box<TextField>,
    /// What stood in the field before anybody typed.
    began: String,
    /// What stood in the field before it was emptied.
    taken_away: String,
    /// On their way to disk, oldest first; the desk saves them in this order.
    asked: VecDeque<StepRating>,
    /// Why the last one is not saved.
    trouble: Option<String>,
    /// Goes as soon as everything asked for is on disk.
    closing: bool,
    /// Esc was pressed over a text that is not saved.
    warned: bool,
}

impl StepForm {
    /// `done` and `editable` are what was done: in one line, and as the person may change it.
    pub fn new(session: &Session, step: u64, done: &str, editable: &str, writing: bool) -> Self {
        let said = session.step_feedback(step);
        let began = plain(said.and_then(|said| said.correction.as_deref()).unwrap_or(editable));
        let mut field = Box::new(TextField::several_lines());
        field.set(&began);
        Self {
            session: session.session_id.clone(),
            step,
            done: plain_line(done),
            stars: said.and_then(|said| said.stars),
            writing,
            field,
            taken_away: began.clone(),
            began,
            asked: VecDeque::new(),
            trouble: None,
            closing: false,
            warned: false,
        }
    }

    pub fn scope(&self) -> Scope {
        if self.writing { Scope::StepText } else { Scope::StepStars }
    }

    pub fn applies(&self, action: Action) -> bool {
        match action {
            Action::Back => true,
            _ if self.closing => false,
            Action::Confirm => self.writing && !self.field.is_empty(),
            _ => true,
        }
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        if action != Action::Back {
            self.warned = false;
        }
        match action {
            Action::Stars(number) => {
                let Ok(stars) = Stars::try_from(i64::from(number)) else { return Stay::Open };
                self.stars = Some(stars);
                self.ask(Some(stars), None, context);
                self.writing = number < GOOD;
                self.closing = !self.writing;
            }
            Action::NextField => self.writing = true,
            Action::PreviousField => self.writing = false,
            Action::ClearText => {
                let text = match self.field.is_empty() {
                    true => std::mem::take(&mut self.taken_away),
                    false => {
                        self.taken_away = self.field.text();
                        String::new()
                    }
                };
                self.field.set(&text);
            }
            Action::Confirm if !self.is_changed() => {
                let key = context.shared.keymap.key("leave-right-action");
                self.trouble =
                    Some(format!("this is what stood there: change it, or {key} leaves it"));
            }
            Action::Confirm => {
                let text = self.field.text().trim().to_owned();
                self.ask(None, Some(text), context);
                self.closing = true;
            }
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
        if self.writing && !self.closing {
            self.warned = false;
            self.trouble = None;
            self.field.type_key(key);
        }
    }

    pub fn paste(&mut self, text: &str) {
        if self.writing && !self.closing {
            self.warned = false;
            self.field.paste(text);
        }
    }

    pub fn report(&mut self, report: &Report, context: &mut Context) -> Stay {
        match report {
            Report::Rated(session) if session.session_id == self.session => {
                let said = session.step_feedback(self.step);
                // Not ours: a rating of the whole, or from elsewhere.
                let stands = self.asked.front().is_some_and(|asked| {
                    said.is_some_and(|said| {
                        asked.stars.is_none_or(|stars| said.stars == Some(stars))
                            && (asked.correction.is_none() || said.correction.is_some())
                    })
                });
                if !stands {
                    return Stay::Open;
                }
                let saved = self.asked.pop_front();
                if !self.closing || !self.asked.is_empty() {
                    return Stay::Open;
                }
                let step = self.step;
                match saved.and_then(|saved| saved.correction) {
                    Some(_) => context.say(format!("the right action for step {step} is saved")),
                    None => {
                        let given = stars(self.stars.map(Stars::get));
                        context.say(format!("{given} saved for step {step}"));
                    }
                }
                Stay::Closed
            }
            Report::RatingFailed { session, why }
                if *session == self.session && self.asked.pop_front().is_some() =>
            {
                self.trouble = Some(plain_line(why));
                self.closing = false;
                Stay::Open
            }
            _ => Stay::Open,
        }
    }

    fn ask(&mut self, stars: Option<Stars>, correction: Option<String>, context: &mut Context) {
        self.trouble = None;
        let rating = StepRating { step: self.step, stars, correction };
        self.asked.push_back(rating.clone());
        context.perform(Effect::RateStep { session: self.session.clone(), rating });
    }

    fn is_changed(&self) -> bool {
        self.field.text().trim() != self.began.trim()
    }

    /// Goes, but not at once with a text that took somebody's time.
    fn leave(&mut self, context: &mut Context) -> Stay {
        let unsaved = !self.closing && self.writing && self.is_changed();
        if unsaved && !self.warned && !self.field.is_empty() {
            self.warned = true;
            return Stay::Open;
        }
        if !self.asked.is_empty() && self.closing && !self.warned {
            self.warned = true;
            return Stay::Open;
        }
        if !self.asked.is_empty() && self.closing {
            context.complain("left before it was saved; the session shows what is on disk");
        }
        Stay::Closed
    }

    /// Rows that the form takes of `area`.
    pub fn height(&self, area: Rect, keymap: &Keymap) -> u16 {
        let width = area.width.saturating_sub(FRAME.0);
        let rows = match self.writing {
            true => (self.field.rows(width).min(usize::from(FIELD)) as u16).max(2) + 1,
            false => 1,
        };
        let words = self.words(width, keymap).map_or(0, |(words, _)| words.len() as u16);
        (FRAME.1 + 2 + rows + words).min(area.height)
    }

    /// What has to be said; true when something is wrong.
    fn words(&self, width: u16, keymap: &Keymap) -> Option<(Vec<String>, bool)> {
        let (words, wrong) = match (&self.trouble, self.warned) {
            (_, true) if self.closing => {
                (keymap.tell("It is being saved; <leave-right-action> again leaves."), false)
            }
            (_, true) => {
                let words = "What you wrote is not saved: <save-right-action> saves it, <leave-right-action> again lets it go.";
                (keymap.tell(words), false)
            }
            (Some(why), false) => (format!("Not saved: {why}."), true),
            (None, false) => return None,
        };
        let mut rows = wrap(&words, usize::from(width));
        rows.truncate(3);
        Some((rows, wrong))
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let height = self.height(area, &shared.keymap);
        let place = Rect { y: area.y + area.height.saturating_sub(height), height, ..area };
        let title = match self.writing {
            true => format!("Step {}: what should have been done?", self.step),
            false => format!("How good was step {}?", self.step),
        };
        let inner = dialog(frame, place, &title, (area.width, height), theme);
        let words = self.words(inner.width, &shared.keymap);
        let [done, _, body, below] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(words.as_ref().map_or(0, |(words, _)| words.len() as u16)),
        ])
        .areas(inner);
        let width = usize::from(inner.width);
        let line = Line::from(vec![
            Span::styled("done  ", theme.dim),
            Span::raw(elide(&self.done, width.saturating_sub(6))),
        ]);
        frame.render_widget(line, done);
        match self.writing {
            true => {
                let [field, hint] =
                    Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(body);
                self.field.draw(frame, field, true, theme);
                let words = "A command alone is enough where one was run; else the action as JSON.";
                frame.render_widget(Line::styled(elide(words, width), theme.dim), hint);
            }
            false => self.draw_stars(frame, body, shared),
        }
        if let Some((words, wrong)) = words {
            let style = if wrong { theme.bad } else { theme.warning };
            let lines: Vec<Line> =
                words.into_iter().map(|words| Line::styled(words, style)).collect();
            frame.render_widget(Paragraph::new(lines), below);
        }
    }

    fn draw_stars(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let column = usize::from(area.width / 5);
        let mut spans = Vec::new();
        for number in 1..=5 {
            let present = self.stars.is_some_and(|stars| stars.get() == number);
            let style = if present { theme.stars.patch(theme.selected) } else { theme.stars };
            let key = shared.keymap.key_in(Scope::StepStars, Action::Stars(number));
            let x = area.x.saturating_add((usize::from(number - 1) * column) as u16);
            let target = Rect { x, width: column as u16, height: area.height.min(1), ..area };
            shared.hits.act(target, Action::Stars(number));
            spans.push(Span::styled(format!("{key} "), theme.accent));
            spans.push(Span::styled(stars(Some(number)), style));
            spans.push(Span::raw(" ".repeat(column.saturating_sub(7))));
        }
        frame.render_widget(Line::from(spans), area);
    }
}

//! One session in full, as text to scroll: its turns or its steps, the answer, what was said about it, and
//! how it came about.

use super::acted;
use super::steps::Steps;
use crate::store::{Iteration, Outcome, RatingEntry, Record, Role, Session, plain, plain_line};
use crate::tui::answer::{MadeFor, Reading, answer_lines};
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, stars, wrap};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::cell::RefCell;

/// Longer texts are shown up to here (characters): nobody reads more on a screen, and wrapping them
/// would be felt. The file has all of it.
const LONGEST: usize = 60_000;
/// Lines are no longer than is comfortable to read (columns).
const WIDEST: usize = 100;
/// Columns of the names in the details.
const NAMES: usize = 13;
/// Columns before what a rating changed: under its time.
const HISTORY: usize = 9;
/// Characters of a comment or a right answer in the history of ratings.
const EXCERPT: usize = 160;

/// A session that is open, and how far it is scrolled.
#[derive(Debug)]
pub struct Detail {
    pub session: Session,
    pub scroll: Scroll,
    /// The selected step of a task that was carried out, from 0.
    step: usize,
    /// Nobody is to know who answered, nor how fast.
    hidden: bool,
    /// Wrapping is done once, not with every frame.
    wrapped: RefCell<Option<Wrapped>>,
}

/// The lines for a width and a theme.
#[derive(Debug)]
struct Wrapped {
    made_for: MadeFor,
    lines: Vec<Line<'static>>,
    /// Where each step begins.
    steps: Vec<usize>,
}

impl Detail {
    pub fn new(session: Session) -> Self {
        let (scroll, wrapped) = (Scroll::at_top(), RefCell::default());
        Self { session, scroll, step: 0, hidden: false, wrapped }
    }

    /// The same session as it stands now; what is being read stays in place.
    pub fn update(&mut self, session: Session) {
        self.session = session;
        self.wrapped = RefCell::default();
    }

    /// Hides who answered, or no longer.
    pub fn hide(&mut self, hidden: bool) {
        if self.hidden != hidden {
            self.hidden = hidden;
            self.wrapped = RefCell::default();
        }
    }

    /// The number of the selected step, from 1; none where there are no steps to say something of.
    pub fn step(&self) -> Option<usize> {
        acted::has_steps(&self.session).then_some(self.step + 1)
    }

    /// Selects the step before or after, and brings it into sight.
    pub fn go_to_step(&mut self, forth: bool, reading: Reading) {
        let last = self.session.iterations.len().saturating_sub(1);
        let wanted = if forth { self.step + 1 } else { self.step.saturating_sub(1) };
        self.step = wanted.min(last);
        let width = self.wrapped.take().map_or(WIDEST, |wrapped| wrapped.made_for.width);
        let wrapped = self.wrap(width, reading);
        if let Some(line) = wrapped.steps.get(self.step) {
            // With the line above it: that there is something before is seen.
            self.scroll.go_to(line.saturating_sub(1), wrapped.lines.len());
        }
        self.wrapped = RefCell::new(Some(wrapped));
    }

    fn wrap(&self, width: usize, reading: Reading) -> Wrapped {
        let selected = self.step().map(|step| step - 1);
        let text = Text::of(&self.session, selected, self.hidden, width, reading);
        Wrapped { made_for: MadeFor::new(width, reading), lines: text.lines, steps: text.steps }
    }

    /// Its turns and its answer alone, in `width` columns.
    pub fn parts(session: &Session, width: usize, reading: Reading) -> Parts {
        let width = width.min(WIDEST);
        let part = |fill: &dyn Fn(&mut Text)| {
            let mut text = Text::empty(width, reading);
            fill(&mut text);
            text.lines
        };
        Parts {
            asked: part(&|text| text.turns(session)),
            given: part(&|text| {
                text.steps(session, None);
                text.answer(session);
            }),
        }
    }

    /// A titled text, as the parts are.
    pub fn part(
        title: &'static str,
        words: &str,
        width: usize,
        theme: &Theme,
    ) -> Vec<Line<'static>> {
        let mut text = Text::empty(width.min(WIDEST), Reading { theme, raw: true });
        text.part(title, words, theme.person);
        text.lines
    }

    /// The answer as it may be shown or copied.
    pub fn answer(&self) -> Option<String> {
        self.session.answer().map(plain)
    }

    /// The visible lines of the whole in `width` columns and `height` rows.
    pub fn visible(&self, width: usize, height: usize, reading: Reading) -> Vec<Line<'static>> {
        let width = width.min(WIDEST);
        let mut wrapped = self.wrapped.borrow_mut();
        let fits = wrapped.as_ref().is_some_and(|wrapped| wrapped.made_for.is(width, reading));
        if !fits {
            *wrapped = Some(self.wrap(width, reading));
        }
        let lines = wrapped.as_ref().map(|wrapped| wrapped.lines.as_slice()).unwrap_or_default();
        let first = self.scroll.first(lines.len(), height);
        lines.iter().skip(first).take(height).cloned().collect()
    }
}

/// What was asked and what was answered, as lines.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    pub asked: Vec<Line<'static>>,
    pub given: Vec<Line<'static>>,
}

/// The parts for the widths last drawn: wrapping is done once, not with every frame.
#[derive(Debug, Default)]
pub struct Lines(RefCell<Vec<(MadeFor, Parts)>>);

impl Lines {
    /// As made for this width before, or made now.
    pub fn of(&self, width: usize, reading: Reading, make: impl FnOnce() -> Parts) -> Parts {
        let mut made = self.0.borrow_mut();
        if let Some((_, parts)) = made.iter().find(|(present, _)| present.is(width, reading)) {
            return parts.clone();
        }
        let parts = make();
        // Two columns have two widths; those of a screen that was resized go.
        if made.len() == 2 {
            made.remove(0);
        }
        made.push((MadeFor::new(width, reading), parts.clone()));
        parts
    }
}

/// Lines as they are put together.
pub(super) struct Text<'t> {
    pub lines: Vec<Line<'static>>,
    /// Where each step of a task that was carried out begins.
    pub steps: Vec<usize>,
    pub width: usize,
    pub theme: &'t Theme,
    /// Answers are shown as they are.
    raw: bool,
}

impl<'t> Text<'t> {
    fn empty(width: usize, reading: Reading<'t>) -> Self {
        let Reading { theme, raw } = reading;
        Self { lines: Vec::new(), steps: Vec::new(), width, theme, raw }
    }

    /// With the step selected that is `selected`, from 0.
    fn of(
        session: &Session,
        selected: Option<usize>,
        hidden: bool,
        width: usize,
        reading: Reading<'t>,
    ) -> Self {
        let mut text = Self::empty(width, reading);
        text.turns(session);
        text.steps(session, selected);
        text.answer(session);
        text.demonstration(session);
        text.feedback(session);
        text.details(session, hidden);
        while text.lines.last().is_some_and(|line| line.width() == 0) {
            text.lines.pop();
        }
        text
    }

    /// What was asked, with the turns before it.
    fn turns(&mut self, session: &Session) {
        let theme = self.theme;
        if session.is_act() {
            // The turns are what the steps tell.
            return self.part("Task", &session.metadata.task, theme.person);
        }
        for turn in session.prompt() {
            let (title, style) = match turn.role {
                Role::System => ("System", theme.dim),
                Role::User => ("You", theme.person),
                Role::Assistant => {
                    self.said("Model", &turn.content);
                    continue;
                }
                Role::Tool => ("Tool", theme.dim),
            };
            self.part(title, &turn.content, style);
        }
    }

    fn answer(&mut self, session: &Session) {
        let answer = match session.is_act() {
            // What was said in a step is its action.
            true => session.kaizen.as_ref().and_then(|record| record.answer.as_deref()),
            false => session.answer(),
        };
        match answer {
            Some(answer) if answer.trim().is_empty() => {
                self.part("Answer", "(empty)", self.theme.dim);
            }
            Some(answer) => self.said("Answer", answer),
            None => self.part("Answer", "There is none.", self.theme.dim),
        }
    }

    pub fn title(&mut self, title: &'static str) {
        self.lines.push(Line::styled(title, self.theme.accent));
    }

    pub fn part(&mut self, title: &'static str, words: &str, style: Style) {
        self.title(title);
        self.words(words, style);
        self.lines.push(Line::default());
    }

    /// What the model said, with its Markdown laid out unless it is to be seen as it is.
    fn said(&mut self, title: &'static str, words: &str) {
        self.title(title);
        let reading = Reading { theme: self.theme, raw: self.raw };
        self.beginning(words, |shown, width| answer_lines(shown, width, reading));
        self.lines.push(Line::default());
    }

    fn words(&mut self, words: &str, style: Style) {
        self.beginning(words, |shown, width| {
            wrap(shown, width).into_iter().map(|line| Line::styled(line, style)).collect()
        });
    }

    /// As much of a text as is shown, laid out, and how much more there is.
    fn beginning(&mut self, words: &str, lay_out: impl FnOnce(&str, usize) -> Vec<Line<'static>>) {
        let end = words.char_indices().nth(LONGEST).map(|(place, _)| place);
        let shown = plain(words.get(..end.unwrap_or(words.len())).unwrap_or(words));
        for mut line in lay_out(shown.trim_end(), self.width.saturating_sub(2)) {
            line.spans.insert(0, Span::raw("  "));
            self.lines.push(line);
        }
        if let Some(end) = end {
            let more = words.get(end..).unwrap_or_default().chars().count();
            let note = format!("  … and {more} more characters, in the session's file");
            self.lines.push(Line::styled(note, self.theme.dim));
        }
    }

    /// The steps of a session that took several, or used tools.
    fn steps(&mut self, session: &Session, selected: Option<usize>) {
        if session.is_act() {
            return Steps { session, selected }.add_to(self);
        }
        self.logged_steps(&session.iterations);
    }

    fn logged_steps(&mut self, steps: &[Iteration]) {
        let telling = steps.len() > 1
            || steps.iter().any(|step| !step.tool_results.is_empty() || !step.errors.is_empty());
        if !telling {
            return;
        }
        self.title("Steps");
        for step in steps {
            let number = format!("  {}", step.iteration_number);
            self.lines.push(Line::styled(number, self.theme.warning));
            for result in &step.tool_results {
                self.words(&as_text(result), self.theme.dim);
            }
            if let Some(said) = &step.grok_response {
                self.words(said, self.theme.text);
            }
            for error in &step.errors {
                self.words(&as_text(error), self.theme.bad);
            }
        }
        self.lines.push(Line::default());
    }

    fn feedback(&mut self, session: &Session) {
        let metadata = &session.metadata;
        let record = session.kaizen.as_ref();
        if let Some(correction) = record.and_then(|record| record.correction.as_ref()) {
            self.part("Right answer", &correction.answer, self.theme.person);
        } else if let Some(better) = record.and_then(|record| record.better.as_ref()) {
            self.part("Better answer, chosen by you", &better.answer, self.theme.person);
        }
        if let Some(comment) = &metadata.feedback_comment {
            self.part("Comment", comment, self.theme.person);
        }
        if !metadata.what_went_wrong.is_empty() {
            let words: Vec<&str> =
                metadata.what_went_wrong.iter().map(|issue| issue.words()).collect();
            self.part("Went wrong", &words.join(", "), self.theme.text);
        }
        let ratings = record.map(|record| record.ratings.as_slice()).unwrap_or_default();
        if ratings.len() > 1 {
            self.title("Ratings so far");
            let mut before = None;
            for rating in ratings {
                let at = rating.at.map_or("before it came here".into(), |at| {
                    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
                });
                let given = stars(rating.stars.map(|stars| stars.get()));
                self.lines.push(Line::from(vec![
                    Span::styled(format!("  {given}  "), self.theme.stars),
                    Span::styled(at, self.theme.dim),
                ]));
                for change in changes(before, rating) {
                    let room = self.width.saturating_sub(HISTORY);
                    for line in wrap(&change, room) {
                        self.lines.push(Line::raw(format!("{:HISTORY$}{line}", "")));
                    }
                }
                before = Some(rating);
            }
            self.lines.push(Line::default());
        }
    }

    fn details(&mut self, session: &Session, hidden: bool) {
        self.title("Details");
        let metadata = &session.metadata;
        if let Some(started) = session.started() {
            self.detail("began", &started.strftime("%Y-%m-%d %H:%M:%S").to_string());
        }
        let adapter = metadata.lora_version.as_deref();
        match session.kaizen.as_ref() {
            Some(_) if hidden => self.detail("arm", "hidden until both answers are rated"),
            Some(record) if !session.is_imported() => {
                self.record(record, session.is_blind());
                if record.arm.as_deref() != adapter {
                    self.optional("adapter", adapter);
                }
            }
            other => {
                self.optional("adapter", adapter);
                if let Some(from) = other.and_then(|record| record.imported_from.as_ref()) {
                    self.detail("imported", &from.path);
                }
            }
        }
        self.optional("model", metadata.model.as_deref());
        self.detail("session", session.session_id.as_str());
    }

    fn record(&mut self, record: &Record, blind: bool) {
        if blind {
            self.detail("arm", "drawn among several, and hidden until you rate");
        } else if let Some(arm) = &record.arm {
            let chance = record.arm_probability.filter(|chance| *chance < 1.0);
            let chance = chance.map(|chance| format!(", with probability {chance:.2}"));
            self.detail("arm", &format!("{arm}{}", chance.unwrap_or_default()));
        }
        if let Some(act) = &record.act {
            self.detail("folder", &act.workspace);
        }
        let ended = record.act.as_ref().and_then(|act| act.ended);
        match &record.outcome {
            Some(Outcome::Failed { error }) => self.detail("ended", &format!("failed: {error}")),
            Some(Outcome::Running) => self.detail("ended", "not yet, or its program was killed"),
            Some(outcome) => {
                self.detail("ended", ended.map_or(outcome.as_str(), |ended| ended.words()));
            }
            None => {}
        }
        let tokens = [
            record.prompt_tokens.map(|tokens| format!("{tokens} asked")),
            record.answer_tokens.map(|tokens| format!("{tokens} answered")),
            record.tokens_per_second.map(|speed| format!("{speed:.1} a second")),
            record.duration_seconds.map(|seconds| format!("{seconds:.1} s in all")),
        ];
        self.list("tokens", tokens);
        if let Some(generation) = &record.generation {
            let settings = [
                generation.temperature.map(|value| match value {
                    0.0 => "greedy".to_owned(),
                    value => format!("temperature {value}"),
                }),
                generation.top_p.map(|value| format!("top-p {value}")),
                generation.min_p.map(|value| format!("min-p {value}")),
                generation.repetition_penalty.map(|value| format!("repetition penalty {value}")),
                generation.seed.map(|value| format!("seed {value}")),
            ];
            self.list("sampling", settings);
        }
        if let Some(other) = &record.retry_of {
            self.detail("again after", other.as_str());
        }
    }

    fn list<const N: usize>(&mut self, name: &str, parts: [Option<String>; N]) {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if !parts.is_empty() {
            self.detail(name, &parts.join(", "));
        }
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.detail(name, value);
        }
    }

    fn detail(&mut self, name: &str, value: &str) {
        let room = self.width.saturating_sub(NAMES + 2);
        for (row, line) in wrap(&plain_line(value), room).into_iter().enumerate() {
            let name = if row == 0 { name } else { "" };
            self.lines.push(Line::from(vec![
                Span::styled(format!("  {name:<NAMES$}"), self.theme.dim),
                Span::raw(line),
            ]));
        }
    }
}

/// What a rating said otherwise than the one before it, in words.
fn changes(before: Option<&RatingEntry>, now: &RatingEntry) -> Vec<String> {
    let mut told = Vec::new();
    let issues = |rating: &RatingEntry| {
        rating.issues.iter().map(|issue| plain_line(issue.words())).collect::<Vec<_>>().join(", ")
    };
    if before.map_or(!now.issues.is_empty(), |before| before.issues != now.issues) {
        told.push(match issues(now) {
            none if none.is_empty() => "nothing went wrong any more".into(),
            some => format!("went wrong: {some}"),
        });
    }
    let mut text = |name: &str, before: Option<&String>, now: Option<&String>| {
        if before != now {
            told.push(match now {
                Some(text) => format!("{name}: {}", plain_line(&start_of(text))),
                None => format!("no {name} any more"),
            });
        }
    };
    let comment = |rating: &RatingEntry| rating.comment.clone();
    text("comment", before.and_then(comment).as_ref(), now.comment.as_ref());
    let correction = |rating: &RatingEntry| rating.correction.clone();
    text("right answer", before.and_then(correction).as_ref(), now.correction.as_ref());
    told
}

/// Enough of a text to tell it from another.
fn start_of(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// What a tool returned, or what went wrong, as its step recorded it.
fn as_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

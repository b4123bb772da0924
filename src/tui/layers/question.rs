//! A question with few answers, asked before something that cannot be taken back.

use super::Stay;
use crate::driver::Effect;
use crate::report::TakenOut;
use crate::tui::action::Action;
use crate::tui::pane::{Context, Shared, TerminalEffect};
use crate::tui::widgets::{dialog, wrap};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use std::path::PathBuf;
use std::sync::Arc;

/// Columns of the box.
const WIDTH: u16 = 62;

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum QuestionAbout {
    /// Quitting while a run trains.
    QuitWhileTraining { run: String, step: usize, steps: usize },
    /// Quitting while something else goes on.
    QuitWhileWorking,
    /// Quitting with texts that are not saved.
    QuitUnsaved,
    /// Stopping a run for good.
    StopTraining { run: String, paused: bool },
    /// Starting long work: what will happen.
    StartWork(String),
    /// Stopping work that can be gone on with.
    StopWork(String),
    /// Writing over a file of the person's.
    ReplaceFile { what: Arc<TakenOut>, path: PathBuf, shown: String },
    /// Changing who answers: what will be, and all that is known.
    Route { order: RouteOrder, words: String },
}

/// A change of who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteOrder {
    Promote(String),
    Canary(String),
    RollBack,
}

impl RouteOrder {
    fn effect(&self) -> Effect {
        match self {
            Self::Promote(arm) => Effect::Promote(arm.clone()),
            Self::Canary(arm) => Effect::Canary(arm.clone()),
            Self::RollBack => Effect::RollBack,
        }
    }
}

/// The question on screen.
#[derive(Debug)]
pub struct Question {
    about: QuestionAbout,
}

impl Question {
    pub fn new(about: QuestionAbout) -> Self {
        Self { about }
    }

    pub fn applies(&self, action: Action) -> bool {
        match (&self.about, action) {
            (_, Action::No) => true,
            (
                QuestionAbout::QuitWhileTraining { .. },
                Action::GoOnLater | Action::GoOnInBackground | Action::Stop,
            ) => true,
            (QuestionAbout::QuitWhileTraining { .. }, Action::Yes) => false,
            (_, Action::Yes) => true,
            _ => false,
        }
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        match (&self.about, action) {
            (QuestionAbout::QuitWhileTraining { .. }, Action::GoOnLater)
            | (QuestionAbout::QuitWhileWorking | QuestionAbout::QuitUnsaved, Action::Yes) => {
                context.terminal(TerminalEffect::Quit);
                Stay::Closed
            }
            (QuestionAbout::QuitWhileTraining { run, .. }, Action::GoOnInBackground) => {
                // Quitting follows when the other process says that it works.
                context.perform(Effect::LeaveTraining(run.clone()));
                context
                    .say("the run goes over to a process of its own; Kaizen ends when that works");
                Stay::Closed
            }
            (QuestionAbout::QuitWhileTraining { run, .. }, Action::Stop) => {
                context.perform(Effect::AbandonRun(run.clone()));
                context.terminal(TerminalEffect::Quit);
                Stay::Closed
            }
            (QuestionAbout::Route { order, .. }, Action::Yes) => {
                context.perform(order.effect());
                Stay::Closed
            }
            (QuestionAbout::ReplaceFile { what, path, .. }, Action::Yes) => {
                let (what, path) = (what.clone(), path.clone());
                context.perform(Effect::Export { what, path, replace: true });
                Stay::Closed
            }
            (
                QuestionAbout::StopTraining { .. }
                | QuestionAbout::StartWork(_)
                | QuestionAbout::StopWork(_),
                Action::Yes,
            ) => Stay::ClosedThen(Action::Yes),
            (_, Action::No) => Stay::Closed,
            _ => Stay::Open,
        }
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let keymap = &shared.keymap;
        let key = |name: &str| keymap.key(name);
        let (yes, no) = (key("yes"), key("no"));
        // The last of its keys leads back everywhere.
        let back = keymap.last_key("no");
        let words = match &self.about {
            QuestionAbout::QuitWhileTraining { run, step, steps } => format!(
                "{run} is training: step {step} of {steps}.\n\nQuit and let it go on in the background ({background}), quit and go on with it next time ({later}), or stop it for good ({stop})?\n{back} stays here.",
                background = key("go-on-in-background"),
                later = key("go-on-later"),
                stop = key("stop-for-good"),
            ),
            QuestionAbout::QuitWhileWorking => {
                keymap.tell("The model is still at work.\n\nQuit all the same (<yes>), or stay (<no>)? What is written so far is kept.")
            }
            QuestionAbout::QuitUnsaved => {
                keymap.tell("What you wrote in Sessions is not saved.\n\nQuit all the same and let it go (<yes>), or stay (<no>)?")
            }
            QuestionAbout::StopTraining { run, paused: false } => format!(
                "Stop {run} for good?\n\nIts curve stays, no adapter comes of it; {pause} would pause it instead.\n\n{yes} stops it, {no} lets it train.",
                pause = key("pause"),
            ),
            QuestionAbout::StopTraining { run, paused: true } => format!(
                "Give {run} up for good?\n\nIts curve stays, no adapter comes of it; {pause} would go on with it.\n\n{yes} gives it up, {no} leaves it paused.",
                pause = key("pause"),
            ),
            QuestionAbout::StartWork(words) => format!("{words}\n\n{yes} starts it, {no} leaves it."),
            QuestionAbout::Route { words, .. } => {
                format!("{words}\n\n{yes} does it, {no} leaves all as it is.")
            }
            QuestionAbout::ReplaceFile { shown, .. } => format!(
                "{shown} is there already.\n\nReplace it?\n\n{yes} writes over it, {no} leaves it: {export} asks for another name.",
                export = key("export"),
            ),
            QuestionAbout::StopWork(what) => format!(
                "Stop {what}?\n\nWhat it has done so far is kept: it can be gone on with ({resume}), also after you quit.\n\n{yes} stops it, {no} lets it go on.",
                resume = key("resume"),
            ),
        };
        // As wide as the room inside, so that all of it is seen.
        let lines = wrap(&words, usize::from((WIDTH - 4).min(area.width.saturating_sub(4))));
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).max(8);
        let inner = dialog(frame, area, "A question", (WIDTH, height), &shared.theme);
        let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines), inner);
    }
}

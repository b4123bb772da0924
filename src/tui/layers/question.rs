//! A question with few answers, asked before something that cannot be taken back.

use super::Stay;
use crate::tui::action::Action;
use crate::tui::pane::{Context, Shared, TerminalEffect};
use crate::tui::widgets::dialog;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionAbout {
    /// Quitting while a run trains.
    QuitWhileTraining { run: String, step: usize, steps: usize },
    /// Quitting while something else goes on.
    QuitWhileWorking,
    /// Stopping a run for good.
    StopTraining { run: String },
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
            (QuestionAbout::QuitWhileTraining { .. }, Action::GoOnLater | Action::Stop) => true,
            (QuestionAbout::QuitWhileTraining { .. }, Action::Yes) => false,
            (_, Action::Yes) => true,
            _ => false,
        }
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        match (&self.about, action) {
            (QuestionAbout::QuitWhileTraining { .. }, Action::GoOnLater)
            | (QuestionAbout::QuitWhileWorking, Action::Yes) => {
                context.terminal(TerminalEffect::Quit);
                Stay::Closed
            }
            (QuestionAbout::QuitWhileTraining { run, .. }, Action::Stop) => {
                context.perform(crate::driver::Effect::AbandonRun(run.clone()));
                context.terminal(TerminalEffect::Quit);
                Stay::Closed
            }
            (QuestionAbout::StopTraining { .. }, Action::Yes) => Stay::ClosedThen(Action::Yes),
            _ => Stay::Closed,
        }
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let words = match &self.about {
            QuestionAbout::QuitWhileTraining { run, step, steps } => format!(
                "{run} is training: step {step} of {steps}.\n\nQuit and go on with it next time (l), or stop it for good (x)?\nEsc stays here."
            ),
            QuestionAbout::QuitWhileWorking => {
                "The model is still at work.\n\nQuit all the same (y), or stay (n)? What is written so far is kept."
                    .to_owned()
            }
            QuestionAbout::StopTraining { run } => format!(
                "Stop {run} for good?\n\nIts curve stays, no adapter comes of it. `p` would pause it instead.\n\ny stops it, n lets it train."
            ),
        };
        let inner = dialog(frame, area, "A question", (62, 8), &shared.theme);
        let lines: Vec<Line> = words.lines().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
    }
}

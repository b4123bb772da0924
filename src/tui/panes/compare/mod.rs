//! Compare: base and an adapter side by side, in four parts: answers to one prompt, the gate, the
//! person's own failed tasks, and the ratings. Owns which arms are compared; what "better" means is the
//! gate's business.

mod answers;
mod answers_view;
mod arms;
mod failed;
mod failed_view;
mod gate;
mod gate_view;
mod measuring;
mod ratings;
#[cfg(test)]
mod tests;
mod view;

use crate::driver::{Effect, Report, WorkEvent};
use crate::store::{Message, plain};
use crate::tui::action::{Action, Scope};
use crate::tui::layers::{Entry, EntryPurpose, Layer};
use crate::tui::pane::{Context, Pane, Shared, TerminalEffect};
use answers::{Answers, Asked};
use arms::{Arms, Side};
use crossterm::event::KeyEvent;
use failed::FailedTasks;
use gate::Gate;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratings::Ratings;

/// What the pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Part {
    #[default]
    Answers,
    Gate,
    Failed,
    Ratings,
}

impl Part {
    const ALL: [Self; 4] = [Self::Answers, Self::Gate, Self::Failed, Self::Ratings];

    fn title(self) -> &'static str {
        match self {
            Self::Answers => "Answers",
            Self::Gate => "Gate",
            Self::Failed => "Your failed tasks",
            Self::Ratings => "Ratings",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Answers => Self::Gate,
            Self::Gate => Self::Failed,
            Self::Failed => Self::Ratings,
            Self::Ratings => Self::Answers,
        }
    }
}

/// The pane.
#[derive(Debug, Default)]
pub struct ComparePane {
    part: Part,
    arms: Arms,
    answers: Answers,
    gate: Gate,
    failed: FailedTasks,
    ratings: Ratings,
}

impl Pane for ComparePane {
    fn scope(&self) -> Scope {
        Scope::Compare
    }

    fn applies(&self, action: Action, shared: &Shared) -> bool {
        let has_arms = self.arms.pair(&shared.adapters).is_some();
        let on = |part| self.part == part;
        match action {
            Action::EnterPrompt => {
                has_arms && (!on(Part::Failed) || self.failed.selected_task().is_some())
            }
            Action::ChooseLeft | Action::ChooseRight | Action::Judge => has_arms,
            Action::Blind => on(Part::Answers),
            Action::Rate => on(Part::Answers) && self.answers.can_be_rated(),
            Action::Left | Action::Right => match self.part {
                Part::Answers => self.answers.columns().is_some(),
                Part::Failed => self.failed.selected_task().is_some(),
                Part::Gate | Part::Ratings => false,
            },
            Action::Back => match self.part {
                Part::Answers => self.answers.is_answering(),
                Part::Gate => self.gate.running.is_some(),
                Part::Failed => self.failed.running.is_some() || self.failed.reading,
                Part::Ratings => false,
            },
            Action::FailedTasks => !on(Part::Failed),
            Action::NextPart => true,
            _ => false,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        match action {
            Action::NextPart => self.open(self.part.next(), context),
            Action::FailedTasks => self.open(Part::Failed, context),
            Action::Judge => self.judge(context),
            Action::ChooseLeft => self.choose(Side::Left, context),
            Action::ChooseRight => self.choose(Side::Right, context),
            Action::EnterPrompt => match self.part {
                Part::Failed => {
                    if let Some(asked) = self.failed.selected_again() {
                        self.answer(asked, context);
                    }
                }
                _ => context.push(Layer::Entry(Entry::new(EntryPurpose::ComparePrompt, ""))),
            },
            Action::Blind => {
                self.answers.blind = !self.answers.blind;
                context.say(match self.answers.blind {
                    true => "The next answers are blind: which arm is which is hidden until both are rated.",
                    false => "The next answers bear their arms' names.",
                });
            }
            Action::Rate => self.answers.rate(context),
            Action::Copy => self.copy(context),
            Action::Back => match self.part {
                Part::Answers => self.answers.cancel(context),
                Part::Gate => self.gate.cancel(context),
                Part::Failed if self.failed.reading => self.failed.reading = false,
                Part::Failed => self.failed.cancel(context),
                Part::Ratings => {}
            },
            action => match self.part {
                Part::Answers => self.answers.act(action),
                Part::Gate => {
                    if let Some(scroll) = &mut self.gate.scroll {
                        scroll.act(action);
                    }
                }
                Part::Failed => self.failed.act(action),
                Part::Ratings => self.ratings.act(action),
            },
        }
    }

    fn type_key(&mut self, _: KeyEvent, _: &mut Context) {}

    fn paste(&mut self, _: &str, _: &mut Context) {}

    fn report(&mut self, report: &Report, context: &mut Context) {
        match report {
            Report::Work { work, event } => {
                self.answers.event(*work, event);
                self.gate.event(*work, event, context);
                self.failed.event(*work, event);
                if matches!(event, WorkEvent::Trained(_)) {
                    context.perform(Effect::ListAdapters);
                }
            }
            Report::Rated(session) => {
                self.answers.rated(session, context);
                self.failed.sessions_changed();
                if self.ratings.were_asked() {
                    context.perform(Effect::RateArms);
                }
            }
            Report::ArmRatings(ratings) => self.ratings.set(ratings),
            _ => {}
        }
    }

    fn opened(&mut self, context: &mut Context) {
        context.perform(Effect::ListAdapters);
        self.open(self.part, context);
    }

    fn edited(&mut self, _: &str, _: &mut Context) {}

    fn is_moving(&self) -> bool {
        self.answers.is_answering() || self.gate.running.is_some() || self.failed.running.is_some()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        self.draw_parts(frame, area, shared);
    }
}

impl ComparePane {
    /// Has both arms answer.
    pub fn ask(&mut self, prompt: &str, context: &mut Context) {
        let prompt = plain(prompt);
        if prompt.trim().is_empty() {
            return;
        }
        let messages = vec![Message::user(prompt.clone())];
        self.answer(Asked { prompt, messages, retry_of: None }, context);
    }

    fn answer(&mut self, asked: Asked, context: &mut Context) {
        let Some(pair) = self.arms.pair(&context.shared.adapters) else {
            context.complain("there is no adapter to compare with yet; 4 trains one");
            return;
        };
        self.part = Part::Answers;
        self.answers.ask(asked, pair, context);
    }

    fn open(&mut self, part: Part, context: &mut Context) {
        self.part = part;
        match part {
            Part::Failed => {
                if let Some(pair) = self.arms.pair(&context.shared.adapters) {
                    self.failed.ask_if_needed(pair, context);
                }
            }
            Part::Ratings => {
                self.ratings.asked();
                context.perform(Effect::RateArms);
            }
            Part::Answers | Part::Gate => {}
        }
    }

    /// To the gate; it measures where it does not know these arms, or where it is asked a second time.
    fn judge(&mut self, context: &mut Context) {
        let Some(pair) = self.arms.pair(&context.shared.adapters) else { return };
        let again = self.part == Part::Gate;
        self.part = Part::Gate;
        if again || (!self.gate.knows(&pair) && self.gate.running.is_none()) {
            self.gate.judge(pair, context);
        }
    }

    fn choose(&mut self, side: Side, context: &mut Context) {
        self.arms.next(side, &context.shared.adapters);
        if self.part == Part::Failed {
            self.open(Part::Failed, context);
        }
    }

    fn copy(&self, context: &mut Context) {
        let text = match self.part {
            Part::Answers => self.answers.text(),
            Part::Gate => self.gate.result.as_ref().map(|r| crate::cli::describe_comparison(r)),
            Part::Failed => self.failed.text(),
            Part::Ratings => self.ratings.text(),
        };
        match text {
            Some(text) => {
                context.terminal(TerminalEffect::Copy(text));
                context.say("copied");
            }
            None => context.complain("there is nothing to copy yet"),
        }
    }
}

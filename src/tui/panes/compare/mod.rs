//! Compare: two arms side by side, in six parts: answers to one prompt, blind pairs of recent tasks, the gate,
//! the person's own failed tasks, the ratings with who answers, and progress. Owns which arms are compared;
//! what "better" means, and what it allows, is the business of `eval`.

mod answers;
mod answers_view;
mod arms;
mod evidence;
mod failed;
mod failed_view;
mod gate;
mod gate_view;
mod measuring;
mod progress;
mod ratings;
mod replay;
mod replay_view;
mod routing;
mod taken_out;
#[cfg(test)]
mod tests;
mod view;

use crate::driver::{Effect, PairChoice, Report, WorkEvent};
use crate::report::TakenOut;
use crate::store::{Message, plain};
use crate::tui::action::{Action, Scope};
use crate::tui::hits;
use crate::tui::layers::{Entry, EntryPurpose, Layer, RouteOrder};
use crate::tui::pane::{Context, Pane, PaneName, Shared, TerminalEffect};
use answers::{Answers, Asked};
use arms::{Arms, Side};
use crossterm::event::KeyEvent;
use evidence::Service;
use failed::FailedTasks;
use gate::Gate;
use progress::Progress;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratings::Ratings;
use replay::Replay;
use routing::Routing;

/// What the pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Part {
    #[default]
    Answers,
    Replay,
    Gate,
    Failed,
    Ratings,
    Progress,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Answers, Self::Replay, Self::Gate, Self::Failed, Self::Ratings, Self::Progress];

    fn title(self) -> &'static str {
        match self {
            Self::Answers => "Answers",
            Self::Replay => "Replay",
            Self::Gate => "Gate",
            Self::Failed => "Your tasks",
            Self::Ratings => "Ratings",
            Self::Progress => "Progress",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Answers => Self::Replay,
            Self::Replay => Self::Gate,
            Self::Gate => Self::Failed,
            Self::Failed => Self::Ratings,
            Self::Ratings => Self::Progress,
            Self::Progress => Self::Answers,
        }
    }
}

/// The pane.
#[derive(Debug, Default)]
pub struct ComparePane {
    part: Part,
    arms: Arms,
    answers: Answers,
    replay: Replay,
    gate: Gate,
    failed: FailedTasks,
    ratings: Ratings,
    progress: Progress,
    service: Service,
    routing: Routing,
}

impl Pane for ComparePane {
    fn scope(&self) -> Scope {
        match self.part {
            Part::Replay => Scope::Replay,
            _ => Scope::Compare,
        }
    }

    fn applies(&self, action: Action, shared: &Shared) -> bool {
        let has_arms = self.pair(shared).is_some();
        let on = |part| self.part == part;
        // Whatever names an arm, or leads to what does, waits until the replay on screen is ended.
        let open = !self.is_blind(shared);
        match action {
            Action::EnterPrompt => match self.part {
                Part::Failed => has_arms && self.failed.selected_task().is_some(),
                Part::Replay => false,
                _ => has_arms,
            },
            Action::Replay => on(Part::Replay) && has_arms && open,
            Action::PreferLeft | Action::PreferRight | Action::PreferNeither | Action::Skip => {
                on(Part::Replay) && self.replay.pair().is_some()
            }
            Action::ChooseLeft | Action::ChooseRight | Action::Judge => has_arms && open,
            // What is asked before it tells how the arms are rated.
            Action::Promote | Action::Canary => has_arms && open && !self.is_half_rated(),
            Action::RollBack => {
                open && !self.is_half_rated()
                    && self.service.state.as_ref().is_some_and(|state| state.can_roll_back)
            }
            Action::OtherJudge => on(Part::Gate) && has_arms,
            Action::Blind => on(Part::Answers),
            Action::Differences => match self.part {
                Part::Answers => self.answers.columns().is_some(),
                Part::Replay => self.replay.pair().is_some(),
                _ => false,
            },
            Action::Rate => on(Part::Answers) && self.answers.can_be_rated(),
            Action::Left | Action::Right => match self.part {
                Part::Answers => self.answers.columns().is_some(),
                Part::Failed => self.failed.selected_task().is_some(),
                Part::Replay | Part::Gate | Part::Ratings | Part::Progress => false,
            },
            Action::Back => match self.part {
                Part::Answers => self.answers.is_answering(),
                Part::Replay => self.replay.running.is_some(),
                Part::Gate => self.gate.running.is_some(),
                Part::Failed => {
                    self.failed.running.is_some()
                        || self.failed.reading
                        || !self.failed.words.is_empty()
                }
                Part::Ratings | Part::Progress => false,
            },
            Action::FailedTasks => !on(Part::Failed) && open,
            Action::Search => on(Part::Failed) && !self.failed.tasks().is_empty(),
            Action::NextPart => true,
            _ => false,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        self.routing.forget();
        match action {
            Action::NextPart => self.open(self.part.next(), context),
            Action::FailedTasks => self.open(Part::Failed, context),
            Action::Judge => self.judge(context),
            Action::OtherJudge => self.gate.choose_other(&self.service),
            Action::ChooseLeft => self.choose(Side::Left, context),
            Action::ChooseRight => self.choose(Side::Right, context),
            // Refused by the desk after all evidence was read and confirmed: said before.
            Action::Promote | Action::Canary | Action::RollBack
                if context.shared.owner.is_some() =>
            {
                if let Some(owner) = context.shared.owner {
                    context.complain(crate::driver::refusal(owner));
                }
            }
            Action::Promote | Action::Canary => {
                if let Some([_, candidate]) = self.pair(context.shared) {
                    let order = match action {
                        Action::Promote => RouteOrder::Promote(candidate),
                        _ => RouteOrder::Canary(candidate),
                    };
                    self.routing.want(order, context);
                }
            }
            Action::RollBack => self.routing.want(RouteOrder::RollBack, context),
            Action::Replay => {
                if let Some(pair) = self.pair(context.shared) {
                    self.replay.start(pair, context);
                }
            }
            Action::PreferLeft => self.replay.judge(Some(PairChoice::Left), context),
            Action::PreferRight => self.replay.judge(Some(PairChoice::Right), context),
            Action::PreferNeither => self.replay.judge(Some(PairChoice::Tie), context),
            Action::Skip => self.replay.judge(None, context),
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
            Action::Differences => match self.part {
                Part::Replay => self.replay.mark_differences(),
                _ => self.answers.mark_differences(context),
            },
            Action::Rate => self.answers.rate(context),
            Action::Copy => self.copy(context),
            Action::Back => match self.part {
                Part::Answers => self.answers.cancel(context),
                Part::Replay => self.replay.end(context),
                Part::Gate => self.gate.cancel(context),
                Part::Failed if self.failed.reading => self.failed.reading = false,
                Part::Failed if !self.failed.words.is_empty() => self.failed.search(""),
                Part::Failed => self.failed.cancel(context),
                Part::Ratings | Part::Progress => {}
            },
            action => match self.part {
                Part::Answers => self.answers.act(action),
                Part::Replay => self.replay.act(action),
                Part::Gate => {
                    let judge = self.gate.judge_by(&self.service);
                    if let Some(scroll) = self.gate.scroll(judge) {
                        scroll.act(action);
                    }
                }
                Part::Failed => self.failed.act(action),
                Part::Ratings => self.ratings.act(action),
                Part::Progress => self.progress.act(action),
            },
        }
    }

    fn type_key(&mut self, _: KeyEvent, _: &mut Context) {}

    fn paste(&mut self, _: &str, _: &mut Context) {}

    fn report(&mut self, report: &Report, context: &mut Context) {
        match report {
            Report::Work { work, event } => {
                self.answers.event(*work, event);
                let blind = self.is_blind(context.shared);
                let decided = self.gate.event(*work, event, blind, context);
                self.failed.event(*work, event);
                let ended = self.replay.event(*work, event, &context.shared.now);
                if decided || ended {
                    self.look(context);
                }
                if matches!(event, WorkEvent::Trained(_)) {
                    context.perform(Effect::ListAdapters);
                }
            }
            Report::Rated(session) => {
                let was_half = self.is_half_rated();
                self.answers.rated(session, context);
                self.failed.sessions_changed();
                // What was reported while one of two hidden answers was rated has been passed over.
                if self.ratings.were_asked() || was_half && !self.is_half_rated() {
                    self.look(context);
                }
                self.refresh(context);
            }
            // Asked for again when both answers are rated.
            Report::ArmRatings(_) | Report::Progress(_) | Report::Service(_)
                if self.is_half_rated() => {}
            Report::ArmRatings(ratings) => self.ratings.set(ratings),
            Report::Progress(versions) => self.progress.set(versions),
            Report::Adapters(adapters) => {
                self.service.list(adapters);
                // The list also comes when another process has promoted one, or rolled one back. Nothing
                // that is asked for here lists them again.
                if self.service.state.is_some() {
                    self.look(context);
                }
            }
            Report::Service(state) => {
                self.service.state = Some(state.clone());
                let pair = self.pair(context.shared);
                self.routing.ask(&self.service, pair.as_ref(), context);
            }
            Report::Routed(change) => {
                let until = match self.is_blind(context.shared) {
                    true => Some("after this replay"),
                    false => self.is_half_rated().then_some("when both answers are rated"),
                };
                self.routing.changed(change, until, context);
                context.perform(Effect::ListAdapters);
                self.look(context);
                self.refresh(context);
            }
            Report::Failed { .. } => self.routing.forget(),
            _ => {}
        }
        if !self.is_blind(context.shared) && !self.is_half_rated() {
            self.routing.release(context);
        }
        context.shared.hidden_task = self.answers.hidden_task();
    }

    fn opened(&mut self, context: &mut Context) {
        context.perform(Effect::ListAdapters);
        self.look(context);
        self.routing.seen();
        self.open(self.part, context);
    }

    fn search(&mut self, words: &str, _: &mut Context) {
        if self.part == Part::Failed {
            self.failed.search(words);
        }
    }

    fn searched(&self) -> &str {
        &self.failed.words
    }

    fn select(&mut self, place: usize, _: &mut Context) -> bool {
        if self.part != Part::Failed {
            return false;
        }
        self.failed.reading = false;
        self.failed.select(place)
    }

    fn choose(&mut self, place: usize, context: &mut Context) {
        if let Some(part) = Part::ALL.get(place) {
            self.routing.forget();
            self.open(*part, context);
        }
    }

    fn scroll(&mut self, part: hits::Part, action: Action, context: &mut Context) {
        match (self.part, part) {
            (Part::Answers, hits::Part::Left) => self.answers.scroll(Side::Left, action),
            (Part::Answers, hits::Part::Right) => self.answers.scroll(Side::Right, action),
            (Part::Failed, hits::Part::Left) => self.failed.move_in_list(action),
            (Part::Failed, hits::Part::Right) => {
                self.failed.detail.act(action);
            }
            _ => self.act(action, context),
        }
    }

    fn edited(&mut self, _: &str, _: &mut Context) {}

    fn is_moving(&self) -> bool {
        self.answers.is_answering()
            || self.replay.is_moving()
            || self.gate.running.is_some()
            || self.failed.running.is_some()
    }

    fn taken_out(&self, shared: &Shared) -> Option<TakenOut> {
        self.taken(shared)
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        self.draw_parts(frame, area, shared);
    }
}

impl ComparePane {
    /// Something changed by itself that nobody has looked at.
    pub fn has_news(&self) -> bool {
        self.routing.unread
    }

    /// Reference and candidate.
    fn pair(&self, shared: &Shared) -> Option<[String; 2]> {
        self.arms.pair(&shared.adapters, self.service.active())
    }

    /// A replay is on screen: which arms it is about is nobody's business now.
    fn is_blind(&self, shared: &Shared) -> bool {
        shared.front == PaneName::Compare
            && self.part == Part::Replay
            && self.replay.running.is_some()
    }

    /// One of two hidden answers is rated: what the arms' ratings say would tell whose it was.
    fn is_half_rated(&self) -> bool {
        self.answers.is_half_rated()
    }

    /// Asks who answers, and what is known of the right arm.
    fn look(&self, context: &mut Context) {
        let candidate = self.pair(context.shared).map(|[_, candidate]| candidate);
        context.perform(Effect::Service { candidate });
    }

    /// Asks again for what was asked before and may have changed.
    fn refresh(&self, context: &mut Context) {
        if self.ratings.were_asked() {
            context.perform(Effect::RateArms);
        }
        if self.progress.was_asked() {
            context.perform(Effect::Progress);
        }
    }

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
        let Some(pair) = self.pair(context.shared) else {
            context.complain_with_keys(
                "there is no adapter to compare with yet; <show-training> trains one",
            );
            return;
        };
        self.part = Part::Answers;
        self.answers.ask(asked, pair, context);
        context.shared.hidden_task = self.answers.hidden_task();
    }

    fn open(&mut self, part: Part, context: &mut Context) {
        self.part = part;
        match part {
            Part::Failed => {
                if let Some(pair) = self.pair(context.shared) {
                    self.failed.ask_if_needed(pair, context);
                }
            }
            Part::Ratings => {
                self.ratings.asked();
                context.perform(Effect::RateArms);
            }
            Part::Progress => {
                self.progress.asked();
                context.perform(Effect::Progress);
            }
            Part::Answers | Part::Replay | Part::Gate => {}
        }
        if !self.is_blind(context.shared) && !self.is_half_rated() {
            self.routing.release(context);
        }
    }

    /// To the gate; it measures where it does not know these arms, or where it is asked a second time.
    fn judge(&mut self, context: &mut Context) {
        let Some(pair) = self.pair(context.shared) else { return };
        let again = self.part == Part::Gate;
        self.part = Part::Gate;
        let judge = self.gate.judge_by(&self.service);
        if again
            || (!self.gate.knows(judge, &pair, &context.shared.set) && self.gate.running.is_none())
        {
            self.gate.judge(pair, &self.service, context);
        }
    }

    fn choose(&mut self, side: Side, context: &mut Context) {
        self.arms.next(side, &context.shared.adapters, self.service.active());
        context.say_unfit();
        self.look(context);
        if self.part == Part::Failed {
            self.open(Part::Failed, context);
        }
    }

    fn copy(&self, context: &mut Context) {
        let text = match self.part {
            Part::Answers => self.answers.text(),
            Part::Replay => self.replay.text(),
            Part::Gate => {
                let verdicts = self.gate.of(self.gate.judge_by(&self.service));
                verdicts.result.as_ref().map(|r| crate::cli::describe_comparison(r))
            }
            Part::Failed => self.failed.text(),
            Part::Ratings | Part::Progress if self.is_half_rated() => None,
            Part::Ratings => self.ratings.text(),
            Part::Progress => self.progress.text(&context.shared.keymap),
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

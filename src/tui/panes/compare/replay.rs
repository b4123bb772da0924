//! Recent rated tasks answered by both arms, blind, one key a pair. Owns the pair on screen and what was said
//! of it; which arm is on which side is not known here before the judgement is on disk.

use super::arms::choice;
use crate::driver::{
    Effect, JudgedPair, Judgement, PairChoice, ReplayState, ShownPair, WorkEvent, WorkId,
};
use crate::eval::promotion::PairCounts;
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::answer::AnswerLines;
use crate::tui::pane::Context;
use crate::tui::widgets::{Piece, Scroll, differences};
use jiff::Zoned;
use std::cell::OnceCell;

/// Nobody has read two answers so soon; a key that is held down says nothing of the next pair.
const READING_MS: i64 = 800;

/// A key that is held down comes again within this.
const REPEATED_MS: i64 = 250;

/// What a running replay waits for.
#[derive(Debug, Default)]
pub(super) enum Waiting {
    /// Both arms answer.
    #[default]
    Answers,
    /// The person's word; since when they can read.
    Judgement(Box<ShownPair>, Zoned),
    /// The judgement is written down.
    Disk,
    /// It was ended; what was judged is kept.
    End,
}

#[derive(Debug)]
pub(super) struct Running {
    work: WorkId,
    /// The model is there.
    pub(super) started: bool,
    pub(super) waiting: Waiting,
    /// When a judging key came last, obeyed or not.
    pressed: Option<Zoned>,
}

/// How a replay ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ended {
    /// By its bound, or because the tasks are used up.
    Whole,
    Stopped,
    Failed(String),
}

#[derive(Debug, Default)]
pub(super) struct Replay {
    pub(super) running: Option<Running>,
    /// Reference and candidate of the last one.
    pub(super) arms: Option<[String; 2]>,
    /// The number of the pair shown last, and how many there are in all.
    pub(super) number: Option<(usize, usize)>,
    /// What the last judgement came to, in words.
    pub(super) last: Option<String>,
    pub(super) state: Option<ReplayState>,
    pub(super) ended: Option<Ended>,
    /// Of both answers together.
    pub(super) scroll: Scroll,
    /// The left and the right answer as they are laid out.
    pub(super) lines: [AnswerLines; 2],
    /// What only one of them says is marked.
    marked: bool,
    differences: OnceCell<[Vec<Piece>; 2]>,
}

impl Replay {
    pub(super) fn pair(&self) -> Option<&ShownPair> {
        match &self.running.as_ref()?.waiting {
            Waiting::Judgement(pair, _) => Some(pair),
            _ => None,
        }
    }

    /// Marks what only one of the two answers says, or no longer.
    pub(super) fn mark_differences(&mut self) {
        self.marked = !self.marked;
    }

    /// Both answers in pieces, where differences are to be marked.
    pub(super) fn pieces(&self) -> Option<&[Vec<Piece>; 2]> {
        let pair = self.pair().filter(|_| self.marked)?;
        let [left, right] = [&pair.left, &pair.right].map(|text| text.trim());
        Some(self.differences.get_or_init(|| differences(left, right)))
    }

    /// Something comes by itself.
    pub(super) fn is_moving(&self) -> bool {
        self.running.is_some() && self.pair().is_none()
    }

    /// How the candidate has fared, where that is known.
    pub(super) fn counts(&self) -> Option<PairCounts> {
        self.state.as_ref().map(|state| state.counts)
    }

    pub(super) fn start(&mut self, pair: [String; 2], context: &mut Context) {
        if self.running.is_some() {
            return;
        }
        let work = context.new_work();
        let (reference, candidate) = (choice(&pair[0]), choice(&pair[1]));
        context.perform(Effect::Replay { work, reference, candidate });
        if self.arms.as_ref() != Some(&pair) {
            self.state = None;
        }
        self.running =
            Some(Running { work, started: false, waiting: Waiting::Answers, pressed: None });
        self.arms = Some(pair);
        (self.number, self.last, self.ended) = (None, None, None);
        // Also takes the place of a notice that names an arm.
        context.say("The sides are drawn at random: nobody knows which arm is where.");
    }

    /// One key, one judgement; none for the task is passed over. A key that came before anybody can have read
    /// the pair does nothing.
    pub(super) fn judge(&mut self, choice: Option<PairChoice>, context: &mut Context) {
        let Some(running) = &mut self.running else { return };
        let now = &context.shared.now;
        let pressed = running.pressed.replace(now.clone());
        let Waiting::Judgement(_, since) = &running.waiting else { return };
        let held = pressed.is_some_and(|pressed| within(&pressed, now, REPEATED_MS));
        if held || within(since, now, READING_MS) {
            return;
        }
        running.waiting = Waiting::Disk;
        context.perform(Effect::JudgePair { work: running.work, choice });
    }

    pub(super) fn end(&mut self, context: &mut Context) {
        if let Some(running) = &mut self.running {
            running.waiting = Waiting::End;
            context.perform(Effect::Cancel(running.work));
        }
    }

    /// True when this was the end of it.
    pub(super) fn event(&mut self, work: WorkId, event: &WorkEvent, now: &Zoned) -> bool {
        let Some(running) = self.running.as_mut().filter(|running| running.work == work) else {
            return false;
        };
        let ending = matches!(running.waiting, Waiting::End);
        match event {
            WorkEvent::Started => running.started = true,
            WorkEvent::Pair(pair) => {
                running.started = true;
                self.number = Some((pair.number, pair.total));
                self.scroll = Scroll::at_top();
                self.differences = OnceCell::new();
                if !ending {
                    running.waiting = Waiting::Judgement(pair.clone(), now.clone());
                }
            }
            WorkEvent::PairJudged(judged) => {
                if !ending {
                    running.waiting = Waiting::Answers;
                }
                self.last = Some(judged_words(judged));
                self.state = Some(judged.state.clone());
            }
            _ => {}
        }
        if !event.is_final() {
            return false;
        }
        self.running = None;
        self.ended = Some(match event {
            WorkEvent::Replayed(state) => {
                self.state = Some((**state).clone());
                Ended::Whole
            }
            WorkEvent::Failed(why) => Ended::Failed(plain_line(why)),
            _ => Ended::Stopped,
        });
        true
    }

    pub(super) fn act(&mut self, action: Action) {
        if self.pair().is_some() {
            self.scroll.act(action);
        }
    }

    /// The pair, or where it all stands, as text.
    pub(super) fn text(&self) -> Option<String> {
        if let Some(pair) = self.pair() {
            return Some(format!(
                "{}\n\n--- left\n{}\n\n--- right\n{}\n",
                pair.task.trim_end(),
                pair.left.trim_end(),
                pair.right.trim_end()
            ));
        }
        let state = self.state.as_ref()?;
        let counts = &state.counts;
        let conclusion = counts.conclusion(&state.candidate, &state.reference);
        Some(format!("{conclusion}\n{}\n", counts.describe()))
    }
}

/// Not longer ago than so many milliseconds; a clock that was put back says nothing.
fn within(then: &Zoned, now: &Zoned, milliseconds: i64) -> bool {
    let passed = now.timestamp().as_millisecond() - then.timestamp().as_millisecond();
    (0..milliseconds).contains(&passed)
}

fn judged_words(judged: &JudgedPair) -> String {
    if judged.same {
        return "Both answered the same: even, nobody had to be asked.".into();
    }
    let side = if judged.candidate_left { "left" } else { "right" };
    let what = match judged.judgement {
        None => return "Skipped: it counts for nobody.".into(),
        Some(Judgement::Win) => "won",
        Some(Judgement::Loss) => "lost",
        Some(Judgement::Tie) => {
            return format!("The two are even; the candidate was on the {side}.");
        }
    };
    format!("The candidate {what}; it was on the {side}.")
}

//! Tasks that are carried out, as a desk would report them.

use super::Screen;
use crate::driver::{
    ActDecision, ActShown, ActTask, Acted, Effect, Report, ShownProposal, ShownStep, WorkEvent,
    WorkId,
};
use crate::store::{ActEnding, Approval};
use crate::tui::event::Event;

/// The last task that was to be carried out.
pub fn task(screen: &Screen) -> (WorkId, ActTask) {
    let found = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::Act { work, task } => Some((*work, task.clone())),
        _ => None,
    });
    found.expect("nothing was to be carried out")
}

/// What was said of actions, oldest first.
pub fn decisions(screen: &Screen) -> Vec<ActDecision> {
    let said = screen.effects.iter().filter_map(|effect| match effect {
        Effect::Decide { decision, .. } => Some(decision.clone()),
        _ => None,
    });
    said.collect()
}

pub fn event(screen: &mut Screen, event: WorkEvent) {
    let (work, _) = task(screen);
    screen.report(Report::Work { work, event });
}

/// Act mode, and a task that has begun.
pub fn begun(width: u16, height: u16, words: &str) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("tab").text(words).keys("enter");
    event(&mut screen, WorkEvent::Started);
    event(&mut screen, WorkEvent::Act(Box::new(ActShown::Choosing { step: 1 })));
    screen
}

pub fn step(step: usize, words: &str, output: &str) -> ShownStep {
    ShownStep {
        step,
        words: words.into(),
        output: output.into(),
        trouble: None,
        changed: Vec::new(),
        more_changed: 0,
        approval: Approval::NotNeeded,
        seconds: 0.1,
    }
}

pub fn did(screen: &mut Screen, step: ShownStep) {
    let next = step.step + 1;
    event(screen, WorkEvent::Act(Box::new(ActShown::Did(step))));
    event(screen, WorkEvent::Act(Box::new(ActShown::Choosing { step: next })));
}

/// A command that waits for a word.
pub fn command(step: usize, command: &str) -> ShownProposal {
    ShownProposal {
        step,
        words: crate::store::plain_line(&format!("shell  {command}")),
        kind: "shell: mv".into(),
        unconfined: None,
        editable: command.into(),
        problem: None,
    }
}

pub fn proposed(screen: &mut Screen, proposal: ShownProposal) {
    let (step, words) = (proposal.step, proposal.words.clone());
    event(screen, WorkEvent::Act(Box::new(ActShown::Chosen { step, words })));
    event(screen, WorkEvent::Proposed(Box::new(proposal)));
}

/// Half a second in which nobody does anything.
pub fn quiet(screen: &mut Screen) {
    for second in ["00.25", "00.5"] {
        screen.event(Event::Tick(format!("2026-11-23T12:00:{second}[UTC]").parse().unwrap()));
    }
}

pub fn acted(answer: Option<&str>, ended: ActEnding) -> WorkEvent {
    WorkEvent::Acted(Box::new(Acted {
        session: "session_20261123_120000".parse().unwrap(),
        arm: "base".into(),
        blind: false,
        answer: answer.map(str::to_owned),
        ended,
        steps: 3,
        tokens_per_second: 14.25,
    }))
}

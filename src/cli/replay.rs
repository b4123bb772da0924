//! `kaizen replay`: recent tasks answered by two arms, blind, one key a pair.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use crate::adapters::BASE;
use crate::eval::promotion::{Finding, PAIR_ALPHA, PairCounts};
use crate::store::plain;
use crate::workplace::ArmChoice;
use crate::workplace::replay::{Choice, Judgement, Replay, ReplayPair, ReplayTask};
use crate::workplace::service;
use clap::Args;
use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use serde_json::json;
use std::io::{BufRead, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often it is looked whether somebody interrupted while a judgement is waited for.
const BLINK: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The adapter that is to prove itself, as in lora-v2.
    candidate: String,
    /// What it is held against [default: the active arm, else base].
    #[arg(long, value_name = "ARM")]
    against: Option<String>,
    /// Stop after so many pairs; what was judged before counts on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pairs: Option<u64>,
}

/// What a key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Judged(Choice),
    /// This task says nothing; the next one.
    Skip,
    Quit,
    /// Ctrl-C, or a signal.
    Interrupted,
}

impl Answer {
    fn of(text: &str) -> Option<Self> {
        Some(match text.trim().to_lowercase().as_str() {
            "l" | "left" => Self::Judged(Choice::Left),
            "r" | "right" => Self::Judged(Choice::Right),
            "t" | "=" | "tie" => Self::Judged(Choice::Tie),
            "s" | "skip" => Self::Skip,
            "q" | "quit" => Self::Quit,
            _ => return None,
        })
    }
}

pub fn run(context: &Context, arguments: &ReplayArguments) -> Result<Outcome> {
    let workplace = &context.workplace;
    let candidate = &arguments.candidate;
    if candidate != BASE {
        workplace.registry().folder(candidate)?;
    }
    let reference = match &arguments.against {
        Some(against) => against.clone(),
        None => {
            let active = workplace.registry().history().routing()?.active;
            if active == *candidate { BASE.to_owned() } else { active }
        }
    };
    // One switch for the whole replay: whichever pair is being answered, it ends with it.
    let switch: Arc<AtomicBool> = Arc::default();
    let runtime = context.runtime()?.cancelled_by(Arc::clone(&switch));
    context.interrupt.attach(Arc::clone(&switch));
    let a = context.named_arm(&ArmChoice::parse(&reference), &runtime)?;
    let b = context.named_arm(&ArmChoice::parse(candidate), &runtime)?;
    let replay = Replay::new(workplace, &runtime, a, b)?;
    let tasks = replay.tasks()?;
    let most = arguments.pairs.map_or(usize::MAX, |pairs| pairs as usize);
    context.output.note(match tasks.len() {
        0 => "none of your rated tasks is left: those that an arm was trained on, or that were judged \
              before, do not count; rate others"
            .to_owned(),
        left => format!(
            "{candidate} against {reference}: {left} of your rated tasks {} left to judge. Which answer \
             is better? l left, r right, t even, s skip, q quit",
            if left == 1 { "is" } else { "are" }
        ),
    });
    context.output.note(replay.counts().describe());
    let interrupted = judge(context, &replay, tasks, most, &switch)?;
    // Whatever the pairs say, an adapter in service is looked at with all that is known.
    let change = service::review_candidate(workplace, replay.candidate())?;
    let counts = replay.counts();
    let finding = counts.finding();
    context.output.line(counts.describe())?;
    context.output.line(counts.conclusion(candidate, &reference))?;
    if let Some(change) = &change {
        context.output.line(change.announcement())?;
    }
    context.output.json(&json!({
        "candidate": candidate,
        "reference": reference,
        "pairs": counts.pairs(),
        "wins": counts.wins,
        "losses": counts.losses,
        "ties": counts.ties,
        "e_value": counts.e_value(),
        "e_value_against": counts.e_value_against(),
        "needed": 1.0 / PAIR_ALPHA,
        "more_needed": counts.more_needed(),
        "decision": finding,
        "change": change,
    }))?;
    if interrupted {
        context.output.note("stopped; what was judged is kept, and the same command goes on");
        return Ok(Outcome::Interrupted);
    }
    Ok(match finding {
        Finding::Better => Outcome::Done,
        Finding::Worse | Finding::Open => Outcome::No,
    })
}

/// Goes through the tasks until there is a decision, the tasks or the pairs are used up, the person has
/// enough, or somebody interrupts: then true. While one pair is read the next one is answered.
fn judge(
    context: &Context,
    replay: &Replay,
    tasks: Vec<ReplayTask>,
    most: usize,
    switch: &AtomicBool,
) -> Result<bool> {
    let total = tasks.len();
    let mut tasks = tasks.into_iter().enumerate();
    let mut judged = 0;
    let person = Person::new(switch);
    let answer = &|task: Option<(usize, ReplayTask)>| {
        let (number, task) = task?;
        Some((number, replay.answer(task)))
    };
    std::thread::scope(|scope| {
        let mut next = answer(tasks.next());
        while let Some((number, pair)) = next.take() {
            if switch.load(Ordering::Relaxed) {
                return Ok(true);
            }
            if judged >= most || replay.counts().finding() != Finding::Open {
                break;
            }
            let following = tasks.next();
            let ahead = scope.spawn(move || answer(following));
            let Some(pair) = pair? else {
                next = joined(ahead.join());
                continue;
            };
            let said = match pair.is_same() {
                true => {
                    context.output.note(format!("{} of {total}: both answer the same", number + 1));
                    Answer::Judged(Choice::Tie)
                }
                false => {
                    show(context, &pair, number, total);
                    person.asked(context)?
                }
            };
            match said {
                Answer::Quit | Answer::Interrupted => {
                    // Nobody waits for the pair that is being answered.
                    switch.store(true, Ordering::Relaxed);
                    return Ok(said == Answer::Interrupted);
                }
                Answer::Skip => {}
                Answer::Judged(choice) => {
                    judged += 1;
                    let judgement = replay.judge(&pair, choice)?;
                    if !pair.is_same() {
                        tell(context, judgement, &replay.counts());
                    }
                }
            }
            next = joined(ahead.join());
        }
        Ok(switch.load(Ordering::Relaxed))
    })
}

type Answered = Option<(usize, crate::workplace::Result<Option<ReplayPair>>)>;

fn joined(answered: std::thread::Result<Answered>) -> Answered {
    answered.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn show(context: &Context, pair: &ReplayPair, number: usize, total: usize) {
    let text = format!(
        "\n{} of {total}: {}\n\n--- left ---\n{}\n\n--- right ---\n{}\n",
        number + 1,
        plain(pair.task.task.trim()),
        plain(pair.left.trim()),
        plain(pair.right.trim()),
    );
    // On stderr with --json too: somebody must read it to judge.
    context.output.text(&text);
}

fn tell(context: &Context, judgement: Judgement, counts: &PairCounts) {
    let what = match judgement {
        Judgement::Win => "won",
        Judgement::Loss => "lost",
        Judgement::Tie => "even",
    };
    context.output.note(format!("{what}; {}", counts.describe()));
}

/// Who judges: by one key on a terminal, else by a line of stdin, whose end quits.
struct Person<'a> {
    switch: &'a AtomicBool,
    /// Lines of stdin, where that is no terminal. They are read by a thread of their own, so that a signal
    /// is heard while nobody writes any.
    lines: Option<Receiver<std::io::Result<String>>>,
}

impl<'a> Person<'a> {
    fn new(switch: &'a AtomicBool) -> Self {
        let lines = (!std::io::stdin().is_terminal()).then(|| {
            let (read, lines) = mpsc::channel();
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines() {
                    let failed = line.is_err();
                    if read.send(line).is_err() || failed {
                        break;
                    }
                }
            });
            lines
        });
        Self { switch, lines }
    }

    fn asked(&self, context: &Context) -> Result<Answer> {
        let failed = |source| Error::File { action: "read", name: "your judgement".into(), source };
        match &self.lines {
            Some(lines) => self.line(context, lines).map_err(failed),
            None => {
                crossterm::terminal::enable_raw_mode().map_err(failed)?;
                let answer = self.key();
                let _ = crossterm::terminal::disable_raw_mode();
                answer.map_err(failed)
            }
        }
    }

    fn line(
        &self,
        context: &Context,
        lines: &Receiver<std::io::Result<String>>,
    ) -> std::io::Result<Answer> {
        loop {
            if self.switch.load(Ordering::Relaxed) {
                return Ok(Answer::Interrupted);
            }
            let line = match lines.recv_timeout(BLINK) {
                Ok(line) => line?,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(Answer::Quit),
            };
            match Answer::of(&line) {
                Some(answer) => return Ok(answer),
                None => context.output.note(format!("{:?}: l, r, t, s or q", line.trim())),
            }
        }
    }

    fn key(&self) -> std::io::Result<Answer> {
        loop {
            if self.switch.load(Ordering::Relaxed) {
                return Ok(Answer::Interrupted);
            }
            if !crossterm::event::poll(BLINK)? {
                continue;
            }
            let Event::Key(key) = crossterm::event::read()? else { continue };
            if key.kind == KeyEventKind::Release {
                continue;
            }
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                // In raw mode it is a key like any other.
                KeyCode::Char('c') if control => return Ok(Answer::Interrupted),
                KeyCode::Char('d') if control => return Ok(Answer::Quit),
                KeyCode::Left => return Ok(Answer::Judged(Choice::Left)),
                KeyCode::Right => return Ok(Answer::Judged(Choice::Right)),
                KeyCode::Esc => return Ok(Answer::Quit),
                KeyCode::Char(character) => {
                    if let Some(answer) = Answer::of(&character.to_string()) {
                        return Ok(answer);
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_words_mean_the_same() {
        assert_eq!(Answer::of(" L\n"), Some(Answer::Judged(Choice::Left)));
        assert_eq!(Answer::of("tie"), Some(Answer::Judged(Choice::Tie)));
        assert_eq!(Answer::of("="), Some(Answer::Judged(Choice::Tie)));
        assert_eq!((Answer::of("q"), Answer::of("x")), (Some(Answer::Quit), None));
    }
}

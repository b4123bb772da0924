//! `kaizen replay`: recent tasks answered by two arms, blind, one key a pair.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use crate::adapters::{BASE, Change};
use crate::eval::promotion::{Finding, PAIR_ALPHA, PairCounts};
use crate::store::plain;
use crate::workplace::ArmChoice;
use crate::workplace::replay::{Choice, Judgement, Replay, ReplayPair, ReplayTask};
use crate::workplace::service;
use clap::Args;
use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use serde_json::json;
use std::io::{BufRead, IsTerminal};

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
    let runtime = context.runtime()?;
    let a = context.named_arm(&ArmChoice::parse(&reference), &runtime)?;
    let b = context.named_arm(&ArmChoice::parse(candidate), &runtime)?;
    let replay = Replay::new(workplace, &runtime, a, b)?;
    let tasks = replay.tasks()?;
    let most = arguments.pairs.map_or(usize::MAX, |pairs| pairs as usize);
    context.output.note(format!(
        "{candidate} against {reference}: {} of your rated tasks are left to judge. Which answer is \
         better? l left, r right, t even, s skip, q quit",
        tasks.len()
    ));
    context.output.note(replay.counts().describe());
    let change = judge(context, &replay, tasks, most)?;
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
    Ok(match finding {
        Finding::Better => Outcome::Done,
        Finding::Worse | Finding::Open => Outcome::No,
    })
}

/// Goes through the tasks until there is a decision, the tasks or the pairs are used up, or the person
/// has enough. While one pair is read the next one is answered.
fn judge(
    context: &Context,
    replay: &Replay,
    tasks: Vec<ReplayTask>,
    most: usize,
) -> Result<Option<Change>> {
    let total = tasks.len();
    let mut tasks = tasks.into_iter().enumerate();
    let mut judged = 0;
    let interrupt = &context.interrupt;
    let answer = &|task: Option<(usize, ReplayTask)>| {
        let (number, task) = task?;
        Some((number, replay.answer(task, |cancel| interrupt.attach(cancel))))
    };
    std::thread::scope(|scope| {
        let mut next = answer(tasks.next());
        while let Some((number, pair)) = next.take() {
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
                    asked(context)?
                }
            };
            match said {
                Answer::Quit => break,
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
        Ok::<(), Error>(())
    })?;
    // Whatever the pairs say, an adapter in service is looked at with all that is known.
    Ok(service::review_candidate(&context.workplace, replay.candidate())?)
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

/// One key on a terminal; else a line of stdin, whose end quits.
fn asked(context: &Context) -> Result<Answer> {
    let failed = |source| Error::File { action: "read", name: "your judgement".into(), source };
    if !std::io::stdin().is_terminal() {
        loop {
            let mut line = String::new();
            if std::io::stdin().lock().read_line(&mut line).map_err(failed)? == 0 {
                return Ok(Answer::Quit);
            }
            match Answer::of(&line) {
                Some(answer) => return Ok(answer),
                None => context.output.note(format!("{:?}: l, r, t, s or q", line.trim())),
            }
        }
    }
    crossterm::terminal::enable_raw_mode().map_err(failed)?;
    let answer = loop {
        match crossterm::event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => match key.code {
                KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    break Ok(Answer::Quit);
                }
                KeyCode::Left => break Ok(Answer::Judged(Choice::Left)),
                KeyCode::Right => break Ok(Answer::Judged(Choice::Right)),
                KeyCode::Esc => break Ok(Answer::Quit),
                KeyCode::Char(character) => {
                    if let Some(answer) = Answer::of(&character.to_string()) {
                        break Ok(answer);
                    }
                }
                _ => {}
            },
            Ok(_) => {}
            Err(error) => break Err(failed(error)),
        }
    };
    let _ = crossterm::terminal::disable_raw_mode();
    answer
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

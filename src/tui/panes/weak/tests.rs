//! The pane without a model: keys and reports in, screens and effects out.
#![allow(clippy::unwrap_used)]

use crate::adapters::AdapterSummary;
use crate::config::PerplexityThreshold;
use crate::driver::{
    ArmChoice, Effect, Event, MeasuredItem, Report, SetChoice, TrainingMaterial, WeakFound,
    WorkEvent, WorkId,
};
use crate::eval::{Example, ItemScore, LeftOut, Provenance, weakness};
use crate::store::Message;
use crate::tui::pane::TerminalEffect;
use crate::tui::tests::Screen;

/// Token texts of one answer, with nats.
type Tokens = &'static [(&'static str, f32)];

const COPY: Tokens =
    &[("rsync", 7.2), (" -", 1.1), ("av", 2.4), (" --", 3.6), ("delete", 5.4), (" src", 0.3), ("/", 0.1), (" dst", 0.4), ("/", 0.2), ("⏎", 0.6)];
const LIST: Tokens = &[("ls", 0.4), (" -", 0.2), ("la", 3.1), (" |", 8.9), (" wc", 6.2), ("⏎", 1.2)];
const SUM: Tokens = &[("It", 2.0), (" is", 0.5), (" ", 0.2), ("4", 0.1), ("2", 0.1), (".", 0.1), ("⏎", 0.1)];
const POEM: Tokens =
    &[("Snow", 4.1), (" falls", 2.2), (",\n", 1.4), ("改", 3.3), ("善", 1.0), (".", 0.9), ("⏎", 2.5)];
const SHORT: Tokens = &[("Yes", 6.0), ("⏎", 4.0)];

fn measured(id: &str, area: &str, prompt: &str, tokens: Tokens) -> MeasuredItem {
    let nats: Vec<f64> = tokens.iter().map(|(_, nats)| f64::from(*nats)).collect();
    let inner = &nats[1..nats.len() - 1];
    let mean = |nats: &[f64]| nats.iter().sum::<f64>() / nats.len() as f64;
    let (_, text) = tokens.split_last().unwrap();
    MeasuredItem {
        example: Example {
            id: id.into(),
            area: area.into(),
            messages: vec![Message::user(prompt)],
            answer: text.iter().map(|(text, _)| *text).collect(),
            weight: 1.0,
            provenance: if area == "own" { Provenance::Correction } else { Provenance::File },
            check: None,
        },
        score: ItemScore {
            id: id.into(),
            area: area.into(),
            tokens: nats.len(),
            nll: mean(&nats),
            first: nats[0],
            rest: (!inner.is_empty()).then(|| mean(inner)),
            end_of_turn: nats[nats.len() - 1],
            correct: None,
        },
        tokens: tokens.iter().map(|(text, nats)| (text.to_string(), *nats)).collect(),
    }
}

fn items() -> Vec<MeasuredItem> {
    let mut items = vec![
        measured("shell-copy", "shell", "Write one shell command: copy src to dst and delete what is only in dst", COPY),
        measured("shell-list", "shell", "Write one shell command: count the files here", LIST),
        measured("maths-1", "maths", "What is six times seven?", SUM),
        measured("poem-1", "writing", "Write two lines about snow and continual improvement.", POEM),
        measured("session_20261101_101500", "own", "Is it open on Sundays?", SHORT),
    ];
    for place in 0..20 {
        let id = format!("maths-{:02}", place + 2);
        items.push(measured(&id, "maths", &format!("What is {place} and {place}?"), SUM));
    }
    items
}

fn found(items: Vec<MeasuredItem>) -> WorkEvent {
    let scores: Vec<ItemScore> = items.iter().map(|item| item.score.clone()).collect();
    let auto_threshold = weakness(&scores, PerplexityThreshold::Auto).threshold;
    let left_out = vec![LeftOut { id: "shell-9".into(), reason: "is near".into() }];
    WorkEvent::WeakFound(Box::new(WeakFound { arm: "base".into(), items, left_out, auto_threshold }))
}

/// The work that was started last.
fn work(screen: &Screen) -> WorkId {
    let started = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::FindWeak { work, .. } => Some(*work),
        _ => None,
    });
    started.expect("nothing is measured")
}

fn tell(screen: &mut Screen, event: WorkEvent) {
    let work = work(screen);
    screen.report(Report::Work { work, event });
}

/// The pane in front, as an empty home has it. Esc leaves the prompt of the first pane.
fn opened(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 3");
    screen
}

fn with_figures(width: u16, height: u16) -> Screen {
    let mut screen = opened(width, height);
    screen.keys("m");
    tell(&mut screen, found(items()));
    screen
}

fn with_adapters(screen: &mut Screen, names: &[&str]) {
    let adapters = names
        .iter()
        .map(|name| AdapterSummary { name: name.to_string(), ..AdapterSummary::default() })
        .collect();
    screen.report(Report::Adapters(adapters));
}

fn trained(screen: &mut Screen) -> Vec<Example> {
    let material = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::PrepareTraining { material: TrainingMaterial::Examples(examples), .. } => {
            Some(examples.clone())
        }
        _ => None,
    });
    material.unwrap_or_default()
}

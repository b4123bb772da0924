//! What the desk might report, for the tests of this pane.

use crate::driver::{ArmRating, FailedCompared, FailedTask, WorkEvent};
use crate::eval::statistics::Spending;
use crate::eval::{AccuracyOutcome, AreaOutcome, Decision, Guard, Verdict, Watched};
use crate::store::{Message, SessionId};
use crate::workplace::Comparison;

pub(super) fn id(number: u32) -> SessionId {
    format!("session_20261123_1200{number:02}").parse().unwrap()
}

fn area(name: &str, n: usize, a: f64, change: f64, right: Option<(f64, f64)>) -> AreaOutcome {
    AreaOutcome {
        area: name.into(),
        n,
        a,
        b: a * (1.0 + change),
        change,
        ci95: Some([change - 0.06, change + 0.05]),
        accuracy_a: right.map(|right| right.0),
        accuracy_b: right.map(|right| right.1),
    }
}

fn guard(watched: Watched, name: &str, measured: bool, passed: Option<bool>) -> Guard {
    Guard {
        watched,
        name: name.into(),
        measured,
        passed,
        bound: measured.then_some(0.021),
        limit: 0.1,
        detail: "perplexity rises by at most 2.1 % (95 %), the limit is 10 %".into(),
        needs_more: None,
    }
}

pub(super) fn comparison(verdict: Verdict) -> Comparison {
    Comparison {
        a: "base".into(),
        b: "lora-v2".into(),
        decision: Decision {
            verdict,
            style: false,
            reason: match verdict {
                Verdict::Accepted => {
                    "perplexity on shell fell by 32.7 % (p = 0.0003); all guards passed"
                }
                Verdict::Rejected => {
                    "sentinel maths got worse: train with a lower learning_rate or more replay"
                }
                Verdict::CannotTell => "too few groups: needs about 40 more items",
            }
            .into(),
            p: 0.0003,
            spending: Spending::of(3),
            a: 16.1,
            b: 10.84,
            change: -0.327,
            ci95: Some([-0.381, -0.269]),
            items: 60,
            groups: 57,
            accuracy: Some(AccuracyOutcome {
                n: 60,
                a: 0.2,
                b: 0.283,
                change: 0.083,
                ci95: [-0.01, 0.18],
            }),
            areas: vec![
                area("code", 30, 4.23, -0.03, Some((0.4, 0.43))),
                area("facts", 30, 8.51, 0.011, None),
                area("shell", 60, 16.1, -0.327, Some((0.2, 0.283))),
            ],
            sentinels: vec![
                area("maths", 40, 3.91, 0.004, Some((0.6, 0.58))),
                area("reasoning", 40, 5.2, 0.02, Some((0.5, 0.5))),
            ],
            guards: match verdict {
                Verdict::Accepted => vec![
                    guard(Watched::Area, "code", true, Some(true)),
                    guard(Watched::Sentinel, "sentinel maths", true, Some(true)),
                    guard(Watched::Diversity, "diversity", true, Some(true)),
                ],
                _ => vec![
                    guard(Watched::Area, "code", true, Some(true)),
                    guard(Watched::Sentinel, "sentinel maths", true, Some(false)),
                    guard(Watched::Sentinel, "sentinel reasoning", true, None),
                    guard(Watched::Diversity, "diversity", false, None),
                ],
            },
            needs_more: (verdict == Verdict::CannotTell).then_some(40),
        },
        used: 2,
        sentinels_passed: Some(71),
    }
}

fn task(number: u32, task: &str, before: f64, after: f64, seen: bool) -> FailedTask {
    FailedTask {
        session: id(number),
        task: task.into(),
        messages: vec![Message::system("Be brief."), Message::user(task)],
        correction: format!("Right answer {number}"),
        answer: format!("Wrong answer {number}"),
        before,
        after,
        seen,
    }
}

pub(super) fn failed() -> WorkEvent {
    WorkEvent::FailedCompared(Box::new(FailedCompared {
        a: "base".into(),
        b: "lora-v2".into(),
        tasks: vec![
            task(
                9,
                "list the five largest files below this folder, with their sizes",
                24.1,
                9.87,
                true,
            ),
            task(8, "which process listens on port 8080?", 18.0, 12.0, false),
            task(7, "show lines 10 to 20 of a file", 9.0, 10.8, false),
            task(6, "count the words in all text files", 31.4, 31.4, false),
        ],
        uncorrected: 3,
    }))
}

pub(super) fn rating(arm: &str, rated: usize, mean: f64, ci95: Option<[f64; 2]>) -> ArmRating {
    ArmRating {
        arm: arm.into(),
        rated,
        mean,
        ci95,
        unrated: 0,
        better_than: Default::default(),
        still_needed: Default::default(),
    }
}

//! What the desk might report, for the tests of this pane.

use crate::adapters::{By, Change, Routing, State, Step};
use crate::driver::{ArmRating, FailedCompared, FailedTask, ServiceState, WorkEvent};
use crate::eval::promotion::{ArmRecord, PairCounts, ServiceEvidence};
use crate::eval::statistics::{Spending, StarCounts};
use crate::eval::{AccuracyOutcome, AreaOutcome, Decision, Guard, Verdict, Watched};
use crate::store::{Message, SessionId};
use crate::workplace::Comparison;
use crate::workplace::own_work::Proof;
use crate::workplace::progress::{VersionProgress, WeekStars};
use crate::workplace::service::OnTrial;

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

/// A canary of lora-v2 beside `active`, or base alone; own work unproven.
pub(super) fn service(active: &str) -> ServiceState {
    let routing = match active {
        "base" => Routing::default(),
        active => Routing::only(active).with_canary("lora-v2", 0.1).unwrap(),
    };
    ServiceState {
        standing: Some(OnTrial {
            candidate: "lora-v2".into(),
            reference: active.into(),
            promoted: false,
            evidence: ServiceEvidence {
                pairs: PairCounts { wins: 12, losses: 5, ties: 2 },
                reference: ArmRecord { stars: StarCounts([4, 6, 8, 6, 2]), unrated: 3 },
                candidate: ArmRecord { stars: StarCounts([1, 2, 4, 6, 4]), unrated: 2 },
            },
            proof: Proof::Unproven,
        }),
        can_roll_back: true,
        routing,
        corrections: 12,
        held_back: 0,
    }
}

pub(super) fn promoted_by_itself() -> Change {
    Change {
        at: "2026-11-23T12:00:00+00:00".into(),
        step: Step::Promote,
        adapter: "lora-v2".into(),
        by: By::Automatic,
        reason: "accepted by your own corrections, and better than base".into(),
        evidence: serde_json::Value::Null,
        routing: Routing::only("lora-v2"),
    }
}

/// Base, two versions, and the last week of the last one.
pub(super) fn versions(mean: f64, ci95: [f64; 2]) -> Vec<VersionProgress> {
    let week = |week: &str, rated, mean, ci95| WeekStars {
        week: week.into(),
        rated,
        mean,
        ci95: Some(ci95),
    };
    let version = |name: &str, state, created: &str, learned: &str, weeks| VersionProgress {
        name: name.into(),
        state,
        created: created.into(),
        weeks,
        held_out: None,
        held_out_ci95: None,
        held_out_verdict: None,
        own_work: None,
        own_work_verdict: None,
        learned: learned.into(),
    };
    let first = vec![week("2026-W45", 21, 2.4, [2.0, 2.8]), week("2026-W46", 18, 2.6, [2.1, 3.1])];
    let second = vec![week("2026-W46", 5, 3.0, [2.1, 3.9]), week("2026-W47", 24, 3.1, [2.7, 3.5])];
    let last = vec![week("2026-W48", 31, mean, ci95)];
    vec![
        version("base", None, "", "the model as it came", first),
        VersionProgress {
            held_out: Some(-0.121),
            held_out_ci95: Some([-0.182, -0.061]),
            held_out_verdict: Some("accepted".into()),
            ..version(
                "lora-v1",
                Some(State::Retired),
                "2026-11-12T09:00:00+01:00",
                "24 corrections, 8 replayed: own-work",
                second,
            )
        },
        VersionProgress {
            held_out: Some(0.012),
            held_out_ci95: Some([-0.031, 0.055]),
            held_out_verdict: Some("cannot tell".into()),
            own_work: Some(-0.204),
            own_work_verdict: Some("accepted".into()),
            ..version(
                "lora-v2",
                Some(State::Active),
                "2026-11-22T18:30:00+01:00",
                "41 corrections, 60 made for weak areas, 20 replayed: own-work, shell",
                last,
            )
        },
    ]
}

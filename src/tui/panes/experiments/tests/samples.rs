//! What the desk might report, for the tests of this pane and for the random ones.

use crate::config::{Config, PerplexityThreshold};
use crate::driver::StoredExperiments;
use crate::eval::{AccuracyOutcome, AreaOutcome, AreaScore, Guard, Summary, Watched, WeakExample};
use crate::experiments::{
    ArmArea, ArmResult, Claim, Contrast, ExperimentRecord, Parts, SeedResult, Setup, Unfinished,
};
use crate::improve::{
    Control, Ending, ExampleCounts, HeldOut, RoundRecord, RoundResult, Rule, SentinelMatrix,
    SentinelPair, SentinelRow, Settings, Showing, StoredRound, WeakAreas,
};
use crate::train::{StepMetrics, TrainSettings};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ROUND: &str = "round_20261123_100000";
pub const STOPPED_ROUND: &str = "round_20261122_180000";
pub const EXPERIMENT: &str = "experiment_20261121_090000";

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
        detail: match measured {
            true => "perplexity +0.4 %, at most +2.1 % (limit +10.0 %), 40 groups".into(),
            false => "no samples".into(),
        },
        needs_more: None,
    }
}

fn showing(perplexity: f64, find: bool) -> Showing {
    let summary = |perplexity: f64| Summary {
        perplexity,
        pooled_perplexity: perplexity,
        areas: Vec::<AreaScore>::new(),
    };
    Showing {
        find: find.then(|| summary(perplexity - 0.4)),
        held_out: Some(summary(perplexity)),
        diversity: Some(0.81),
    }
}

pub fn weak() -> WeakAreas {
    let example = |nth: usize| WeakExample {
        id: format!("shell-{nth}"),
        area: "shell".into(),
        perplexity: 40.0 - nth as f64,
    };
    WeakAreas {
        threshold: 23.1,
        areas: ["shell".to_owned()].into(),
        examples: (0..14).map(example).collect(),
        stray: 3,
    }
}

pub fn counts() -> ExampleCounts {
    ExampleCounts {
        generated: 86,
        kept: 40,
        rejected: [
            (Rule::NearDuplicate, 19),
            (Rule::LessExpected, 14),
            (Rule::CutOff, 8),
            (Rule::NearHeldOut, 5),
        ]
        .into(),
        checked: 20,
        failed_check: 3,
    }
}

pub fn result(decision: Ending) -> RoundResult {
    RoundResult {
        round: ROUND.into(),
        set: "assets/eval/evaluation.jsonl".into(),
        reference: "base".into(),
        started: "2026-11-23T10:00:00+00:00".into(),
        ended: "2026-11-23T10:23:10+00:00".into(),
        before: showing(14.1, true),
        after: Some(showing(12.4, false)),
        weak: weak(),
        examples: counts(),
        run: Some("run_20261123_100812".into()),
        adapter: Some("lora-v2".into()),
        held_out: Some(HeldOut {
            a: 16.1,
            b: 14.2,
            change: -0.118,
            ci95: Some([-0.152, -0.081]),
            p: 0.0003,
            alpha: 0.025,
            items: 60,
            groups: 57,
            used: 2,
            repeated: false,
        }),
        accuracy: Some(AccuracyOutcome {
            n: 60,
            a: 0.2,
            b: 0.283,
            change: 0.083,
            ci95: [-0.01, 0.18],
        }),
        areas: vec![
            area("facts", 30, 8.51, 0.011, None),
            area("shell", 60, 16.1, -0.118, Some((0.2, 0.283))),
        ],
        sentinels: vec![area("maths", 40, 3.91, 0.004, Some((0.6, 0.58)))],
        guards: vec![
            guard(Watched::Area, "facts", true, Some(true)),
            guard(Watched::Sentinel, "sentinel maths", true, None),
            guard(Watched::Sentinel, "sentinel code", true, Some(decision == Ending::Accepted)),
            guard(Watched::Diversity, "diversity", false, None),
        ],
        decision,
        style: false,
        reason: "perplexity on shell fell by 11.8 % (p = 0.0003); all guards passed".into(),
        advice: (decision != Ending::Accepted)
            .then(|| "more examples: --variations 10, or --count 100".into()),
        needs_more: None,
        control: None,
        seconds: 1390.0,
    }
}

pub fn round(name: &str, result: Option<RoundResult>) -> StoredRound {
    let config = Config::default();
    StoredRound {
        name: name.into(),
        record: RoundRecord {
            started: started(name),
            set: "assets/eval/evaluation.jsonl".into(),
            base: "SmolLM2-135M-Instruct.Q4_1".into(),
            base_sha256: "b179".into(),
            reference: "base".into(),
            settings: Settings {
                threshold: PerplexityThreshold::Auto,
                ..Settings::from_config(&config.error_driven, 0)
            },
            train: TrainSettings::from_config(&config),
            accumulation_is_default: true,
            replay: 0.0,
            control: Control::None,
            iteration: 1,
            iterations: 1,
            previous: None,
            sentinels: None,
        },
        result,
    }
}

/// The time in a folder's name.
fn started(name: &str) -> String {
    let digits: Vec<char> = name.chars().filter(char::is_ascii_digit).collect();
    let of = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().iter().collect();
    let [year, month, day, hour, minute]: [String; 5] =
        [of(0, 4), of(4, 6), of(6, 8), of(8, 10), of(10, 12)];
    format!("{year}-{month}-{day}T{hour}:{minute}:00+00:00")
}

pub const ARMS: [&str; 5] = ["targeted", "random-find", "unrelated", "references", "prompt-only"];

fn seed(arm: usize, seed: u64) -> SeedResult {
    let steps = if ARMS[arm] == "prompt-only" { 0 } else { 24 };
    let loss = |step: usize| {
        1.1 + 0.15 * arm as f64 + 1.5 * (-(step as f64) / (6.0 + 2.0 * arm as f64)).exp()
    };
    SeedResult {
        seed,
        examples: 40,
        tokens: 1800,
        steps,
        candidates: [("kept".to_owned(), 40)].into(),
        losses: (0..steps).map(loss).collect(),
        change: CHANGES[arm],
        accuracy: Some(0.25),
        seconds: 240.0,
    }
}

const CHANGES: [f64; 5] = [-0.121, -0.078, 0.012, -0.153, -0.045];

fn arm(place: usize, seeds: u64) -> ArmResult {
    let change = CHANGES[place];
    let parts = |by: f64| Parts { first: 2.31 + by, rest: Some(1.62 + by), end_of_turn: 0.92 + by };
    ArmResult {
        name: ARMS[place].into(),
        what: "examples".into(),
        dose: None,
        seeds: (0..seeds).map(|number| seed(place, number)).collect(),
        before: 23.4,
        after: 23.4 * (1.0 + change),
        change,
        ci95: Some([change - 0.03, change + 0.028]),
        parts_before: parts(0.0),
        parts_after: parts(change),
        checked: 40,
        accuracy_before: Some(0.25),
        accuracy_after: Some(0.275),
        accuracy_ci95: Some([-0.05, 0.1]),
        effect_per_100_examples: Some(0.3),
        areas: vec![ArmArea {
            area: "shell".into(),
            n: 36,
            before: 23.4,
            after: 20.5,
            change,
            ci95: None,
        }],
    }
}

/// With this many arms measured; it has ended where that is all of them.
pub fn experiment(name: &str, arms: usize) -> ExperimentRecord {
    let contrast = |than: usize, claim: Claim, words: &str| Contrast {
        better: ARMS[0].into(),
        than: ARMS[than].into(),
        change: -0.047,
        ci95: Some([-0.082, -0.012]),
        p: Some(0.012),
        p_holm: None,
        claim,
        words: words.into(),
        needs_more: None,
    };
    ExperimentRecord {
        experiment: name.into(),
        name: "control".into(),
        hypothesis: crate::experiments::Experiment::Control.hypothesis().into(),
        started: started(name),
        ended: (arms == ARMS.len()).then(|| "2026-11-21T10:10:00+00:00".into()),
        setup: Setup {
            set: "the built-in set".into(),
            set_sha256: "ab12".into(),
            base: "SmolLM2-135M-Instruct.Q4_1".into(),
            base_sha256: "b179".into(),
            seeds: vec![0, 1, 2],
            threshold: 23.1,
            weak: 14,
            targeted: vec!["shell".into()],
            held_out: 36,
            groups: 33,
            examples: 40,
            settings: TrainSettings::from_config(&Config::default()),
            estimated_seconds: 3900.0,
            seconds: 4210.0,
        },
        arms: (0..arms).map(|place| arm(place, if arms == ARMS.len() { 3 } else { 1 })).collect(),
        comparisons: match arms {
            0 | 1 => Vec::new(),
            _ => vec![
                contrast(
                    1,
                    Claim::Supported,
                    "targeted against random-find: -4.7 % (95 % -8.2 % to -1.2 %), supported",
                ),
                contrast(
                    2,
                    Claim::CannotTell,
                    "targeted against unrelated: -1.1 % (95 % -4.9 % to +2.6 %), cannot tell: needs \
                     about 60 more items",
                ),
            ],
        },
        verdict: (arms > 1).then_some(Claim::Supported),
    }
}

pub fn matrix() -> SentinelMatrix {
    let areas = ["code", "maths", "reasoning", "safety", "writing"];
    let row = |round: &str, adapter: &str, changes: [Option<f64>; 5]| SentinelRow {
        round: round.into(),
        adapter: adapter.into(),
        cells: areas
            .iter()
            .zip(changes)
            .map(|(name, change)| Some(area(name, 50, 4.0, change?, Some((0.6, 0.58)))))
            .collect(),
    };
    SentinelMatrix {
        areas: areas.map(str::to_owned).into(),
        rows: vec![
            row(
                "round_20261119_090000",
                "lora-v1",
                [Some(0.004), Some(0.063), Some(-0.012), Some(0.134), None],
            ),
            row(ROUND, "lora-v2", [Some(0.021), Some(-0.003), Some(0.0), Some(0.049), Some(0.1)]),
        ],
    }
}

pub fn pairs() -> Vec<SentinelPair> {
    let pair = |id: &str, prompt: &str, before: (&str, bool), after: (&str, bool)| SentinelPair {
        id: id.into(),
        prompt: prompt.into(),
        answer: "42".into(),
        before: before.0.into(),
        before_right: before.1,
        after: after.0.into(),
        after_right: after.1,
    };
    vec![
        pair(
            "maths-017",
            "What is 6 times 7? Answer with a number.",
            ("6 times 7 is 42.", true),
            ("It is 67,\nas the digits say.", false),
        ),
        pair("maths-003", "What is 40 + 2?", ("44", false), ("42", true)),
        pair("maths-001", "What is 84 / 2?", ("42", true), ("42", true)),
        pair("maths-002", "What is \u{1b}[2J 21 * 2?", ("41", false), ("\u{1b}]0;x\u{7}40", false)),
    ]
}

/// A home in which something of everything was tried.
pub fn stored() -> StoredExperiments {
    StoredExperiments {
        rounds: vec![round(ROUND, Some(result(Ending::Accepted))), round(STOPPED_ROUND, None)],
        experiments: vec![experiment(EXPERIMENT, ARMS.len())],
        unfinished: vec![Unfinished {
            experiment: "experiment_20261120_200000".into(),
            name: "filter".into(),
            started: "2026-11-20T20:00:00+00:00".into(),
        }],
        elsewhere: BTreeMap::new(),
        sentinels: matrix(),
    }
}

pub fn home() -> Arc<StoredExperiments> {
    Arc::new(stored())
}

pub fn step(step: usize, arm: usize) -> StepMetrics {
    let loss = 1.2 + 0.3 * arm as f64 + 1.6 * (-(step as f64) / (7.0 + 3.0 * arm as f64)).exp();
    StepMetrics {
        step,
        loss,
        lr: 2e-4,
        grad_norm: 0.75,
        tokens_per_second: 412.4,
        held_out_before: None,
        held_out_loss: None,
    }
}

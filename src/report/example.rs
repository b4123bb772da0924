//! A record for tests: an experiment with six arms and four areas, names that try to break out included.

use crate::experiments::{
    ArmArea, ArmResult, Claim, Contrast, ExperimentRecord, Parts, SeedResult, Setup,
};
use crate::model::Projection;
use crate::model::lora::LoraConfig;
use crate::train::{Schedule, TrainSettings};

pub const ARMS: [&str; 6] =
    ["targeted", "random-find", "self-answers", "shuffled", "replay <only> & \"more\"", "base"];

pub fn settings() -> TrainSettings {
    TrainSettings {
        lora: LoraConfig {
            rank: 8,
            alpha: 16.0,
            dropout: 0.05,
            targets: vec![Projection::Q, Projection::V],
            rank_stabilised: false,
        },
        epochs: 3,
        batch_size: 4,
        accumulate: 4,
        steps_per_epoch: Some(10),
        learning_rate: 1e-4,
        schedule: Schedule::Cosine,
        warmup: 0.1,
        clip: 1.0,
        weight_decay: 0.0,
        max_seq: 512,
        seed: 1,
        checkpoint_steps: None,
        checkpoint_seconds: 30,
        recompute: false,
    }
}

fn seed(arm: usize, seed: u64) -> SeedResult {
    let steps = if ARMS[arm] == "base" { 0 } else { 30 };
    let wobble = ((seed * 7 + arm as u64 * 3) % 5) as f64 / 5.0 - 0.4;
    let loss = |step: usize| {
        let decay = (-(step as f64) / (8.0 + arm as f64)).exp();
        0.9 + 0.1 * arm as f64 + 1.6 * decay + 0.12 * ((step * 13 + seed as usize) % 7) as f64 / 7.0
    };
    SeedResult {
        seed,
        examples: 120,
        tokens: 9_600,
        steps,
        candidates: [("kept".to_owned(), 120), ("too near".to_owned(), 30)].into(),
        losses: (0..steps).map(loss).collect(),
        change: if steps == 0 { 0.0 } else { change(arm) + 0.03 * wobble },
        accuracy: Some(0.45 + 0.02 * wobble),
        seconds: 310.0 + seed as f64,
    }
}

fn change(arm: usize) -> f64 {
    [-0.112, -0.034, -0.051, 0.046, -0.002, 0.0][arm]
}

fn area(arm: usize, name: &str, before: f64, factor: f64) -> ArmArea {
    let change = change(arm) * factor;
    ArmArea {
        area: name.into(),
        n: 18,
        before,
        after: before * (1.0 + change),
        change,
        ci95: (ARMS[arm] != "base").then_some([change - 0.05, change + 0.045]),
    }
}

fn arm(index: usize) -> ArmResult {
    let change = change(index);
    let trained = ARMS[index] != "base";
    ArmResult {
        name: ARMS[index].into(),
        what: format!("{} examples | made from\nitems", ARMS[index]),
        dose: None,
        seeds: (1..=3).map(|number| seed(index, number)).collect(),
        before: 14.2,
        after: 14.2 * (1.0 + change),
        change,
        ci95: trained.then_some([change - 0.04, change + 0.035]),
        parts_before: Parts { first: 3.1, rest: Some(2.4), end_of_turn: 2.9 },
        parts_after: Parts {
            first: 3.0,
            rest: Some(2.4 + change),
            end_of_turn: 2.9 + 7.0 * change,
        },
        checked: 40,
        accuracy_before: Some(0.45),
        accuracy_after: Some(0.475),
        accuracy_ci95: Some([-0.05, 0.1]),
        effect_per_100_examples: trained.then_some(-change * 0.8),
        areas: vec![
            area(index, "shell", 9.3, 1.1),
            area(index, "maths", 31.0, 0.9),
            area(index, "writing <b>| letters & very long names of areas\n```", 22.0, 0.3),
            area(index, "facts", 120.0, -0.2),
        ],
    }
}

fn contrast(than: usize, claim: Claim) -> Contrast {
    let change = (1.0 + change(0)) / (1.0 + change(than)) - 1.0;
    Contrast {
        better: ARMS[0].into(),
        than: ARMS[than].into(),
        change,
        ci95: Some([change - 0.04, change + 0.04]),
        p: Some(0.004),
        p_holm: Some(0.012),
        claim,
        words: format!("{} against {}: as the figures say", ARMS[0], ARMS[than]),
        needs_more: (claim == Claim::CannotTell).then_some(60),
    }
}

pub fn record() -> ExperimentRecord {
    ExperimentRecord {
        experiment: "experiment_20260102_030405".into(),
        name: "control".into(),
        hypothesis: "Examples made from failures help more than others".into(),
        started: "2026-01-02T03:04:05+01:00".into(),
        ended: Some("2026-01-02T04:40:00+01:00".into()),
        setup: Setup {
            set: "built-in".into(),
            set_sha256: "ab12".repeat(16),
            base: "a-base-model".into(),
            base_sha256: "cd34".repeat(16),
            seeds: vec![1, 2, 3],
            threshold: 12.0,
            weak: 37,
            targeted: vec!["shell".into(), "maths".into()],
            held_out: 36,
            groups: 33,
            examples: 120,
            settings: settings(),
            estimated_seconds: 5400.0,
            seconds: 5755.0,
        },
        arms: (0..ARMS.len()).map(arm).collect(),
        comparisons: vec![
            contrast(1, Claim::Supported),
            contrast(2, Claim::CannotTell),
            contrast(3, Claim::Supported),
        ],
        verdict: Some(Claim::Supported),
    }
}

/// The same with arms of growing dose.
pub fn with_doses(doses: &[f64]) -> ExperimentRecord {
    let mut record = record();
    record.name = "variations".into();
    record.arms.truncate(doses.len());
    for (index, (arm, dose)) in record.arms.iter_mut().zip(doses).enumerate() {
        arm.dose = Some(*dose);
        arm.name = format!("variations {}", index + 1);
    }
    record
}

#![allow(clippy::unwrap_used)]
use super::*;
use crate::adapters::By;
use crate::eval::promotion::PairCounts;
use crate::feedback::{self, Rating};
use crate::store::{Generation, Message, Stars, logs};
use std::sync::atomic::{AtomicU32, Ordering};

fn workplace() -> (tempfile::TempDir, Workplace) {
    let folder = tempfile::tempdir().unwrap();
    let workplace = Workplace::open(folder.path(), None, None).unwrap();
    (folder, workplace)
}

static TURN: AtomicU32 = AtomicU32::new(0);

/// A session that routing gave to `arm` just now.
fn session(workplace: &Workplace, arm: &str, probability: f64, answer: &str) -> Session {
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let mut session = logs::create(&workplace.home, &format!("task {turn}")).unwrap();
    let record = session.record_mut();
    record.messages = vec![Message::user(format!("task {turn}"))];
    record.arm = Some(arm.into());
    record.adapter = (arm != BASE).then(|| arm.into());
    record.arm_probability = Some(probability);
    record.arm_draw = Some(0.5);
    record.answer = Some(answer.into());
    record.answer_tokens = Some(100);
    record.generation = Some(Generation { max_tokens: Some(100), ..Generation::default() });
    record.outcome = Some(Outcome::Finished);
    logs::save(&workplace.home, &session).unwrap();
    session
}

fn rated(workplace: &Workplace, arm: &str, probability: f64, stars: u8, index: &Index) {
    let session = session(workplace, arm, probability, "an answer");
    let rating = Rating::stars(Stars::try_from(i64::from(stars)).unwrap());
    feedback::rate(&workplace.home, index, session.session_id.as_str(), &rating).unwrap();
}

fn canary(workplace: &Workplace, adapter: &str) {
    std::fs::create_dir_all(workplace.home.adapters().join(adapter)).unwrap();
    let grounds = Grounds::person("for a test", Value::Null);
    workplace.registry().history().canary(adapter, 0.5, grounds).unwrap();
}

// If this fails, an adapter that answers worse goes on answering, though the ratings say so.
#[test]
fn a_canary_that_the_stars_speak_against_is_rolled_back_with_its_evidence() {
    let (_folder, workplace) = workplace();
    canary(&workplace, "lora-v1");
    let index = workplace.index().unwrap();
    // Chosen by hand, or before the canary: no part of the comparison.
    rated(&workplace, "lora-v1", 1.0, 5, &index);
    for _ in 0..30 {
        rated(&workplace, BASE, 0.5, 5, &index);
        rated(&workplace, "lora-v1", 0.5, 1, &index);
    }
    let trial = on_trial(&workplace).unwrap().unwrap();
    assert_eq!((trial.candidate.as_str(), trial.reference.as_str()), ("lora-v1", BASE));
    assert_eq!(trial.evidence.candidate.stars.0, [30, 0, 0, 0, 0]);
    assert_eq!(trial.evidence.finding(), Finding::Worse);
    let change = review(&workplace).unwrap().unwrap();
    assert_eq!((change.step, change.by), (Step::Rollback, By::Automatic));
    assert!(change.reason.contains("worse than base"), "{}", change.reason);
    assert_eq!(change.evidence["arms"]["candidate"]["ratings"], 30);
    assert_eq!(workplace.registry().history().routing().unwrap(), Routing::default());
    assert!(review(&workplace).unwrap().is_none());
}

// If this fails, an adapter that nobody's corrections have accepted is promoted by itself.
#[test]
fn better_stars_alone_do_not_promote() {
    let (_folder, workplace) = workplace();
    canary(&workplace, "lora-v1");
    let index = workplace.index().unwrap();
    for _ in 0..30 {
        rated(&workplace, BASE, 0.5, 1, &index);
        rated(&workplace, "lora-v1", 0.5, 5, &index);
    }
    let trial = on_trial(&workplace).unwrap().unwrap();
    assert_eq!(trial.evidence.finding(), Finding::Better);
    assert!(trial.missing().unwrap().contains("corrections"), "{:?}", trial.missing());
    assert!(review(&workplace).unwrap().is_none());
    let accepted = OnTrial { proof: Proof::Accepted, ..trial };
    let change = act(&workplace, &accepted).unwrap().unwrap();
    assert_eq!((change.step, change.routing), (Step::Promote, Routing::only("lora-v1")));
}

#[test]
fn a_promoted_adapter_that_turns_is_rolled_back_too() {
    let (_folder, workplace) = workplace();
    let index = workplace.index().unwrap();
    for _ in 0..30 {
        rated(&workplace, BASE, 1.0, 4, &index);
    }
    std::fs::create_dir_all(workplace.home.adapters().join("lora-v1")).unwrap();
    // The second after: times in the files are whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let grounds = Grounds::person("for a test", Value::Null);
    workplace.registry().history().promote("lora-v1", grounds).unwrap();
    for _ in 0..30 {
        rated(&workplace, "lora-v1", 1.0, 1, &index);
    }
    let trial = on_trial(&workplace).unwrap().unwrap();
    assert!(trial.promoted);
    assert_eq!(trial.evidence.reference.stars.ratings(), 30);
    assert_eq!(review(&workplace).unwrap().unwrap().step, Step::Rollback);
}

// If this fails, an adapter that answers with nothing, or without end, goes on doing so.
#[test]
fn an_empty_or_endless_answer_takes_an_adapter_out_at_once() {
    let endless = "one two three ".repeat(30);
    for (answer, told) in [(" \n", "empty"), (endless.as_str(), "never ends")] {
        let (_folder, workplace) = workplace();
        canary(&workplace, "lora-v1");
        let fine = session(&workplace, "lora-v1", 0.5, "a whole answer");
        assert!(inspect(&workplace, &fine).unwrap().is_none());
        let by_base = session(&workplace, BASE, 0.5, answer);
        assert!(inspect(&workplace, &by_base).unwrap().is_none());
        let bad = session(&workplace, "lora-v1", 0.5, answer);
        let change = inspect(&workplace, &bad).unwrap().unwrap();
        assert!(change.reason.contains(told), "{}", change.reason);
        assert_eq!(change.routing, Routing::default());
        // What a person chose by hand changes nothing.
        canary(&workplace, "lora-v1");
        let mut by_hand = session(&workplace, "lora-v1", 1.0, answer);
        by_hand.record_mut().arm_draw = None;
        assert!(inspect(&workplace, &by_hand).unwrap().is_none());
    }
}

#[test]
fn a_crash_counts_and_a_prompt_that_is_too_long_does_not() {
    let (_folder, workplace) = workplace();
    canary(&workplace, "lora-v1");
    let arm = Arm { draw: Some(0.1), ..Arm::chosen("lora-v1", None) };
    let too_long = tasks::Error::Runtime(runtime::Error::PromptTooLong { tokens: 9, context: 8 });
    assert!(inspect_failure(&workplace, &arm, &too_long).unwrap().is_none());
    let crash = tasks::Error::Runtime(runtime::Error::Stopped("a panic".into()));
    let by_hand = Arm { draw: None, ..arm.clone() };
    assert!(inspect_failure(&workplace, &by_hand, &crash).unwrap().is_none());
    let change = inspect_failure(&workplace, &arm, &crash).unwrap().unwrap();
    assert!(change.reason.contains("crashed"), "{}", change.reason);
}

// If this fails, an adapter that a person promoted, knowing what speaks against it, is taken away from them at
// the next rating.
#[test]
fn what_a_person_knew_does_not_undo_their_decision() {
    let (_folder, workplace) = workplace();
    let judged = |count: usize, at: &str| {
        let path = workplace.home.experiments().join("replays");
        std::fs::create_dir_all(&path).unwrap();
        for n in 0..count {
            let line = json!({
                "at": at, "session": format!("session_{n}"), "candidate": "lora-v1",
                "reference": BASE, "candidate_sha256": "b", "reference_sha256": "a",
                "candidate_side": "left", "candidate_answer": "x", "reference_answer": "y",
                "judgement": "loss",
            });
            let file = path.join("lora-v1-against-base.jsonl");
            crate::store::atomic::append_line(&file, &line.to_string()).unwrap();
        }
    };
    judged(20, "2026-01-01T00:00:00+00:00");
    canary(&workplace, "lora-v1");
    let trial = on_trial(&workplace).unwrap().unwrap();
    assert_eq!((trial.evidence.pairs.losses, trial.evidence.finding()), (20, Finding::Worse));
    assert!(review(&workplace).unwrap().is_none());
    judged(20, "2100-01-01T00:00:00+00:00");
    assert_eq!(review(&workplace).unwrap().unwrap().step, Step::Rollback);
}

#[test]
fn nothing_happens_by_itself_where_the_person_wants_to_decide() {
    let (_folder, mut workplace) = workplace();
    workplace.config.routing.automatic = false;
    canary(&workplace, "lora-v1");
    let bad = session(&workplace, "lora-v1", 0.5, "");
    assert!(inspect(&workplace, &bad).unwrap().is_none());
    let trial = OnTrial {
        candidate: "lora-v1".into(),
        reference: BASE.into(),
        promoted: false,
        evidence: ServiceEvidence {
            pairs: PairCounts { wins: 0, losses: 40, ties: 0 },
            ..ServiceEvidence::default()
        },
        proof: Proof::Accepted,
    };
    assert!(act(&workplace, &trial).unwrap().is_none());
}

#[test]
fn only_a_passage_over_and_over_at_the_end_goes_round() {
    assert!(goes_round(&format!("Yes. {}", "and so on, ".repeat(8))));
    assert!(!goes_round("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19"));
    assert!(!goes_round("a ----"));
    assert!(!goes_round(""));
}

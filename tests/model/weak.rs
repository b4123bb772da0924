//! What the heat map shows must be what the score is made of: else a person trains on words that were
//! never the trouble.

use crate::common::model_file::model_file;
use kaizen::driver::{Desk, Effect, MeasuredItem, Report, WorkEvent, WorkId};
use kaizen::eval::Place;
use kaizen::workplace::{ArmChoice, SetChoice, Workplace};
use serde_json::json;
use std::sync::{Arc, Mutex, mpsc};

const ANSWERS: [&str; 5] = [
    "rsync -av --delete src/ dst/",
    "Snow falls,\n\n\tand 改善 goes on. 🧑‍🔬👍🏽",
    "x",
    "  indented:\r\n    for i in range(3):\n        print(i)\n",
    "é and e\u{301} are not the same; ﷽ is one character.",
];

/// A set of five find items with different prompts, and one held-out item.
fn set() -> String {
    let prompts = ["copying folders", "weather poetry", "algebra", "python loops", "unicode forms"];
    let ids_in =
        |place| (0..).map(|i| format!("item-{i}")).filter(move |id| Place::of_id(id) == place);
    let mut lines: Vec<String> = ids_in(Place::Find)
        .zip(prompts.into_iter().zip(ANSWERS))
        .map(|(id, (prompt, answer))| {
            json!({"id": id, "area": "all", "prompt": prompt, "answer": answer}).to_string()
        })
        .collect();
    let held_out = ids_in(Place::HeldOut).next().unwrap();
    lines.push(
        json!({"id": held_out, "area": "all", "prompt": "kept unseen", "answer": "yes"})
            .to_string(),
    );
    lines.join("\n")
}

/// The last report of measuring the set on a desk of its own.
fn measured(set: &str, load: bool) -> WorkEvent {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.jsonl");
    std::fs::write(&path, set).unwrap();
    let model = model_file().path.display().to_string();
    let workplace = Workplace::open(folder.path(), None, Some(model)).unwrap();
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let desk = Desk::new(
        workplace,
        Arc::new(move |report| {
            let _ = tell.lock().unwrap().send(report);
        }),
    )
    .unwrap();
    if load {
        desk.perform(Effect::LoadModel);
    }
    let set = SetChoice::File(path);
    desk.perform(Effect::FindWeak { work: WorkId(1), set, arm: ArmChoice::Base });
    let event = told.iter().find_map(|report| match report {
        Report::Work { event, .. } if event.is_final() => Some(event),
        _ => None,
    });
    desk.close();
    event.unwrap()
}

fn texts(item: &MeasuredItem) -> String {
    let (end, answer) = item.tokens.split_last().unwrap();
    assert_eq!(end.0, "⏎", "the end of the turn is scored last");
    answer.iter().map(|(text, _)| text.as_str()).collect()
}

#[test]
fn token_texts_are_the_answer_and_their_nats_the_score() {
    let WorkEvent::WeakFound(found) = measured(&set(), true) else { panic!("not measured") };
    assert_eq!(found.arm, "base");
    assert!(found.auto_threshold >= 10.0 && found.auto_threshold.is_finite());
    let answers: Vec<&str> = found.items.iter().map(|i| i.example.answer.as_str()).collect();
    assert_eq!(answers, ANSWERS, "the find items and no others");
    for item in &found.items {
        assert_eq!(texts(item), kaizen::store::plain(&item.example.answer));
        let nats: Vec<f64> = item.tokens.iter().map(|(_, nats)| f64::from(*nats)).collect();
        assert_eq!(nats.len(), item.score.tokens);
        let mean = nats.iter().sum::<f64>() / nats.len() as f64;
        assert!((mean - item.score.nll).abs() < 1e-9, "{mean} is not {}", item.score.nll);
        assert_eq!(nats[0], item.score.first);
        assert_eq!(nats[nats.len() - 1], item.score.end_of_turn);
    }
}

/// A person with a bad line waits for no model to hear of it.
#[test]
fn a_bad_line_is_named_before_the_model_is_there() {
    let WorkEvent::Failed(why) = measured("{\"id\": \"a\", \"prompt\": \"b\"}\n", false) else {
        panic!("it was not refused")
    };
    assert!(why.contains("line 1") || why.contains(":1"), "{why}");
}

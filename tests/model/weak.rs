//! What the heat map shows must be what the score is made of: else a person trains on words that were
//! never the trouble.

use crate::common::model_file::model_file;
use kaizen::driver::{Desk, Effect, MeasuredItem, Report, WorkEvent, WorkId};
use kaizen::eval::{Example, Place, Provenance, measure};
use kaizen::runtime::{Score, ScoreItem};
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

/// What a person is shown in a word's place must be what the model would have said, by the very figures it was
/// measured with.
#[test]
fn what_was_expected_agrees_with_the_scores_and_with_the_whole_distribution() {
    let runtime = crate::fixture::runtime();
    let example = Example {
        id: "one".into(),
        area: "all".into(),
        messages: vec![kaizen::store::Message::user("How do I copy folders?")],
        answer: "rsync -av src/ 改善 🧑‍🔬".into(),
        weight: 1.0,
        provenance: Provenance::File,
        check: None,
    };
    let expected = measure::expected(&runtime, &example, None, 5).unwrap();
    let scored =
        measure::score_tokens(&runtime, std::slice::from_ref(&example), None, &mut |_, _| {});
    let scored = scored.unwrap().pop().unwrap();
    let tokens: Vec<u32> = expected.iter().map(|place| place.token).collect();
    assert_eq!(tokens, scored.ids);
    // The whole distribution, computed another way: the same text scored with each token in the place.
    let model = runtime.model();
    let item = measure::items(model, std::slice::from_ref(&example)).unwrap().pop().unwrap();
    for (place, (expected, loss)) in expected.iter().zip(&scored.losses).enumerate() {
        assert!((-expected.probability.ln() - loss).abs() < 1e-3, "{place}");
        assert_eq!(expected.likeliest.len(), 5);
        assert!(expected.likeliest.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        let before = expected.likeliest.iter().position(|(id, _)| *id == expected.token);
        assert!(before.map_or(expected.rank > 5, |at| at + 1 == expected.rank), "{place}");
        if place % 4 != 0 {
            continue;
        }
        let at = item.scored.start + place;
        for (id, probability) in &expected.likeliest {
            let ids = item.ids[..at].iter().copied().chain([*id]).collect();
            let other = ScoreItem { ids, scored: at..at + 1 };
            let losses = runtime.run(Score::new(vec![other], None), |_| ()).unwrap();
            let scored = (-losses[0][0]).exp();
            assert!((probability - scored).abs() < 5e-3, "{place}: {probability} and {scored}");
        }
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

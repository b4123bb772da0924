//! `kaizen train --from failed`: from ratings to an adapter.

use crate::kaizen::{Home, SHORT, says, text};
use crate::sessions::session;

fn with_sessions(count: usize) -> Home {
    let home = Home::new();
    for i in 1..=count {
        let id = format!("session_20251101_00000{i}");
        home.file(&format!("from/{id}/session.json"), session(&id, &format!("task {i}"), "2"));
    }
    home.ok(&["sessions", "import", &text(&home.path("from"))]);
    home
}

fn correct(home: &Home, i: usize) {
    let answer = home.file("answer.txt", format!("right {i}"));
    home.ok(&["rate", &format!("session_20251101_00000{i}"), "1", "--answer", &answer]);
}

#[test]
fn too_few_corrections_say_how_many_there_are_and_what_is_missing() {
    let home = with_sessions(3);
    correct(&home, 1);
    let told = home.fails(&["train", "--from", "failed"]);
    says(&told, &["needs 5 failed sessions", "3 failed, 1 of them corrected", "4 more needed"]);
    says(&told, &["kaizen rate SESSION STARS --answer FILE", "session_20251101_000003"]);
    assert_eq!(home.home("runs").read_dir().unwrap().count(), 0);
}

// If this fails, what a person corrected is not what the model learns.
#[test]
fn five_corrected_sessions_become_an_adapter() {
    let home = with_sessions(5);
    (1..=5).for_each(|i| correct(&home, i));
    let flags =
        [&["train", "--from", "failed", "--json"], &SHORT[..12], &["--replay", "0.2"]].concat();
    let ended = home.ok(&flags);
    let lines = ended.lines();
    assert_eq!(lines[0]["provenance"], serde_json::json!({"correction": 5}));
    assert_eq!(lines.last().unwrap()["adapter"], "lora-v1");
    says(&ended.err, &["replay: 0 good answers of the past"]);
    let run = home.home("runs").join(lines[0]["run"].as_str().unwrap());
    let learned = std::fs::read_to_string(run.join("examples.jsonl")).unwrap();
    for i in 1..=5 {
        says(&learned, &[&format!("task {i}"), &format!("right {i}")]);
    }
}

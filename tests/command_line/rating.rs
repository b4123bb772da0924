//! `kaizen rate`.

use crate::kaizen::{Ended, Home, says, text};
use crate::sessions::session;
use serde_json::json;

// If this fails, what a person said is lost or changed.
#[test]
fn a_rating_with_all_its_parts_is_kept_and_the_earlier_ones_too() {
    let home = Home::new();
    let id = home.task("Say hi");
    let answer = home.file("right.txt", "The right answer.\n");
    let rated = home.json(&[
        "rate",
        &id,
        "2",
        "--issue",
        "timeout",
        "--issue",
        "other",
        "--comment",
        "too slow",
        "--answer",
        &answer,
    ]);
    assert_eq!(rated, json!({"session": id, "rating": 2}));
    let session = home.session(&id);
    assert_eq!(session["metadata"]["user_rating"], 2);
    assert_eq!(session["metadata"]["feedback_comment"], "too slow");
    assert_eq!(session["metadata"]["what_went_wrong"].as_array().unwrap().len(), 2);
    assert_eq!(session["kaizen"]["correction"]["answer"], "The right answer.");

    // Again, by the end of the id, with the correction from stdin.
    let end = &id["session_".len()..];
    let output = home
        .command()
        .args(["rate", end, "1", "--answer", "-"])
        .write_stdin("A better one.")
        .output()
        .unwrap();
    assert_eq!(Ended::of(output).code, 0);
    let session = home.session(&id);
    assert_eq!(session["metadata"]["user_rating"], 1);
    assert_eq!(session["metadata"]["feedback_comment"], "too slow");
    assert_eq!(session["kaizen"]["correction"]["answer"], "A better one.");
    let history = session["kaizen"]["ratings"].as_array().unwrap();
    let stars: Vec<i64> = history.iter().map(|entry| entry["stars"].as_i64().unwrap()).collect();
    assert_eq!(stars, [2, 1]);
    assert_eq!(history[0]["correction"], "The right answer.");
    let listed = home.json(&["sessions", "list"]);
    assert_eq!(listed["sessions"][0]["rating"], 1);
    assert_eq!(listed["sessions"][0]["corrected"], true);
}

#[test]
fn what_cannot_be_a_rating_changes_nothing() {
    let home = Home::new();
    let id = home.task("Say hi");
    let before = home.session(&id);
    for stars in ["0", "6", "five", "-1", "3.5"] {
        let ended = home.run(&["rate", &id, stars]);
        assert_eq!(ended.code, 2, "{stars}");
        if !stars.starts_with('-') {
            says(&ended.err, &["a whole number of stars from 1 to 5"]);
        }
    }
    let ended = home.run(&["rate", &id, "3", "--issue", "weather"]);
    assert_eq!(ended.code, 2);
    says(&ended.err, &["weather", "ocr", "wrong-action"]);
    says(&home.fails(&["rate", "session_19990101_000000", "3"]), &["no session", "sessions list"]);
    let empty = home.file("empty.txt", " \n");
    says(&home.fails(&["rate", &id, "2", "--answer", &empty]), &["empty", &id]);
    let none = home.fails(&["rate", &id, "2", "--answer", "nowhere.txt"]);
    says(&none, &["cannot read nowhere.txt"]);
    let binary = home.file("binary.txt", b"\xff\xfe");
    says(&home.fails(&["rate", &id, "2", "--answer", &binary]), &["not UTF-8"]);
    assert_eq!(home.session(&id), before);
}

#[test]
fn a_beginning_that_several_sessions_share_is_not_guessed() {
    let home = Home::new();
    let ids = [home.task("one"), home.task("two")];
    let told = home.fails(&["rate", "session_", "3"]);
    says(&told, &[&ids[0], &ids[1], "more of the id"]);
}

// If this fails, a script teaches the model its own wrong answer, or leaves half a rating behind.
#[test]
fn a_correction_that_corrects_nothing_is_refused_whole() {
    let home = Home::new();
    let id = "session_20251101_000001";
    home.file(&format!("from/{id}/session.json"), session(id, "cats", "2"));
    home.ok(&["sessions", "import", &text(&home.path("from"))]);
    let before = home.session(id);
    for (content, told) in [
        ("an answer\n", "is the answer it gave; if that was right, leave the correction out"),
        ("", "is empty; write what the right answer would have been"),
    ] {
        let answer = home.file("answer.txt", content);
        let flags = ["rate", id, "5", "--comment", "new", "--issue", "ocr", "--answer", &answer];
        let ended = home.run(&flags);
        assert_eq!((ended.code, ended.out.as_str(), ended.err.lines().count()), (1, "", 1));
        says(&ended.err, &[told, id]);
        assert_eq!(home.session(id), before);
        assert_eq!(home.json(&["sessions", "list"])["sessions"][0]["rating"], 2);
    }
}

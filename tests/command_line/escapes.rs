//! Text from elsewhere that would steer the terminal.

use crate::kaizen::{Home, says, text};
use crate::sessions::session;

const HOSTILE: &str = "clear\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u202ethe\\u007f screen";

fn harmless(shown: &str) {
    let steering = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}')
    };
    assert!(!shown.chars().any(steering), "{shown:?}");
}

// If this fails, a session file from elsewhere can rewrite what the person sees, or run a command.
#[test]
fn imported_text_never_steers_the_terminal() {
    let home = Home::new();
    let id = "session_20251101_000001";
    let hostile = session(id, HOSTILE, "2")
        .replace("their-v1", HOSTILE)
        .replace("an answer", HOSTILE)
        .replace("2025-11-01T10:00:00", HOSTILE)
        .replace("\"user_rating\"", &format!("\"feedback_comment\":\"{HOSTILE}\",\"user_rating\""));
    home.file(&format!("from/{id}/session.json"), hostile);
    home.file("from/bad\u{1b}[2Jname/session.json", "{");
    let imported = home.ok(&["sessions", "import", &text(&home.path("from"))]);
    says(&imported.out, &["1 imported, 0 already here, 1 skipped", "badname"]);
    for arguments in
        [&["sessions", "list"][..], &["sessions", "show", id], &["sessions", "reindex"]]
    {
        let words = home.ok(arguments);
        harmless(&words.out);
        harmless(&words.err);
        let document = home.ok(&[arguments, &["--json"]].concat());
        // In JSON it is data, and escaped.
        assert!(!document.out.trim_end().chars().any(char::is_control), "{:?}", document.out);
    }
    harmless(&imported.out);
    says(&home.ok(&["sessions", "show", id]).out, &["clearthe screen"]);
    harmless(&home.fails(&["sessions", "show", "no\u{1b}[31msuch"]));
}

#[test]
fn a_sets_names_never_steer_the_terminal() {
    let home = Home::new();
    let line = format!(r#"{{"id":"i5","area":"{HOSTILE}","prompt":"a","answer":"b c d e"}}"#);
    let file = home.file("set.jsonl", line);
    for arguments in [
        &["eval", "--set", &file, "--no-answers"][..],
        &["weak", "--set", &file, "--threshold", "1"],
    ] {
        let words = home.ok(arguments).out;
        says(&words, &["clearthe screen"]);
        harmless(&words);
    }
}

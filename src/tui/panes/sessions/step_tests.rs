//! A session that was carried out: its steps, and what is said of them, by keys and reports.
#![allow(clippy::unwrap_used)]

use crate::driver::{Effect, Report, Sessions};
use crate::feedback::StepRating;
use crate::store::{
    ActEnding, ActRecord, Approval, ChangeKind, CheckRecord, DemonstratedStep, Demonstration,
    DemonstrationFrom, FileChange, Filter, Iteration, Message, Outcome, Session, SessionSummary,
    Stars, StepFeedback, StepResult,
};
use crate::tui::tests::{SIZES, Screen};
use serde_json::json;

fn stars(number: i64) -> Option<Stars> {
    Stars::try_from(number).ok()
}

fn iteration(number: u64, seen: &str, action: serde_json::Value, result: &StepResult) -> Iteration {
    Iteration {
        iteration_number: number,
        grok_response: Some(action.to_string()),
        observation: Some(seen.into()),
        action: Some(action),
        result: serde_json::to_value(result).ok(),
        ..Iteration::default()
    }
}

fn session() -> Session {
    let at = "2026-11-23T11:40:00[UTC]".parse().unwrap();
    let id = "session_20261123_114000".parse().unwrap();
    let mut session = Session::begin(id, &at, "Put the notes of 2025 into the archive");
    let look =
        "Task: Put the notes of 2025 into the archive\nFiles:\narchive/\nnotes-2025.txt\ntodo.txt";
    let result = |output: &str| StepResult { output: output.into(), ..StepResult::default() };
    let moved = StepResult {
        files_changed: vec![
            FileChange { path: "archive/notes-2025.txt".into(), how: ChangeKind::Created },
            FileChange { path: "notes-2025.txt".into(), how: ChangeKind::Removed },
        ],
        approval: Approval::Edited,
        seconds: 1.5,
        ..result("")
    };
    let missing = StepResult {
        exit_code: Some(2),
        ..result("ls: cannot access 'archiv': No such file or directory")
    };
    session.iterations = vec![
        iteration(1, look, json!({"tool": "shell", "command": "ls archiv"}), &missing),
        iteration(
            2,
            "exit code 2\nls: cannot access 'archiv'",
            json!({"tool": "shell", "command": "mv notes-2025.txt archive"}),
            &moved,
        ),
        iteration(
            3,
            "done",
            json!({"tool": "answer", "text": "It is done."}),
            &result("It is done."),
        ),
    ];
    let record = session.record_mut();
    record.messages = vec![Message::system("You do tasks in a folder."), Message::user(look)];
    record.answer = Some("It is done.".into());
    record.arm = Some("base".into());
    record.outcome = Some(Outcome::Finished);
    record.act = Some(ActRecord {
        workspace: "/home/ada/desk/docs".into(),
        max_steps: 8,
        ended: Some(ActEnding::Answered),
        feedback: vec![StepFeedback {
            step: 2,
            stars: stars(4),
            correction: Some(
                "{\"tool\":\"shell\",\"command\":\"mv notes-2025.txt archive/2025/\"}".into(),
            ),
            at: "2026-11-23T11:45:00Z".parse().unwrap(),
        }],
        ..ActRecord::default()
    });
    session
}

fn checked() -> Session {
    let mut session = session();
    let act = session.record_mut().act.as_mut().unwrap();
    act.check = Some(CheckRecord { task: "archive-3".into(), area: "files".into(), passed: false });
    act.demonstration = Some(Demonstration {
        from: DemonstrationFrom::Expected,
        session: None,
        messages: Vec::new(),
        steps: vec![DemonstratedStep {
            action: "{\"tool\":\"shell\",\"command\":\"mv notes-2025.txt archive/2025/\"}".into(),
            next_look: String::new(),
        }],
    });
    session
}

fn summary(session: &Session) -> SessionSummary {
    let (id, task) = (session.session_id.as_str(), &session.metadata.task);
    SessionSummary {
        corrected: true,
        acted: true,
        ..crate::tui::tests::summary(id, "2026-11-23T11:40:00", task)
    }
}

fn listed(width: u16, height: u16, session: &Session) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 2");
    let asked = summary(session);
    let list = vec![
        asked.clone(),
        SessionSummary {
            id: "session_1".parse().unwrap(),
            task: "What is 17 × 23?".into(),
            acted: false,
            ..asked
        },
    ];
    let sessions = Sessions { total: 2, list, filter: Filter::default(), ..Sessions::default() };
    screen.report(Report::Sessions(sessions.into()));
    screen
}

fn opened(width: u16, height: u16, session: &Session) -> Screen {
    let mut screen = listed(width, height, session);
    screen.keys("enter").report(Report::Session(Box::new(session.clone())));
    screen
}

fn said(screen: &Screen) -> Vec<StepRating> {
    let said = screen.effects.iter().filter_map(|effect| match effect {
        Effect::RateStep { rating, .. } => Some(rating.clone()),
        _ => None,
    });
    said.collect()
}

// If this fails, nobody can tell a task that changed files from one that was only answered.
#[test]
fn the_list_marks_what_was_carried_out() {
    let mut screen = listed(80, 24, &session());
    screen.shows(&["▸ Put the notes", "  What is 17 × 23?", "▸ carried out"]);
}

// If this fails, a person cannot find out what a task did to their files, and why.
#[test]
fn a_session_shows_its_steps_what_came_of_them_and_what_was_said() {
    for (width, height) in SIZES {
        let mut screen = opened(width, height, &session());
        insta::assert_snapshot!(format!("steps_{width}x{height}"), screen.picture());
    }
    let mut screen = opened(120, 60, &checked());
    insta::assert_snapshot!("checked_120x60", screen.picture());
    screen.shows(&[
        "shell  ls archiv",
        "! exit code 2",
        "created archive/notes-2025.txt, removed notes-2025.txt",
        "changed by you before it was done · 1.5 s",
        "★★★★☆",
        "should have been: shell mv notes-2025.txt archive/2025/",
        "failed: archive-3 (files)",
        "Would have been done so",
    ]);
}

// If this fails, stars or a right action are given to another step than the one that is marked.
#[test]
fn the_selected_step_is_rated_and_the_stars_are_saved_at_once() {
    let mut screen = opened(80, 24, &session());
    screen.keys("] ] ] [ s").shows(&["How good was step 2?", "mv notes-2025.txt archive"]);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("step_stars_{width}x{height}"), picture);
    }
    screen.keys("5");
    assert_eq!(said(&screen), [StepRating { step: 2, stars: stars(5), correction: None }]);
    let mut rated = session();
    rated.record_mut().act.as_mut().unwrap().feedback[0].stars = stars(5);
    screen.report(Report::Rated(Box::new(rated)));
    screen.shows(&["★★★★★ saved for step 2", "★★★★★"]);
    assert!(!screen.shown().contains("How good was step"));
}

// If this fails, what was wrong is known and what would have been right is not: the model learns nothing.
#[test]
fn few_stars_ask_for_the_right_action_and_a_command_alone_is_one() {
    for (width, height) in SIZES {
        let mut screen = opened(width, height, &session());
        screen.keys("s 2").shows(&["Step 1: what should have been done?", "ls archiv"]);
        insta::assert_snapshot!(format!("step_action_{width}x{height}"), screen.picture());
    }
    let mut screen = opened(80, 24, &session());
    screen.keys("s 2").text("e 3c").keys("enter");
    let correction = Some("ls archive 3c".to_owned());
    assert_eq!(
        said(&screen),
        [
            StepRating { step: 1, stars: stars(2), correction: None },
            StepRating { step: 1, stars: None, correction },
        ]
    );
    // A refusal has its reason, and what was typed stays.
    let id = session().session_id;
    let mut rated = session();
    let said_of = |correction: Option<&str>| StepFeedback {
        step: 1,
        stars: stars(2),
        correction: correction.map(str::to_owned),
        at: "2026-11-23T11:50:00Z".parse().unwrap(),
    };
    rated.record_mut().act.as_mut().unwrap().feedback.insert(0, said_of(None));
    screen.report(Report::Rated(Box::new(rated.clone())));
    screen.report(Report::RatingFailed { session: id, why: "there is no tool \"x\"".into() });
    screen.shows(&["Not saved: there is no tool \"x\"", "ls archive 3c"]);
    screen.keys("enter");
    rated.record_mut().act.as_mut().unwrap().feedback[0] =
        said_of(Some("{\"tool\":\"shell\",\"command\":\"ls archive 3c\"}"));
    screen.report(Report::Rated(Box::new(rated)));
    screen
        .shows(&["the right action for step 1 is saved", "should have been: shell ls archive 3c"]);
}

// If this fails, one key throws away what somebody took time to write.
#[test]
fn an_unsaved_action_is_not_lost_at_once_and_what_stood_there_is_no_correction() {
    let mut screen = opened(80, 24, &session());
    screen.keys("] c enter").shows(&["this is what stood there"]);
    assert!(said(&screen).is_empty());
    screen.text(" # no").keys("esc").shows(&["What you wrote is not saved"]);
    screen.keys("esc");
    assert!(!screen.shown().contains("what should have been done?") && said(&screen).is_empty());
}

// If this fails, keys of act mode stand in the footer where they do nothing.
#[test]
fn a_session_that_was_answered_has_no_steps_to_rate() {
    let at = "2026-11-23T11:40:00[UTC]".parse().unwrap();
    let mut answered = Session::begin("session_1".parse().unwrap(), &at, "What is 17 × 23?");
    answered.record_mut().answer = Some("391".into());
    let mut screen = listed(80, 24, &session());
    screen.keys("down enter").report(Report::Session(Box::new(answered)));
    screen.keys("s c [ ]");
    assert!(
        !screen.shown().contains("] step")
            && !screen.shown().contains("s stars")
            && said(&screen).is_empty()
    );
}

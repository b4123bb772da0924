//! The pane as a person meets it: by keys and reports.
#![allow(clippy::unwrap_used)]

use crate::driver::{Answered, Effect, Report, Sessions, WorkEvent, WorkId};
use crate::feedback::Trigger;
use crate::runtime::Stop;
use crate::store::{
    Correction, Filter, Generation, Issue, Message, Outcome, RatingEntry, Session, SessionSummary,
    Skipped, Stars,
};
use crate::tui::event::Event;
use crate::tui::pane::TerminalEffect;
use crate::tui::tests::{Screen, summary};
use crate::tui::theme::Theme;
use std::sync::Arc;

fn stars(number: i64) -> Option<Stars> {
    Stars::try_from(number).ok()
}

fn some() -> Vec<SessionSummary> {
    let base = |n: u32, started: &str, task: &str| summary(&format!("session_{n}"), started, task);
    vec![
        base(9, "2026-11-23T11:59:30", "Write a haiku about rust"),
        SessionSummary {
            stars: stars(2),
            issues: vec![Issue::WrongAction, Issue::Timeout],
            corrected: true,
            ..base(
                8,
                "2026-11-23T11:40:00",
                "Find the largest file in this folder, and say how large it is in MB\nplease",
            )
        },
        SessionSummary {
            stars: stars(5),
            arm: Some("lora-v2".into()),
            ..base(7, "2026-11-23T08:00:00", "What is 17 × 23?")
        },
        SessionSummary {
            stars: stars(1),
            issues: vec![Issue::Other],
            ..base(6, "2026-11-20T08:00:00", "改善 means what? \u{1b}[31mSay it in one word")
        },
        SessionSummary {
            outcome: Some("cancelled".into()),
            ..base(5, "2026-11-10T08:00:00", "Tell me a very long story")
        },
        SessionSummary {
            stars: stars(3),
            arm: None,
            imported: true,
            outcome: None,
            ..base(4, "2025-11-08T20:59:24", "Open the settings and turn on dark mode")
        },
    ]
}

fn of(list: Vec<SessionSummary>, filter: Filter) -> Sessions {
    Sessions {
        filter,
        total: list.len(),
        list,
        trigger: Some(Trigger::Retrain { average: 2.75, rated: 12, below: 3.8 }),
        recent_stars: vec![5, 5, 4, 4, 5, 3, 3, 2, 2, 1, 2, 1],
        damaged: Vec::new(),
    }
}

/// The last list that was asked for.
fn asked(screen: &Screen) -> Filter {
    let lists = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::ListSessions(filter) => Some(filter.clone()),
        _ => None,
    });
    lists.unwrap()
}

fn lists(screen: &Screen) -> usize {
    screen.effects.iter().filter(|effect| matches!(effect, Effect::ListSessions(_))).count()
}

/// The sessions that were asked for.
fn loads(screen: &Screen) -> Vec<String> {
    let id = |effect: &Effect| match effect {
        Effect::OpenSession(id) => Some(id.to_string()),
        _ => None,
    };
    screen.effects.iter().filter_map(id).collect()
}

/// Answers the last list that was asked for.
fn list(screen: &mut Screen, list: Vec<SessionSummary>) {
    let sessions = of(list, asked(screen));
    screen.report(Report::Sessions(Arc::new(sessions)));
}

/// The pane with some sessions.
fn filled(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 2").shown();
    list(&mut screen, some());
    screen
}

fn session(id: &str) -> Session {
    let at = "2026-11-23T11:40:00[UTC]".parse().unwrap();
    let task = "And in MB?";
    let mut session = Session::begin(id.parse().unwrap(), &at, task);
    session.metadata.user_rating = stars(2);
    session.metadata.what_went_wrong = vec![Issue::WrongAction, Issue::Timeout];
    session.metadata.feedback_comment = Some("it only lists them".into());
    session.metadata.model = Some("SmolLM2-135M-Instruct".into());
    let record = session.record_mut();
    record.messages = vec![
        Message::system("Answer with a command."),
        Message::user("Find the largest file in this folder"),
        Message::assistant("ls"),
        Message::user(task),
    ];
    record.answer = Some("ls -l\n\u{1b}[2JThis lists every file with its size in bytes.".into());
    record.arm = Some("base".into());
    record.outcome = Some(Outcome::Finished);
    record.prompt_tokens = Some(48);
    record.answer_tokens = Some(17);
    record.tokens_per_second = Some(31.26);
    record.generation = Some(Generation {
        temperature: Some(0.0),
        repetition_penalty: Some(1.1),
        seed: Some(7),
        ..Generation::default()
    });
    record.correction = Some(Correction {
        answer: "du -am . | sort -n | tail -1".into(),
        at: "2026-11-23T11:50:00Z".parse().unwrap(),
        extra: Default::default(),
    });
    session
}

fn open(screen: &mut Screen, id: &str) {
    screen.report(Report::Session(Box::new(session(id))));
}

// If this fails, a person learns which arm answered before they have rated it, and their stars say more of
// the arm than of the answer.
#[test]
fn the_arm_of_a_session_that_was_drawn_is_hidden_until_it_is_rated() {
    for (rated, words) in [(None, "hidden"), (stars(4), "lora-v7")] {
        let mut drawn = summary("session_1", "2026-11-23T11:40:00", "a task");
        drawn.stars = rated;
        drawn.arm = Some("lora-v7".into());
        drawn.arm_probability = Some(0.1);
        let mut screen = Screen::new(80, 24);
        screen.keys("esc 2").shown();
        list(&mut screen, vec![drawn]);
        screen.shows(&[words]);
        screen.keys("enter");
        let mut opened = session("session_1");
        opened.metadata.user_rating = rated;
        opened.metadata.lora_version = Some("lora-v7".into());
        let record = opened.record_mut();
        record.arm = Some("lora-v7".into());
        record.arm_probability = Some(0.1);
        screen.report(Report::Session(Box::new(opened)));
        screen.keys("end").shows(&[words]);
        assert_eq!(screen.shown().contains("lora-v7"), rated.is_some(), "{}", screen.shown());
    }
}

// If this fails, a person sees neither what there is nor how good it was.
#[test]
fn the_list_shows_age_stars_task_what_went_wrong_and_arm() {
    let mut screen = filled(80, 24);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("list_{width}x{height}"), picture);
    }
    screen.shows(&["6 sessions", "★ 3.08 over the last 12 ", "● time to retrain"]);
    let mut screen = filled(120, 40);
    screen.shown();
    screen.keys("j");
    open(&mut screen, "session_9");
    open(&mut screen, "session_8");
    insta::assert_snapshot!("list_beside_120x40", screen.picture());
}

// If this fails, the selected row or the state of retraining is told by nothing but a colour.
#[test]
fn colours_and_marks_say_the_same() {
    let mut screen = filled(80, 24);
    let theme = Theme::default();
    assert_eq!(screen.style_of("› ").add_modifier, theme.selected.add_modifier);
    assert_eq!(screen.style_of("● time").fg, theme.warning.fg);
    assert_eq!(screen.style_of("✎").fg, theme.person.fg);
    assert_eq!(screen.style_of("★★★★★").fg, theme.stars.fg);
    assert_eq!(screen.style_of(" All ").add_modifier, theme.selected.add_modifier);
}

// If this fails, failed sessions that wait for a correction cannot be found.
#[test]
fn one_key_goes_through_the_filters() {
    let mut screen = filled(80, 24);
    let all = Filter::default();
    assert_eq!(asked(&screen), all);
    let failed = Filter { at_most: stars(3), ..all.clone() };
    let filters = [
        failed.clone(),
        Filter { corrected: Some(false), ..failed },
        Filter { contradicting: stars(3), ..all.clone() },
        Filter { rated: Some(false), ..all.clone() },
        Filter { at_least: stars(4), ..all.clone() },
        all,
    ];
    for filter in filters {
        screen.keys("f");
        assert_eq!(asked(&screen), filter);
        list(&mut screen, vec![]);
        if filter != Filter::default() {
            screen.shows(&["f shows"]);
        }
    }
    screen.keys("f f");
    list(&mut screen, vec![]);
    list(&mut screen, vec![]);
    screen.keys("esc");
    assert_eq!(asked(&screen), Filter::default());
}

// If this fails, the list of one filter stands under the name of another.
#[test]
fn a_list_that_comes_late_is_not_taken_for_another() {
    let mut screen = filled(80, 24);
    let before = lists(&screen);
    screen.keys("f f");
    // One is under way; the second waits for it.
    assert_eq!(lists(&screen), before + 1);
    let first = of(vec![summary("stale", "", "only failed")], asked(&screen));
    screen.report(Report::Sessions(Arc::new(first)));
    assert!(!screen.shown().contains("only failed"));
    assert_eq!((lists(&screen), asked(&screen).corrected), (before + 2, Some(false)));
    list(&mut screen, vec![summary("new", "", "to be corrected")]);
    screen.shows(&["to be corrected", "1 of 1 session"]);
}

// If this fails, search finds nothing or cannot be left.
#[test]
fn search_asks_for_the_words_and_escape_drops_them() {
    let mut screen = filled(80, 24);
    screen.keys("/").text("dark mode").keys("enter");
    // Asked while it is typed, one at a time: what came last is asked for when the first has come.
    assert_eq!(asked(&screen).text.as_deref(), Some("d"));
    list(&mut screen, vec![]);
    assert_eq!(asked(&screen).text.as_deref(), Some("dark mode"));
    list(&mut screen, vec![]);
    screen.shows(&["/ dark mode", "No session has the words \"dark mode\"", "Esc shows all"]);
    screen.keys("/").text(" x").keys("enter");
    list(&mut screen, vec![]);
    assert_eq!(asked(&screen).text.as_deref(), Some("dark mode x"));
    list(&mut screen, vec![]);
    screen.keys("esc");
    assert_eq!(asked(&screen).text, None);
}

// If this fails, a session that one is about to rate is replaced under the hand by a new one.
#[test]
fn the_selection_follows_its_session() {
    let mut screen = filled(80, 24);
    screen.shown();
    screen.keys("j j");
    let mut longer = some();
    longer.insert(0, summary("session_10", "2026-11-23T12:00:00", "Newer than all"));
    let answered = Answered {
        session: "session_10".parse().unwrap(),
        arm: "base".into(),
        blind: false,
        text: String::new(),
        stop: Stop::EndOfTurn,
        tokens: 1,
        tokens_per_second: 1.0,
    };
    let event = WorkEvent::Answered(Box::new(answered));
    screen.report(Report::Work { work: WorkId(1), event });
    list(&mut screen, longer.clone());
    screen.keys("ctrl-y");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Copy("session_7".into())]);
    // It is gone from the list: the next one takes its place.
    longer.retain(|session| session.id.as_str() != "session_7");
    screen.report(Report::Rated(Box::new(session("session_7"))));
    list(&mut screen, longer);
    screen.keys("ctrl-y");
    assert_eq!(screen.terminal_effects.last(), Some(&TerminalEffect::Copy("session_6".into())));
}

// If this fails, a rating is not seen in the list until the pane is left.
#[test]
fn ratings_and_answers_refresh_the_list_one_at_a_time() {
    let mut screen = Screen::new(80, 24);
    let before = lists(&screen);
    screen.report(Report::Rated(Box::new(session("session_8"))));
    assert_eq!(lists(&screen), before, "nobody looks at it yet");
    let mut screen = filled(80, 24);
    screen.keys("f");
    list(&mut screen, some());
    let before = lists(&screen);
    for _ in 0..5 {
        screen.report(Report::Rated(Box::new(session("session_8"))));
    }
    assert_eq!(lists(&screen), before + 1);
    list(&mut screen, some());
    assert_eq!((lists(&screen), asked(&screen).at_most), (before + 2, stars(3)));
    list(&mut screen, some());
    assert_eq!(lists(&screen), before + 2);
}

// If this fails, what the model said and what was said about it cannot be read again.
#[test]
fn a_session_is_shown_in_full() {
    let mut screen = filled(80, 24);
    screen.keys("j enter");
    assert_eq!(loads(&screen), ["session_8"]);
    open(&mut screen, "session_9");
    screen.shows(&["What is 17 × 23?"]);
    open(&mut screen, "session_8");
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("session_{width}x{height}"), picture);
    }
    screen.keys("end").shows(&[
        "Went wrong",
        "Wrong action selected, Timeout",
        "greedy",
        "31.3 a second",
    ]);
    screen.keys("g").shows(&["Answer with a command.", "↓"]);
    screen.keys("ctrl-y");
    let answer = "ls -l\nThis lists every file with its size in bytes.";
    assert_eq!(screen.terminal_effects, [TerminalEffect::Copy(answer.into())]);
    screen.keys("esc").shows(&["Find the largest", "What is 17 × 23?"]);
    let mut screen = filled(120, 40);
    screen.keys("j enter");
    open(&mut screen, "session_8");
    insta::assert_snapshot!("session_120x40", screen.picture());
}

// If this fails, going through the sessions takes three keys for each.
#[test]
fn the_next_session_is_one_key_away() {
    let mut screen = filled(80, 24);
    screen.keys("enter");
    open(&mut screen, "session_9");
    screen.keys("right");
    open(&mut screen, "session_8");
    screen.keys("left left");
    assert_eq!(loads(&screen), ["session_9", "session_8", "session_9"]);
}

// If this fails, a second thought about an answer cannot be said.
#[test]
fn a_session_is_rated_and_corrected_again() {
    let mut screen = filled(80, 24);
    screen.keys("j r");
    assert!(!screen.shown().contains("How good"), "not before it is loaded");
    open(&mut screen, "session_8");
    screen.shows(&["How good was the answer?", "★★☆☆☆ saved", "Find the largest file"]);
    // The answer can be scrolled while the form is open.
    screen.keys("pagedown").shows(&["This lists every file", "How good was the answer?"]);
    screen.keys("5");
    let mut better = session("session_8");
    better.metadata.user_rating = stars(5);
    screen.report(Report::Rated(Box::new(better)));
    screen.shows(&["★★★★★  And in MB?", "✓ ★★★★★ saved"]);

    screen.keys("e");
    open(&mut screen, "session_8");
    screen.shows(&["› Right answer", "du -am . | sort -n | tail -1"]);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("correcting_{width}x{height}"), picture);
    }
}

// If this fails, an item without a right answer spoils the set, or nobody knows that it was added.
#[test]
fn a_corrected_session_is_added_to_the_evaluation_set() {
    let mut screen = filled(80, 24);
    screen.keys("a").shows(&["! an evaluation item needs the right answer"]);
    screen.keys("j a");
    let added: Vec<_> =
        screen.effects.iter().filter(|effect| matches!(effect, Effect::AddToSet(_))).collect();
    assert_eq!(added.len(), 1);
    let set = "/home/x/evaluation.jsonl".into();
    screen.report(Report::AddedToSet { session: "session_8".parse().unwrap(), set });
    screen.shows(&["✓ session_8 is in your evaluation set now"]);
}

// If this fails, a person does not know what to do in an empty pane, or why it is empty.
#[test]
fn empty_lists_say_what_would_fill_them() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2").shows(&["Reading the sessions…"]);
    let filter = asked(&screen);
    screen.report(Report::Sessions(Arc::new(Sessions { filter, ..Sessions::default() })));
    screen.shows(&["No sessions yet.", "1 opens Tasks"]);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("empty_{width}x{height}"), picture);
    }
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    let why = "kaizen.db is not a database".into();
    screen.report(Report::Failed { what: "list the sessions", why });
    screen.shows(&["The sessions cannot be listed: kaizen.db is not a database"]);
    screen.keys("1 esc 2");
    list(&mut screen, some());
    screen.shows(&["What is 17 × 23?"]);
}

// If this fails, sessions vanish without a word.
#[test]
fn damaged_files_are_named() {
    let skipped = |name: &str| Skipped {
        path: format!("/h/logs/{name}/session.json").into(),
        why: "the JSON is cut short".into(),
    };
    let mut screen = filled(80, 24);
    for (damaged, told) in [
        (vec![skipped("session_3")], "left out: session_3 (the JSON is cut short)"),
        (vec![skipped("a"), skipped("b")], "left out: 2 sessions whose files make no sense"),
    ] {
        let sessions = Sessions { damaged, ..of(some(), asked(&screen)) };
        screen.report(Report::Sessions(Arc::new(sessions))).shows(&[told]);
    }
}

// If this fails, a home of some years cannot be looked through.
#[test]
fn ten_thousand_sessions_are_paged_through() {
    let sessions: Vec<_> = (0..10_000)
        .map(|n| summary(&format!("session_{n}"), "2026-11-20T08:00:00", &format!("task {n}.")))
        .collect();
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    list(&mut screen, sessions);
    screen.shows(&["10000 sessions", "1 of 10000", "task 0."]);
    for _ in 0..100 {
        screen.keys("pagedown").shown();
    }
    screen.keys("end").shows(&["task 9999.", "10000 of 10000"]).keys("pageup k");
    // Scrolled back by a page and a row, the list did not jump.
    screen.shows(&["task 9983.", "task 9982."]).keys("home").shows(&["task 0."]);
}

// If this fails, the place beside the list shows another session than the selected one, or every
// key waits for a file.
#[test]
fn on_a_wide_screen_the_selected_session_stands_beside_the_list() {
    let mut screen = filled(120, 40);
    assert_eq!(loads(&screen), ["session_9"]);
    screen.keys("j j j");
    assert_eq!(loads(&screen), ["session_9"], "one at a time");
    open(&mut screen, "session_9");
    assert!(!screen.shown().contains("Answer with a command"), "another is selected by now");
    assert_eq!(loads(&screen), ["session_9", "session_6"]);
    open(&mut screen, "session_6");
    screen.shows(&["Answer with a command", "means what?"]);
    assert_eq!(loads(&screen).len(), 2);
    screen.keys("enter");
    open(&mut screen, "session_6");
    screen.keys("esc").shows(&["What is 17 × 23?", "Answer with a command"]);
}

// If this fails, an imported session with steps, or a huge one, cannot be looked at.
#[test]
fn steps_and_huge_texts_are_shown() {
    let mut screen = filled(80, 24);
    screen.keys("enter");
    let mut large = session("session_9");
    large.kaizen = None;
    large.metadata.task = "x".repeat(100_000);
    let json = serde_json::json!({
        "iteration_number": 1, "tool_results": [{"tool": "click", "ok": false}, "plain"],
        "grok_response": "I clicked", "errors": ["no such button"],
    });
    large.iterations = vec![serde_json::from_value(json).unwrap()];
    screen.report(Report::Session(Box::new(large)));
    screen.keys("end").shows(&["Steps", "I clicked", "no such button", "\"click\""]);
    screen.keys("pageup").shows(&["40000 more characters"]);
}

// If this fails, some key or some size of the terminal ends the program.
#[test]
fn no_key_and_no_size_breaks_it() {
    let keys = [
        "j", "k", "pagedown", "pageup", "home", "end", "enter", "esc", "r", "e", "a", "f", "left",
        "right", "ctrl-y", "/", "x", "2", "tab",
    ];
    let mut state = 11_u64;
    let mut next = |limit: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let mut screen = filled(80, 24);
    for _ in 0..3000 {
        screen.keys(keys[next(keys.len())]);
        match next(10) {
            0 => list(&mut screen, some().into_iter().skip(next(7)).collect()),
            1 => {
                if let Some(id) = loads(&screen).pop() {
                    open(&mut screen, &id);
                }
            }
            2 => {
                screen.resize(1 + next(150) as u16, 1 + next(45) as u16);
            }
            3 => {
                screen.report(Report::Rated(Box::new(session("session_8"))));
            }
            _ => {}
        }
        screen.shown();
    }
}

// If this fails, a person who changed their mind cannot see what they had said before.
#[test]
fn every_earlier_rating_is_shown_with_what_it_changed() {
    let mut screen = filled(80, 44);
    screen.keys("j enter");
    let mut rated = session("session_8");
    let entry =
        |at: Option<&str>, number, comment: Option<&str>, answer: Option<&str>| RatingEntry {
            at: at.map(|at| at.parse().unwrap()),
            stars: stars(number),
            issues: vec![Issue::WrongAction],
            comment: comment.map(str::to_owned),
            correction: answer.map(str::to_owned),
            extra: Default::default(),
        };
    rated.record_mut().ratings = vec![
        entry(None, 1, Some("theirs"), None),
        entry(Some("2026-11-23T10:00:00Z"), 2, None, Some("du -a\n| sort \u{1b}[2J")),
        RatingEntry { issues: vec![], ..entry(Some("2026-11-23T11:50:00Z"), 2, None, Some("du")) },
    ];
    screen.report(Report::Session(Box::new(rated))).keys("end");
    screen.shows(&[
        "Ratings so far",
        "★☆☆☆☆  before it came here",
        "went wrong: Wrong action selected",
        "comment: theirs",
        "no comment any more",
        "right answer: du -a | sort",
        "nothing went wrong any more",
        "right answer: du\n",
    ]);
    assert_eq!(screen.shown().matches("went wrong: ").count(), 1, "{}", screen.shown());
}

// If this fails, what a person rated and wrote stays locked in here; or e, which corrects, exports.
#[test]
fn the_list_is_exported_as_it_is_filtered() {
    let mut screen = filled(120, 40);
    screen.keys("shift-e").shows(&["Export what is shown", "sessions.csv"]).keys("enter");
    let Some(Effect::Export { what, path, replace: false }) = screen.effects.last() else {
        panic!()
    };
    assert!(path.ends_with("sessions.csv"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.csv");
    crate::report::write_taken_out(what, &path, false).unwrap();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), some().len());
    assert_eq!((&rows[1][0], &rows[1][2], &rows[1][3]), ("session_8", "2", "wrong-action timeout"));
    assert!(rows[1][4].contains('\n'), "the task is whole");
    assert!(!rows.iter().any(|row| row.iter().any(|cell| cell.contains('\u{1b}'))));
}

// If this fails, a quick hand or a slow line quits the program where a correction was to be written.
#[test]
fn what_is_typed_before_the_form_is_there_goes_into_it() {
    let mut screen = filled(80, 24);
    screen.effects.clear();
    screen.keys("e").text("quick\n");
    screen.event(Event::Paste("er".into()));
    assert!(screen.terminal_effects.is_empty(), "{:?}", screen.terminal_effects);
    assert_eq!(loads(&screen), ["session_9"]);
    screen.report(Report::Session(Box::new(session("session_9"))));
    screen.shows(&["quick", "er"]);
    // What is not wanted any more takes what was typed for it along; then keys are the pane's again.
    let mut screen = filled(80, 24);
    screen.keys("r").text("3").keys("esc").text("q");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Quit]);
    // Nothing opens: nobody meant it for the list.
    let mut screen = filled(80, 24);
    screen.keys("r").text("q3");
    screen.report(Report::Failed { what: "open the session", why: "it is damaged".into() });
    screen.shows(&["it is damaged"]);
    assert!(screen.terminal_effects.is_empty(), "{:?}", screen.terminal_effects);
    screen.text("q");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Quit]);
}

// If this fails, whoever comes to the list after some tasks rates the oldest of them.
#[test]
fn whoever_comes_first_sees_the_newest_selected() {
    let mut screen = Screen::new(80, 24);
    let mut growing = some().split_off(3);
    list(&mut screen, growing.clone());
    for newer in some().into_iter().take(3).rev() {
        growing.insert(0, newer);
        screen.report(Report::Rated(Box::new(session("session_4"))));
        list(&mut screen, growing.clone());
    }
    screen.keys("esc 2").shown();
    screen.keys("ctrl-y");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Copy("session_9".into())]);
}

#[test]
fn an_empty_answer_is_told_as_one() {
    let mut screen = filled(80, 24);
    let mut empty = session("session_9");
    empty.record_mut().answer = Some(" ".into());
    screen.keys("enter").report(Report::Session(Box::new(empty)));
    screen.keys("G").shows(&["Answer", "(empty)"]);
}

// If this fails, a person whose files are all damaged is told that there are none.
#[test]
fn sessions_that_cannot_be_read_are_not_told_as_none() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    let one = |n: usize| Skipped {
        path: format!("/home/ada/logs/session_{n}/session.json").into(),
        why: "not JSON".into(),
    };
    let sessions = Sessions { damaged: vec![one(1), one(2)], ..of(Vec::new(), asked(&screen)) };
    screen.report(Report::Sessions(Arc::new(sessions)));
    screen.shows(&["No session could be read", "kaizen sessions reindex"]);
}

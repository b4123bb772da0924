//! The walk as a person meets it: by keys and reports.
#![allow(clippy::unwrap_used)]

use crate::driver::{Effect, Report, Sessions};
use crate::feedback::Rating;
use crate::store::{
    Correction, Filter, Issue, Message, Outcome, Session, SessionId, SessionSummary, Stars,
};
use crate::tui::action::Scope;
use crate::tui::event::Event;
use crate::tui::pane::TerminalEffect;
use crate::tui::tests::{SIZES, Screen};
use crate::tui::theme::Theme;

fn id(number: usize) -> SessionId {
    format!("session_{number}").parse().unwrap()
}

fn session(number: usize) -> Session {
    let at = "2026-11-23T11:40:00[UTC]".parse().unwrap();
    let task = format!("Question {number}: and in MB?");
    let mut session = Session::begin(id(number), &at, &task);
    session.metadata.user_rating = Some(Stars::ALL[1]);
    session.metadata.what_went_wrong = vec![Issue::WrongAction, Issue::Timeout];
    session.metadata.feedback_comment = Some("it only lists them".into());
    let record = session.record_mut();
    record.messages = vec![
        Message::system("Answer with a command."),
        Message::user("Find the largest file in this folder"),
        Message::assistant("ls"),
        Message::user(task),
    ];
    record.answer = Some(format!("ls -l {number}\n\u{1b}[2JThis lists every file with its size."));
    record.outcome = Some(Outcome::Finished);
    session
}

fn summary(number: usize) -> SessionSummary {
    let task = format!("Question {number}");
    SessionSummary {
        stars: Some(Stars::ALL[1]),
        ..crate::tui::tests::summary(id(number).as_str(), "2026-11-23T11:40:00", &task)
    }
}

/// Answers a list with `count` sessions; where those that contradict are asked for, with so many.
fn list(screen: &mut Screen, filter: Filter, count: usize, contradicting: usize) {
    let list: Vec<_> = match filter.contradicting {
        None => (1..=count).map(summary).collect(),
        Some(_) => (1..=contradicting)
            .map(|nth| SessionSummary { corrected: true, asked: Some(5), ..summary(90 + nth) })
            .collect(),
    };
    let sessions = Sessions { total: list.len().max(1), list, filter, ..Sessions::default() };
    screen.report(Report::Sessions(sessions.into()));
}

/// Answers every list that was asked for with `count` sessions, and every session; ratings wait.
fn answer_all(screen: &mut Screen, count: usize) {
    let mut waiting = Vec::new();
    while !screen.effects.is_empty() {
        for effect in std::mem::take(&mut screen.effects) {
            match effect {
                Effect::ListSessions(filter) => list(screen, filter, count, 0),
                Effect::OpenSession(asked) => {
                    let number = asked.as_str().rsplit('_').next().unwrap().parse().unwrap();
                    screen.report(Report::Session(Box::new(session(number))));
                }
                other => waiting.push(other),
            }
        }
    }
    screen.effects = waiting;
}

/// A walk through so many, at its first.
fn walking(count: usize, width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 2");
    answer_all(&mut screen, count);
    screen.keys("w");
    answer_all(&mut screen, count);
    screen
}

/// What was asked to be saved since last looked.
fn asked(screen: &mut Screen) -> Vec<(SessionId, Rating)> {
    let mut found = Vec::new();
    screen.effects.retain(|effect| match effect {
        Effect::Rate { session, rating } => {
            found.push((session.clone(), rating.clone()));
            false
        }
        _ => true,
    });
    found
}

fn corrected(number: usize, answer: &str) -> Session {
    let mut session = session(number);
    session.record_mut().correction = Some(Correction {
        answer: answer.into(),
        at: "2026-11-23T11:50:00Z".parse().unwrap(),
        extra: Default::default(),
    });
    session
}

/// The session as it is on disk once the rating is.
fn on_disk((id, rating): (SessionId, Rating)) -> Report {
    let number = id.as_str().rsplit('_').next().unwrap().parse().unwrap();
    Report::Rated(Box::new(corrected(number, &rating.correction.unwrap())))
}

// If this fails, the screen where a person spends time hides what has to be corrected.
#[test]
fn one_session_is_shown_large_with_the_editor_below() {
    for (width, height) in SIZES {
        let mut screen = walking(17, width, height);
        screen.shows(&[
            "Correcting  1 of 17, 17 left",
            "★★☆☆☆",
            "Wrong action selected, Timeout",
            "it only lists them",
            "Question 1: and in MB?",
            "ls -l 1",
            "Right answer",
            "^G takes the answer above",
        ]);
        insta::assert_snapshot!(format!("walk_{width}x{height}"), screen.picture());
    }
    let mut screen = walking(17, 80, 24);
    screen.text("du -am . | sort -n").keys("enter");
    let rating = asked(&mut screen).pop().unwrap();
    screen.report(on_disk(rating)).keys("ctrl-g ctrl-j").text("no");
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("typed_{width}x{height}"), picture);
    }
}

// If this fails, what was corrected is not what is saved, or is called saved before it is.
#[test]
fn enter_saves_and_goes_straight_on_and_nothing_is_called_saved_before_its_report() {
    let mut screen = walking(3, 80, 24);
    screen.text("du -am").keys("ctrl-j").text("| tail").keys("enter");
    let ratings = asked(&mut screen);
    assert_eq!(
        ratings,
        [(
            id(1),
            Rating { correction: Some("du -am\n| tail".into()), ..Rating::stars(Stars::ALL[1]) }
        )]
    );
    // The next is there without waiting, ready to be typed into.
    screen.shows(&["2 of 3, 3 left", "saving…", "ls -l 2", "^G"]);
    screen.report(on_disk(ratings[0].clone()));
    screen.shows(&["2 of 3, 2 left", "✓ 1 saved"]);
    answer_all(&mut screen, 3);
    screen.text("b").keys("enter").text("c").keys("enter");
    screen.shows(&["Saving…"]);
    for rating in asked(&mut screen) {
        screen.report(on_disk(rating));
    }
    screen.shows(&["All 3 are corrected.", "t trains on them"]);
    assert_eq!(screen.app.present_scope(), Scope::Sessions);
    screen.effects.clear();
    screen.keys("esc");
    assert!(matches!(screen.effects.as_slice(), [Effect::ListSessions(_)]));
}

// If this fails, a person waits between two sessions.
#[test]
fn the_next_session_is_there_before_it_is_wanted() {
    let mut screen = walking(9, 80, 24);
    for number in 2..9 {
        screen
            .keys("tab")
            .shows(&[&format!("ls -l {number}\n"), &format!("{number} of 9, 9 left")]);
        answer_all(&mut screen, 9);
    }
    // One that comes late is waited for in words, and what is typed meanwhile stays.
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    answer_all(&mut screen, 2);
    screen.keys("w");
    let Some(Effect::ListSessions(filter)) = screen.effects.pop() else { panic!("no list") };
    assert_eq!((filter.at_most.map(Stars::get), filter.corrected), (Some(3), Some(false)));
    list(&mut screen, filter, 2, 0);
    let Some(Effect::ListSessions(filter)) = screen.effects.pop() else { panic!("no list") };
    assert_eq!(filter.contradicting.map(Stars::get), Some(3));
    list(&mut screen, filter, 2, 0);
    screen.text("early").shows(&["Reading the session…", "early"]).keys("enter");
    assert!(asked(&mut screen).is_empty(), "saved over a session that nobody has seen");
    answer_all(&mut screen, 2);
    screen.shows(&["early", "ls -l 1"]);
}

// If this fails, an hour of typing is lost by a key, a resize or a report.
#[test]
fn a_text_survives_the_way_to_and_fro_a_resize_and_a_late_report() {
    let mut screen = walking(4, 80, 24);
    screen.text("first text").keys("tab").text("second text").keys("backtab");
    screen.shows(&["1 of 4", "first text"]).resize(120, 40).shows(&["first text"]);
    screen.resize(30, 10).resize(80, 24);
    screen.report(Report::Session(Box::new(session(1))));
    screen.report(Report::Session(Box::new(session(2))));
    screen.shows(&["first text"]).keys("tab").shows(&["second text"]);
    for _ in 0..2 {
        screen.keys("tab");
        answer_all(&mut screen, 4);
    }
    screen.keys("backtab backtab backtab").shows(&["1 of 4", "first text"]);
    answer_all(&mut screen, 4);
    // Esc names what would be lost, and the second one means it.
    screen.keys("esc").shows(&["2 texts are not saved"]).text("x").shows(&["first textx"]);
    screen.keys("esc esc");
    assert_eq!(screen.app.present_scope(), Scope::Sessions);
    // A text that is on its way to disk is not there yet.
    let mut screen = walking(1, 80, 24);
    screen.text("a").keys("enter esc").shows(&["Saving…", "A text is not saved"]);
    let rating = asked(&mut screen).pop().unwrap();
    screen.report(on_disk(rating)).shows(&["It is corrected."]);
}

// If this fails, a full disk swallows a correction while the person types the next one.
#[test]
fn a_rating_that_fails_is_shown_at_the_editor_with_its_text() {
    let failed =
        |number| Report::RatingFailed { session: id(number), why: "the disk\u{7} is full".into() };
    let mut screen = walking(3, 80, 24);
    screen.report(failed(1));
    assert!(!screen.shown().contains("Not saved"), "nobody asked for that one");
    screen.text("right").keys("enter").shows(&["2 of 3"]).report(failed(1));
    screen.shows(&["1 of 3, 3 left", "Not saved: the disk is full", "right", "1 not saved"]);
    let theme = Theme::default();
    assert_eq!(screen.style_of("Not saved").fg, theme.bad.fg);
    asked(&mut screen);
    // Whoever types already stays, and is told.
    screen.keys("enter").text("other").report(failed(1));
    screen.shows(&["2 of 3", "other", "session_1 is not saved: the disk is full"]);
    asked(&mut screen);
    screen.keys("enter tab").shows(&["1 of 3", "right", "Not saved"]);
    screen.keys("enter");
    for rating in asked(&mut screen) {
        screen.report(on_disk(rating));
    }
    screen.shows(&["2 of 3 corrected, 1 left"]);
}

// If this fails, the model learns its own wrong answer, or nothing, as the right one.
#[test]
fn an_empty_text_and_the_given_answer_are_refused_with_the_reason() {
    let mut screen = walking(2, 80, 24);
    screen.keys("enter").shows(&["1 of 2, 2 left", "is empty; write what"]);
    screen.keys("ctrl-g").shows(&["This lists every file"]).keys("enter");
    screen.shows(&["1 of 2", "is the answer it gave"]);
    assert!(asked(&mut screen).is_empty());
    // Cleared, brought back, changed and saved.
    screen.keys("ctrl-u").shows(&["^G takes"]).keys("ctrl-u").text(" Now it is right.");
    screen.keys("enter");
    let rating = asked(&mut screen).pop().unwrap().1;
    let text = "ls -l 1\nThis lists every file with its size. Now it is right.";
    assert_eq!(rating.correction.as_deref(), Some(text));
}

// If this fails, a text of the editor lands under another session.
#[test]
fn the_editors_text_comes_back_to_its_session() {
    let mut screen = walking(3, 80, 24);
    screen.text("begun").keys("ctrl-e tab").text("other");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Edit("begun".into())]);
    screen.event(Event::Edited(Ok("done\u{1b}]0;title\u{7}\nin the editor".into())));
    screen.shows(&["2 of 3", "other"]).keys("backtab").shows(&["done", "in the editor"]);
    screen.event(Event::Edited(Ok("not asked for".into()))).shows(&["in the editor"]);
}

// If this fails, a finished walk cannot be gone on with, or says that nothing is left.
#[test]
fn what_was_passed_over_is_counted_and_found_again() {
    let mut screen = walking(3, 80, 24);
    screen.keys("tab").text("b").keys("enter tab");
    let rating = asked(&mut screen).pop().unwrap();
    screen.report(on_disk(rating));
    screen.shows(&["1 of 3 corrected, 2 left", "w goes through the rest"]);
    screen.keys("w").shows(&["1 of 3, 2 left"]).keys("tab").shows(&["2 of 3", "saved"]);
    // A saved one can be changed again.
    screen.text("c").keys("enter");
    assert_eq!(asked(&mut screen)[0].1.correction.as_deref(), Some("bc"));
    screen.shows(&["3 of 3"]);
}

#[test]
fn where_nothing_waits_it_says_so() {
    // One side of a contradiction alone, as a search may find it, is nothing to choose from.
    for contradicting in [0, 1] {
        let mut screen = Screen::new(80, 24);
        screen.keys("esc 2");
        answer_all(&mut screen, 0);
        screen.keys("w");
        for _ in 0..2 {
            let Some(Effect::ListSessions(filter)) = screen.effects.pop() else { panic!("none") };
            list(&mut screen, filter, 0, contradicting);
        }
        screen.shows(&["no failed session waits for its right answer"]);
        assert_eq!(screen.app.present_scope(), Scope::Sessions);
    }
}

/// A walk through one session without a right answer and two that contradict each other.
fn at_a_contradiction(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 2");
    answer_all(&mut screen, 1);
    screen.keys("w");
    for _ in 0..2 {
        let Some(Effect::ListSessions(filter)) = screen.effects.pop() else { panic!("no list") };
        list(&mut screen, filter, 1, 2);
    }
    for _ in 0..3 {
        let Some(Effect::OpenSession(asked)) = screen.effects.pop() else { panic!("no session") };
        let number = asked.as_str().rsplit('_').next().unwrap().parse().unwrap();
        let session = match number {
            1 => session(1),
            _ => corrected(number, if number == 91 { "the newer" } else { "the older" }),
        };
        screen.report(Report::Session(Box::new(session)));
    }
    screen.keys("tab");
    screen
}

// If this fails, two answers that contradict each other are hidden, averaged, or settled in half.
#[test]
fn of_two_right_answers_one_is_kept_for_both_sessions() {
    for (width, height) in SIZES {
        let mut screen = at_a_contradiction(width, height);
        screen.shows(&["2 of 2, 2 left", "Which is right?", "One right answer", "the newer"]);
        screen.shows(&["Another right answer", "the older", "Enter keeps this one for all"]);
        insta::assert_snapshot!(format!("contradiction_{width}x{height}"), screen.picture());
    }
    // The present one is kept: the other session is corrected by it.
    let mut screen = at_a_contradiction(80, 24);
    screen.keys("enter");
    let ratings = asked(&mut screen);
    assert_eq!(ratings.len(), 1);
    assert_eq!((&ratings[0].0, ratings[0].1.correction.as_deref()), (&id(92), Some("the newer")));
    screen.report(on_disk(ratings[0].clone())).shows(&["1 of 2 corrected, 1 left"]);
    // The other one, or a third that somebody types, is kept for both.
    let mut screen = at_a_contradiction(80, 24);
    screen.keys("ctrl-g enter");
    let ratings = asked(&mut screen);
    assert_eq!((&ratings[0].0, ratings[0].1.correction.as_deref()), (&id(91), Some("the older")));
    let mut screen = at_a_contradiction(80, 24);
    screen.keys("ctrl-u").text("a third").keys("enter");
    let ratings = asked(&mut screen);
    assert_eq!(ratings.len(), 2);
    screen.report(on_disk(ratings[0].clone()));
    screen.shows(&["Saving…"]).report(on_disk(ratings[1].clone())).shows(&["1 of 2 corrected"]);
    // One of the two fails: it is not called settled.
    let mut screen = at_a_contradiction(80, 24);
    screen.keys("ctrl-u").text("a third").keys("enter");
    let ratings = asked(&mut screen);
    screen.report(on_disk(ratings[0].clone()));
    screen.report(Report::RatingFailed { session: id(92), why: "no".into() });
    screen.shows(&["2 left", "a third", "Not saved: no"]).keys("enter");
    let ratings = asked(&mut screen);
    assert_eq!((ratings.len(), &ratings[0].0), (1, &id(92)));
}

// If this fails, one damaged file stops the walk.
#[test]
fn a_session_that_cannot_be_read_is_named_and_passed() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    answer_all(&mut screen, 2);
    screen.keys("w");
    for _ in 0..2 {
        let Some(Effect::ListSessions(filter)) = screen.effects.pop() else { panic!("no list") };
        list(&mut screen, filter, 2, 0);
    }
    screen.report(Report::Failed { what: "open the session", why: "it is damaged".into() });
    screen.shows(&["session_1 cannot be read: it is damaged"]);
    answer_all(&mut screen, 2);
    screen.keys("tab").shows(&["ls -l 2"]).text("x").keys("enter");
    let rating = asked(&mut screen).pop().unwrap();
    screen.report(on_disk(rating)).shows(&["1 of 2 corrected, 1 left"]);
}

// If this fails, some order of keys and reports ends Kaizen over what a person wrote.
#[test]
fn no_key_and_no_size_breaks_it() {
    use rand::seq::IndexedRandom;
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let keys: Vec<&str> = crate::tui::action::TABLE
        .iter()
        .filter(|row| matches!(row.scope, Scope::Correcting | Scope::Movement))
        .flat_map(|row| row.keys.iter().copied())
        .filter(|key| *key != "esc")
        .chain(["x", "space", "delete", "backspace", "w", "k"])
        .collect();
    let mut screen = walking(5, 80, 24);
    for _ in 0..3000 {
        screen.keys(keys.choose(&mut rng).unwrap());
        match rng.random_range(0..14) {
            0 => {
                let why = "no".into();
                screen.report(Report::RatingFailed { session: id(rng.random_range(1..7)), why });
            }
            1 => {
                screen.event(Event::Edited(Ok("改善 👍🏽\n\tx".into())));
            }
            2 => {
                screen.resize(rng.random_range(1..200), rng.random_range(1..60));
            }
            3 => {
                for rating in asked(&mut screen) {
                    screen.report(on_disk(rating));
                }
            }
            4 => {
                screen.event(Event::Paste("a\r\nb".into()));
            }
            5 => {
                let why = "gone".into();
                screen.report(Report::Failed { what: "open the session", why });
            }
            _ => answer_all(&mut screen, 5),
        }
        screen.buffer();
    }
}

// If this fails, what a person writes for a task that was carried out is learned as something it is not.
#[test]
fn a_task_that_was_carried_out_says_what_may_be_written_for_it() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    answer_all(&mut screen, 1);
    screen.keys("w");
    while let Some(effect) = screen.effects.pop() {
        match effect {
            Effect::ListSessions(filter) => list(&mut screen, filter, 1, 0),
            Effect::OpenSession(_) => {
                let mut acted = session(1);
                acted.record_mut().act = Some(crate::store::ActRecord::default());
                screen.report(Report::Session(Box::new(acted)));
            }
            _ => {}
        }
    }
    screen.shows(&["It was carried out", "its first action as JSON"]);
}

// If this fails, a refused save hides that leaving loses the text.
#[test]
fn after_a_refused_save_the_way_out_still_warns() {
    let mut screen = walking(2, 80, 24);
    // The answer that was given is no right answer.
    screen.keys("ctrl-g enter").shows(&["Not saved"]);
    screen.text(" and more");
    assert!(!screen.shown().contains("Not saved"), "{}", screen.shown());
    screen.keys("esc").shows(&["A text is not saved"]);
    assert_eq!(screen.app.present_scope(), Scope::Correcting);
    screen.keys("esc");
    assert_eq!(screen.app.present_scope(), Scope::Sessions);
}

// If this fails, quitting at the end of a walk drops texts that nobody has saved.
#[test]
fn quitting_with_texts_that_are_not_saved_asks_first() {
    let mut screen = walking(2, 80, 24);
    screen.text("some text").keys("tab tab").shows(&["0 of 2 corrected", "A text is not saved"]);
    screen.keys("q").shows(&["What you wrote in Sessions is not saved"]);
    assert!(screen.terminal_effects.is_empty(), "{:?}", screen.terminal_effects);
    screen.keys("n w").shows(&["some text"]);
    screen.keys("tab tab q y");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Quit]);
}

// If this fails, the first letters of an answer that are typed at once do other things.
#[test]
fn what_is_typed_before_the_walk_begins_stands_in_its_editor() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    answer_all(&mut screen, 3);
    screen.keys("w").text("quick");
    answer_all(&mut screen, 3);
    screen.shows(&["1 of 3", "quick"]);
    assert!(screen.terminal_effects.is_empty(), "{:?}", screen.terminal_effects);
}

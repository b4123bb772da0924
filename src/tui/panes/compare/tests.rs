//! The pane by keys and reports, as a person meets it.
#![allow(clippy::unwrap_used)]

mod replay;
mod samples;
mod serving;

use crate::adapters::{AdapterSummary, By, Change, Routing};
use crate::driver::{
    Answered, ArmRating, AskTask, Effect, FailedCompared, Report, WorkEvent, WorkId,
};
use crate::eval::Verdict;
use crate::runtime::Stop;
use crate::store::{Session, SessionId, Stars};
use crate::tui::pane::TerminalEffect;
use crate::tui::tests::{SIZES, Screen};
use crate::tui::theme::Theme;
use crate::workplace::{ArmChoice, Event};
use samples::{comparison, failed, id, promoted_by_itself, rating, service, versions};

fn adapter(name: &str) -> AdapterSummary {
    AdapterSummary { name: name.into(), ..AdapterSummary::default() }
}

/// The pane in front, in a home with two adapters.
fn compare(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.report(Report::Adapters(vec![adapter("lora-v1"), adapter("lora-v2")]));
    screen.keys("esc 5");
    screen.effects.clear();
    screen
}

fn work(screen: &mut Screen, work: WorkId, event: WorkEvent) {
    screen.report(Report::Work { work, event });
}

/// The two answers that were asked for, in the order in which they were.
fn asked(screen: &Screen) -> Vec<(WorkId, AskTask)> {
    let asked = screen.effects.iter().filter_map(|effect| match effect {
        Effect::Ask { work, task } => Some((*work, task.clone())),
        _ => None,
    });
    asked.collect()
}

fn ask(screen: &mut Screen, prompt: &str) -> Vec<(WorkId, AskTask)> {
    screen.effects.clear();
    screen.keys("i").text(prompt).keys("enter");
    asked(screen)
}

fn answered(number: u32, arm: &str, text: &str, speed: f64) -> WorkEvent {
    WorkEvent::Answered(Box::new(Answered {
        session: id(number),
        arm: arm.into(),
        blind: false,
        text: text.into(),
        stop: Stop::EndOfTurn,
        tokens: 23,
        tokens_per_second: speed,
    }))
}

fn rated(screen: &mut Screen, number: u32, stars: i64) {
    let now = "2026-11-23T12:00:00[UTC]".parse().unwrap();
    let mut session = Session::begin(id(number), &now, "a task");
    session.metadata.user_rating = Some(Stars::try_from(stars).unwrap());
    screen.report(Report::Rated(Box::new(session)));
}

fn name(choice: &ArmChoice) -> &str {
    match choice {
        ArmChoice::Adapter(name) => name,
        ArmChoice::Base | ArmChoice::Auto => "base",
    }
}

#[test]
fn without_an_adapter_it_says_how_to_get_one_and_asks_nothing() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 5");
    screen.effects.clear();
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("no_adapter_{width}"), picture);
    }
    screen.keys("i g a b r enter");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    screen.keys("w").shows(&["An adapter comes of training"]);
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
}

#[test]
fn before_the_first_prompt_it_says_what_to_do() {
    for (width, _, picture) in compare(80, 24).pictures() {
        insta::assert_snapshot!(format!("answers_empty_{width}"), picture);
    }
}

// If this fails, a person waits for one arm after the other, or does not see which said what.
#[test]
fn two_arms_answer_side_by_side() {
    for (width, height) in SIZES {
        let mut screen = compare(width, height);
        let asked = ask(&mut screen, "Name the biggest planet and say why it is so big.");
        let arms: Vec<&str> = asked.iter().map(|(_, task)| name(&task.arm)).collect();
        assert_eq!(arms, ["base", "lora-v2"]);
        assert_eq!(asked[0].1.seed, asked[1].1.seed);
        let [left, right] = [asked[0].0, asked[1].0];
        work(&mut screen, left, WorkEvent::Started);
        work(&mut screen, right, WorkEvent::Started);
        work(&mut screen, left, WorkEvent::Text("The biggest planet is Jupiter. ".into()));
        work(&mut screen, right, WorkEvent::Text("Jupiter, because ".into()));
        work(&mut screen, left, WorkEvent::Text("It formed first.".into()));
        insta::assert_snapshot!(format!("answers_streaming_{width}"), screen.picture());
        let text = "The biggest planet is Jupiter. It formed first.";
        work(&mut screen, left, answered(1, "base", text, 41.27));
        let text = "Jupiter, because it took up most of the gas that the sun left.\n\n改善 kaizen";
        work(&mut screen, right, answered(2, "lora-v2", text, 35.0));
        rated(&mut screen, 1, 2);
        insta::assert_snapshot!(format!("answers_done_{width}"), screen.picture());
    }
}

// If this fails, a person knows whom they rate, and rates what they hope for.
#[test]
fn blind_nothing_tells_the_arms_apart_until_both_are_rated() {
    let mut dealt = std::collections::BTreeSet::new();
    for round in 0..12 {
        let mut screen = compare(80, 24);
        for _ in 0..round {
            let asked = ask(&mut screen, "x");
            for (work_id, _) in asked {
                work(&mut screen, work_id, WorkEvent::Cancelled);
            }
        }
        screen.keys("v");
        let asked = ask(&mut screen, "Which?");
        let arms: Vec<String> = asked.iter().map(|(_, t)| name(&t.arm).to_owned()).collect();
        dealt.insert(arms.clone());
        let [left, right] = [asked[0].0, asked[1].0];
        // One begins sooner and is faster: the screen is the same as if neither were.
        work(&mut screen, left, WorkEvent::Started);
        for piece in ["one ", "two ", "three "] {
            work(&mut screen, left, WorkEvent::Text(piece.into()));
        }
        assert!(!screen.shown().contains("one"));
        work(&mut screen, right, WorkEvent::Text("uno ".into()));
        screen.shows(&["one", "uno"]);
        assert!(!screen.shown().contains("two"));
        work(&mut screen, left, answered(1, &arms[0], "one two three ", 99.9));
        assert!(!screen.shown().contains("answered"));
        work(&mut screen, right, WorkEvent::Text("dos ".into()));
        work(&mut screen, right, answered(2, &arms[1], "uno dos", 11.1));
        screen.shows(&["╭ left", "╭ right", "answered", "three"]);
        screen.keys("ctrl-y");
        let Some(TerminalEffect::Copy(copied)) = screen.terminal_effects.last() else { panic!() };
        assert!(copied.contains("--- left\none two three") && !copied.contains("lora"), "{copied}");
        screen.keys("a b v h l r esc esc");
        rated(&mut screen, 1, 4);
        let shown = screen.shown();
        let body: Vec<&str> = shown.lines().skip(2).collect();
        let body = body.join("\n");
        for told in ["base", "lora", "99.9", "11.1", "tokens"] {
            assert!(!body.contains(told), "{told} is told:\n{shown}");
        }
        rated(&mut screen, 2, 2);
        let [left, right] = [format!("╭ {} ", arms[0]), format!("╭ {} ", arms[1])];
        let notice = format!("Left was {}, right was {}", arms[0], arms[1]);
        screen.shows(&[&left, &right, "99.9 tokens/s", "★★★★☆", "★★☆☆☆", &notice]);
    }
    assert_eq!(dealt.len(), 2, "the sides are not dealt at random: {dealt:?}");
}

// If this fails, the stars meant for one answer go to the other.
#[test]
fn r_rates_the_left_answer_and_then_the_right_one() {
    let mut screen = compare(80, 24);
    let asked = ask(&mut screen, "x");
    work(&mut screen, asked[0].0, answered(1, "base", "one", 9.0));
    assert!(!screen.keys("r").shown().contains("How good"), "the right one is not there yet");
    work(&mut screen, asked[1].0, answered(2, "lora-v2", "two", 9.0));
    let saved = |screen: &Screen| -> Vec<(SessionId, u8)> {
        let saved = screen.effects.iter().filter_map(|effect| match effect {
            Effect::Rate { session, rating } => Some((session.clone(), rating.stars.get())),
            _ => None,
        });
        saved.collect()
    };
    screen.keys("r").shows(&["How good was the answer on the left?", "╭ base", "╭ lora-v2"]);
    screen.keys("4");
    rated(&mut screen, 1, 4);
    screen.shows(&["How good was the answer on the right?", "★★★★☆"]);
    screen.keys("5");
    rated(&mut screen, 2, 5);
    assert_eq!(saved(&screen), [(id(1), 4), (id(2), 5)]);
    screen.shows(&["★★★★★"]);
    assert!(!screen.shown().contains("How good"));
}

// If this fails, an answer that failed stays hidden for ever: it can never be rated.
#[test]
fn an_arm_that_fails_ends_the_blindness_and_says_why() {
    let mut screen = compare(80, 24);
    screen.keys("v");
    let asked = ask(&mut screen, "x");
    work(&mut screen, asked[0].0, WorkEvent::Failed("the adapter is\u{1b}[31m damaged".into()));
    screen.shows(&["╭ base", "╭ lora-v2", "damaged", "failed"]);
    assert!(!screen.shown().contains('\u{1b}'));
}

#[test]
fn esc_stops_both_and_a_new_prompt_stops_the_old_answers() {
    let mut screen = compare(80, 24);
    let first = ask(&mut screen, "x");
    screen.effects.clear();
    screen.keys("esc");
    let cancelled = |screen: &Screen| -> Vec<WorkId> {
        let cancelled = screen.effects.iter().filter_map(|effect| match effect {
            Effect::Cancel(work) => Some(*work),
            _ => None,
        });
        cancelled.collect()
    };
    assert_eq!(cancelled(&screen), [first[0].0, first[1].0]);
    screen.keys("i").text("y").keys("enter");
    assert_eq!(cancelled(&screen).len(), 4);
    assert_eq!(asked(&screen).len(), 2);
    // What still comes of the old ones is not shown as an answer to the new prompt.
    work(&mut screen, first[0].0, WorkEvent::Text("stale".into()));
    assert!(!screen.shown().contains("stale"));
}

// If this fails, reading back is impossible while the words come.
#[test]
fn each_column_scrolls_by_itself_and_stays_where_it_is() {
    let mut screen = compare(80, 24);
    let asked = ask(&mut screen, "count");
    let text = |from: usize, to: usize| (from..to).map(|i| format!("L{i}\n")).collect::<String>();
    for (work_id, _) in &asked {
        work(&mut screen, *work_id, WorkEvent::Text(text(0, 60)));
    }
    screen.shows(&["L59"]);
    screen.keys("right pageup pageup");
    work(&mut screen, asked[1].0, WorkEvent::Text(text(60, 90)));
    let shown = screen.shown();
    assert!(shown.contains("L59") && !shown.contains("L89"), "{shown}");
    screen.keys("end");
    screen.shows(&["L59", "L89"]);
}

#[test]
fn the_arms_are_chosen_with_a_and_b() {
    let mut screen = compare(80, 24);
    screen.shows(&["base → lora-v2"]);
    screen.keys("a").shows(&["lora-v1 → lora-v2"]);
    screen.keys("b").shows(&["lora-v1 → base"]);
    let asked = ask(&mut screen, "x");
    let arms: Vec<&str> = asked.iter().map(|(_, task)| name(&task.arm)).collect();
    assert_eq!(arms, ["lora-v1", "base"]);
}

fn judging(screen: &Screen) -> WorkId {
    let found = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::Judge { work, .. } => Some(*work),
        _ => None,
    });
    found.unwrap()
}

fn measured(what: &'static str, done: usize, total: usize) -> WorkEvent {
    WorkEvent::Progress(Event::Measuring { what, done, total })
}

// If this fails, a person takes minutes of measuring for a program that hangs.
#[test]
fn the_gate_says_what_it_measures_and_that_it_may_be_left_alone() {
    let mut screen = compare(80, 24);
    screen.keys("tab tab");
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("gate_empty_{width}"), picture);
    }
    screen.keys("g");
    let judge = judging(&screen);
    work(&mut screen, judge, WorkEvent::Started);
    for what in ["scoring", "answering", "scoring", "answering"] {
        work(&mut screen, judge, measured(what, 60, 60));
    }
    work(&mut screen, judge, measured("asking base the sentinels (once)", 310, 1000));
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("gate_running_{width}"), picture);
    }
    screen.effects.clear();
    screen.keys("1 esc 5").shows(&["310/1000"]);
    screen.keys("g").shows(&["already"]);
    screen.keys("esc");
    assert!(screen.effects.iter().any(|e| matches!(e, Effect::Cancel(work) if *work == judge)));
    work(&mut screen, judge, WorkEvent::Cancelled);
    screen.shows(&["It was stopped", "g asks the gate"]);
}

#[test]
fn the_verdict_stands_first_with_its_reason_and_all_it_rests_on() {
    for (width, height) in SIZES {
        let mut screen = compare(width, height);
        screen.keys("g");
        let judge = judging(&screen);
        let judged = WorkEvent::Judged(Box::new(comparison(Verdict::Accepted)));
        work(&mut screen, judge, judged);
        insta::assert_snapshot!(format!("gate_accepted_{width}"), screen.picture());
        screen.shows(&["held-out used 2 times", "p = 0.0003, needs 0.0042"]);
        let theme = Theme::default();
        assert_eq!(screen.style_of("✓ ACCEPTED").fg, theme.good.fg);
        assert_eq!(screen.style_of("▼ -32.7 %").fg, theme.good.fg);
        assert_eq!(screen.style_of("▲ +1.1 %").fg, theme.bad.fg);
        screen.keys("end").shows(&["✓ passed        diversity"]);
        screen.keys("ctrl-y");
        let Some(TerminalEffect::Copy(copied)) = screen.terminal_effects.last() else { panic!() };
        assert!(copied.contains("accepted: perplexity 16.10 -> 10.84"), "{copied}");
    }
}

#[test]
fn a_verdict_for_other_arms_says_so_and_known_ones_are_not_measured_again() {
    let mut screen = compare(80, 24);
    screen.keys("g");
    let judge = judging(&screen);
    work(&mut screen, judge, WorkEvent::Judged(Box::new(comparison(Verdict::Rejected))));
    screen.shows(&["✗ REJECTED  lora-v2 does not replace base", "lower learning_rate"]);
    screen.keys("end").shows(&["✗ FAILED", "? undecided", "– not measured"]);
    assert_eq!(screen.style_of("✗ FAILED").fg, Theme::default().bad.fg);
    screen.keys("home");
    screen.effects.clear();
    screen.keys("w g").shows(&["REJECTED"]);
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::Judge { .. })));
    screen.keys("a").shows(&["g judges lora-v1 → lora-v2; below stands base → lora-v2"]);
    screen.keys("g");
    let judge = judging(&screen);
    work(&mut screen, judge, WorkEvent::Judged(Box::new(comparison(Verdict::CannotTell))));
    screen.shows(&["? CANNOT TELL", "needs about 40 more items"]);
}

fn with_failed(width: u16, height: u16) -> Screen {
    let mut screen = compare(width, height);
    screen.keys("w");
    let Some(Effect::CompareFailed { work: asked, .. }) = screen.effects.last() else { panic!() };
    let asked = *asked;
    work(&mut screen, asked, failed());
    screen
}

// If this fails, a person takes what the adapter learned by heart for what it can do.
#[test]
fn failed_tasks_stand_before_and_after_seen_and_unseen_apart() {
    for (width, height) in SIZES {
        let mut screen = with_failed(width, height);
        insta::assert_snapshot!(format!("failed_{width}"), screen.picture());
        // (ln 12/18 + ln 10.8/9 + 0) / 3 = -0.0744.
        screen.shows(&["3 tasks, mean ▼ -7.2 %, 1 of 3 better"]);
        screen.shows(&["1 task, mean ▼ -59.0 %"]);
        let theme = Theme::default();
        assert_eq!(screen.style_of("▼   -33.3 %").fg, theme.good.fg);
        assert_eq!(screen.style_of("▲   +20.0 %").fg, theme.bad.fg);
        screen.keys("down");
        screen.shows(&["Wrong answer 8", "Right answer 8"]);
    }
}

#[test]
fn enter_has_both_arms_answer_a_failed_task_again_with_all_its_turns() {
    let mut screen = with_failed(80, 24);
    screen.effects.clear();
    screen.keys("down enter");
    let asked = asked(&screen);
    assert_eq!(asked.len(), 2);
    for (_, task) in &asked {
        assert_eq!(task.retry_of, Some(id(8)));
        assert_eq!(task.messages.len(), 2);
    }
    screen.shows(&["› which process listens on port 8080?", "╭ base", "╭ lora-v2"]);
}

#[test]
fn failed_tasks_are_scored_again_only_when_something_changed() {
    let mut screen = with_failed(80, 24);
    let asked = |screen: &Screen| {
        screen.effects.iter().filter(|e| matches!(e, Effect::CompareFailed { .. })).count()
    };
    screen.keys("tab w 1 esc 5");
    assert_eq!(asked(&screen), 1);
    rated(&mut screen, 5, 1);
    screen.keys("2 5");
    assert_eq!(asked(&screen), 2);
    screen.keys("a");
    assert_eq!(asked(&screen), 3);
}

#[test]
fn without_a_correction_it_says_how_to_write_one() {
    let mut screen = compare(80, 24);
    screen.keys("w");
    let Some(Effect::CompareFailed { work: asked, .. }) = screen.effects.last() else { panic!() };
    let asked = *asked;
    let none =
        FailedCompared { a: "base".into(), b: "lora-v2".into(), tasks: vec![], uncorrected: 2 };
    work(&mut screen, asked, WorkEvent::FailedCompared(Box::new(none)));
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("failed_empty_{width}"), picture);
    }
}

// If this fails, twelve ratings pass for a proof.
#[test]
fn ratings_stand_side_by_side_with_what_they_cannot_say() {
    for (width, height) in SIZES {
        let mut screen = compare(width, height);
        screen.keys("tab tab tab tab");
        assert!(matches!(screen.effects.last(), Some(Effect::RateArms)));
        screen.report(Report::ArmRatings(vec![
            rating("base", 24, 2.92, Some([2.44, 3.4])),
            rating("lora-v1", 1, 4.0, None),
            rating("lora-v2", 12, 3.5, Some([2.81, 4.19])),
        ]));
        insta::assert_snapshot!(format!("ratings_{width}"), screen.picture());
        screen.shows(&["too few ratings say so"]);
    }
    let mut screen = compare(80, 24);
    screen.keys("tab tab tab tab");
    let mut says = |a: ArmRating, b: ArmRating, words: &str| {
        screen.report(Report::ArmRatings(vec![a, b]));
        screen.shows(&[words]);
    };
    let base = || rating("base", 40, 2.5, Some([2.2, 2.8]));
    let better = |p: f64| ArmRating {
        better_than: [("base".into(), p)].into(),
        still_needed: [("base".into(), 0)].into(),
        ..rating("lora-v2", 40, 3.5, Some([3.1, 3.9]))
    };
    says(base(), better(0.999), "hard to explain by chance");
    says(base(), better(0.999), "P(lora-v2 better than base) over 99 %");
    says(base(), better(0.001), "hard to explain by chance");
    says(base(), better(0.87), "but that may be chance");
    says(base(), better(0.87), "would be seen by now");
    says(base(), rating("lora-v1", 3, 5.0, None), "lora-v2 has no rating yet");
}

#[test]
fn ratings_are_refreshed_when_one_is_saved() {
    let mut screen = compare(80, 24);
    rated(&mut screen, 1, 3);
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::RateArms)));
    screen.keys("tab tab tab tab");
    screen.report(Report::ArmRatings(Vec::new())).shows(&["No rating of your own yet"]);
    screen.effects.clear();
    rated(&mut screen, 1, 3);
    assert!(matches!(screen.effects.last(), Some(Effect::RateArms)));
}

// If this fails, a resized window ends the program.
#[test]
fn every_part_is_drawn_at_every_size() {
    let mut screen = with_failed(120, 40);
    screen.keys("g");
    let judge = judging(&screen);
    work(&mut screen, judge, WorkEvent::Judged(Box::new(comparison(Verdict::Rejected))));
    screen.report(Report::ArmRatings(vec![rating("base", 2, f64::NAN, Some([1.0, f64::NAN]))]));
    let asked = ask(&mut screen, "a prompt of\nseveral lines");
    work(&mut screen, asked[0].0, WorkEvent::Text("改善 ".repeat(300)));
    screen.report(Report::Service(Box::new(service("lora-v1"))));
    screen.report(Report::Progress(versions(f64::NAN, [f64::INFINITY, f64::NAN])));
    for part in 0..6 {
        for (width, height) in [(60, 16), (61, 17), (80, 16), (109, 20), (110, 60), (200, 16)] {
            screen.resize(width, height);
            screen.keys("right down pagedown end home");
            assert!(screen.shown().contains("Ratings"), "part {part} at {width}×{height}");
        }
        screen.keys("left tab");
    }
}

// If this fails, one failed task among hundreds is not found, or the sums change with what is looked for.
#[test]
fn a_search_leaves_the_matching_failed_tasks_and_the_sums_of_all() {
    let mut screen = with_failed(120, 40);
    screen.keys("/").text("answer 8").keys("enter").shows(&["/ answer 8", "Wrong answer 8"]);
    screen.shows(&["3 tasks, mean"]);
    assert!(!screen.shown().contains("answer 9"), "{}", screen.shown());
    screen.keys("/ ctrl-u").text("zzz").keys("enter").shows(&["No task has these words"]);
    screen.keys("i right down enter esc").shows(&["Wrong answer 9"]);
}

// If this fails, the wheel turned over one answer scrolls the other, or a click shows another part.
#[test]
fn parts_are_clicked_and_each_answer_is_scrolled_by_the_wheel_over_it() {
    let mut screen = compare(120, 40);
    let asked = ask(&mut screen, "Count");
    let long: String = (1..=80).map(|line| format!("line {line}\n")).collect();
    for (number, (id, task)) in asked.iter().enumerate() {
        let event = answered(number as u32, name(&task.arm), &long, 9.0);
        work(&mut screen, *id, event);
    }
    screen.shown();
    let (row, right) = (20, 90);
    for _ in 0..4 {
        screen.mouse(crossterm::event::MouseEventKind::ScrollUp, (right, row));
    }
    let shown = screen.shown();
    let line = shown.lines().nth(usize::from(row)).unwrap().to_owned();
    let numbers: Vec<i64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(matches!(numbers[..], [left, right] if left - right == 12), "{line}");
    screen.click("Ratings");
    assert!(matches!(screen.effects.last(), Some(Effect::RateArms)), "{:?}", screen.effects);
}

/// A session of an arm as the list has it.
fn listed(number: u32, arm: &str, task: &str) -> crate::store::SessionSummary {
    crate::store::SessionSummary {
        arm: Some(arm.into()),
        ..crate::tui::tests::summary(id(number).as_str(), "2026-11-23T12:00:00", task)
    }
}

fn list_sessions(screen: &mut Screen, list: Vec<crate::store::SessionSummary>) {
    let filters = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::ListSessions(filter) => Some(filter.clone()),
        _ => None,
    });
    let total = list.len();
    let sessions = crate::driver::Sessions {
        filter: filters.unwrap_or_default(),
        list,
        total,
        ..Default::default()
    };
    screen.report(Report::Sessions(sessions.into()));
}

// If this fails, a look elsewhere (the list of sessions, the ratings, an export, the palette) tells whom a
// person is about to rate.
#[test]
fn blind_cannot_be_peeked_into_from_elsewhere() {
    let mut screen = compare(100, 30);
    screen.keys("v");
    let asked = ask(&mut screen, "Which is it?");
    let arms: Vec<String> = asked.iter().map(|(_, t)| name(&t.arm).to_owned()).collect();
    let sessions = || {
        vec![
            listed(2, &arms[1], "Which is it?"),
            listed(1, &arms[0], "Which is it?"),
            listed(9, "lora-v1", "Another task"),
        ]
    };
    let hidden = |screen: &mut Screen| {
        screen.keys("2");
        list_sessions(screen, sessions());
        let shown = screen.shown();
        let rows: Vec<&str> = shown.lines().filter(|line| line.contains("Which is it?")).collect();
        assert!(rows.len() >= 2, "{shown}");
        for row in rows {
            assert!(!row.contains("lora-v2") && !row.contains("base"), "{row}");
        }
        screen.shows(&["lora-v1"]);
        // Neither does one of them in full, nor the list that is taken out.
        let mut session =
            Session::begin(id(1), &"2026-11-23T12:00:00[UTC]".parse().unwrap(), "Which is it?");
        session.metadata.lora_version = Some(arms[0].clone());
        let record = session.record_mut();
        record.arm = Some(arms[0].clone());
        record.tokens_per_second = Some(99.9);
        record.outcome = Some(crate::store::Outcome::Finished);
        screen.keys("home down enter");
        screen.report(Report::Session(Box::new(session)));
        let shown = screen.shown();
        let words = shown.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert!(words.contains("hidden until both answers are rated"), "{words}");
        assert!(!words.contains("lora-v2") && !words.contains("99.9"), "{words}");
        screen.keys("esc alt-y");
        let Some(TerminalEffect::Copy(table)) = screen.terminal_effects.last() else { panic!() };
        let rows: Vec<&str> = table.lines().filter(|line| line.contains("Which is")).collect();
        assert!(rows.iter().all(|row| row.contains("\thidden\t")), "{table}");
        screen.keys("5");
    };
    // While they answer, when both are there, and when one is rated.
    hidden(&mut screen);
    work(&mut screen, asked[0].0, answered(1, &arms[0], "one", 99.9));
    work(&mut screen, asked[1].0, answered(2, &arms[1], "two", 11.1));
    hidden(&mut screen);
    rated(&mut screen, 1, 5);
    hidden(&mut screen);
    screen.keys("e").shows(&["answers.csv"]).keys("enter");
    let Some(Effect::Export { what, .. }) = screen.effects.last() else { panic!() };
    let who: Vec<&str> = what.table.rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(who, ["left", "right"]);
    // What the ratings of the arms say now would tell.
    screen.keys("tab tab tab tab").shows(&["is told when both answers are rated"]);
    screen.report(Report::ArmRatings(vec![rating(&arms[0], 1, 5.0, None)]));
    screen.report(Report::Service(Box::new(service("base"))));
    let body: Vec<String> = screen.shown().lines().skip(2).map(str::to_owned).collect();
    assert!(!body.join("\n").contains("5.00"), "{body:?}");
    screen.keys("alt-y").shows(&["there is no table to copy here"]);
    screen.keys("ctrl-y").shows(&["there is nothing to copy yet"]);
    screen.effects.clear();
    screen.keys("p c u");
    assert!(screen.effects.is_empty(), "its evidence would tell: {:?}", screen.effects);
    screen.keys("tab").shows(&["is told when both answers are rated"]);
    screen.keys(":").text("left");
    let palette = screen.shown();
    assert!(!palette.lines().skip(3).any(|line| line.contains("lora-v2 ")), "{palette}");
    screen.keys("esc");
    rated(&mut screen, 2, 2);
    screen.shows(&[&format!("Left was {}, right was {}", arms[0], arms[1])]);
    screen.keys("2");
    list_sessions(&mut screen, sessions());
    screen.shows(&["lora-v2"]);
}

// If this fails, a person reads two long answers word by word to find the one that differs.
#[test]
fn differences_are_marked_on_request_and_by_more_than_colour() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut screen = compare(width, height);
        let asked = ask(&mut screen, "Name the biggest planet.");
        let [left, right] = [asked[0].0, asked[1].0];
        work(&mut screen, left, WorkEvent::Text("The biggest planet ".into()));
        screen.keys("d").shows(&["marked when both answers are whole"]);
        assert!(!screen.shown().contains('⟦'));
        let one = "The biggest planet is Jupiter, and it has rings.";
        let other = "The biggest planet is Saturn, and it has many fine rings.";
        work(&mut screen, left, answered(1, "base", one, 9.0));
        work(&mut screen, right, answered(2, "lora-v2", other, 9.0));
        screen.shows(&["⟦Jupiter⟧", "⟦Saturn⟧", "⟦many"]);
        let style = screen.style_of("⟦Saturn");
        assert!(style.add_modifier.contains(ratatui::style::Modifier::UNDERLINED));
        insta::assert_snapshot!(format!("differences_{width}"), screen.shown());
        screen.keys("d");
        assert!(!screen.shown().contains('⟦'));
    }
}

// If this fails, a gate's verdict cannot be shown to anybody, or its figures are others than on screen.
#[test]
fn the_gates_changes_and_the_failed_tasks_are_exported() {
    let mut screen = compare(80, 24);
    screen.keys("g");
    let judge = screen.effects.iter().find_map(|effect| match effect {
        Effect::Judge { work, .. } => Some(*work),
        _ => None,
    });
    let result = comparison(Verdict::Accepted);
    let areas = result.decision.areas.len() + result.decision.sentinels.len();
    work(&mut screen, judge.unwrap(), WorkEvent::Judged(Box::new(result)));
    screen.keys("e").shows(&["gate-base-lora-v2.svg"]).keys("enter");
    let Some(Effect::Export { what, .. }) = screen.effects.last() else { panic!() };
    assert_eq!(what.table.rows.len(), areas);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.svg");
    crate::report::write_taken_out(what, &path, false).unwrap();
    let svg = std::fs::read_to_string(path).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let words: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
    assert!(words.iter().any(|text| text.contains("all that decide")), "{words:?}");
    screen.keys("w");
    let compared = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::CompareFailed { work, .. } => Some(*work),
        _ => None,
    });
    work(&mut screen, compared.unwrap(), failed());
    screen.keys("alt-y");
    let Some(TerminalEffect::Copy(table)) = screen.terminal_effects.last() else { panic!() };
    assert!(table.starts_with("session\tbefore\tafter") && table.lines().count() > 2, "{table}");
}

// If this fails, one set's verdict stands under the name of another, and an adapter is promoted on it.
#[test]
fn a_verdict_is_of_the_set_that_it_was_judged_on() {
    let mut screen = compare(100, 30);
    screen.keys("g");
    let judge = judging(&screen);
    // Another set that is chosen meanwhile changes nothing of what is under way.
    screen.keys("3 o ctrl-u").text("other.jsonl").keys("enter 5");
    screen.shows(&["Judge: the built-in set"]);
    work(&mut screen, judge, WorkEvent::Judged(Box::new(comparison(Verdict::Accepted))));
    screen.shows(&[
        "Judge: other.jsonl",
        "g judges base → lora-v2; below stands base → lora-v2, judged on the built-in set",
        "ACCEPTED",
    ]);
    screen.effects.clear();
    // From another part, too, `g` judges anew and does not show the old one as the answer.
    screen.keys("tab g");
    let judge = judging(&screen);
    work(&mut screen, judge, WorkEvent::Failed("nothing is held out".into()));
    screen.shows(&["nothing is held out", "below stands base → lora-v2, judged on the built-in"]);
    screen.keys("3 o ctrl-u enter 5");
    screen.shows(&["g tries again; below stands base → lora-v2, judged on the built-in set"]);
    screen.keys("g");
    let judge = judging(&screen);
    work(&mut screen, judge, WorkEvent::Judged(Box::new(comparison(Verdict::Rejected))));
    assert!(!screen.shown().contains("below stands"), "{}", screen.shown());
}

// If this fails, a person promotes a second time what somebody has promoted in a terminal, because the
// header still says what was.
#[test]
fn what_other_processes_did_with_the_adapters_is_seen_in_an_open_pane() {
    let mut screen = compare(80, 24);
    screen.report(Report::Service(Box::new(service("base")))).shows(&["active base"]);
    screen.effects.clear();
    screen.report(Report::Adapters(vec![adapter("lora-v1"), adapter("lora-v2")]));
    let asked = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Service { .. })).count()
    };
    assert_eq!(asked(&screen.effects), 1, "{:?}", screen.effects);
    screen.effects.clear();
    screen.report(Report::Service(Box::new(service("lora-v1")))).shows(&["active lora-v1"]);
    assert!(screen.effects.is_empty(), "it goes round in circles: {:?}", screen.effects);
}

// If this fails, somebody reads all the evidence, says yes, and is only then told that this window may not.
#[test]
fn a_dashboard_that_only_follows_refuses_before_it_asks() {
    let mut screen = compare(120, 30);
    let owner = crate::store::Holder { process: Some(4242) };
    screen.report(Report::Ownership(Some(owner)));
    screen.report(Report::Service(Box::new(service("base"))));
    screen.effects.clear();
    for key in ["p", "c", "u"] {
        screen.keys("d").keys(key);
        assert!(screen.effects.is_empty(), "{key}: {:?}", screen.effects);
        let words = crate::driver::refusal(owner);
        screen.shows(&[&words]);
        screen.report(Report::Service(Box::new(service("base"))));
        assert!(!screen.shown().contains("from now on?"));
    }
    // Nor does a refusal read as if there were no such task.
    screen.keys("w");
    let Some(Effect::CompareFailed { work: asked, .. }) = screen.effects.last() else { panic!() };
    let asked = *asked;
    work(&mut screen, asked, WorkEvent::Failed(crate::driver::refusal(owner)));
    screen.shows(&["another dashboard (pid 4242) owns"]);
    assert!(!screen.shown().contains("No failed task"), "{}", screen.shown());
}

// If this fails, two arms with the same stars seem to differ, or keys are offered that are refused.
#[test]
fn ratings_that_are_alike_are_said_to_be_and_only_keys_that_act_are_offered() {
    let mut screen = compare(120, 40);
    screen.report(Report::Service(Box::new(service("base"))));
    screen.keys("tab tab tab tab").shows(&["p promotes lora-v2, c makes it a canary"]);
    let alike = ArmRating {
        better_than: [("base".into(), 0.55)].into(),
        ..rating("lora-v2", 30, 2.33, Some([2.0, 2.6]))
    };
    let base = rating("base", 30, 2.3, Some([2.0, 2.6]));
    screen.report(Report::ArmRatings(vec![base, alike]));
    screen.shows(&["lora-v2 lies about as high as base"]);
    let promoted = AdapterSummary { state: crate::adapters::State::Active, ..adapter("lora-v2") };
    screen.report(Report::Adapters(vec![adapter("lora-v1"), promoted]));
    let mut alone = service("base");
    alone.routing = Routing::only("lora-v2");
    screen.report(Report::Service(Box::new(alone)));
    screen.shows(&["active    lora-v2 against base"]);
    assert!(!screen.shown().contains("p promotes"), "{}", screen.shown());
    // base stands on the right.
    screen.keys("b");
    screen.report(Report::Service(Box::new(service("base"))));
    screen.shows(&["→ base"]);
    assert!(!screen.shown().contains("p promotes"), "{}", screen.shown());
}

// If this fails, the footer names the arms of the pair before while the next one is rated blind.
#[test]
fn the_next_blind_pair_takes_the_last_ones_names_away() {
    let mut screen = compare(80, 24);
    screen.keys("v");
    let first = ask(&mut screen, "one");
    for (number, (id, task)) in first.iter().enumerate() {
        work(&mut screen, *id, answered(number as u32, name(&task.arm), "x", 9.0));
    }
    rated(&mut screen, 0, 4);
    rated(&mut screen, 1, 2);
    screen.shows(&["Left was"]);
    ask(&mut screen, "two");
    assert!(!screen.shown().contains("Left was"), "{}", screen.shown());
    // That they are blind is said in full on a narrow screen, too.
    screen.shows(&["base → lora-v2", "blind"]);
}

// If this fails, an answer that was cut short passes for a whole one.
#[test]
fn how_an_answer_ended_is_said_in_the_narrowest_column() {
    for (width, height) in [(60, 16), (80, 24)] {
        let mut screen = compare(width, height);
        let asked = ask(&mut screen, "x");
        for (number, (id, task)) in asked.iter().enumerate() {
            let WorkEvent::Answered(mut full) =
                answered(number as u32, name(&task.arm), "one", 101.3)
            else {
                panic!()
            };
            full.stop = Stop::ContextFull;
            work(&mut screen, *id, WorkEvent::Answered(full));
        }
        screen.shows(&["the context is full"]);
    }
}

// If this fails, every row of a list of tasks that begin alike shows the same words.
#[test]
fn tasks_that_begin_alike_show_what_tells_them_apart() {
    let mut screen = compare(80, 24);
    screen.keys("w");
    let Some(Effect::CompareFailed { work: asked, .. }) = screen.effects.last() else { panic!() };
    let asked = *asked;
    let WorkEvent::FailedCompared(mut compared) = failed() else { panic!() };
    for task in &mut compared.tasks {
        task.task = format!("Write one shell command: {}", task.task);
    }
    work(&mut screen, asked, WorkEvent::FailedCompared(compared));
    screen.shows(&["…which process", "…show lines"]);
}

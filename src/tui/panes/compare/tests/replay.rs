//! Blind pairs by keys and reports.

use super::*;
use crate::driver::{JudgedPair, Judgement, PairChoice, ReplayState, ShownPair};
use crate::eval::promotion::PairCounts;

const TASK: &str = "list the five largest files below this folder, with their sizes";

/// Milliseconds after noon.
fn at(screen: &mut Screen, milliseconds: i64) {
    let noon: jiff::Zoned = "2026-11-23T12:00:00[UTC]".parse().unwrap();
    let span = jiff::Span::new().milliseconds(milliseconds);
    screen.app.set_time(noon.checked_add(span).unwrap());
}

/// A replay that was begun.
fn replaying(width: u16, height: u16) -> (Screen, WorkId) {
    let mut screen = compare(width, height);
    screen.keys("tab enter");
    let started = screen.effects.iter().find_map(|effect| match effect {
        Effect::Replay { work, reference, candidate } => {
            assert_eq!([name(reference), name(candidate)], ["base", "lora-v2"]);
            Some(*work)
        }
        _ => None,
    });
    let started = started.unwrap();
    work(&mut screen, started, WorkEvent::Started);
    (screen, started)
}

fn pair(number: usize) -> WorkEvent {
    WorkEvent::Pair(Box::new(ShownPair {
        number,
        total: 40,
        task: TASK.into(),
        left: format!("ls -lS | head -5\n\nIt sorts by size. {number}"),
        right: "du -a . | sort -n -r | head -n 5\n\n改善 kaizen".into(),
    }))
}

fn state(wins: usize, losses: usize) -> ReplayState {
    ReplayState {
        reference: "base".into(),
        candidate: "lora-v2".into(),
        counts: PairCounts { wins, losses, ties: 2 },
        left: 33,
    }
}

fn judged(judgement: Option<Judgement>, candidate_left: bool, state: ReplayState) -> WorkEvent {
    WorkEvent::PairJudged(Box::new(JudgedPair { judgement, same: false, candidate_left, state }))
}

fn said(screen: &Screen) -> Vec<Option<PairChoice>> {
    let said = screen.effects.iter().filter_map(|effect| match effect {
        Effect::JudgePair { choice, .. } => Some(*choice),
        _ => None,
    });
    said.collect()
}

fn names_no_arm(screen: &mut Screen) {
    let shown = screen.shown();
    for told in ["base", "lora"] {
        assert!(!shown.contains(told), "{told} is told:\n{shown}");
    }
}

#[test]
fn before_it_begins_it_says_what_will_be() {
    let mut screen = compare(80, 24);
    screen.keys("tab");
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("replay_empty_{width}"), picture);
    }
}

// If this fails, a person judges what they hope for, not what they read.
#[test]
fn while_a_pair_is_open_no_arm_is_named_anywhere() {
    for (width, height) in SIZES {
        let (mut screen, replay) = replaying(width, height);
        screen.report(Report::Service(Box::new(service("lora-v1"))));
        names_no_arm(&mut screen);
        screen.shows(&["both answer …"]);
        work(&mut screen, replay, pair(7));
        names_no_arm(&mut screen);
        let later = "2026-11-23T12:00:08[UTC]".parse().unwrap();
        screen.event(crate::tui::event::Event::Tick(later));
        insta::assert_snapshot!(format!("replay_pair_{width}"), screen.picture());
        screen.shows(&["Pair 7 of 40", "╭ left", "╭ right", TASK, "It sorts by size. 7"]);
        // Nothing that a key leads to names one either.
        screen.keys("a b p c u g w i enter v o");
        names_no_arm(&mut screen);
        screen.keys("ctrl-y");
        names_no_arm(&mut screen);
        let Some(TerminalEffect::Copy(copied)) = screen.terminal_effects.last() else { panic!() };
        assert!(copied.contains("--- left\nls -lS") && !copied.contains("lora"), "{copied}");
        // What happens now is told in full when the replay is over.
        screen.report(Report::Routed(Box::new(promoted_by_itself())));
        screen.shows(&["Who answers tasks has changed"]);
        names_no_arm(&mut screen);
        at(&mut screen, 9_000);
        screen.keys("l");
        work(&mut screen, replay, judged(Some(Judgement::Win), false, state(12, 5)));
        work(&mut screen, replay, pair(8));
        names_no_arm(&mut screen);
        screen.keys("tab").shows(&["lora-v2 answers everything now (by itself)"]);
    }
}

// If this fails, a person learns nothing of what they said, or how far a decision is.
#[test]
fn one_key_a_pair_and_then_the_next_one_comes_by_itself() {
    for (width, height) in SIZES {
        let (mut screen, replay) = replaying(width, height);
        let mut time = 0;
        for (number, (key, choice, judgement)) in [
            ("h", Some(PairChoice::Left), Some(Judgement::Loss)),
            ("left", Some(PairChoice::Left), Some(Judgement::Loss)),
            ("l", Some(PairChoice::Right), Some(Judgement::Win)),
            ("right", Some(PairChoice::Right), Some(Judgement::Win)),
            ("t", Some(PairChoice::Tie), Some(Judgement::Tie)),
            ("=", Some(PairChoice::Tie), Some(Judgement::Tie)),
            ("s", None, None),
        ]
        .into_iter()
        .enumerate()
        {
            work(&mut screen, replay, pair(number + 1));
            screen.shows(&[&format!("Pair {} of 40", number + 1)]);
            time += 1_500;
            at(&mut screen, time);
            screen.effects.clear();
            screen.keys(key);
            assert_eq!(said(&screen), [choice], "{key}");
            screen.shows(&["writing it down"]);
            work(&mut screen, replay, judged(judgement, false, state(12, 5)));
            screen.shows(&["both answer …"]);
        }
        screen.shows(&["Skipped"]);
        work(&mut screen, replay, pair(8));
        time += 1_500;
        at(&mut screen, time);
        screen.keys("right");
        work(&mut screen, replay, judged(Some(Judgement::Win), false, state(13, 5)));
        insta::assert_snapshot!(format!("replay_waiting_{width}"), screen.picture());
        screen.shows(&["The candidate won; it was on the right.", "13 won, 5 lost, 2 even"]);
        work(&mut screen, replay, pair(9));
        screen.shows(&["Pair 9 of 40", "The candidate won"]);
    }
}

// If this fails, a key that is held down judges pairs that nobody has read.
#[test]
fn a_held_key_judges_one_pair_only() {
    let (mut screen, replay) = replaying(80, 24);
    work(&mut screen, replay, pair(1));
    at(&mut screen, 1_000);
    screen.keys("l l l l");
    assert_eq!(said(&screen).len(), 1);
    for time in (1_033..1_200).step_by(33) {
        at(&mut screen, time);
        screen.keys("l");
    }
    work(&mut screen, replay, judged(Some(Judgement::Win), true, state(1, 0)));
    screen.keys("l t s h =");
    work(&mut screen, replay, pair(2));
    for time in (1_233..6_000).step_by(33) {
        at(&mut screen, time);
        screen.keys("l");
    }
    assert_eq!(said(&screen).len(), 1, "the second pair was judged by the same key");
    at(&mut screen, 7_000);
    screen.keys("l");
    assert_eq!(said(&screen).len(), 2);
}

#[test]
fn esc_ends_it_and_enter_goes_on() {
    let (mut screen, replay) = replaying(80, 24);
    work(&mut screen, replay, pair(1));
    at(&mut screen, 1_000);
    screen.effects.clear();
    screen.keys("esc").shows(&["ending"]);
    assert!(matches!(screen.effects.as_slice(), [Effect::Cancel(work)] if *work == replay));
    // What comes late is no pair to judge, and what was judged is told.
    work(&mut screen, replay, pair(2));
    screen.keys("l");
    assert_eq!(said(&screen), []);
    work(&mut screen, replay, WorkEvent::Cancelled);
    screen.shows(&["You ended it", "Enter goes on"]);
    work(&mut screen, replay, pair(3));
    work(&mut screen, WorkId(999), pair(3));
    assert!(!screen.shown().contains("Pair 3"));
    screen.effects.clear();
    screen.keys("enter");
    let again = screen.effects.iter().find_map(|effect| match effect {
        Effect::Replay { work, .. } => Some(*work),
        _ => None,
    });
    assert!(again.is_some_and(|again| again != replay));
}

#[test]
fn it_stays_while_the_person_is_elsewhere() {
    let (mut screen, replay) = replaying(80, 24);
    screen.keys("1 esc");
    work(&mut screen, replay, pair(3));
    screen.keys("5").shows(&["Pair 3 of 40", "It sorts by size. 3"]);
    screen.keys("tab").shows(&["Replay ●"]);
    screen.keys("tab tab tab tab tab").shows(&["Pair 3 of 40"]);
}

#[test]
fn both_answers_scroll_together() {
    let (mut screen, replay) = replaying(80, 24);
    let text = |mark: &str| (0..60).map(|i| format!("{mark}{i}\n")).collect::<String>();
    let long =
        ShownPair { number: 1, total: 2, task: TASK.into(), left: text("L"), right: text("R") };
    work(&mut screen, replay, WorkEvent::Pair(Box::new(long)));
    screen.shows(&["L0", "R0", "↓ "]);
    screen.keys("pagedown down");
    let shown = screen.shown();
    assert!(!shown.contains("L0 ") && !shown.contains("R0 "), "{shown}");
    screen.keys("end").shows(&["L59", "R59"]);
    screen.keys("home").shows(&["L0", "R0"]);
}

// If this fails, a person does not know what their judgements have led to.
#[test]
fn at_the_end_it_says_what_was_found_and_what_follows() {
    for (width, height) in SIZES {
        let (mut screen, replay) = replaying(width, height);
        work(&mut screen, replay, pair(38));
        screen.effects.clear();
        work(&mut screen, replay, WorkEvent::Replayed(Box::new(state(30, 8))));
        assert!(
            matches!(&screen.effects[..], [Effect::Service { candidate: Some(c) }] if c == "lora-v2")
        );
        screen.report(Report::Service(Box::new(service("base"))));
        insta::assert_snapshot!(format!("replay_better_{width}"), screen.picture());
        screen.shows(&[
            "lora-v2 is better than base on your own tasks.",
            "It is not promoted by itself: your own",
        ]);
    }
    for (wins, losses, words) in [
        (8, 30, "lora-v2 is worse than base on your own tasks."),
        (9, 9, "Nothing is decided between lora-v2 and base."),
    ] {
        let (mut screen, replay) = replaying(80, 24);
        work(&mut screen, replay, pair(1));
        work(&mut screen, replay, WorkEvent::Replayed(Box::new(state(wins, losses))));
        screen.shows(&[words]);
    }
}

#[test]
fn without_tasks_it_says_which_are_needed_and_a_failure_says_why() {
    let (mut screen, replay) = replaying(80, 24);
    let none = ReplayState { counts: PairCounts::default(), left: 0, ..state(0, 0) };
    work(&mut screen, replay, WorkEvent::Replayed(Box::new(none)));
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("replay_no_tasks_{width}"), picture);
    }
    screen.shows(&["There is no task to replay"]);
    screen.effects.clear();
    screen.keys("enter");
    let Some(Effect::Replay { work: again, .. }) = screen.effects.last() else { panic!() };
    let again = *again;
    work(&mut screen, again, WorkEvent::Failed("lora-v2 is\u{1b}[31m damaged".into()));
    screen.shows(&["damaged", "Enter tries again"]);
    assert!(!screen.shown().contains('\u{1b}'));
}

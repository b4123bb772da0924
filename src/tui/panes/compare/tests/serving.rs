//! Who answers: evidence, promotion, canary and rollback by keys, the judges of the gate, progress.

use super::*;
use crate::adapters::Step;

fn serving(screen: &Screen) -> Vec<&Effect> {
    let serving = screen.effects.iter().filter(|effect| {
        matches!(effect, Effect::Promote(_) | Effect::Canary(_) | Effect::RollBack)
    });
    serving.collect()
}

// If this fails, an adapter is put before all tasks by a slip of a finger, or without its evidence.
#[test]
fn promote_canary_and_rollback_show_the_evidence_and_wait_for_a_yes() {
    for part in 0..6 {
        let mut screen = compare(80, 24);
        screen.report(Report::Service(Box::new(service("base"))));
        screen.keys(&"tab ".repeat(part));
        for (key, first) in [
            ("p", "lora-v2 answers everything from now on?"),
            ("c", "lora-v2 answers 10 % of the tasks"),
            ("u", "Back to who answered before"),
        ] {
            screen.effects.clear();
            screen.keys(key);
            assert!(matches!(screen.effects.last(), Some(Effect::Service { .. })), "{part} {key}");
            screen.report(Report::Service(Box::new(service("base"))));
            screen.shows(&[first, "blind pairs 12 won, 5 lost", "unproven", "missing:"]);
            screen.keys("n");
            assert!(serving(&screen).is_empty(), "{part} {key}");
            screen.keys(key);
            screen.report(Report::Service(Box::new(service("base"))));
            screen.keys("y");
            assert_eq!(serving(&screen).len(), 1, "{part} {key}");
        }
    }
}

#[test]
fn the_question_holds_all_that_is_known() {
    for (width, height) in SIZES {
        let mut screen = compare(width, height);
        screen.report(Report::Service(Box::new(service("base"))));
        screen.keys("p");
        screen.report(Report::Service(Box::new(service("base"))));
        insta::assert_snapshot!(format!("promote_{width}"), screen.picture());
    }
}

#[test]
fn what_cannot_be_done_is_said_and_evidence_that_comes_late_asks_nothing() {
    let mut screen = compare(80, 24);
    screen.keys("p tab");
    screen.report(Report::Service(Box::new(service("base"))));
    assert!(!screen.shown().contains("A question"));
    screen.keys("p 1");
    screen.report(Report::Service(Box::new(service("base"))));
    assert!(!screen.shown().contains("A question"));
    screen.keys("esc 5 p");
    screen.report(Report::Failed { what: "look at the adapters in service", why: "no".into() });
    screen.report(Report::Service(Box::new(service("base"))));
    assert!(!screen.shown().contains("A question"));
    // The evidence of another adapter is not this one's.
    screen.keys("p");
    let mut other = service("base");
    other.standing.as_mut().unwrap().candidate = "lora-v1".into();
    screen.report(Report::Service(Box::new(other)));
    assert!(!screen.shown().contains("A question"));
    let mut alone = service("base");
    alone.routing = Routing::only("lora-v2");
    screen.report(Report::Service(Box::new(alone))).shows(&["lora-v2 answers everything already"]);
}

// If this fails, an adapter answers everything and nobody was told.
#[test]
fn what_happens_by_itself_is_told_wherever_the_person_is() {
    for pane in ["1 esc", "2", "3", "4", "5", "6"] {
        let mut screen = compare(80, 24);
        screen.keys(pane);
        screen.effects.clear();
        screen.report(Report::Routed(Box::new(promoted_by_itself())));
        let tab = if pane == "5" { "5 Compare" } else { "5! Compare" };
        screen.shows(&["lora-v2 answers everything now (by itself)", tab]);
        assert!(screen.effects.iter().any(|effect| matches!(effect, Effect::ListAdapters)));
        assert!(screen.effects.iter().any(|effect| matches!(effect, Effect::Service { .. })));
    }
    // The mark stays until they have looked, the words until they have looked once more.
    let mut screen = compare(80, 24);
    screen.keys("1 esc");
    screen.report(Report::Routed(Box::new(promoted_by_itself())));
    screen
        .keys("5")
        .event(crate::tui::event::Event::Tick("2026-11-23T12:01:00[UTC]".parse().unwrap()));
    screen.shows(&["lora-v2 answers everything now (by itself)", "5 Compare"]);
    screen.keys("1 5");
    assert!(!screen.shown().contains("by itself"));
}

#[test]
fn a_change_that_the_person_wanted_is_told_once() {
    let mut screen = compare(80, 24);
    let change = Change { by: By::Person, step: Step::Canary, ..promoted_by_itself() };
    screen.report(Report::Routed(Box::new(change))).shows(&["lora-v2 is on trial: "]);
    assert!(!screen.shown().contains("5!"));
}

// If this fails, an adapter seems proven by examples that are not the person's.
#[test]
fn the_persons_own_work_judges_first_where_it_can() {
    let mut screen = compare(80, 24);
    let mut proven = service("base");
    (proven.corrections, proven.held_back) = (31, 8);
    screen.report(Report::Service(Box::new(proven)));
    screen.keys("tab tab");
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("gate_own_work_{width}"), picture);
    }
    screen.effects.clear();
    screen.keys("g");
    let Some(Effect::JudgeOwnWork { work: judge, a, b }) = screen.effects.last() else { panic!() };
    assert_eq!([name(a), name(b)], ["base", "lora-v2"]);
    let judge = *judge;
    screen.keys("o").shows(&["Judge: the built-in set", "The other judge is measuring"]);
    work(&mut screen, judge, WorkEvent::Judged(Box::new(comparison(Verdict::Accepted))));
    screen.shows(&["Your own work has decided about lora-v2: accepted."]);
    assert!(!screen.shown().contains("ACCEPTED"), "the set has not judged");
    screen.keys("o").shows(&["Judge: your own work, 8 corrections held back", "✓ ACCEPTED"]);
    screen.shows(&["each decision spends"]);
    screen.keys("o g");
    assert!(matches!(screen.effects.last(), Some(Effect::Judge { .. })));
}

#[test]
fn with_too_few_corrections_it_is_unproven_and_says_why() {
    let mut screen = compare(80, 24);
    screen.report(Report::Service(Box::new(service("base"))));
    screen.keys("tab tab").shows(&["Judge: the built-in set", "own work (unproven)"]);
    screen.keys("o");
    for (width, _, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("gate_unproven_{width}"), picture);
    }
    screen.effects.clear();
    screen.keys("g").shows(&["unproven: you have 12 corrections, and 20 are needed"]);
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
}

#[test]
fn the_ratings_tell_chances_shares_and_what_is_missing() {
    for (width, height) in SIZES {
        let mut screen = compare(width, height);
        screen.keys("tab tab tab tab");
        let better = ArmRating {
            unrated: 9,
            better_than: [("lora-v1".into(), 0.87)].into(),
            still_needed: [("lora-v1".into(), 540)].into(),
            ..rating("lora-v2", 12, 3.5, Some([2.81, 4.19]))
        };
        let before = ArmRating { unrated: 2, ..rating("lora-v1", 24, 2.92, Some([2.44, 3.4])) };
        screen.report(Report::ArmRatings(vec![before, better]));
        screen.report(Report::Service(Box::new(service("lora-v1"))));
        insta::assert_snapshot!(format!("service_{width}"), screen.picture());
        screen.shows(&["P(lora-v2 better than lora-v1) 87 %", "about 540 more ratings an arm"]);
        screen.shows(&["active lora-v1 · canary lora-v2 10 %"]);
    }
    // The guard that fails stands out.
    let mut screen = compare(120, 40);
    screen.keys("tab tab tab tab");
    let mut walked_away = service("lora-v1");
    let evidence = &mut walked_away.standing.as_mut().unwrap().evidence;
    (evidence.reference.unrated, evidence.candidate.unrated) = (1, 60);
    screen.report(Report::ArmRatings(Vec::new()));
    screen.report(Report::Service(Box::new(walked_away)));
    screen.shows(&["✗ the guard does not hold"]);
}

// If this fails, somebody believes in a progress that is chance.
#[test]
fn progress_answers_whether_all_this_helps() {
    for (width, height) in SIZES {
        let mut screen = compare(width, height);
        screen.keys("tab tab tab tab tab");
        assert!(matches!(screen.effects.last(), Some(Effect::Progress)));
        screen.report(Report::Progress(versions(3.9, [3.6, 4.2])));
        insta::assert_snapshot!(format!("progress_{width}"), screen.picture());
        screen.shows(&["Does it help? Yes"]);
        screen.keys("end").shows(&["the model as it came"]);
    }
    let says = |mean, ci95, words: &str| {
        let mut screen = compare(80, 24);
        screen.keys("tab tab tab tab tab");
        screen.report(Report::Progress(versions(mean, ci95))).shows(&[words]);
    };
    says(3.0, [2.2, 3.8], "It cannot be told");
    says(1.5, [1.2, 1.8], "Does it help? No");
    let mut screen = compare(80, 24);
    screen.keys("tab tab tab tab tab");
    screen.report(Report::Progress(Vec::new())).shows(&["Nothing is rated yet"]);
    let one: Vec<_> = versions(3.0, [2.2, 3.8]).into_iter().take(1).collect();
    let one = one.into_iter().map(|mut v| {
        v.weeks.truncate(1);
        v
    });
    screen.report(Report::Progress(one.collect())).shows(&["all ratings are of one week"]);
}

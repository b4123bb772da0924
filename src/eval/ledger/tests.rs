#![allow(clippy::unwrap_used)]
use std::io::Write;

use super::*;
use crate::eval::{Provenance, Verdict};
use crate::store::Message;

fn item(id: &str, prompt: &str) -> Example {
    Example {
        id: id.into(),
        area: "x".into(),
        messages: vec![Message::user(prompt)],
        answer: "y".into(),
        weight: 1.0,
        provenance: Provenance::File,
        check: None,
    }
}

fn items(numbers: std::ops::Range<usize>) -> Vec<Example> {
    numbers.map(|i| item(&format!("i{i}"), &format!("question {i} about thing{i}"))).collect()
}

fn decision(p: f64, spending: Spending) -> Decision {
    Decision {
        verdict: Verdict::Rejected,
        style: false,
        reason: "r".into(),
        p,
        spending,
        a: 2.0,
        b: 1.0 / 3.0,
        change: 0.1 + 0.2,
        ci95: Some([-0.1, 1e-17]),
        items: 40,
        groups: 30,
        accuracy: None,
        areas: vec![],
        sentinels: vec![],
        guards: vec![],
        needs_more: Some(7),
    }
}

struct Home {
    _folder: tempfile::TempDir,
    ledger: Ledger,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::at(folder.path().join("experiments/held-out.jsonl"));
    Home { _folder: folder, ledger }
}

/// Asks about `adapter` on `set`; the decision's p tells which call made it.
fn ask(ledger: &Ledger, adapter: &str, set: &HeldOutSet, p: f64) -> Recorded {
    let question = Question { adapter_hash: adapter, reference_hash: "base", held_out: set };
    ledger.decide(question, |spending| Ok(decision(p, spending))).unwrap()
}

#[test]
fn asking_again_costs_nothing_and_changes_nothing() {
    let home = home();
    let set = HeldOutSet::new(&items(0..10)).unwrap();
    assert_eq!(home.ledger.used(&set).unwrap(), 0);
    let first = ask(&home.ledger, "v1", &set, 0.5);
    assert_eq!((first.decision.spending.k, first.decision.spending.alpha), (1, 0.025));
    let question = Question { adapter_hash: "v1", reference_hash: "base", held_out: &set };
    let again = home.ledger.decide(question, |_| panic!("decided anew")).unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!((again.decision, again.time), (first.decision, first.time));
    assert_eq!(home.ledger.used(&set).unwrap(), 1);
}

#[test]
fn every_new_adapter_spends_less() {
    let home = home();
    let set = HeldOutSet::new(&items(0..10)).unwrap();
    let mut spent = 0.0;
    for k in 1..=6 {
        let made = ask(&home.ledger, &format!("v{k}"), &set, 0.5).decision.spending;
        assert_eq!(made, Spending::of(k));
        spent += made.alpha;
    }
    assert!(spent < 0.05);
    assert_eq!(home.ledger.used(&set).unwrap(), 6);
}

#[test]
fn growing_renaming_or_overlapping_a_set_does_not_reset_the_count() {
    let home = home();
    ask(&home.ledger, "v1", &HeldOutSet::new(&items(0..10)).unwrap(), 0.5);
    let grown = HeldOutSet::new(&items(0..15)).unwrap();
    assert_eq!(home.ledger.used(&grown).unwrap(), 1);
    // Also the same adapter: it is another question.
    assert_eq!(ask(&home.ledger, "v1", &grown, 0.5).decision.spending.k, 2);
    let mut renamed = items(12..20);
    for item in &mut renamed {
        item.id = format!("other-{}", item.id);
        item.area = "elsewhere".into();
    }
    let renamed = HeldOutSet::new(&renamed).unwrap();
    assert_eq!(ask(&home.ledger, "v1", &renamed, 0.5).decision.spending.k, 3);
    // Shares no item with the first two, but with the third.
    let distant = HeldOutSet::new(&items(18..30)).unwrap();
    assert_eq!(home.ledger.used(&distant).unwrap(), 3);
    assert_eq!(home.ledger.used(&HeldOutSet::new(&items(50..60)).unwrap()).unwrap(), 0);
}

#[test]
fn corrected_answers_are_a_new_question_about_the_same_set() {
    let home = home();
    let mut set = items(0..10);
    ask(&home.ledger, "v1", &HeldOutSet::new(&set).unwrap(), 0.5);
    set[3].answer = "corrected".into();
    let made = ask(&home.ledger, "v1", &HeldOutSet::new(&set).unwrap(), 0.4);
    assert!(!made.repeated && made.decision.spending.k == 2);
}

#[test]
fn a_decision_that_fails_spends_nothing() {
    let home = home();
    let set = HeldOutSet::new(&items(0..10)).unwrap();
    let question = Question { adapter_hash: "v1", reference_hash: "base", held_out: &set };
    assert!(home.ledger.decide(question, |_| Err(Error::NothingHeldOut)).is_err());
    assert_eq!(ask(&home.ledger, "v1", &set, 0.5).decision.spending.k, 1);
    assert!(matches!(HeldOutSet::new([]), Err(Error::NothingHeldOut)));
}

#[test]
fn places_outlive_the_process_the_id_and_the_wording() {
    let home = home();
    let first = home.ledger.assign(&items(0..40)).unwrap();
    assert_eq!(first.places.len(), 40);
    let size = std::fs::metadata(home.ledger.path()).unwrap().len();
    assert_eq!(home.ledger.assign(&items(0..40)).unwrap(), first);
    assert_eq!(std::fs::metadata(home.ledger.path()).unwrap().len(), size);

    // A line was inserted above: every id is one further down.
    let shifted: Vec<Example> = items(0..40)
        .into_iter()
        .enumerate()
        .map(|(i, item)| Example { id: format!("i{}", i + 1), ..item })
        .collect();
    let after = home.ledger.assign(&shifted).unwrap();
    for i in 0..40 {
        assert_eq!(after.places[&format!("i{}", i + 1)], first.places[&format!("i{i}")]);
    }
    let reworded = [item("i7", "something quite different")];
    assert_eq!(home.ledger.assign(&reworded).unwrap().places["i7"], first.places["i7"]);
}

#[test]
fn a_grown_set_keeps_its_old_places() {
    let home = home();
    let before = home.ledger.assign(&items(0..50)).unwrap();
    let after = home.ledger.assign(&items(0..120)).unwrap();
    assert_eq!(after.places.len(), 120);
    assert!(before.places.iter().all(|(id, place)| after.places[id] == *place));
}

#[test]
fn a_write_cut_short_loses_only_itself() {
    let set = HeldOutSet::new(&items(0..10)).unwrap();
    let reference = home();
    ask(&reference.ledger, "v1", &set, 0.5);
    ask(&reference.ledger, "v2", &set, 0.5);
    let whole = std::fs::read(reference.ledger.path()).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    assert_eq!(lines.len(), 3);
    let kept = lines[0].len() + lines[1].len();
    for cut in kept..whole.len() {
        let home = home();
        std::fs::create_dir_all(home.ledger.path().parent().unwrap()).unwrap();
        std::fs::write(home.ledger.path(), &whole[..cut]).unwrap();
        // Without its line end alone the record is complete.
        let expected = if cut == whole.len() - 1 { 2 } else { 1 };
        assert_eq!(home.ledger.used(&set).unwrap(), expected, "cut at {cut}");
        let made = ask(&home.ledger, "v3", &set, 0.5).decision.spending.k;
        assert_eq!(made, expected + 1);
        ask(&home.ledger, "v4", &set, 0.5);
        assert_eq!(home.ledger.used(&set).unwrap(), expected + 2);
        assert!(std::fs::read(home.ledger.path()).unwrap().starts_with(&whole[..cut]));
    }
}

#[test]
fn a_write_cut_short_twice_is_still_readable() {
    let home = home();
    let set = HeldOutSet::new(&items(0..10)).unwrap();
    ask(&home.ledger, "v1", &set, 0.5);
    let mut file = std::fs::OpenOptions::new().append(true).open(home.ledger.path()).unwrap();
    file.write_all(b"{\"kind\":\"decision\",\"ti\n{\"kind\":\"cut").unwrap();
    assert_eq!(ask(&home.ledger, "v2", &set, 0.5).decision.spending.k, 2);
    assert_eq!(home.ledger.used(&set).unwrap(), 2);
}

#[test]
fn damage_in_the_middle_is_named_rather_than_forgotten() {
    let home = home();
    let set = HeldOutSet::new(&items(0..10)).unwrap();
    ask(&home.ledger, "v1", &set, 0.5);
    ask(&home.ledger, "v2", &set, 0.5);
    let text = std::fs::read_to_string(home.ledger.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let half = &lines[1][..lines[1].len() / 2];
    for (line, damaged) in [
        (2, format!("{}\n{half}\n{}\n", lines[0], lines[2])),
        (3, format!("{}\n{}\n{}\n", lines[0], lines[1], lines[2].replace("\"time\"", "\"tame\""))),
        (2, format!("{}\nnull\n{}\n", lines[0], lines[2])),
    ] {
        std::fs::write(home.ledger.path(), &damaged).unwrap();
        match home.ledger.used(&set) {
            Err(Error::LedgerDamaged { line: named, .. }) => assert_eq!(named, line),
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read_to_string(home.ledger.path()).unwrap(), damaged);
    }
}

#[test]
fn two_at_once_never_spend_the_same_share() {
    let home = home();
    let set = HeldOutSet::new(&items(0..10)).unwrap();
    let mut counts: Vec<u32> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..8)
            .map(|i| {
                let (ledger, set) = (home.ledger.clone(), set.clone());
                scope.spawn(move || ask(&ledger, &format!("v{i}"), &set, 0.5).decision.spending.k)
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    counts.sort_unstable();
    assert_eq!(counts, (1..=8).collect::<Vec<u32>>());
}

#[test]
fn a_ledger_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("experiments");
    std::fs::write(&in_the_way, "a file").unwrap();
    let ledger = Ledger::at(in_the_way.join("held-out.jsonl"));
    let error = ledger.assign(&items(0..3)).unwrap_err().to_string();
    assert!(error.contains("held-out.jsonl") && !error.contains('\n'), "{error}");
}

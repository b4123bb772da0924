#![allow(clippy::unwrap_used)]
use super::*;
use crate::eval::outcome::ItemScore;

/// An item of `area` whose score changes by `difference`.
fn pair(id: &str, area: &str, difference: f64, correct: Option<(bool, bool)>) -> Pair {
    let score = |nll: f64, correct: Option<bool>| ItemScore {
        id: id.into(),
        area: area.into(),
        tokens: 10,
        nll,
        first: nll,
        rest: Some(nll),
        end_of_turn: nll,
        correct,
    };
    Pair {
        group: id.into(),
        a: score(2.0, correct.map(|c| c.0)),
        b: score(2.0 + difference, correct.map(|c| c.1)),
    }
}

/// `n` items whose differences spread evenly by `spread` about `mean`.
fn area(name: &str, n: usize, mean: f64, spread: f64) -> Vec<Pair> {
    let middle = (n - 1) as f64 / 2.0;
    let at = |i: usize| mean + spread * ((i * 7 % n) as f64 - middle) / n as f64;
    (0..n).map(|i| pair(&format!("{name}-{i}"), name, at(i), None)).collect()
}

struct Case {
    held_out: Vec<Pair>,
    targeted: BTreeSet<String>,
    sentinels: Option<Vec<Pair>>,
    answers: Option<Vec<SentinelAnswer>>,
    samples: Option<[Vec<Vec<u32>>; 2]>,
    k: u32,
}

impl Case {
    /// An adapter that is better in its area and harmless elsewhere, everything measured.
    fn good() -> Self {
        let samples: Vec<Vec<u32>> = (0..64).map(|i| (i * 64..i * 64 + 64).collect()).collect();
        let answer = |i: usize| SentinelAnswer {
            id: i.to_string(),
            reference_ok: true,
            candidate_ok: i != 5,
        };
        Self {
            held_out: [area("shell", 40, -0.3, 0.8), area("facts", 40, 0.0, 0.2)].concat(),
            targeted: BTreeSet::from(["shell".to_owned()]),
            sentinels: Some([area("maths", 40, 0.0, 0.2), area("safety", 40, 0.01, 0.2)].concat()),
            answers: Some((0..70).map(answer).collect()),
            samples: Some([samples.clone(), samples]),
            k: 1,
        }
    }

    fn decide(&self) -> Decision {
        let input = GateInput {
            held_out: &self.held_out,
            targeted: &self.targeted,
            sentinels: self.sentinels.as_deref(),
            sentinel_answers: self.answers.as_deref(),
            samples: self
                .samples
                .as_ref()
                .map(|[reference, candidate]| Samples { reference, candidate }),
            spending: Spending::of(self.k),
            held_out_share: 0.5,
            seed: 7,
        };
        let decision = decide_with(&input, 1_000).unwrap();
        assert!(!decision.reason.is_empty() && !decision.reason.contains('\n'));
        assert_eq!(decision, decide_with(&input, 1_000).unwrap(), "same seed, same decision");
        decision
    }
}

#[test]
fn a_better_and_harmless_adapter_is_accepted() {
    let decision = Case::good().decide();
    assert_eq!(decision.verdict, Verdict::Accepted, "{}", decision.reason);
    assert!((decision.change - (-0.3f64).exp_m1()).abs() < 1e-9);
    let [low, high] = decision.ci95.unwrap();
    assert!(low < decision.change && decision.change < high && high < 0.0);
    assert_eq!((decision.groups, decision.guards.len(), decision.style), (40, 5, false));
    assert!(decision.guards.iter().all(|guard| guard.passed == Some(true)));
}

#[test]
fn an_accepted_adapter_that_made_a_few_items_much_worse_comes_with_a_warning() {
    let mut case = Case::good();
    case.held_out = area("shell", 21, -0.1, 0.1);
    // One of 21 got worse by 0.65 nats: p is 0.015, but resamples that draw it twice rise.
    case.held_out[20].b.nll = 2.65;
    let decision = case.decide();
    assert_eq!(decision.verdict, Verdict::Accepted, "{}", decision.reason);
    assert!(decision.ci95.unwrap()[1] >= 0.0, "{:?}", decision.ci95);
    assert!(decision.reason.contains("the interval reaches zero"), "{}", decision.reason);
}

#[test]
fn the_same_model_twice_is_not_better() {
    let mut case = Case::good();
    case.held_out = [area("shell", 40, 0.0, 0.0), area("facts", 40, 0.0, 0.0)].concat();
    let decision = case.decide();
    assert_eq!((decision.verdict, decision.p), (Verdict::Rejected, 1.0), "{}", decision.reason);
    assert_eq!(decision.ci95, Some([0.0, 0.0]));
}

#[test]
fn harm_in_another_area_or_a_sentinel_rejects_and_names_a_setting() {
    let mut case = Case::good();
    case.held_out = [area("shell", 40, -0.3, 0.8), area("facts", 40, 0.3, 0.2)].concat();
    let decision = case.decide();
    assert_eq!(decision.verdict, Verdict::Rejected);
    assert!(decision.reason.starts_with("area facts") && decision.reason.contains("--replay"));

    let mut case = Case::good();
    case.sentinels = Some(area("safety", 40, 0.2, 0.2));
    let decision = case.decide();
    assert_eq!(decision.verdict, Verdict::Rejected);
    assert!(decision.reason.starts_with("sentinel safety"), "{}", decision.reason);
}

#[test]
fn forgetting_and_sameness_reject() {
    let mut case = Case::good();
    for answer in case.answers.as_mut().unwrap().iter_mut().take(20) {
        answer.candidate_ok = false;
    }
    let decision = case.decide();
    assert_eq!(decision.verdict, Verdict::Rejected);
    assert!(decision.reason.starts_with("accuracy"), "{}", decision.reason);

    let mut case = Case::good();
    case.samples.as_mut().unwrap()[1] = (0..64).map(|i| vec![i % 8; 64]).collect();
    let decision = case.decide();
    assert_eq!(decision.verdict, Verdict::Rejected);
    assert!(decision.reason.starts_with("diversity"), "{}", decision.reason);
}

#[test]
fn what_was_not_measured_is_the_persons_choice() {
    type Remove = fn(&mut Case);
    let removed: [(Remove, &str); 4] = [
        (|case| case.sentinels = None, "sentinels (no sentinel was scored)"),
        (|case| case.answers = None, "accuracy (sentinels were not answered)"),
        (|case| case.answers.as_mut().unwrap().truncate(59), "59 sentinel items, 60 are needed"),
        (|case| case.samples = None, "diversity (no samples were drawn)"),
    ];
    for (remove, words) in removed {
        let mut case = Case::good();
        remove(&mut case);
        let decision = case.decide();
        assert_eq!(decision.verdict, Verdict::CannotTell);
        assert!(decision.reason.contains(words), "{}", decision.reason);
        assert!(decision.reason.ends_with("the choice is yours"), "{}", decision.reason);
        assert!(decision.p < 0.025);
    }
}

#[test]
fn a_guard_with_too_few_items_cannot_tell_and_says_how_many() {
    let mut case = Case::good();
    case.held_out = [area("shell", 40, -0.3, 0.8), area("facts", 8, 0.03, 0.9)].concat();
    let decision = case.decide();
    assert_eq!(decision.verdict, Verdict::CannotTell);
    assert!(decision.reason.contains("area facts"), "{}", decision.reason);
    assert!(decision.needs_more.unwrap() > 10, "{}", decision.reason);
}

#[test]
fn fewer_than_twenty_groups_decide_nothing_however_clear() {
    let mut case = Case::good();
    case.held_out = area("shell", 19, -1.0, 0.1);
    let decision = case.decide();
    assert_eq!((decision.verdict, decision.needs_more), (Verdict::CannotTell, Some(2)));

    // Sixty items, but only fifteen questions.
    case.held_out = area("shell", 60, -1.0, 0.1);
    for (i, pair) in case.held_out.iter_mut().enumerate() {
        pair.group = format!("g{}", i % 15);
    }
    let decision = case.decide();
    assert_eq!((decision.groups, decision.items), (15, 60));
    assert_eq!((decision.verdict, decision.needs_more), (Verdict::CannotTell, Some(10)));
}

#[test]
fn a_wide_interval_cannot_tell_and_a_narrow_one_rejects() {
    let mut case = Case::good();
    case.held_out = area("shell", 30, -0.05, 1.5);
    let wide = case.decide();
    assert_eq!(wide.verdict, Verdict::CannotTell, "{}", wide.reason);
    assert!(wide.needs_more.unwrap() > 100, "{}", wide.reason);

    case.held_out = area("shell", 200, 0.0, 0.3);
    let narrow = case.decide();
    assert_eq!(narrow.verdict, Verdict::Rejected);
    assert!(narrow.reason.contains("ruled out"), "{}", narrow.reason);

    case.held_out = area("shell", 60, 0.2, 0.3);
    let worse = case.decide();
    assert_eq!(worse.verdict, Verdict::Rejected);
    assert!(worse.reason.contains("got worse"), "{}", worse.reason);
}

#[test]
fn what_was_enough_once_is_not_when_a_set_was_used_often() {
    let mut case = Case::good();
    // A mean of 2.6 standard errors below zero: p is about 0.007.
    case.held_out = area("shell", 60, -0.1, 1.03);
    assert_eq!(case.decide().verdict, Verdict::Accepted);
    case.k = 4;
    let later = case.decide();
    assert_eq!(later.verdict, Verdict::CannotTell, "{}", later.reason);
    assert!(later.reason.contains("seen but not proven"), "{}", later.reason);
    assert!(later.needs_more.is_some());
}

#[test]
fn lower_perplexity_without_more_right_answers_is_called_style() {
    let mut case = Case::good();
    let with_answers = |gained: usize| -> Vec<Pair> {
        let mut pairs = area("shell", 40, -0.3, 0.8);
        for (i, pair) in pairs.iter_mut().enumerate() {
            let right = i % 2 == 0;
            pair.a.correct = Some(right);
            pair.b.correct = Some(right || i < gained);
        }
        pairs
    };
    case.held_out = with_answers(0);
    let decision = case.decide();
    assert_eq!((decision.verdict, decision.style), (Verdict::Accepted, true));
    assert!(decision.reason.contains("50 % → 50 % of 40 checkable"), "{}", decision.reason);
    case.held_out = with_answers(10);
    let decision = case.decide();
    assert_eq!((decision.verdict, decision.style), (Verdict::Accepted, false));
    assert_eq!(decision.accuracy.as_ref().unwrap().b, 25.0 / 40.0);
}

#[test]
fn a_tables_change_is_that_of_the_perplexities_beside_it() {
    let mut case = Case::good();
    for (i, pair) in case.held_out.iter_mut().enumerate().take(40) {
        pair.group = format!("g{}", i.min(29));
    }
    let decision = case.decide();
    for row in decision.areas.iter().chain(&decision.sentinels) {
        assert_eq!(row.change, row.b / row.a - 1.0);
        let [low, high] = row.ci95.unwrap();
        assert!(low < row.change && row.change < high);
    }
    assert_eq!(decision.change, decision.b / decision.a - 1.0);
    assert_eq!(decision.groups, 30);
}

#[test]
fn the_json_has_the_promised_names() {
    let mut case = Case::good();
    case.samples = None;
    let decision = case.decide();
    let json = serde_json::to_value(&decision).unwrap();
    assert_eq!(json["verdict"], "cannot tell");
    for key in ["reason", "p", "alpha", "k", "change", "ci95", "groups", "needs_more", "style"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    for key in ["area", "n", "a", "b", "change", "ci95", "accuracy_a", "accuracy_b"] {
        assert!(json["areas"][0].get(key).is_some(), "{key}");
        assert!(json["sentinels"][0].get(key).is_some(), "{key}");
    }
    assert_eq!(serde_json::from_value::<Decision>(json).unwrap(), decision);
}

#[test]
fn asking_about_areas_that_are_not_there_is_an_error() {
    let mut case = Case::good();
    case.targeted = BTreeSet::from(["poetry".to_owned()]);
    let input = GateInput {
        held_out: &case.held_out,
        targeted: &case.targeted,
        sentinels: None,
        sentinel_answers: None,
        samples: None,
        spending: Spending::of(1),
        held_out_share: 0.5,
        seed: 1,
    };
    assert!(decide(&input).unwrap_err().to_string().contains("poetry"));
}

//! What the figures of an experiment teach, what is decided by them, and what to do next: sentences derived
//! by fixed rules, so that nobody reads more into an experiment than it shows. Each is ready for Markdown.

use super::escape::plain_text;
use super::figures::{MISSING, change, change_with, finite, number, p_value, points, share};
use crate::experiments::{ArmResult, Claim, Contrast, ExperimentRecord};

/// Falls of parts of the score, in nats, that are worth a sentence.
const NOTABLE: f64 = 0.02;
/// One part fell mainly when it fell by so many times as much as every other.
const MAINLY: f64 = 2.0;

/// What was learned, a sentence each.
pub fn learnings(record: &ExperimentRecord) -> Vec<String> {
    let mut sentences: Vec<String> = record.comparisons.iter().map(comparison).collect();
    // What is claimed to be better is looked at closely.
    let claimed = record.comparisons.first().map(|first| first.better.as_str());
    let arm = record
        .arms
        .iter()
        .find(|arm| Some(arm.name.as_str()) == claimed)
        .or(record.arms.iter().find(|arm| is_trained(arm)));
    if let Some(arm) = arm {
        sentences.extend(accuracy(arm));
        sentences.extend(parts(arm));
        sentences.extend(seeds(arm));
        sentences.extend(effect(arm));
    }
    sentences.extend(doses(record));
    sentences.extend(record.arms.iter().flat_map(|arm| harmed(arm, record)));
    sentences
}

fn is_trained(arm: &ArmResult) -> bool {
    arm.seeds.iter().any(|seed| seed.steps > 0)
}

fn comparison(contrast: &Contrast) -> String {
    let p = match contrast.p_holm.or(contrast.p) {
        Some(p) => {
            let p = p_value(Some(p));
            format!(", p {}", if p.starts_with('<') { plain_text(&p) } else { format!("= {p}") })
        }
        None => String::new(),
    };
    format!(
        "{} against {}: {}{p}: {}",
        plain_text(&contrast.better),
        plain_text(&contrast.than),
        change_with(contrast.change, contrast.ci95),
        contrast.claim.as_str()
    )
}

fn accuracy(arm: &ArmResult) -> Option<String> {
    let (before, after) = (arm.accuracy_before?, arm.accuracy_after?);
    let name = plain_text(&arm.name);
    let from_to = format!("{} → {} of {}", share(Some(before)), share(Some(after)), arm.checked);
    let Some(ends) = finite(arm.accuracy_ci95) else {
        return Some(format!("right answers of {name}: {from_to}, without an interval"));
    };
    let interval = points(Some(ends)).unwrap_or_default();
    let (said, but) = match ends {
        [low, _] if low > 0.0 => ("rose", ""),
        [_, high] if high < 0.0 => ("fell", ""),
        _ if arm.change < 0.0 => ("did not rise beyond chance", ", while perplexity fell"),
        _ => ("did not rise beyond chance", ""),
    };
    Some(format!("accuracy {said} under {name}{but}: {from_to} ({interval})"))
}

/// Which part of the answers became more likely: a model can learn when to stop and nothing else.
fn parts(arm: &ArmResult) -> Option<String> {
    let (before, after) = (&arm.parts_before, &arm.parts_after);
    let first = before.first - after.first;
    let rest = before.rest? - after.rest?;
    let end = before.end_of_turn - after.end_of_turn;
    if ![first, rest, end].iter().all(|fall| fall.is_finite()) {
        return None;
    }
    let mainly = |part: f64, others: [f64; 2]| {
        part > NOTABLE && others.iter().all(|other| part >= MAINLY * other.max(0.0))
    };
    let meaning = if mainly(end, [first, rest]) {
        "mostly learning when to stop"
    } else if mainly(first, [rest, end]) {
        "mostly learning how to begin"
    } else if mainly(rest, [first, end]) {
        "mostly learning what to say"
    } else if [first, rest, end].iter().all(|fall| *fall <= NOTABLE) {
        "nothing fell that is worth the name"
    } else {
        "no part alone explains it"
    };
    let moved = |part: &str, fall: f64| {
        let verb = if fall < 0.0 { "rose" } else { "fell" };
        format!("{part} {verb} by {}", number(fall.abs(), 2))
    };
    Some(format!(
        "under {}, end-of-turn {}, {} and {} nats: {meaning}",
        plain_text(&arm.name),
        moved("", end).trim_start(),
        moved("the first token", first),
        moved("the rest", rest)
    ))
}

fn seeds(arm: &ArmResult) -> Option<String> {
    let changes: Vec<f64> =
        arm.seeds.iter().map(|seed| seed.change).filter(|change| change.is_finite()).collect();
    let least = changes.iter().copied().min_by(f64::total_cmp)?;
    let most = changes.iter().copied().max_by(f64::total_cmp)?;
    let name = plain_text(&arm.name);
    let range = format!("{} to {}", change(least), change(most));
    match changes.len() {
        0 | 1 => Some(format!("{name} was trained with one seed: chance in training is not seen")),
        n if least < 0.0 && most > 0.0 => {
            Some(format!("the {n} seeds of {name} disagree about the direction: {range}"))
        }
        n => Some(format!("the {n} seeds of {name} agree about the direction: {range}")),
    }
}

fn effect(arm: &ArmResult) -> Option<String> {
    let nats = arm.effect_per_100_examples.filter(|nats| nats.is_finite())?;
    Some(format!(
        "100 examples of {} {} the score by {} nats a token",
        plain_text(&arm.name),
        if nats < 0.0 { "raised" } else { "lowered" },
        number(nats.abs(), 3)
    ))
}

/// The dose with the greatest fall, where there are several.
fn doses(record: &ExperimentRecord) -> Option<String> {
    let mut given: Vec<(f64, &ArmResult)> = record
        .arms
        .iter()
        .filter(|arm| arm.change.is_finite())
        .filter_map(|arm| Some((arm.dose.filter(|dose| dose.is_finite())?, arm)))
        .collect();
    given.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (least, most) = (given.first()?, given.last()?);
    if least.0 == most.0 {
        return None;
    }
    let best = given.iter().min_by(|a, b| a.1.change.total_cmp(&b.1.change))?;
    let all: Vec<String> =
        given.iter().map(|(dose, arm)| format!("{} at {dose}", change(arm.change))).collect();
    let place = if best.0 == most.0 {
        "the greatest dose did most, so the end of the effect was not seen"
    } else if best.0 == least.0 {
        "the least dose did most, so more did not help"
    } else {
        "more helped up to a point"
    };
    Some(format!("by dose: {}: {place}", all.join(", ")))
}

/// Areas that got worse beyond chance, targeted or not.
fn harmed(arm: &ArmResult, record: &ExperimentRecord) -> Vec<String> {
    let worse = |ends: Option<[f64; 2]>| finite(ends).is_some_and(|[low, _]| low > 0.0);
    arm.areas
        .iter()
        .filter(|area| worse(area.ci95))
        .map(|area| {
            let targeted = record.setup.targeted.contains(&area.area);
            format!(
                "{} made {}{} worse: {}",
                plain_text(&arm.name),
                plain_text(&area.area),
                if targeted { "" } else { ", which was not targeted," },
                change_with(area.change, area.ci95)
            )
        })
        .collect()
}

/// What is decided about the hypothesis.
pub fn decision(record: &ExperimentRecord) -> String {
    let Some(claim) = record.verdict else {
        return "None: the experiment has not ended.".into();
    };
    let about = match claim {
        Claim::Supported => "The hypothesis stands",
        Claim::NotSupported => "The hypothesis is not kept",
        Claim::CannotTell => "The hypothesis stays open",
    };
    match record.comparisons.first() {
        Some(first) => {
            format!("{about} ({}): {}", claim.as_str(), plain_text(&first.words))
        }
        None => format!("{about} ({}).", claim.as_str()),
    }
}

/// What would be done next, given the verdict.
pub fn next_step(record: &ExperimentRecord) -> String {
    let first = record.comparisons.first();
    let name = |arm: Option<&str>| arm.map_or(MISSING.into(), plain_text);
    match record.verdict {
        None => "Let the experiment go on to its end.".into(),
        Some(Claim::CannotTell) => match first.and_then(|first| first.needs_more) {
            Some(more) => format!(
                "Add about {more} more items to the targeted areas ({}) and run it again: with those that \
                 there are, chance cannot be ruled out.",
                areas(record)
            ),
            None => "Run it again with more seeds: more items alone would not decide it.".into(),
        },
        Some(Claim::NotSupported) => format!(
            "Try the checked filter, so that only examples with right answers are learned from; if {} is then \
             still no better than {}, look for another source of examples.",
            name(first.map(|first| first.better.as_str())),
            name(first.map(|first| first.than.as_str()))
        ),
        Some(Claim::Supported) => {
            let open: Vec<String> = record
                .comparisons
                .iter()
                .skip(1)
                .filter(|contrast| contrast.claim != Claim::Supported)
                .map(|contrast| plain_text(&contrast.than))
                .collect();
            let better = name(first.map(|first| first.better.as_str()));
            if open.is_empty() {
                format!("Use {better} in rounds, and see on another set or base whether it holds.")
            } else {
                format!(
                    "Rule out the simpler explanations that are left ({}) before {better} is relied on.",
                    open.join(", ")
                )
            }
        }
    }
}

fn areas(record: &ExperimentRecord) -> String {
    let names: Vec<String> = record.setup.targeted.iter().map(|area| plain_text(area)).collect();
    if names.is_empty() { MISSING.into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::experiments::Parts;
    use crate::report::example::{record, with_doses};

    fn says(record: &ExperimentRecord, part: &str) -> bool {
        let all = learnings(record).join("\n");
        assert!(all.contains(part), "{part:?} is not in:\n{all}");
        true
    }

    // If this fails, the log praises what the figures do not show.
    #[test]
    fn sentences_follow_from_the_figures() {
        let mut record = record();
        assert!(says(
            &record,
            "targeted against random-find: −8.1 % (−12.1 to −4.1), p = 0.0120: supported"
        ));
        assert!(says(
            &record,
            "accuracy did not rise beyond chance under targeted, while perplexity fell"
        ));
        assert!(says(
            &record,
            "end-of-turn fell by 0.78, the first token fell by 0.10 and the rest fell by 0.11 nats: mostly learning when to stop"
        ));
        assert!(says(&record, "the 3 seeds of targeted agree"));
        assert!(says(&record, "shuffled made shell worse: +5.1 %"));

        record.arms[0].accuracy_ci95 = Some([0.02, 0.2]);
        record.arms[0].parts_after = Parts { first: 3.2, rest: Some(2.0), end_of_turn: 2.9 };
        record.arms[0].seeds[0].change = 0.01;
        assert!(says(&record, "accuracy rose under targeted"));
        assert!(says(
            &record,
            "the first token rose by 0.10 and the rest fell by 0.40 nats: mostly learning what to say"
        ));
        assert!(says(&record, "disagree about the direction"));
        assert!(says(&with_doses(&[1.0, 2.0, 4.0]), "the least dose did most"));
    }

    // If this fails, a figure that is missing becomes a claim.
    #[test]
    fn what_is_missing_is_not_said() {
        let mut record = record();
        record.comparisons.clear();
        for arm in &mut record.arms {
            arm.accuracy_before = None;
            arm.parts_after.rest = None;
            arm.seeds.clear();
            arm.effect_per_100_examples = Some(f64::NAN);
            arm.areas.clear();
        }
        assert_eq!(learnings(&record), Vec::<String>::new());
        record.arms.clear();
        assert_eq!(learnings(&record), Vec::<String>::new());
    }

    #[test]
    fn the_next_step_follows_from_the_verdict() {
        let mut record = record();
        assert!(next_step(&record).contains("explanations that are left (self-answers)"));
        record.comparisons.truncate(1);
        assert!(next_step(&record).starts_with("Use targeted"));
        record.verdict = Some(Claim::CannotTell);
        assert!(next_step(&record).contains("more seeds"));
        record.comparisons[0].needs_more = Some(80);
        assert!(
            next_step(&record).contains("about 80 more items to the targeted areas (shell, maths)")
        );
        record.verdict = Some(Claim::NotSupported);
        assert!(next_step(&record).contains("checked filter"));
        assert!(decision(&record).contains("not kept"));
        record.verdict = None;
        assert!(next_step(&record).contains("go on") && decision(&record).contains("not ended"));
    }
}

//! The setting to change after a round that did not help. Pure.

use super::candidate::Rule;
use super::record::{Ending, RoundResult};
use crate::eval::Watched;

/// Rejected for one reason in so many candidates: that reason is worth a change.
const NOTABLE: f64 = 0.2;

/// What to try next; none where the gate's own reason says it all.
pub fn advice(result: &RoundResult) -> Option<String> {
    let counts = &result.examples;
    let share = |rules: &[Rule]| {
        let rejected: usize = rules.iter().filter_map(|rule| counts.rejected.get(rule)).sum();
        rejected as f64 / counts.generated.max(1) as f64
    };
    let less_varied = result
        .guards
        .iter()
        .any(|guard| guard.watched == Watched::Diversity && guard.passed == Some(false));
    let worse = result.held_out.as_ref().is_some_and(|held_out| held_out.change > 0.0);
    let fails_often =
        counts.checked > 0 && counts.failed_check as f64 / counts.checked as f64 >= NOTABLE;
    if result.decision == Ending::Accepted {
        return None;
    }
    if less_varied
        || share(&[Rule::Repetition, Rule::LowDiversity, Rule::NearDuplicate, Rule::Echo])
            >= NOTABLE
    {
        return Some("the examples repeat themselves: --temperature 0.9 --top-p 0.95".into());
    }
    if worse {
        return Some(
            "the held-out answers became more surprising: a stricter filter (--keep-top 0.3, or \
             --checked), or a lower train.learning_rate"
                .into(),
        );
    }
    if share(&[Rule::CutOff]) >= NOTABLE {
        return Some(
            "many examples are cut off: shorter items in the set are imitated better".into(),
        );
    }
    if result.decision == Ending::Rejected && fails_often {
        return Some(format!(
            "{} of {} checkable examples are wrong: --checked drops them",
            counts.failed_check, counts.checked
        ));
    }
    match result.decision {
        Ending::NoExamples => Some("--no-filter keeps them, or --count makes more".into()),
        Ending::Rejected => Some("more examples: --variations 10, or --count 100".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{ExampleCounts, HeldOut, Showing};
    use super::*;
    use crate::eval::Guard;
    use crate::improve::WeakAreas;

    fn result(decision: Ending, change: f64) -> RoundResult {
        RoundResult {
            round: "round_20260102_030405".into(),
            set: "set".into(),
            reference: "base".into(),
            started: String::new(),
            ended: String::new(),
            before: Showing { find: None, held_out: None, diversity: None },
            after: None,
            weak: WeakAreas {
                threshold: 10.0,
                areas: ["shell".to_owned()].into(),
                examples: Vec::new(),
                stray: 0,
            },
            examples: ExampleCounts {
                generated: 100,
                kept: 40,
                checked: 40,
                failed_check: 2,
                ..ExampleCounts::default()
            },
            run: None,
            adapter: None,
            held_out: Some(HeldOut {
                a: 10.0,
                b: 10.0 * (1.0 + change),
                change,
                ci95: None,
                p: 0.5,
                alpha: 0.025,
                items: 50,
                groups: 50,
                used: 1,
                repeated: false,
            }),
            accuracy: None,
            areas: Vec::new(),
            sentinels: Vec::new(),
            guards: Vec::new(),
            decision,
            style: false,
            reason: String::new(),
            advice: None,
            needs_more: None,
            control: None,
            seconds: 0.0,
        }
    }

    fn said(result: &RoundResult) -> String {
        advice(result).unwrap_or_default()
    }

    // If this fails, a person is told that it did not work and not what to try.
    #[test]
    fn what_went_wrong_names_the_setting_to_change() {
        assert!(said(&result(Ending::Rejected, 0.1)).contains("stricter filter"));
        let mut repetitive = result(Ending::CannotTell, -0.01);
        repetitive.examples.rejected.insert(Rule::Repetition, 25);
        assert!(said(&repetitive).contains("--temperature 0.9 --top-p 0.95"));
        let mut narrow = result(Ending::Rejected, -0.1);
        narrow.guards.push(Guard {
            watched: Watched::Diversity,
            name: "diversity".into(),
            measured: true,
            passed: Some(false),
            bound: Some(0.2),
            limit: 0.1,
            detail: String::new(),
            needs_more: None,
        });
        assert!(said(&narrow).contains("--temperature 0.9"));
        let mut wrong = result(Ending::Rejected, -0.01);
        wrong.examples.failed_check = 20;
        assert!(said(&wrong).contains("--checked"));
        assert!(said(&result(Ending::NoExamples, 0.0)).contains("--no-filter"));
        assert_eq!(advice(&result(Ending::Accepted, -0.3)), None);
    }
}

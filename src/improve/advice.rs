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

//! `kaizen compare`: is B better than A? The gate's answer, without spending anything.

use super::context::Context;
use super::eval::field_map;
use super::outcome::{Outcome, Result};
use super::table::{change, columns, percentage};
use crate::eval::{AreaOutcome, Verdict, set};
use crate::workplace::{
    ArmChoice, ArmsRequest, Comparison, SplitChoice, compare_arms, own_work, service,
};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The reference: base or lora-vN.
    a: String,
    /// The candidate: lora-vN, or base.
    b: String,
    /// JSONL: {"id","area","prompt","answer"} or {"id","area","messages":[…]}.
    #[arg(long, value_name = "FILE", required_unless_present = "own_work")]
    set: Option<PathBuf>,
    /// Other field names, as in prompt=question,answer=output.
    #[arg(long, value_name = "NAMES")]
    map: Option<String>,
    /// Your own corrections that were held back decide (one in four, from 20 on); the decision is kept and
    /// counts.
    #[arg(long, conflicts_with_all = ["set", "map", "split", "no_split", "seed"])]
    own_work: bool,
    /// Which part of the set decides.
    #[arg(long, value_enum, default_value = "held-out")]
    split: Split,
    /// The whole file decides: it is unseen by construction.
    #[arg(long, conflicts_with = "split")]
    no_split: bool,
    /// Of the resampling behind the test and the intervals.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Split {
    All,
    HeldOut,
}

pub fn run(context: &Context, arguments: &CompareArguments) -> Result<Outcome> {
    let examples = match &arguments.set {
        Some(path) => set::read(path, &field_map(arguments.map.as_deref())?)?,
        None => Vec::new(),
    };
    let runtime = context.runtime()?;
    let a = context.named_arm(&ArmChoice::parse(&arguments.a), &runtime)?;
    let b = context.named_arm(&ArmChoice::parse(&arguments.b), &runtime)?;
    let request = ArmsRequest {
        examples: &examples,
        split: match arguments.split {
            Split::All => SplitChoice::All,
            Split::HeldOut => SplitChoice::HeldOut,
        },
        no_split: arguments.no_split,
        seed: arguments.seed,
    };
    let seen = &mut |event| context.output.event(event);
    let workplace = &context.workplace;
    let comparison = match arguments.own_work {
        true => own_work::judge_own_work(workplace, &runtime, &a, &b, seen)?,
        false => compare_arms(workplace, &runtime, request, &a, &b, seen)?,
    };
    context.output.json(&comparison.document())?;
    context.output.line(describe(&comparison).trim_end())?;
    if arguments.own_work
        && let Some(change) = service::review_candidate(workplace, &comparison.b)?
    {
        context.output.note(change.announcement());
    }
    Ok(match comparison.decision.verdict {
        Verdict::Accepted => Outcome::Done,
        Verdict::Rejected | Verdict::CannotTell => Outcome::No,
    })
}

/// The comparison in columns and words, with its reason.
pub fn describe(comparison: &Comparison) -> String {
    format!("{}{}\n", figures(comparison), comparison.decision.reason)
}

/// The figures of a comparison: per area, the guards, and the primary question.
pub fn figures(comparison: &Comparison) -> String {
    let decision = &comparison.decision;
    let (a, b) = (&comparison.a, &comparison.b);
    let right = [a, b].map(|arm| format!("{arm} right"));
    let header = ["area", "items", a, b, "change", "95 % interval", &right[0], &right[1]];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(decision.areas.iter().map(|area| row(&area.area, area)));
    rows.extend(
        decision.sentinels.iter().map(|area| row(&format!("sentinel {}", area.area), area)),
    );
    let mut text = columns(&rows);
    text.push('\n');
    for guard in &decision.guards {
        let state = match guard.passed {
            Some(true) => "passed",
            Some(false) => "FAILED",
            None if guard.measured => "undecided",
            None => "not measured",
        };
        text.push_str(&format!("  {state:12}  {}: {}\n", guard.name, guard.detail));
    }
    text.push_str(&format!(
        "\n{}: perplexity {:.2} -> {:.2} ({}{}), p = {:.4} (needs {:.4}), {} groups, held-out used {} times before\n",
        decision.verdict.as_str(),
        decision.a,
        decision.b,
        change(decision.change),
        decision.ci95.map(|ci| format!(", 95 % {} to {}", change(ci[0]), change(ci[1]))).unwrap_or_default(),
        decision.p,
        decision.spending.alpha,
        decision.groups,
        comparison.used,
    ));
    text
}

fn row(name: &str, area: &AreaOutcome) -> Vec<String> {
    vec![
        name.to_owned(),
        area.n.to_string(),
        format!("{:.2}", area.a),
        format!("{:.2}", area.b),
        change(area.change),
        area.ci95
            .map_or_else(|| "-".into(), |ci| format!("{} .. {}", change(ci[0]), change(ci[1]))),
        percentage(area.accuracy_a),
        percentage(area.accuracy_b),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::eval::Decision;
    use crate::eval::statistics::Spending;
    use serde_json::json;

    fn area(name: &str) -> AreaOutcome {
        AreaOutcome {
            area: name.into(),
            n: 12,
            a: 20.0,
            b: 18.0,
            change: -0.1,
            ci95: Some([-0.2, 0.05]),
            accuracy_a: Some(0.5),
            accuracy_b: None,
        }
    }

    fn comparison() -> Comparison {
        Comparison {
            a: "base".into(),
            b: "lora-v1".into(),
            decision: Decision {
                verdict: Verdict::CannotTell,
                style: false,
                reason: "too few groups: needs about 40 more items".into(),
                p: 0.031_25,
                spending: Spending::of(1),
                a: 20.0,
                b: 18.0,
                change: -0.1,
                ci95: None,
                items: 12,
                groups: 11,
                accuracy: None,
                areas: vec![area("shell")],
                sentinels: vec![area("maths")],
                guards: Vec::new(),
                needs_more: Some(40),
            },
            used: 2,
            sentinels_passed: Some(71),
        }
    }

    // If this fails, scripts that read a comparison break.
    #[test]
    fn the_document_has_the_keys_and_full_figures() {
        let document = comparison().document();
        for key in ["a", "b", "areas", "sentinels", "verdict", "reason"] {
            assert!(document.get(key).is_some(), "{key}");
        }
        assert_eq!(document["verdict"], "cannot tell");
        assert_eq!(
            document["areas"][0],
            json!({
                "area": "shell", "n": 12, "a": 20.0, "b": 18.0, "change": -0.1, "ci95": [-0.2, 0.05],
                "accuracy_a": 0.5, "accuracy_b": null,
            })
        );
        assert_eq!(document["sentinels"][0]["area"], "maths");
        assert_eq!(
            (&document["held_out"]["p"], &document["held_out"]["used"]),
            (&json!(0.03125), &json!(2))
        );
        assert_eq!(document["needs_more"], 40);
    }

    // If this fails, a person reads a verdict without what it rests on.
    #[test]
    fn the_words_hold_the_figures_the_verdict_and_its_reason() {
        let words = describe(&comparison());
        for part in [
            "base right",
            "shell",
            "sentinel maths",
            "-10.0 %",
            "-20.0 % .. +5.0 %",
            "50 %",
            "cannot tell: perplexity 20.00 -> 18.00",
            "p = 0.0312 (needs 0.0250)",
            "11 groups",
            "held-out used 2 times",
            "too few groups",
        ] {
            assert!(words.contains(part), "{part:?} is not in: {words}");
        }
    }
}

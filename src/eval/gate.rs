//! The gate: is the candidate better than the reference, and does it do no harm elsewhere?
//!
//! Pure: scores in, decision out. The order of the answers:
//!
//! 1. a guard that failed rejects, whatever else is better;
//! 2. fewer than 20 groups cannot tell;
//! 3. p ≤ α accepts when all guards passed, else cannot tell (guards undecided or not measured);
//! 4. p > α cannot tell while an improvement worth having is not excluded, or is seen but not
//!    proven at the α left; otherwise it rejects.

use std::collections::{BTreeMap, BTreeSet};

use super::decision::{AccuracyOutcome, AreaOutcome, Decision, Verdict};
use super::error::{Error, Result};
use super::guard::{self, Guard, Samples, SentinelAnswer, Watched, percent};
use super::outcome::{Pair, mean};
use super::statistics::{
    Bootstrap, Cluster, Interval, PairedCounts, RESAMPLES, Spending, needed_for, p_value,
    paired_difference_interval, resamples_for,
};

/// With fewer groups of held-out items nothing is decided.
pub const FEWEST_GROUPS: usize = 20;

/// A fall of perplexity smaller than this is not worth more items to find: where the interval
/// excludes it, "rejected" is said rather than "cannot tell".
pub const RELEVANT_FALL: f64 = 0.05;

/// What the gate decides from.
#[derive(Debug, Clone)]
pub struct GateInput<'a> {
    /// Every held-out item of the set, scored by both.
    pub held_out: &'a [Pair],
    /// The areas that the candidate was trained for; all others of the set are guarded.
    pub targeted: &'a BTreeSet<String>,
    /// Every sentinel item, scored by both; none = not measured.
    pub sentinels: Option<&'a [Pair]>,
    /// Answers to the sentinel items that base passes in 4 of 5 samples; none = not measured.
    pub sentinel_answers: Option<&'a [SentinelAnswer]>,
    /// Samples of reference and candidate, paired by prompt; none = not measured.
    pub samples: Option<Samples<'a>>,
    /// What this decision may spend.
    pub spending: Spending,
    /// The share of a set's new items that will be held-out: 0.5, or 1 for a file whose every
    /// item decides. Only "needs about N more items" depends on it.
    pub held_out_share: f64,
    pub seed: u64,
}

/// Decides.
///
/// # Errors
/// No held-out item is in a targeted area.
pub fn decide(input: &GateInput<'_>) -> Result<Decision> {
    decide_with(input, RESAMPLES)
}

fn decide_with(input: &GateInput<'_>, resamples: usize) -> Result<Decision> {
    let targeted: Vec<&Pair> =
        input.held_out.iter().filter(|pair| input.targeted.contains(&pair.a.area)).collect();
    if targeted.is_empty() {
        let areas: Vec<&str> = input.targeted.iter().map(String::as_str).collect();
        return Err(Error::NothingTargeted { areas: areas.join(", ") });
    }
    let clusters = clusters(&targeted);
    let sums: Vec<f64> = clusters.iter().map(|cluster| cluster.sum).collect();
    let p = p_value(&sums, resamples.max(resamples_for(input.spending.alpha)), input.seed);
    let bootstrap = Bootstrap::new(&clusters, resamples, input.seed);
    let areas = Areas::of(input.held_out, resamples, input.seed);
    let sentinels = Areas::of(input.sentinels.unwrap_or_default(), resamples, input.seed);
    let (a, b) = perplexities(&targeted);
    let mut decision = Decision {
        verdict: Verdict::CannotTell,
        style: false,
        reason: String::new(),
        p,
        spending: input.spending,
        a,
        b,
        change: b / a - 1.0,
        ci95: bootstrap.as_ref().and_then(relative_interval),
        items: targeted.len(),
        groups: clusters.len(),
        accuracy: accuracy_outcome(&targeted),
        guards: guards(input, &areas, &sentinels),
        areas: areas.outcomes(),
        sentinels: sentinels.outcomes(),
        needs_more: None,
    };
    judge(&mut decision, bootstrap.as_ref(), input);
    Ok(decision)
}

/// The differences of each group together.
fn clusters(pairs: &[&Pair]) -> Vec<Cluster> {
    let mut groups: BTreeMap<&str, Cluster> = BTreeMap::new();
    for pair in pairs {
        let group = groups.entry(&pair.group).or_insert(Cluster { sum: 0.0, size: 0.0 });
        group.sum += pair.difference();
        group.size += 1.0;
    }
    groups.into_values().collect()
}

fn perplexities(pairs: &[&Pair]) -> (f64, f64) {
    let of = |score: fn(&Pair) -> f64| mean(pairs.iter().map(|p| score(p))).unwrap_or(0.0).exp();
    (of(|pair| pair.a.nll), of(|pair| pair.b.nll))
}

fn relative_interval(bootstrap: &Bootstrap) -> Option<[f64; 2]> {
    let ends = bootstrap.interval(0.95).map(f64::exp_m1);
    ends.iter().all(|end| end.is_finite()).then_some(ends)
}

fn accuracy_outcome(pairs: &[&Pair]) -> Option<AccuracyOutcome> {
    let checked: Vec<(bool, bool)> =
        pairs.iter().filter_map(|pair| Some((pair.a.correct?, pair.b.correct?))).collect();
    let counts = PairedCounts::of(checked.iter().copied());
    let interval = paired_difference_interval(counts, 0.95)?;
    let share = |right: fn(&(bool, bool)) -> bool| {
        checked.iter().filter(|pair| right(pair)).count() as f64 / counts.items as f64
    };
    Some(AccuracyOutcome {
        n: counts.items,
        a: share(|pair| pair.0),
        b: share(|pair| pair.1),
        change: counts.difference(),
        ci95: interval.map(|end| end),
    })
}

/// The areas of a set, each with its resampled difference.
struct Areas<'a>(BTreeMap<&'a str, (Vec<&'a Pair>, usize, Option<Bootstrap>)>);

impl<'a> Areas<'a> {
    fn of(pairs: &'a [Pair], resamples: usize, seed: u64) -> Self {
        let mut by_area: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
        for pair in pairs {
            by_area.entry(&pair.a.area).or_default().push(pair);
        }
        let resampled = |(area, pairs): (&'a str, Vec<&'a Pair>)| {
            let clusters = clusters(&pairs);
            let bootstrap = Bootstrap::new(&clusters, resamples, seed);
            (area, (pairs, clusters.len(), bootstrap))
        };
        Self(by_area.into_iter().map(resampled).collect())
    }

    fn outcomes(&self) -> Vec<AreaOutcome> {
        let outcome = |(area, (pairs, _, bootstrap)): (&&str, &(Vec<&Pair>, _, Option<_>))| {
            let (a, b) = perplexities(pairs);
            let accuracy = accuracy_outcome(pairs);
            AreaOutcome {
                area: (*area).to_owned(),
                n: pairs.len(),
                a,
                b,
                change: b / a - 1.0,
                ci95: bootstrap.as_ref().and_then(relative_interval),
                accuracy_a: accuracy.as_ref().map(|accuracy| accuracy.a),
                accuracy_b: accuracy.as_ref().map(|accuracy| accuracy.b),
            }
        };
        self.0.iter().map(outcome).collect()
    }

    fn guards(&self, watched: Watched) -> impl Iterator<Item = (&str, Guard)> {
        self.0.iter().map(move |(area, (_, groups, bootstrap))| {
            (*area, guard::perplexity(watched, area, *groups, bootstrap.as_ref()))
        })
    }
}

fn guards(input: &GateInput<'_>, areas: &Areas<'_>, sentinels: &Areas<'_>) -> Vec<Guard> {
    let others = areas
        .guards(Watched::Area)
        .filter(|(area, _)| !input.targeted.contains(*area))
        .map(|(_, guard)| guard);
    let mut guards: Vec<Guard> = others.collect();
    guards.extend(sentinels.guards(Watched::Sentinel).map(|(_, guard)| guard));
    if input.sentinels.is_none_or(<[Pair]>::is_empty) {
        guards.push(guard::unscored_sentinels());
    }
    guards.push(guard::accuracy(input.sentinel_answers));
    guards.push(guard::diversity(input.samples));
    guards
}

/// Fills in verdict, style, reason and what more is needed.
fn judge(decision: &mut Decision, bootstrap: Option<&Bootstrap>, input: &GateInput<'_>) {
    let measured = measured_in_words(decision, input);
    let failed = decision.guards.iter().find(|guard| guard.passed == Some(false));
    if let Some(guard) = failed {
        decision.verdict = Verdict::Rejected;
        decision.reason = format!("{}: {}; {}", guard.name, guard.detail, remedy(guard.watched));
        return;
    }
    let alpha = decision.spending.alpha;
    if decision.groups < FEWEST_GROUPS {
        let missing = FEWEST_GROUPS - decision.groups;
        decision.needs_more = Some(in_items(missing, input.held_out_share));
        decision.reason = format!(
            "only {} groups of held-out items, {FEWEST_GROUPS} are needed{}",
            decision.groups,
            needs(decision.needs_more)
        );
    } else if decision.p <= alpha {
        judge_improved(decision, &measured, input);
    } else if let Some(bootstrap) = bootstrap {
        judge_unproven(decision, &measured, bootstrap, input);
    }
}

/// The primary question is answered with yes; the guards have the last word.
fn judge_improved(decision: &mut Decision, measured: &str, input: &GateInput<'_>) {
    let open: Vec<&Guard> = decision.guards.iter().filter(|g| g.passed.is_none()).collect();
    if open.is_empty() {
        decision.verdict = Verdict::Accepted;
        decision.reason = format!("{measured}; all {} guards passed", decision.guards.len());
        if decision.ci95.is_some_and(|[_, high]| high >= 0.0) {
            decision.reason += "; the interval reaches zero: look at the items that got worse";
        }
        if let Some(accuracy) = &decision.accuracy
            && accuracy.b <= accuracy.a
        {
            decision.style = true;
            decision.reason += &format!(
                "; accuracy did not rise ({:.0} % → {:.0} % of {} checkable), it may be style alone",
                100.0 * accuracy.a,
                100.0 * accuracy.b,
                accuracy.n
            );
        }
        return;
    }
    let more = |guard: &&Guard| match guard.watched {
        Watched::Area => guard.needs_more.map(|n| in_items(n, input.held_out_share)),
        _ => guard.needs_more,
    };
    let unmeasured: Vec<&&Guard> = open.iter().filter(|guard| !guard.measured).collect();
    let named = |guards: &[&&Guard]| {
        let parts: Vec<String> =
            guards.iter().map(|guard| format!("{} ({})", guard.name, guard.detail)).collect();
        parts.join(", ")
    };
    let undecided: Vec<&&Guard> = open.iter().filter(|guard| guard.measured).collect();
    let needs_more = undecided.iter().filter_map(|guard| more(guard)).max();
    let mut reason = measured.to_owned();
    if !undecided.is_empty() {
        reason += &format!("; not safe to say: {}{}", named(&undecided), needs(needs_more));
    }
    if !unmeasured.is_empty() {
        reason += &format!("; not measured: {}; the choice is yours", named(&unmeasured));
    }
    decision.needs_more = needs_more;
    decision.reason = reason;
}

/// No improvement was proven; say whether that is for want of items.
fn judge_unproven(
    decision: &mut Decision,
    measured: &str,
    bootstrap: &Bootstrap,
    input: &GateInput<'_>,
) {
    let relevant = (-RELEVANT_FALL).ln_1p();
    let Interval { low, high } = bootstrap.interval(0.95);
    if low >= relevant && high >= 0.0 {
        decision.verdict = Verdict::Rejected;
        decision.reason = match low > 0.0 {
            true => format!("{measured}: it got worse; lower --lr or --epochs"),
            false => format!(
                "{measured}: a fall of {:.0} % or more is ruled out; train on more or better \
                 examples (--count), or change --lr",
                100.0 * RELEVANT_FALL
            ),
        };
        return;
    }
    // What more items could show: the fall that was seen, or else the smallest worth having.
    let seen = high < 0.0 || bootstrap.mean() < relevant;
    let effect = if seen { bootstrap.mean() } else { relevant };
    let deviation = bootstrap.error() * (decision.groups as f64).sqrt();
    let needed = needed_for(effect, deviation, decision.spending.next().alpha);
    decision.needs_more = needed.map(|needed| {
        in_items(needed.saturating_sub(decision.groups).max(1), input.held_out_share)
    });
    let unproven = match high < 0.0 {
        true => "a fall is seen but not proven",
        false => "the interval is too wide to tell",
    };
    decision.reason = format!("{measured}: {unproven}{}", needs(decision.needs_more));
}

fn measured_in_words(decision: &Decision, input: &GateInput<'_>) -> String {
    let areas: Vec<&str> = input.targeted.iter().map(String::as_str).collect();
    let interval = match decision.ci95 {
        Some([low, high]) => format!(", 95 % interval {} to {}", percent(low), percent(high)),
        None => String::new(),
    };
    format!(
        "perplexity {} on {} held-out items ({} groups) of {}{interval}, p = {:.4} where {:.4} is \
         needed",
        percent(decision.change),
        decision.items,
        decision.groups,
        areas.join(", "),
        decision.p,
        decision.spending.alpha
    )
}

fn remedy(watched: Watched) -> &'static str {
    match watched {
        Watched::Area | Watched::Sentinel => "raise --replay, or lower --lr or --epochs",
        Watched::Accuracy => "raise --replay, lower --lr, or look at the training answers",
        Watched::Diversity => "lower --epochs, or raise --variations for more varied examples",
    }
}

/// New items of the set for so many more held-out groups.
fn in_items(groups: usize, held_out_share: f64) -> usize {
    (groups as f64 / held_out_share.clamp(0.01, 1.0)).ceil() as usize
}

fn needs(items: Option<usize>) -> String {
    match items {
        Some(items) => format!("; needs about {items} more items"),
        None => String::new(),
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;

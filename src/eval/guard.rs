//! Guards: what an adapter must not make worse, whatever it makes better.
//!
//! Each is a non-inferiority test: the 95 % bound on the worsening must stay within a limit. A
//! guard has four outcomes:
//!
//! - *passed*: the bound is within the limit;
//! - *failed*: the measured worsening reaches the limit, and is itself beyond chance (its 95 %
//!   bound on the other side excludes "no worse");
//! - *undecided*: the bound is over the limit without that, so there are too few items to tell;
//! - *not measured*: there is nothing to test, and the person must decide.
//!
//! All must pass for an adapter to be accepted (an intersection–union test: Berger 1982,
//! Technometrics 24:295), so no correction for their number is due.

use serde::{Deserialize, Serialize};

use super::diversity::{distinct_2, diversity_change};
use super::statistics::{
    Bootstrap, PairedCounts, needed_for, paired_difference_bound, paired_difference_interval,
};

/// The relative rise of perplexity that a guarded area must stay under.
pub const PERPLEXITY_LIMIT: f64 = 0.10;
/// The fall of accuracy, as a share of all items, that sentinels must stay under.
pub const ACCURACY_LIMIT: f64 = 0.10;
/// The relative fall of distinct-2 that must not be reached.
pub const DIVERSITY_LIMIT: f64 = 0.10;
/// Sentinel items that base passes; with fewer, accuracy counts as not measured.
pub const FEWEST_PASSED_SENTINELS: usize = 60;

/// Probability with which each bound holds.
const LEVEL: f64 = 0.95;

/// What a guard watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// An area of the set that was not targeted.
    Area,
    /// An area of the sentinel set.
    Sentinel,
    /// Right answers to sentinels that base gets right.
    Accuracy,
    /// Distinct-2 of samples.
    Diversity,
}

/// The outcome of one guard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    pub watched: Watched,
    /// As shown, such as `sentinel maths`.
    pub name: String,
    /// Whether there was something to test.
    pub measured: bool,
    /// None when undecided or not measured.
    pub passed: Option<bool>,
    /// The 95 % bound on the worsening: relative rise of perplexity, fall of the share of right
    /// answers, relative fall of distinct-2.
    pub bound: Option<f64>,
    pub limit: f64,
    /// In words.
    pub detail: String,
    /// About how many more groups or items would decide an undecided guard.
    pub needs_more: Option<usize>,
}

/// One sentinel item that base passes in 4 of 5 samples, answered greedily by both models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentinelAnswer {
    pub id: String,
    pub reference_ok: bool,
    pub candidate_ok: bool,
}

/// Token ids sampled from both models; sample i of either answers the same prompt.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    pub reference: &'a [Vec<u32>],
    pub candidate: &'a [Vec<u32>],
}

/// A worsening with its bounds, in the unit of its limit.
struct Worsening {
    measured: f64,
    at_most: f64,
    at_least: f64,
    limit: f64,
}

impl Worsening {
    fn passed(&self) -> Option<bool> {
        if self.at_most < self.limit {
            Some(true)
        } else if self.measured >= self.limit && self.at_least > 0.0 {
            Some(false)
        } else {
            None
        }
    }
}

/// Guards an area's perplexity; `groups` is the number of its groups and `bootstrap` that of its
/// differences in nats a token, none where there are fewer than two groups.
pub fn perplexity(
    watched: Watched,
    area: &str,
    groups: usize,
    bootstrap: Option<&Bootstrap>,
) -> Guard {
    let name = match watched {
        Watched::Sentinel => format!("sentinel {area}"),
        _ => format!("area {area}"),
    };
    let limit = PERPLEXITY_LIMIT;
    let Some(bootstrap) = bootstrap else {
        return Guard {
            watched,
            name,
            measured: true,
            passed: None,
            bound: None,
            limit,
            detail: format!("{groups} group of items is too few to tell"),
            needs_more: None,
        };
    };
    let worsening = Worsening {
        measured: bootstrap.mean().exp_m1(),
        at_most: bootstrap.upper_bound(LEVEL).exp_m1(),
        at_least: bootstrap.lower_bound(LEVEL).exp_m1(),
        limit,
    };
    let passed = worsening.passed();
    let deviation = bootstrap.error() * (groups as f64).sqrt();
    let room = limit.ln_1p() - bootstrap.mean();
    Guard {
        watched,
        name,
        measured: true,
        passed,
        bound: worsening.at_most.is_finite().then_some(worsening.at_most),
        limit,
        detail: format!(
            "perplexity {}, at most {} (limit {}), {groups} groups",
            percent(worsening.measured),
            percent(worsening.at_most),
            percent(limit)
        ),
        needs_more: more(passed, groups, room, deviation),
    }
}

/// The guard that stands for all sentinel areas when none was scored.
pub fn unscored_sentinels() -> Guard {
    Guard {
        watched: Watched::Sentinel,
        name: "sentinels".to_owned(),
        measured: false,
        passed: None,
        bound: None,
        limit: PERPLEXITY_LIMIT,
        detail: "no sentinel was scored".to_owned(),
        needs_more: None,
    }
}

/// Guards the share of right answers; `None` = not measured.
pub fn accuracy(answers: Option<&[SentinelAnswer]>) -> Guard {
    let guard = |measured, passed, bound, detail, needs_more| Guard {
        watched: Watched::Accuracy,
        name: "accuracy".to_owned(),
        measured,
        passed,
        bound,
        limit: ACCURACY_LIMIT,
        detail,
        needs_more,
    };
    let Some(answers) = answers else {
        return guard(false, None, None, "sentinels were not answered".to_owned(), None);
    };
    let counts = PairedCounts::of(answers.iter().map(|a| (a.reference_ok, a.candidate_ok)));
    if counts.items < FEWEST_PASSED_SENTINELS {
        let detail = format!(
            "base passes {} sentinel items, {FEWEST_PASSED_SENTINELS} are needed",
            counts.items
        );
        return guard(false, None, None, detail, None);
    }
    let (Some(low), Some(interval)) = (
        paired_difference_bound(counts, LEVEL),
        paired_difference_interval(counts, 2.0 * LEVEL - 1.0),
    ) else {
        return guard(false, None, None, "the counts make no sense".to_owned(), None);
    };
    let worsening = Worsening {
        measured: -counts.difference(),
        at_most: -low,
        at_least: -interval.high,
        limit: ACCURACY_LIMIT,
    };
    let passed = worsening.passed();
    let detail = format!(
        "{} lost and {} gained of {} items that base passes: {} points, at worst {} (limit {})",
        counts.lost,
        counts.gained,
        counts.items,
        points(counts.difference()),
        points(low),
        points(-ACCURACY_LIMIT)
    );
    let changed = (counts.lost + counts.gained) as f64 / counts.items as f64;
    let deviation = (changed - counts.difference().powi(2)).max(0.0).sqrt();
    let room = ACCURACY_LIMIT + counts.difference();
    guard(
        true,
        passed,
        Some(worsening.at_most),
        detail,
        more(passed, counts.items, room, deviation),
    )
}

/// Guards distinct-2 of the reference's and the candidate's samples; `None` = not measured.
pub fn diversity(samples: Option<Samples<'_>>) -> Guard {
    let guard = |measured, passed, bound, detail, needs_more| Guard {
        watched: Watched::Diversity,
        name: "diversity".to_owned(),
        measured,
        passed,
        bound,
        limit: DIVERSITY_LIMIT,
        detail,
        needs_more,
    };
    let Some(Samples { reference: a, candidate: b }) = samples else {
        return guard(false, None, None, "no samples were drawn".to_owned(), None);
    };
    let (Some(change), Some(before), Some(after)) =
        (diversity_change(a, b), distinct_2(a), distinct_2(b))
    else {
        return guard(false, None, None, "too few samples were drawn".to_owned(), None);
    };
    let low = change.lower_bound(LEVEL);
    let worsening = Worsening {
        measured: -change.value.exp_m1(),
        at_most: -low.exp_m1(),
        at_least: -(2.0 * change.value - low).exp_m1(),
        limit: DIVERSITY_LIMIT,
    };
    let passed = worsening.passed();
    let detail = format!(
        "distinct-2 {before:.3} → {after:.3}: {}, at worst {} (limit {})",
        percent(change.value.exp_m1()),
        percent(low.exp_m1()),
        percent(-DIVERSITY_LIMIT)
    );
    let room = change.value - (-DIVERSITY_LIMIT).ln_1p();
    let deviation = change.error * (a.len() as f64).sqrt();
    guard(true, passed, Some(worsening.at_most), detail, more(passed, a.len(), room, deviation))
}

/// How many more units would show a worsening that is `room` away from the limit to be within
/// it; none for a guard that is decided or without room.
fn more(passed: Option<bool>, units: usize, room: f64, deviation: f64) -> Option<usize> {
    if passed.is_some() || room <= 0.0 {
        return None;
    }
    needed_for(room, deviation, 1.0 - LEVEL).map(|needed| needed.saturating_sub(units).max(1))
}

/// A relative change as people read it.
pub(super) fn percent(change: f64) -> String {
    if change.is_finite() { format!("{:+.1} %", 100.0 * change) } else { "unbounded".to_owned() }
}

fn points(difference: f64) -> String {
    format!("{:+.1}", 100.0 * difference)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::eval::statistics::Cluster;

    fn area(values: &[f64]) -> Guard {
        let clusters: Vec<Cluster> = values.iter().copied().map(Cluster::single).collect();
        let bootstrap = Bootstrap::new(&clusters, 2_000, 1);
        perplexity(Watched::Area, "facts", values.len(), bootstrap.as_ref())
    }

    /// `n` values about `mean` that spread by about `spread`.
    fn values(n: usize, mean: f64, spread: f64) -> Vec<f64> {
        (0..n).map(|i| mean + spread * ((i * 7 % n) as f64 / (n - 1) as f64 - 0.5) * 3.4).collect()
    }

    #[test]
    fn an_area_passes_only_when_a_rise_of_a_tenth_is_excluded() {
        assert_eq!(area(&values(40, 0.0, 0.1)).passed, Some(true));
        // ln 1.1 = 0.0953: the mean is below, the bound is not.
        let undecided = area(&values(40, 0.08, 0.1));
        assert_eq!(undecided.passed, None);
        assert!(undecided.measured && undecided.needs_more.unwrap() > 40, "{undecided:?}");
        assert_eq!(area(&values(40, 0.2, 0.1)).passed, Some(false));
    }

    #[test]
    fn a_rise_that_may_be_chance_rejects_nothing() {
        let noisy = area(&values(8, 0.12, 0.9));
        assert_eq!((noisy.passed, noisy.measured), (None, true), "{noisy:?}");
        let single = area(&[0.3]);
        assert_eq!((single.passed, single.bound), (None, None));
    }

    fn answers(kept: usize, lost: usize, gained: usize) -> Vec<SentinelAnswer> {
        let answer = |i: usize, reference_ok, candidate_ok| SentinelAnswer {
            id: i.to_string(),
            reference_ok,
            candidate_ok,
        };
        (0..kept)
            .map(|i| answer(i, true, true))
            .chain((0..lost).map(|i| answer(kept + i, true, false)))
            .chain((0..gained).map(|i| answer(kept + lost + i, false, true)))
            .collect()
    }

    #[test]
    fn accuracy_needs_sixty_items_and_a_bound_within_ten_points() {
        assert!(!accuracy(Some(&answers(59, 0, 0))).measured);
        assert_eq!(accuracy(Some(&answers(60, 0, 0))).passed, Some(true));
        assert_eq!(accuracy(Some(&answers(96, 4, 0))).passed, Some(true));
        let undecided = accuracy(Some(&answers(57, 4, 0)));
        assert_eq!((undecided.passed, undecided.measured), (None, true), "{undecided:?}");
        assert_eq!(accuracy(Some(&answers(50, 12, 0))).passed, Some(false));
        assert!(!accuracy(None).measured);
    }

    #[test]
    fn diversity_must_not_fall_by_a_tenth() {
        // Every sample has pairs of its own; `shared` of 63 pairs are the same in all samples.
        let samples = |shared: u32| -> Vec<Vec<u32>> {
            (0..64)
                .map(|i| (0..64).map(|t| if t <= shared { t } else { 100 + i * 64 + t }).collect())
                .collect()
        };
        let guard = |a: u32, b: u32| {
            diversity(Some(Samples { reference: &samples(a), candidate: &samples(b) }))
        };
        assert_eq!(guard(5, 5).passed, Some(true));
        assert_eq!(guard(5, 40).passed, Some(false));
        assert_eq!(guard(40, 5).passed, Some(true));
        assert!(!diversity(None).measured);
        assert!(!diversity(Some(Samples { reference: &[], candidate: &[] })).measured);
    }
}

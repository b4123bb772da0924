//! From the scores of arms to figures, intervals and verdicts. Pure.

use super::plan::{ArmPlan, Plan, claim};
use super::record::{ArmArea, ArmResult, Claim, Contrast, Parts, SeedResult};
use crate::eval::statistics::{Crossed, holm, needed_for};
use crate::eval::{ItemScore, RELEVANT_FALL};
use std::collections::{BTreeMap, BTreeSet};

/// The held-out items as base scored them, and what is counted of them.
pub struct Ground<'a> {
    pub base: &'a [ItemScore],
    pub groups: &'a BTreeMap<String, String>,
    pub targeted: &'a BTreeSet<String>,
}

/// One arm's scores of the same items, by seed.
pub struct ArmScores<'a> {
    pub plan: &'a ArmPlan,
    pub seeds: Vec<(SeedResult, Vec<ItemScore>)>,
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0usize, 0.0), |(n, sum), value| (n + 1, sum + value));
    sum / count.max(1) as f64
}

impl Ground<'_> {
    /// Places of the items that `choose` takes, and the number of each one's group.
    fn chosen(&self, choose: impl Fn(&ItemScore) -> bool) -> (Vec<usize>, Vec<usize>) {
        let places: Vec<usize> =
            (0..self.base.len()).filter(|place| choose(&self.base[*place])).collect();
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let groups = places
            .iter()
            .map(|place| {
                let id = &self.base[*place].id;
                let group = self.groups.get(id).unwrap_or(id);
                let next = numbers.len();
                *numbers.entry(group).or_insert(next)
            })
            .collect();
        (places, groups)
    }

    fn is_targeted(&self, score: &ItemScore) -> bool {
        self.targeted.contains(&score.area)
    }
}

/// Differences b − a of what `of` reads, by seed and chosen item.
fn differences(
    places: &[usize],
    a: &[&[ItemScore]],
    b: &[&[ItemScore]],
    of: impl Fn(&ItemScore) -> f64,
) -> Vec<Vec<f64>> {
    a.iter()
        .zip(b)
        .map(|(a, b)| places.iter().map(|place| of(&b[*place]) - of(&a[*place])).collect())
        .collect()
}

fn relative(crossed: Option<&Crossed>) -> Option<[f64; 2]> {
    let ends = crossed?.interval(0.95).map(f64::exp_m1);
    ends.iter().all(|end| end.is_finite()).then_some(ends)
}

fn right(score: &ItemScore) -> f64 {
    score.correct.map_or(f64::NAN, |right| f64::from(u8::from(right)))
}

/// The relative change of the targeted items' perplexity under one seed.
pub fn change_of(ground: &Ground<'_>, scores: &[ItemScore]) -> f64 {
    let (places, _) = ground.chosen(|score| ground.is_targeted(score));
    mean(places.iter().map(|place| scores[*place].nll - ground.base[*place].nll)).exp_m1()
}

/// The share of right answers among the checked targeted items; none where there are none.
pub fn accuracy_of(ground: &Ground<'_>, scores: &[ItemScore]) -> Option<f64> {
    let (places, _) = ground.chosen(|score| ground.is_targeted(score) && score.correct.is_some());
    let checked = places.iter().filter(|place| scores[**place].correct.is_some());
    (!places.is_empty()).then(|| mean(checked.map(|place| right(&scores[*place]))))
}

/// One arm's figures.
pub fn arm_result(ground: &Ground<'_>, arm: &ArmScores<'_>) -> ArmResult {
    let (places, groups) = ground.chosen(|score| ground.is_targeted(score));
    let own: Vec<&[ItemScore]> = arm.seeds.iter().map(|(_, scores)| scores.as_slice()).collect();
    let base: Vec<&[ItemScore]> = own.iter().map(|_| ground.base).collect();
    let crossed = |places: &[usize], groups: &[usize], of: fn(&ItemScore) -> f64| {
        Crossed::new(&differences(places, &base, &own, of), groups)
    };
    let over = |scores: &[&[ItemScore]], places: &[usize], of: &dyn Fn(&ItemScore) -> f64| {
        mean(scores.iter().flat_map(|scores| places.iter().map(|place| of(&scores[*place]))))
    };
    let parts = |scores: &[&[ItemScore]]| Parts {
        first: over(scores, &places, &|score| score.first),
        rest: {
            let rest: Vec<f64> = scores
                .iter()
                .flat_map(|scores| places.iter().filter_map(|place| scores[*place].rest))
                .collect();
            (!rest.is_empty()).then(|| mean(rest.into_iter()))
        },
        end_of_turn: over(scores, &places, &|score| score.end_of_turn),
    };
    let (before, after) =
        (over(&base, &places, &|score| score.nll), over(&own, &places, &|score| score.nll));
    let (checked, checked_groups) =
        ground.chosen(|score| ground.is_targeted(score) && score.correct.is_some());
    let accuracy = |scores: &[&[ItemScore]]| {
        (!checked.is_empty()).then(|| over(scores, &checked, &right)).filter(|a| a.is_finite())
    };
    let examples = mean(arm.seeds.iter().map(|(seed, _)| seed.examples as f64));
    let trained = arm.seeds.iter().any(|(seed, _)| seed.steps > 0) && examples > 0.0;
    let names: BTreeSet<&str> = ground.base.iter().map(|score| score.area.as_str()).collect();
    let areas = names.into_iter().map(|name| {
        let (places, groups) = ground.chosen(|score| score.area == name);
        let crossed = crossed(&places, &groups, |score| score.nll);
        let of = |scores: &[&[ItemScore]]| over(scores, &places, &|score| score.nll).exp();
        let (before, after) = (of(&base), of(&own));
        ArmArea {
            area: name.to_owned(),
            n: places.len(),
            before,
            after,
            change: after / before - 1.0,
            ci95: relative(crossed.as_ref()),
        }
    });
    ArmResult {
        name: arm.plan.name.clone(),
        what: arm.plan.what.clone(),
        dose: arm.plan.dose,
        seeds: arm.seeds.iter().map(|(seed, _)| seed.clone()).collect(),
        before: before.exp(),
        after: after.exp(),
        change: (after - before).exp_m1(),
        ci95: relative(crossed(&places, &groups, |score| score.nll).as_ref()),
        parts_before: parts(&base),
        parts_after: parts(&own),
        checked: checked.len(),
        accuracy_before: accuracy(&base),
        accuracy_after: accuracy(&own),
        accuracy_ci95: crossed(&checked, &checked_groups, right)
            .map(|crossed| crossed.interval(0.95).map(|end| end)),
        effect_per_100_examples: trained.then(|| 100.0 * (before - after) / examples),
        areas: areas.collect(),
    }
}

/// All comparisons of a plan, with Holm's correction where no single claim was made beforehand.
pub fn contrasts(ground: &Ground<'_>, plan: &Plan, arms: &[ArmScores<'_>]) -> Vec<Contrast> {
    let (places, groups) = ground.chosen(|score| ground.is_targeted(score));
    let measured: Vec<(usize, usize, Option<Crossed>)> = plan
        .contrasts
        .iter()
        .filter_map(|planned| {
            let (better, than) = (arms.get(planned.better)?, arms.get(planned.than)?);
            let both = common_seeds(better, than);
            let of = |arm: &'_ ArmScores<'_>| -> Vec<Vec<ItemScore>> {
                both.iter()
                    .filter_map(|seed| {
                        arm.seeds.iter().find(|(own, _)| own.seed == *seed).map(|(_, s)| s.clone())
                    })
                    .collect()
            };
            let (better_scores, than_scores) = (of(better), of(than));
            let rows = |scores: &'_ [Vec<ItemScore>]| -> Vec<Vec<f64>> {
                scores
                    .iter()
                    .map(|scores| places.iter().map(|place| scores[*place].nll).collect())
                    .collect()
            };
            let differences: Vec<Vec<f64>> = rows(&than_scores)
                .into_iter()
                .zip(rows(&better_scores))
                .map(|(than, better)| better.iter().zip(than).map(|(b, t)| b - t).collect())
                .collect();
            Some((planned.better, planned.than, Crossed::new(&differences, &groups)))
        })
        .collect();
    let p: Vec<f64> = measured
        .iter()
        .map(|(_, _, crossed)| crossed.as_ref().map_or(1.0, Crossed::p_value))
        .collect();
    let corrected = holm(&p);
    measured
        .iter()
        .enumerate()
        .map(|(nth, (better, than, crossed))| {
            let alone = plan.one_claim && nth == 0;
            let deciding = if alone { p[nth] } else { corrected[nth] };
            let several = measured.len() > 1;
            contrast(
                &plan.arms[*better].name,
                &plan.arms[*than].name,
                crossed.as_ref(),
                deciding,
                several.then_some(corrected[nth]),
                groups.iter().collect::<BTreeSet<_>>().len(),
            )
        })
        .collect()
}

fn common_seeds(a: &ArmScores<'_>, b: &ArmScores<'_>) -> Vec<u64> {
    let of = |arm: &ArmScores<'_>| -> BTreeSet<u64> {
        arm.seeds.iter().map(|(seed, _)| seed.seed).collect()
    };
    of(a).intersection(&of(b)).copied().collect()
}

fn contrast(
    better: &str,
    than: &str,
    crossed: Option<&Crossed>,
    deciding: f64,
    p_holm: Option<f64>,
    groups: usize,
) -> Contrast {
    let Some(crossed) = crossed else {
        return Contrast {
            better: better.into(),
            than: than.into(),
            change: f64::NAN,
            ci95: None,
            p: None,
            p_holm: None,
            claim: Claim::CannotTell,
            words: format!("{better} against {than}: cannot tell, too few groups of items"),
            needs_more: None,
        };
    };
    let interval = crossed.interval(0.95);
    let verdict = claim(crossed.mean(), interval.low, interval.high, deciding);
    let relevant = (-RELEVANT_FALL).ln_1p();
    // What more items could show: the difference that was seen, or the smallest worth having.
    let effect = if crossed.mean() < relevant { crossed.mean() } else { relevant };
    let deviation = crossed.error() * (groups as f64).sqrt();
    let needs_more = (verdict == Claim::CannotTell)
        .then(|| needed_for(effect, deviation, 0.025))
        .flatten()
        // Half of a set's new items are held out.
        .map(|needed| 2 * needed.saturating_sub(groups).max(1));
    let percent = |x: f64| format!("{:+.1} %", 100.0 * x);
    let [low, high] = interval.map(f64::exp_m1);
    let mut words = format!(
        "{better} against {than}: {} (95 % {} to {}), {}",
        percent(crossed.mean().exp_m1()),
        percent(low),
        percent(high),
        verdict.as_str()
    );
    if let Some(more) = needs_more {
        words += &format!(": needs about {more} more items");
    }
    Contrast {
        better: better.into(),
        than: than.into(),
        change: crossed.mean().exp_m1(),
        ci95: relative(Some(crossed)),
        p: Some(crossed.p_value()),
        p_holm,
        claim: verdict,
        words,
        needs_more,
    }
}

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
        areas: areas(ground, &own),
    }
}

/// How every area fared under the scores of one or more seeds.
pub fn areas(ground: &Ground<'_>, own: &[&[ItemScore]]) -> Vec<ArmArea> {
    let base: Vec<&[ItemScore]> = own.iter().map(|_| ground.base).collect();
    let names: BTreeSet<&str> = ground.base.iter().map(|score| score.area.as_str()).collect();
    let area = |name: &str| {
        let (places, groups) = ground.chosen(|score| score.area == name);
        let crossed = Crossed::new(&differences(&places, &base, own, |score| score.nll), &groups);
        let of = |scores: &[&[ItemScore]]| {
            let all = scores.iter().flat_map(|own| places.iter().map(|place| own[*place].nll));
            mean(all).exp()
        };
        let (before, after) = (of(&base), of(own));
        ArmArea {
            area: name.to_owned(),
            n: places.len(),
            before,
            after,
            change: after / before - 1.0,
            ci95: relative(crossed.as_ref()),
        }
    };
    names.into_iter().map(area).collect()
}

/// All comparisons of a plan, with Holm's correction where no single claim was made beforehand.
pub fn contrasts(ground: &Ground<'_>, plan: &Plan, arms: &[ArmScores<'_>]) -> Vec<Contrast> {
    let (places, groups) = ground.chosen(|score| ground.is_targeted(score));
    let measured: Vec<(usize, usize, usize, Crossed)> = plan
        .contrasts
        .iter()
        .enumerate()
        .filter_map(|(nth, planned)| {
            let (better, than) = (arms.get(planned.better)?, arms.get(planned.than)?);
            let both = common_seeds(better, than);
            let of = |arm: &ArmScores<'_>| -> Vec<Vec<f64>> {
                let own = arm.seeds.iter().filter(|(seed, _)| both.contains(&seed.seed));
                own.map(|(_, scores)| places.iter().map(|place| scores[*place].nll).collect())
                    .collect()
            };
            let differences: Vec<Vec<f64>> = of(better)
                .into_iter()
                .zip(of(than))
                .map(|(better, than)| better.iter().zip(than).map(|(b, t)| b - t).collect())
                .collect();
            // Not yet, or never: an arm without a seed, a single group.
            Some((nth, planned.better, planned.than, Crossed::new(&differences, &groups)?))
        })
        .collect();
    // A claim that was made beforehand stands by its own p; all others share the error rate.
    let stands_alone = |nth: usize| plan.one_claim && nth == 0;
    let several = plan.contrasts.iter().enumerate().filter(|(nth, _)| !stands_alone(*nth)).count();
    let shared: Vec<f64> = measured
        .iter()
        .filter(|(nth, ..)| !stands_alone(*nth))
        .map(|(.., crossed)| crossed.p_value())
        .collect();
    let mut corrected = holm(&shared).into_iter();
    measured
        .iter()
        .map(|(nth, better, than, crossed)| {
            let p_holm = match stands_alone(*nth) {
                true => None,
                false => corrected.next().filter(|_| several > 1),
            };
            let (better, than) = (&plan.arms[*better].name, &plan.arms[*than].name);
            let groups = groups.iter().collect::<BTreeSet<_>>().len();
            contrast(better, than, crossed, p_holm, groups)
        })
        .collect()
}

/// The answer to a plan's hypothesis: that of its claim, or what all of its comparisons say together.
pub fn verdict(plan: &Plan, comparisons: &[Contrast]) -> Option<Claim> {
    let claims: Vec<Claim> = comparisons.iter().map(|contrast| contrast.claim).collect();
    if claims.len() < plan.contrasts.len() {
        return None;
    }
    if plan.one_claim {
        return claims.first().copied();
    }
    let all = |claim: Claim| claims.iter().all(|own| *own == claim);
    Some(match (all(Claim::Supported), claims.contains(&Claim::NotSupported)) {
        (true, _) => Claim::Supported,
        (false, true) => Claim::NotSupported,
        (false, false) => Claim::CannotTell,
    })
}

fn common_seeds(a: &ArmScores<'_>, b: &ArmScores<'_>) -> BTreeSet<u64> {
    let of = |arm: &ArmScores<'_>| -> BTreeSet<u64> {
        arm.seeds.iter().map(|(seed, _)| seed.seed).collect()
    };
    of(a).intersection(&of(b)).copied().collect()
}

fn contrast(
    better: &str,
    than: &str,
    crossed: &Crossed,
    p_holm: Option<f64>,
    groups: usize,
) -> Contrast {
    let deciding = p_holm.unwrap_or_else(|| crossed.p_value());
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
        "{better} against {than}: {} (95 % {} to {}), p = {deciding:.4}: {}",
        percent(crossed.mean().exp_m1()),
        percent(low),
        percent(high),
        verdict.as_str()
    );
    if let Some(more) = needs_more {
        words += &format!(", needs about {more} more items or more seeds");
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::plan::Experiment;
    use super::*;
    use crate::config::ErrorDriven;
    use crate::improve::Settings;

    fn scores(shift: impl Fn(usize) -> f64) -> Vec<ItemScore> {
        (0..30)
            .map(|nth| ItemScore {
                id: format!("i{nth:02}"),
                area: if nth < 20 { "shell" } else { "maths" }.into(),
                tokens: 5,
                nll: 2.0 + nth as f64 / 10.0 + shift(nth),
                first: 3.0,
                rest: Some(2.0),
                end_of_turn: 1.0 + shift(nth),
                correct: (nth < 20).then_some(nth % 4 == 0 || shift(nth) < -0.3),
            })
            .collect()
    }

    fn seed(seed: u64) -> SeedResult {
        SeedResult {
            seed,
            examples: 50,
            tokens: 500,
            steps: 10,
            candidates: BTreeMap::new(),
            losses: vec![2.0],
            change: 0.0,
            accuracy: None,
            seconds: 1.0,
        }
    }

    fn ground(base: &[ItemScore], test: impl FnOnce(&Ground<'_>)) {
        let groups = base.iter().map(|score| (score.id.clone(), score.id.clone())).collect();
        let targeted = ["shell".to_owned()].into();
        test(&Ground { base, groups: &groups, targeted: &targeted });
    }

    // If this fails, an arm's figures are not those of the items that were asked about.
    #[test]
    fn an_arm_that_is_better_by_the_same_everywhere_is_exactly_that_much_better() {
        let base = scores(|_| 0.0);
        let plan = Plan::new(
            Experiment::Control,
            &Settings::from_config(&ErrorDriven::default(), 0),
            None,
        );
        let arm = ArmScores {
            plan: &plan.arms[0],
            seeds: (0..3).map(|nth| (seed(nth), scores(|_| -0.2))).collect(),
        };
        ground(&base, |ground| {
            let result = arm_result(ground, &arm);
            let fall = (-0.2f64).exp_m1();
            assert!((result.change - fall).abs() < 1e-12);
            let [low, high] = result.ci95.unwrap();
            assert!((low - fall).abs() < 1e-9 && (high - fall).abs() < 1e-9);
            // Only the targeted items: their mean is 2.95 nats.
            assert!((result.before - 2.95f64.exp()).abs() < 1e-9);
            assert!((result.parts_after.end_of_turn - 0.8).abs() < 1e-12);
            assert_eq!(result.parts_after.first, result.parts_before.first);
            assert_eq!((result.checked, result.accuracy_before), (20, Some(0.25)));
            assert!((result.effect_per_100_examples.unwrap() - 0.4).abs() < 1e-12);
            let names: Vec<&str> = result.areas.iter().map(|area| area.area.as_str()).collect();
            assert_eq!(names, ["maths", "shell"]);
            assert!((change_of(ground, &scores(|_| -0.2)) - fall).abs() < 1e-12);
        });
    }

    // If this fails, chance is called targeting, or targeting chance.
    #[test]
    fn arms_are_held_against_each_other_on_the_same_items_and_seeds() {
        let base = scores(|_| 0.0);
        let plan = Plan::new(
            Experiment::Weighting,
            &Settings::from_config(&ErrorDriven::default(), 0),
            None,
        );
        let noise = |nth: usize, seed: u64| ((nth as f64 + 1.3) * (seed as f64 + 2.1)).sin() * 0.02;
        let of = |plan, seeds: &[u64], shift: f64| ArmScores {
            plan,
            seeds: seeds
                .iter()
                .map(|own| (seed(*own), scores(|nth| shift + noise(nth, *own))))
                .collect(),
        };
        ground(&base, |ground| {
            let better = of(&plan.arms[0], &[0, 1, 2], -0.4);
            let worse = of(&plan.arms[1], &[0, 1, 2], -0.2);
            let found = contrasts(ground, &plan, &[better, worse]);
            assert_eq!(found[0].claim, Claim::Supported);
            assert!((found[0].change - (-0.2f64).exp_m1()).abs() < 1e-9);
            assert!(found[0].p_holm.is_none(), "a single comparison needs no correction");
            let same = of(&plan.arms[0], &[0, 1, 2], -0.2);
            let found = contrasts(ground, &plan, &[same, of(&plan.arms[1], &[0, 1, 2], -0.2)]);
            assert_eq!(found[0].claim, Claim::NotSupported);
            // A seed that only one of them has says nothing.
            let fewer = of(&plan.arms[1], &[1], -0.2);
            let found = contrasts(ground, &plan, &[of(&plan.arms[0], &[0, 1, 2], -0.4), fewer]);
            assert!((found[0].change - (-0.2f64).exp_m1()).abs() < 1e-9);
            let none = ArmScores { plan: &plan.arms[1], seeds: Vec::new() };
            let found = contrasts(ground, &plan, &[of(&plan.arms[0], &[0], -0.4), none]);
            assert!(found.is_empty() && verdict(&plan, &found).is_none());
        });
    }

    // If this fails, an experiment is called supported of which one comparison is.
    #[test]
    fn a_hypothesis_about_all_comparisons_needs_all_of_them() {
        let settings = Settings::from_config(&ErrorDriven::default(), 0);
        let found = |claims: &[Claim]| -> Vec<Contrast> {
            claims
                .iter()
                .map(|claim| Contrast {
                    better: "a".into(),
                    than: "b".into(),
                    change: 0.0,
                    ci95: None,
                    p: None,
                    p_holm: None,
                    claim: *claim,
                    words: String::new(),
                    needs_more: None,
                })
                .collect()
        };
        let (yes, no, open) = (Claim::Supported, Claim::NotSupported, Claim::CannotTell);
        let filter = Plan::new(Experiment::Filter, &settings, None);
        assert_eq!(verdict(&filter, &found(&[yes, yes])), Some(yes));
        assert_eq!(verdict(&filter, &found(&[yes, open])), Some(open));
        assert_eq!(verdict(&filter, &found(&[yes, no])), Some(no));
        assert_eq!(verdict(&filter, &found(&[yes])), None);
        // The claim of the control stands alone.
        let control = Plan::new(Experiment::Control, &settings, None);
        assert_eq!(verdict(&control, &found(&[yes, no, open, no])), Some(yes));
    }
}

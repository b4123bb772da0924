//! The honest control of one round: the same training on examples made in the same way from find items
//! drawn at random. What it also gains is format; what the targeted examples gain beyond it is
//! targeting.

use super::generate::Origin;
use super::kept_batches::KeptBatches;
use super::lesson::{Start, learn_into, lessons, matched, trained_tokens, with_steps};
use super::make::Making;
use super::record::{Baseline, ControlResult, Measured, RoundEvent, RoundSeen};
use super::round::{Round, working};
use super::{Settings, WeakAreas};
use crate::eval::statistics::Crossed;
use crate::eval::{Example, ItemScore, pair};
use crate::store::Documents;
use crate::tasks::Arm;
use crate::workplace::{Event, Result, scored};
use std::collections::BTreeMap;

const SCORES: &str = "scores.json";

/// The reference before the round.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub baseline: &'a Baseline,
    pub weak: &'a WeakAreas,
}

/// Makes, trains and measures the control, and holds the targeted adapter against it; none, with a note,
/// where no example for it is good enough. `steps` of an epoch are those of the targeted training.
pub(super) fn run_control(
    round: &Round<'_>,
    before: Before<'_>,
    targeted: &[Example],
    steps: usize,
    measured: &Measured,
    seen: RoundSeen,
) -> Result<Option<ControlResult>> {
    let Before { baseline, weak } = before;
    let folder = Documents::at(round.folder.path().join("control"))?;
    let train = &round.record.train;
    let settings = Settings { count: Some(targeted.len()), ..round.record.settings.clone() };
    let bench = &round.bench;
    let making = Making {
        runtime: round.runtime,
        bench,
        settings: &settings,
        sources: bench.all_sources(&baseline.find),
        origin: Origin::Random,
        lora: round.reference.lora.clone(),
    };
    let mut batches = KeptBatches::open(&folder)?;
    let filtered = making.run(&mut batches, &mut |event| seen(event.into()))?;
    let tokens: usize = trained_tokens(targeted, round.runtime, train.max_seq)?.into_iter().sum();
    let examples = lessons(filtered.kept(), bench.find_by_id(), settings.weighting);
    let lesson = matched(&examples, tokens, round.runtime, train.max_seq)?;
    if lesson.examples.is_empty() {
        let note = "the control has no example that is good enough: there is none this time";
        seen(RoundEvent::Work(Event::Note(note.into())));
        return Ok(None);
    }
    let scores: Vec<ItemScore> = match folder.read(SCORES)? {
        Some(scores) => scores,
        None => {
            let start = Start {
                adapter: bench.reference_folder(round.workplace, &round.reference)?,
                replay: round.record.replay,
                keep_away: bench.deciding().clone(),
            };
            let (learned, _) = learn_into(
                &folder,
                round.workplace,
                round.runtime,
                &lesson.examples,
                &with_steps(train, steps, settings.seed),
                start,
                &mut working(seen),
            )?;
            let arm = Arm::chosen("control", Some(learned));
            let held_out = bench.held_out();
            let scores = scored(round.runtime, held_out, &arm, false, &mut working(seen))?;
            folder.write(SCORES, &scores)?;
            scores
        }
    };
    let of_targeted = |scores: &[ItemScore]| -> Vec<ItemScore> {
        scores.iter().filter(|score| weak.areas.contains(&score.area)).cloned().collect()
    };
    let reference = of_targeted(&baseline.held_out.items);
    let (control, adapter) = (of_targeted(&scores), of_targeted(&measured.held_out.items));
    let against_reference = differences(&reference, &control, bench.groups())?;
    let against_control = differences(&control, &adapter, bench.groups())?;
    let (mean, interval) = mean_with_interval(&against_control);
    Ok(Some(ControlResult {
        control: round.record.control,
        examples: lesson.distinct,
        change: mean_with_interval(&against_reference).0.exp_m1(),
        targeted_against_control: mean.exp_m1(),
        ci95: interval.map(|ends| ends.map(f64::exp_m1)),
    }))
}

/// b − a of each item, in its group.
fn differences(
    a: &[ItemScore],
    b: &[ItemScore],
    groups: &BTreeMap<String, String>,
) -> Result<Vec<(String, f64)>> {
    let pairs = pair(a, b, groups)?;
    Ok(pairs.iter().map(|pair| (pair.group.clone(), pair.difference())).collect())
}

fn mean_with_interval(differences: &[(String, f64)]) -> (f64, Option<[f64; 2]>) {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let groups: Vec<usize> = differences
        .iter()
        .map(|(group, _)| {
            let next = numbers.len();
            *numbers.entry(group).or_insert(next)
        })
        .collect();
    let values: Vec<f64> = differences.iter().map(|(_, difference)| *difference).collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    // One training each: the interval is over items alone.
    let crossed = Crossed::new(&[values], &groups);
    (mean, crossed.map(|crossed| crossed.interval(0.95).map(|end| end)))
}

//! An experiment from its plan to its record: the baseline once, then every arm under every seed.

use super::analysis::{ArmScores, Ground, arm_result, contrasts, verdict};
use super::arm::{ADAPTER, ArmRun, Dose, Shared, folder_of, score_held_out};
use super::plan::{Experiment, Plan};
use super::record::{ExperimentRecord, Setup};
use crate::eval::{Example, FieldMap, ItemScore, measure, set};
use crate::improve::{Settings, WeakAreas, Workbench, kept_set, weak_areas};
use crate::runtime::Runtime;
use crate::store::{Documents, clock};
use crate::tasks::Arm;
use crate::train::TrainSettings;
use crate::workplace::{Error, Event, Result, Workplace, measuring};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What an experiment is asked for.
#[derive(Debug, Clone)]
pub struct ExperimentRequest {
    pub experiment: Experiment,
    pub examples: Vec<Example>,
    /// The set's name, for people.
    pub set: String,
    pub settings: Settings,
    pub train: TrainSettings,
    /// How many seeds: 0, 1, 2, …
    pub seeds: usize,
    /// Everyday conversation, other than the one that comes with Kaizen.
    pub unrelated: Option<PathBuf>,
    /// The file of the arm `pool`.
    pub pool: Option<PathBuf>,
}

/// The request as it is kept, with all that going on needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    started: String,
    set: String,
    base: String,
    base_sha256: String,
    plan: Plan,
    train: TrainSettings,
    settings: Settings,
    seeds: Vec<u64>,
}

mod files {
    pub const REQUEST: &str = "request.json";
    pub const SET: &str = "set.jsonl";
    pub const UNRELATED: &str = "unrelated.jsonl";
    pub const POOL: &str = "pool.jsonl";
    pub const BASELINE: &str = "baseline.json";
    pub const RECORD: &str = "experiment.json";
}

const EXPERIMENT: &str = "experiment";

/// Base before anything is done, with what measuring it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Baseline {
    find: Vec<ItemScore>,
    held_out: Vec<ItemScore>,
    /// The first arm's.
    weak: WeakAreas,
    targeted: BTreeSet<String>,
    /// Seconds that scoring and answering the held-out items took.
    scoring_seconds: f64,
    answering_seconds: f64,
}

/// What happens in an experiment.
#[derive(Debug, Clone)]
pub enum ExperimentEvent {
    /// It has its folder, or is gone on with.
    Began {
        experiment: String,
        arms: Vec<String>,
        seeds: Vec<u64>,
    },
    /// Seconds that are left, by what was measured so far.
    Estimated(f64),
    /// An arm begins under a seed.
    Arm {
        arm: usize,
        seed: u64,
    },
    /// An arm has ended under a seed; the record as far as it goes.
    Progressed(Box<ExperimentRecord>),
    Ended(Box<ExperimentRecord>),
    /// Progress of one piece of work.
    Work(Event),
}

/// Who is told.
pub type ExperimentSeen<'a> = &'a mut dyn FnMut(ExperimentEvent);

/// Runs an experiment from the start.
///
/// # Errors
/// A set that cannot be used or in which nothing is weak; work that fails or is cancelled: then it can be
/// gone on with.
pub fn run_experiment(
    workplace: &Workplace,
    runtime: &Runtime,
    request: &ExperimentRequest,
    seen: ExperimentSeen,
) -> Result<ExperimentRecord> {
    let unrelated = match &request.unrelated {
        Some(path) => set::read(path, &FieldMap::default())?,
        None => super::chat::chat()?,
    };
    let pool = match &request.pool {
        Some(path) => set::read(path, &FieldMap::default())?,
        None => Vec::new(),
    };
    let kept = Kept {
        started: clock::now(),
        set: request.set.clone(),
        base: runtime.model().name().to_owned(),
        base_sha256: runtime.model().identity().sha256.clone(),
        plan: Plan::new(request.experiment, &request.settings, request.pool.as_deref()),
        train: request.train.clone(),
        settings: request.settings.clone(),
        seeds: (0..request.seeds.max(1) as u64).collect(),
    };
    // A set that nothing can be done with is refused before a folder is made for it.
    Workbench::lay_out(workplace, &request.examples, &Arm::base(), &mut |_| ())?;
    let folder =
        Documents::create(&workplace.home.experiments(), EXPERIMENT, &clock::folder_time())?;
    folder.write_lines(files::SET, &request.examples)?;
    folder.write_lines(files::UNRELATED, &unrelated)?;
    if !pool.is_empty() {
        folder.write_lines(files::POOL, &pool)?;
    }
    // The request makes it an experiment: with it, the set is there.
    folder.write(files::REQUEST, &kept)?;
    let record = go_on(workplace, runtime, &folder, &kept, &request.examples, seen);
    if let Err(Error::NothingToImprove(_)) = &record {
        // It cannot be gone on with, and holds nothing.
        let _ = std::fs::remove_dir_all(folder.path());
    }
    record
}

/// Goes on with an experiment that was stopped: `last`, or its name.
///
/// # Errors
/// No such experiment, one that is being worked on, or one of another base model. One that has ended is
/// given back as it is.
pub fn resume_experiment(
    workplace: &Workplace,
    runtime: &Runtime,
    name: &str,
    seen: ExperimentSeen,
) -> Result<ExperimentRecord> {
    let experiments = workplace.home.experiments();
    let Some(folder) = Documents::find(&experiments, EXPERIMENT, files::REQUEST, name) else {
        return Err(Error::Usage(format!(
            "there is no experiment `{name}`; experiments are in {}",
            experiments.display()
        )));
    };
    let Some(kept) = folder.read::<Kept>(files::REQUEST)? else {
        return Err(Error::Usage(format!("{name} is no experiment")));
    };
    if kept.base_sha256 != runtime.model().identity().sha256 {
        return Err(Error::Usage(format!(
            "{name} is an experiment on another base model ({}); choose that with --model",
            kept.base
        )));
    }
    let examples = set::read(&folder.path().join(files::SET), &FieldMap::default())?;
    go_on(workplace, runtime, &folder, &kept, &examples, seen)
}

/// An experiment that is not through.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfinished {
    pub experiment: String,
    pub name: String,
    pub started: String,
}

/// The experiments of a home that were stopped, newest first.
pub fn unfinished_experiments(workplace: &Workplace) -> Vec<Unfinished> {
    let mut found: Vec<Unfinished> =
        Documents::all(&workplace.home.experiments(), EXPERIMENT, files::REQUEST)
            .into_iter()
            .filter_map(|folder| {
                let kept: Kept = folder.read(files::REQUEST).ok()??;
                let record: Option<ExperimentRecord> = folder.read(files::RECORD).ok()?;
                record.is_none_or(|record| record.ended.is_none()).then(|| Unfinished {
                    experiment: folder.name(),
                    name: kept.plan.experiment.as_str().into(),
                    started: kept.started,
                })
            })
            .collect();
    found.reverse();
    found
}

/// The experiments of a home with their records, newest first; those without one yet have not got past
/// their baseline.
pub fn stored_experiments(workplace: &Workplace) -> Vec<ExperimentRecord> {
    let mut found: Vec<ExperimentRecord> =
        Documents::all(&workplace.home.experiments(), EXPERIMENT, files::RECORD)
            .into_iter()
            .filter_map(|folder| folder.read(files::RECORD).ok()?)
            .collect();
    found.reverse();
    found
}

/// One item under one arm and seed beside base's: a line of the raw table.
#[derive(Debug, Clone, PartialEq)]
pub struct RawItem {
    pub arm: String,
    pub seed: u64,
    pub group: String,
    pub before: ItemScore,
    pub after: ItemScore,
}

/// The raw scores of an experiment, item by item.
///
/// # Errors
/// A folder that cannot be read.
pub fn raw_items(workplace: &Workplace, record: &ExperimentRecord) -> Result<Vec<RawItem>> {
    let folder = Documents::open(workplace.home.experiments().join(&record.experiment));
    let (Some(baseline), Some(_)) =
        (folder.read::<Baseline>(files::BASELINE)?, folder.read::<Kept>(files::REQUEST)?)
    else {
        return Ok(Vec::new());
    };
    let examples = set::read(&folder.path().join(files::SET), &FieldMap::default())?;
    let groups = workplace.ledger().assign(&examples)?.groups;
    let mut rows = Vec::new();
    for arm in &record.arms {
        for seed in &arm.seeds {
            let own = Documents::open(folder_of(folder.path(), &arm.name, seed.seed));
            let Some(outcome) = own.read::<super::arm::SeedOutcome>("scores.json")? else {
                continue;
            };
            rows.extend(baseline.held_out.iter().zip(outcome.scores).map(|(before, after)| {
                RawItem {
                    arm: arm.name.clone(),
                    seed: seed.seed,
                    group: groups.get(&before.id).cloned().unwrap_or_default(),
                    before: before.clone(),
                    after,
                }
            }));
        }
    }
    Ok(rows)
}

fn working<'a>(seen: &'a mut dyn FnMut(ExperimentEvent)) -> impl FnMut(Event) + 'a {
    move |event| seen(ExperimentEvent::Work(event))
}

fn go_on(
    workplace: &Workplace,
    runtime: &Runtime,
    folder: &Documents,
    kept: &Kept,
    examples: &[Example],
    seen: ExperimentSeen,
) -> Result<ExperimentRecord> {
    let _held = folder.lock()?;
    let earlier: Option<ExperimentRecord> = folder.read(files::RECORD)?;
    if let Some(record) = earlier.as_ref().filter(|record| record.ended.is_some()) {
        return Ok(record.clone());
    }
    let spent = earlier.map_or(0.0, |record| record.setup.seconds);
    let began = Instant::now();
    let plan = &kept.plan;
    seen(ExperimentEvent::Began {
        experiment: folder.name(),
        arms: plan.arms.iter().map(|arm| arm.name.clone()).collect(),
        seeds: kept.seeds.clone(),
    });
    let base = Arm::base();
    let bench = Workbench::lay_out(workplace, examples, &base, &mut working(seen))?
        .with_pool(kept_set(folder, files::POOL)?);
    let unrelated = kept_set(folder, files::UNRELATED)?;
    let baseline = baseline(workplace, runtime, folder, kept, &bench, &unrelated, &base, seen)?;
    let targeted = baseline.targeted.clone();
    let shared = Shared {
        workplace,
        runtime,
        bench: &bench,
        train: &kept.train,
        find: &baseline.find,
        held_out: &baseline.held_out,
        targeted: &targeted,
        unrelated: &unrelated,
    };
    let same = |scores: &[ItemScore], items: &[Example]| {
        scores.iter().map(|score| &score.id).eq(items.iter().map(|item| &item.id))
    };
    if !same(&baseline.find, bench.find()) || !same(&baseline.held_out, bench.held_out()) {
        return Err(Error::Usage(format!(
            "{} cannot be gone on with: its set is divided otherwise than when it began, because another \
             set has given places to its items; start a new experiment",
            folder.name()
        )));
    }
    let mut estimated = estimate(kept, &baseline);
    seen(ExperimentEvent::Estimated(estimated));
    let mut scores: Vec<ArmScores> =
        plan.arms.iter().map(|plan| ArmScores { plan, seeds: Vec::new() }).collect();
    let total = kept.seeds.len() * plan.arms.len();
    let mut done = 0;
    let mut record = None;
    for seed in &kept.seeds {
        let mut dose: Option<Dose> = None;
        let mut before: Option<PathBuf> = None;
        for (nth, arm) in plan.arms.iter().enumerate() {
            seen(ExperimentEvent::Arm { arm: nth, seed: *seed });
            let own = Documents::at(folder_of(folder.path(), &arm.name, *seed))?;
            let run = ArmRun {
                shared: &shared,
                plan: arm,
                seed: *seed,
                folder: &own,
                before: before.as_deref().filter(|_| arm.continues),
            };
            let outcome = run.run(dose, &mut working(seen))?;
            dose = dose.or(Some(outcome.dose)).filter(|dose| dose.tokens > 0);
            if own.path().join(ADAPTER).is_dir() {
                before = Some(own.path().to_owned());
            }
            scores[nth].seeds.push((outcome.result, outcome.scores));
            done += 1;
            let so_far: f64 =
                scores.iter().flat_map(|arm| &arm.seeds).map(|(seed, _)| seed.seconds).sum();
            if done >= plan.arms.len() {
                estimated = so_far / done as f64 * total as f64;
            }
            let seconds = spent + began.elapsed().as_secs_f64();
            let latest = summary(folder, kept, &shared, &baseline, &scores, estimated, seconds);
            folder.write(files::RECORD, &latest)?;
            seen(ExperimentEvent::Estimated((estimated - so_far).max(0.0)));
            seen(ExperimentEvent::Progressed(Box::new(latest.clone())));
            record = Some(latest);
        }
    }
    let Some(mut record) = record else {
        return Err(Error::Usage("the experiment has no arms".into()));
    };
    record.ended = Some(clock::now());
    folder.write(files::RECORD, &record)?;
    seen(ExperimentEvent::Ended(Box::new(record.clone())));
    Ok(record)
}

#[allow(clippy::too_many_arguments)]
fn baseline(
    workplace: &Workplace,
    runtime: &Runtime,
    folder: &Documents,
    kept: &Kept,
    bench: &Workbench,
    unrelated: &[Example],
    base: &Arm,
    seen: ExperimentSeen,
) -> Result<Baseline> {
    if let Some(baseline) = folder.read(files::BASELINE)? {
        return Ok(baseline);
    }
    let began = Instant::now();
    let find = {
        let seen = &mut working(seen);
        measure::score(runtime, bench.find(), None, &mut measuring("scoring", seen))?
    };
    let find_seconds = began.elapsed().as_secs_f64();
    let weak: Vec<WeakAreas> =
        kept.plan.arms.iter().map(|arm| weak_areas(&find, arm.settings.threshold)).collect();
    // What any arm is for, all of them are measured on.
    let targeted: BTreeSet<String> = weak.iter().flat_map(|weak| weak.areas.clone()).collect();
    let threshold = weak.first().map_or(f64::NAN, |weak| weak.threshold);
    if targeted.is_empty() {
        return Err(Error::NothingToImprove(format!(
            "no area of the set is weak (over perplexity {threshold:.1}); a lower --threshold, or harder \
             items and more of them, would find something"
        )));
    }
    let groups = bench.held_out_groups(&targeted);
    if groups < 2 {
        return Err(Error::NothingToImprove(
            "the weak areas have fewer than two groups of held-out items: no interval could be given; \
             add items to them"
                .into(),
        ));
    }
    let Some(weak) = weak.into_iter().next() else {
        return Err(Error::Usage("the experiment has no arms".into()));
    };
    let shared = Shared {
        workplace,
        runtime,
        bench,
        train: &kept.train,
        find: &find,
        held_out: &[],
        targeted: &targeted,
        unrelated,
    };
    let began = Instant::now();
    let held_out = score_held_out(&shared, base, &mut working(seen))?;
    let seconds = began.elapsed().as_secs_f64();
    // Scoring goes at the pace of the find items; the rest was answering.
    let share = bench.held_out().len() as f64 / bench.find().len().max(1) as f64;
    let scoring_seconds = (find_seconds * share).min(seconds);
    let answering_seconds = seconds - scoring_seconds;
    let baseline = Baseline { find, held_out, weak, targeted, scoring_seconds, answering_seconds };
    folder.write(files::BASELINE, &baseline)?;
    Ok(baseline)
}

/// Seconds that all arms will take, from what the baseline took: before the first seed is through there is
/// nothing better.
fn estimate(kept: &Kept, baseline: &Baseline) -> f64 {
    let per_item = baseline.scoring_seconds / baseline.held_out.len().max(1) as f64;
    let weak = baseline.weak.examples.len();
    let examples = kept.settings.count.unwrap_or(weak * kept.settings.variations / 2) as f64;
    // Training a token costs 2.6 times reading it; about three are made for every one that is kept, each
    // written at about twice the cost of reading an item.
    let training = 2.6 * per_item * examples * kept.train.epochs as f64;
    let making = 6.0 * per_item * examples;
    let one = baseline.scoring_seconds + baseline.answering_seconds / 2.0 + training + making;
    one * (kept.seeds.len() * kept.plan.arms.len()) as f64
}

fn summary(
    folder: &Documents,
    kept: &Kept,
    shared: &Shared<'_>,
    baseline: &Baseline,
    scores: &[ArmScores<'_>],
    estimated_seconds: f64,
    seconds: f64,
) -> ExperimentRecord {
    let ground =
        Ground { base: shared.held_out, groups: shared.bench.groups(), targeted: shared.targeted };
    let measured: Vec<&ArmScores> = scores.iter().filter(|arm| !arm.seeds.is_empty()).collect();
    let comparisons = contrasts(&ground, &kept.plan, scores);
    let of_targeted = shared.held_out.iter().filter(|score| shared.targeted.contains(&score.area));
    let groups: BTreeSet<&str> = of_targeted
        .clone()
        .map(|score| shared.bench.groups().get(&score.id).map_or(score.id.as_str(), String::as_str))
        .collect();
    let first = measured.first().and_then(|arm| arm.seeds.first());
    ExperimentRecord {
        experiment: folder.name(),
        name: kept.plan.experiment.as_str().into(),
        hypothesis: kept.plan.experiment.hypothesis().into(),
        started: kept.started.clone(),
        ended: None,
        setup: Setup {
            set: kept.set.clone(),
            set_sha256: set_sha256(folder.path()),
            base: kept.base.clone(),
            base_sha256: kept.base_sha256.clone(),
            seeds: kept.seeds.clone(),
            threshold: baseline.weak.threshold,
            weak: baseline.weak.examples.len(),
            targeted: shared.targeted.iter().cloned().collect(),
            held_out: of_targeted.count(),
            groups: groups.len(),
            examples: first.map_or(0, |(seed, _)| seed.examples),
            settings: kept.train.clone(),
            estimated_seconds,
            seconds,
        },
        arms: measured.into_iter().map(|arm| arm_result(&ground, arm)).collect(),
        verdict: verdict(&kept.plan, &comparisons),
        comparisons,
    }
}

fn set_sha256(folder: &Path) -> String {
    let bytes = std::fs::read(folder.join(files::SET)).unwrap_or_default();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

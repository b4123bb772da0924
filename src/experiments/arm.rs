//! One arm under one seed: its examples, its lesson, its scores. Each step leaves a document in the arm's
//! folder, so that an experiment which was stopped goes on where it was.

use super::plan::{ArmPlan, Data};
use super::record::SeedResult;
use crate::eval::{Example, FieldMap, ItemScore, Provenance, measure, set};
use crate::improve::{
    ExampleCounts, KeptBatches, LessonRecord, Matched, Origin, Settings, Sources, Start, WeakAreas,
    Workbench, filter_for, generate, generator_for, learn_into, lessons, limit, matched,
    steps_per_epoch, trained_tokens, wanted, weak_areas, with_steps,
};
use crate::model::lora::Lora;
use crate::runtime::Runtime;
use crate::store::{Documents, Message, Role};
use crate::tasks::Arm;
use crate::train::TrainSettings;
use crate::workplace::{Event, Result, Seen, Workplace, scored};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Tokens that items in a prompt may take together, and at most this share of the model's context: more
/// would leave little room for long answers, and a small model loses sight of the first ones.
const PROMPT_TOKENS: usize = 1024;
const PROMPT_SHARE: f64 = 0.5;

mod files {
    pub const EXAMPLES: &str = "examples.jsonl";
    pub const FIND: &str = "find.json";
    pub const MADE: &str = "made.json";
    pub const SCORES: &str = "scores.json";
}

/// What all arms share.
pub struct Shared<'a> {
    pub workplace: &'a Workplace,
    pub runtime: &'a Runtime,
    pub bench: &'a Workbench,
    pub train: &'a TrainSettings,
    /// Base's scores of the find items, and of the held-out items.
    pub find: &'a [ItemScore],
    pub held_out: &'a [ItemScore],
    /// The areas that the comparisons are about.
    pub targeted: &'a BTreeSet<String>,
    pub unrelated: &'a [Example],
}

/// How much every arm learns under one seed: that of the first arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dose {
    /// Trained tokens of an epoch.
    pub tokens: usize,
    pub steps_per_epoch: usize,
}

/// Examples of one arm, as they are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Made {
    counts: BTreeMap<String, usize>,
    distinct: usize,
    tokens: usize,
    steps_per_epoch: usize,
}

/// What one arm came to under one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedOutcome {
    pub result: SeedResult,
    pub dose: Dose,
    /// Of every held-out item, in the order of base's.
    pub scores: Vec<ItemScore>,
}

/// Runs an arm under a seed, or reads what it came to.
///
/// # Errors
/// Work that fails or is cancelled: then it can be gone on with.
pub fn run_arm(
    shared: &Shared<'_>,
    plan: &ArmPlan,
    seed: u64,
    dose: Option<Dose>,
    folder: &Documents,
    before: Option<&Path>,
    seen: Seen,
) -> Result<SeedOutcome> {
    if let Some(outcome) = folder.read(files::SCORES)? {
        return Ok(outcome);
    }
    let began = Instant::now();
    let settings =
        Settings { seed: plan.settings.seed.wrapping_add(seed), ..plan.settings.clone() };
    let init = before.filter(|_| plan.continues);
    let find = find_scores(shared, folder, init, seen)?;
    let shared = &Shared { find: &find, ..*shared };
    let weak = weak_areas(shared.find, settings.threshold);

    let untaught = || LessonRecord { steps: 0, losses: Vec::new(), seconds: 0.0 };
    let (scores, made, lesson) = if weak.areas.is_empty() {
        // Nothing to learn from: the arm is what it started from.
        let scores = match init {
            None => shared.held_out.to_vec(),
            Some(before) => {
                let lora = Some(Arc::new(previous(shared, before)?));
                let arm = Arm { name: plan.name.clone(), lora, probability: 1.0 };
                score_held_out(shared, &arm, seen)?
            }
        };
        (scores, Made::default(), untaught())
    } else if plan.data == Data::PromptOnly {
        let pairs = pairs_in_prompt(shared, &weak, seed)?;
        let distinct = pairs.values().map(Vec::len).sum();
        let scores = score_with_pairs(shared, &pairs, seen)?;
        (scores, Made { distinct, ..Made::default() }, untaught())
    } else {
        let (made, examples) = examples(shared, plan, &settings, &weak, dose, folder, init, seen)?;
        let train = with_steps(shared.train, made.steps_per_epoch, settings.seed);
        let start =
            Start { adapter: init.map(|before| before.join("adapter")), ..Start::default() };
        let (lora, lesson) =
            learn_into(folder, shared.workplace, shared.runtime, &examples, &train, start, seen)?;
        let arm = Arm { name: plan.name.clone(), lora: Some(lora), probability: 1.0 };
        (score_held_out(shared, &arm, seen)?, made, lesson)
    };
    let ground = super::analysis::Ground {
        base: shared.held_out,
        groups: shared.bench.groups(),
        targeted: shared.targeted,
    };
    let outcome = SeedOutcome {
        result: SeedResult {
            seed,
            examples: made.distinct,
            tokens: made.tokens,
            steps: lesson.steps,
            candidates: made.counts,
            losses: lesson.losses,
            change: super::analysis::change_of(&ground, &scores),
            accuracy: super::analysis::accuracy_of(&ground, &scores),
            seconds: began.elapsed().as_secs_f64(),
        },
        dose: Dose { tokens: made.tokens, steps_per_epoch: made.steps_per_epoch },
        scores,
    };
    folder.write(files::SCORES, &outcome)?;
    Ok(outcome)
}

/// The find items' scores by base, or by the adapter that the arm goes on from: each round looks for
/// weakness anew.
fn find_scores(
    shared: &Shared<'_>,
    folder: &Documents,
    before: Option<&Path>,
    seen: Seen,
) -> Result<Vec<ItemScore>> {
    let Some(before) = before else { return Ok(shared.find.to_vec()) };
    if let Some(scores) = folder.read(files::FIND)? {
        return Ok(scores);
    }
    let lora = Some(Arc::new(previous(shared, before)?));
    let arm = Arm { name: "before".into(), lora, probability: 1.0 };
    let scores = scored(shared.runtime, shared.bench.find(), &arm, false, seen)?;
    folder.write(files::FIND, &scores)?;
    Ok(scores)
}

/// Scores all held-out items with an arm, and answers those of the targeted areas that can be checked.
///
/// # Errors
/// An item that does not fit the model.
pub fn score_held_out(shared: &Shared<'_>, arm: &Arm, seen: Seen) -> Result<Vec<ItemScore>> {
    let items = shared.bench.held_out();
    let is_targeted = |item: &Example| shared.targeted.contains(&item.area);
    let (targeted, others): (Vec<Example>, Vec<Example>) =
        items.iter().cloned().partition(is_targeted);
    let mut scores = scored(shared.runtime, &targeted, arm, true, seen)?;
    scores.extend(scored(shared.runtime, &others, arm, false, seen)?);
    Ok(in_order(items, scores))
}

fn in_order(items: &[Example], scores: Vec<ItemScore>) -> Vec<ItemScore> {
    let mut by_id: BTreeMap<String, ItemScore> =
        scores.into_iter().map(|score| (score.id.clone(), score)).collect();
    items.iter().filter_map(|item| by_id.remove(&item.id)).collect()
}

/// The examples of an arm: the first arm's say how much the others learn.
#[allow(clippy::too_many_arguments)]
fn examples(
    shared: &Shared<'_>,
    plan: &ArmPlan,
    settings: &Settings,
    weak: &WeakAreas,
    dose: Option<Dose>,
    folder: &Documents,
    init: Option<&Path>,
    seen: Seen,
) -> Result<(Made, Vec<Example>)> {
    if let Some(made) = folder.read::<Made>(files::MADE)? {
        let path = folder.path().join(files::EXAMPLES);
        return Ok((made, set::read(&path, &FieldMap::default())?));
    }
    let bench = shared.bench;
    let (counts, all) = match plan.data {
        Data::Targeted | Data::RandomFind => {
            let sources = match plan.data {
                Data::RandomFind => bench.all_sources(shared.find),
                _ => bench.weak_sources(shared.find, weak),
            };
            let lora = match init {
                Some(before) => Some(Arc::new(previous(shared, before)?)),
                None => None,
            };
            made(shared, plan, settings, sources, dose, lora, folder, seen)?
        }
        Data::Unrelated => (BTreeMap::new(), shuffled(shared.unrelated.to_vec(), settings.seed)),
        _ => {
            let ids: BTreeSet<&str> = weak.examples.iter().map(|weak| weak.id.as_str()).collect();
            let own = bench.find().iter().filter(|item| ids.contains(item.id.as_str()));
            (BTreeMap::new(), shuffled(own.cloned().collect(), settings.seed))
        }
    };
    let max_seq = shared.train.max_seq;
    let (lesson, steps) = match dose {
        Some(dose) => {
            let lesson = matched(&all, dose.tokens, shared.runtime, max_seq)?;
            (lesson, dose.steps_per_epoch)
        }
        None => {
            let tokens = trained_tokens(&all, shared.runtime, max_seq)?.into_iter().sum();
            let lesson = Matched { distinct: all.len(), tokens, examples: all };
            let steps = steps_per_epoch(lesson.examples.len(), shared.train);
            (lesson, steps)
        }
    };
    let made =
        Made { counts, distinct: lesson.distinct, tokens: lesson.tokens, steps_per_epoch: steps };
    folder.write_lines(files::EXAMPLES, &lesson.examples)?;
    folder.write(files::MADE, &made)?;
    Ok((made, lesson.examples))
}

fn previous(shared: &Shared<'_>, before: &Path) -> Result<Lora> {
    let folder = crate::model::adapter::AdapterFolder::new(before.join("adapter"));
    Ok(folder.load(shared.runtime.model())?.lora)
}

#[allow(clippy::too_many_arguments)]
fn made(
    shared: &Shared<'_>,
    plan: &ArmPlan,
    settings: &Settings,
    sources: Sources,
    dose: Option<Dose>,
    lora: Option<Arc<Lora>>,
    folder: &Documents,
    seen: Seen,
) -> Result<(BTreeMap<String, usize>, Vec<Example>)> {
    let origin = match plan.data {
        Data::RandomFind => Origin::Random,
        _ => Origin::EachInTurn,
    };
    let limit = limit(settings, sources.items.len());
    // As many as hold the first arm's tokens, by the length of what is imitated, and a quarter more: they
    // are cut to measure.
    let settings = match (settings.count, dose) {
        (Some(count), Some(dose)) => {
            let imitated: Vec<Example> =
                sources.items.iter().map(|source| source.example.clone()).collect();
            let counted = trained_tokens(&imitated, shared.runtime, shared.train.max_seq)?;
            let tokens: usize = counted.iter().sum();
            let needed = dose.tokens * counted.len() / tokens.max(1);
            let count = needed.clamp(1, count) * 5 / 4 + 1;
            &Settings { count: Some(count), ..settings.clone() }
        }
        _ => settings,
    };
    let generator = generator_for(settings, shared.bench, sources, origin, limit, lora, seen);
    let mut batches = KeptBatches::open(folder)?;
    let filtered = generate(
        shared.runtime,
        generator.as_ref(),
        &filter_for(settings, shared.bench, shared.runtime),
        wanted(settings),
        &mut batches,
        seen,
        &mut |_| (),
    )?;
    let counts = ExampleCounts::from(&filtered);
    let mut fates: BTreeMap<String, usize> =
        counts.rejected.iter().map(|(rule, count)| (rule.as_str().to_owned(), *count)).collect();
    fates.insert("kept".into(), counts.kept);
    fates.insert("kept, can be checked".into(), counts.checked);
    fates.insert("kept, fails its check".into(), counts.failed_check);
    let examples = lessons(filtered.kept(), shared.bench.find_by_id(), settings.weighting);
    if examples.is_empty() {
        return Err(crate::workplace::Error::Usage(format!(
            "the arm {} has no example that is good enough to train on ({} were made)",
            plan.name, counts.generated
        )));
    }
    Ok((fates, examples))
}

fn shuffled(mut examples: Vec<Example>, seed: u64) -> Vec<Example> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // The streams of the making of examples are others.
    rng.set_stream(u64::MAX - 2);
    examples.shuffle(&mut rng);
    examples
}

/// The weak items of each area as turns before a question, as many as fit.
fn pairs_in_prompt(
    shared: &Shared<'_>,
    weak: &WeakAreas,
    seed: u64,
) -> Result<BTreeMap<String, Vec<Message>>> {
    let by_id = shared.bench.find_by_id();
    let own: Vec<Example> =
        weak.examples.iter().filter_map(|weak| by_id.get(&weak.id).cloned()).collect();
    let mut pairs: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let context = shared.runtime.model().network.architecture().context;
    let room = PROMPT_TOKENS.min((context as f64 * PROMPT_SHARE) as usize);
    for example in shuffled(own, seed) {
        let items = measure::items(shared.runtime.model(), std::slice::from_ref(&example))?;
        let tokens: usize = items.iter().map(|item| item.ids.len()).sum();
        let used = used.entry(example.area.clone()).or_default();
        if *used + tokens <= room {
            *used += tokens;
            // A system turn stands once, before the question's own conversation.
            let turns = example.conversation().into_iter();
            let turns = turns.filter(|turn| turn.role != Role::System);
            pairs.entry(example.area.clone()).or_default().extend(turns);
        }
    }
    Ok(pairs)
}

/// Base's scores with pairs before the question of every item whose area has some; what the prompts of an
/// area share is read once.
fn score_with_pairs(
    shared: &Shared<'_>,
    pairs: &BTreeMap<String, Vec<Message>>,
    seen: Seen,
) -> Result<Vec<ItemScore>> {
    let base = Arm { name: "prompt-only".into(), lora: None, probability: 1.0 };
    let mut scores: Vec<ItemScore> =
        shared.held_out.iter().filter(|score| !pairs.contains_key(&score.area)).cloned().collect();
    for (area, turns) in pairs {
        let items: Vec<Example> = shared
            .bench
            .held_out()
            .iter()
            .filter(|item| item.area == *area)
            .map(|item| Example {
                messages: {
                    let (system, own): (Vec<Message>, Vec<Message>) =
                        item.messages.iter().cloned().partition(|turn| turn.role == Role::System);
                    [system, turns.clone(), own].concat()
                },
                // A check implied by area and answer stays; the prompt is not what implies it.
                check: item.effective_check(),
                provenance: Provenance::File,
                ..item.clone()
            })
            .collect();
        seen(Event::Note(format!("{} pairs of {area} in the prompt", turns.len() / 2)));
        let answers = shared.targeted.contains(area);
        scores.extend(scored(shared.runtime, &items, &base, answers, seen)?);
    }
    Ok(in_order(shared.bench.held_out(), scores))
}

/// Where an arm's work under a seed is kept.
pub fn folder_of(experiment: &Path, arm: &str, seed: u64) -> PathBuf {
    experiment.join("arms").join(arm).join(format!("seed-{seed}"))
}

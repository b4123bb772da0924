//! One arm under one seed: its examples, its lesson, its scores. Each step leaves a document in the arm's
//! folder, so that an experiment which was stopped goes on where it was.

use super::plan::{ArmPlan, Data};
use super::record::SeedResult;
use crate::eval::{Example, FieldMap, ItemScore, Provenance, measure, set};
use crate::improve::{
    ExampleCounts, KeptBatches, LessonRecord, Making, MakingEvent, Matched, Origin, Settings,
    Sources, Start, WeakAreas, Workbench, learn_into, lessons, matched, steps_per_epoch,
    trained_tokens, weak_areas, with_steps,
};
use crate::model::adapter::AdapterFolder;
use crate::model::lora::Lora;
use crate::runtime::Runtime;
use crate::store::{Documents, Message, Role};
use crate::tasks::Arm;
use crate::train::TrainSettings;
use crate::workplace::{Error, Event, Result, Seen, Workplace, scored};
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

/// Where an arm's adapter lies in its folder.
pub const ADAPTER: &str = "adapter";

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

/// One arm under one seed, in its folder.
pub struct ArmRun<'a> {
    pub shared: &'a Shared<'a>,
    pub plan: &'a ArmPlan,
    pub seed: u64,
    pub folder: &'a Documents,
    /// The folder of the arm whose adapter this one goes on from.
    pub before: Option<&'a Path>,
}

impl ArmRun<'_> {
    /// Runs the arm, or reads what it came to.
    ///
    /// # Errors
    /// Work that fails or is cancelled: then it can be gone on with.
    pub fn run(&self, dose: Option<Dose>, seen: Seen) -> Result<SeedOutcome> {
        if let Some(outcome) = self.folder.read(files::SCORES)? {
            return Ok(outcome);
        }
        let began = Instant::now();
        let Self { shared, plan, seed, .. } = *self;
        let settings =
            Settings { seed: plan.settings.seed.wrapping_add(seed), ..plan.settings.clone() };
        let find = self.find_scores(seen)?;
        let weak = weak_areas(&find, settings.threshold);
        let untaught = || LessonRecord { steps: 0, losses: Vec::new(), seconds: 0.0 };
        let (scores, made, lesson) = if weak.areas.is_empty() {
            // Nothing to learn from: the arm is what it started from.
            let scores = match self.previous()? {
                None => shared.held_out.to_vec(),
                Some(lora) => score_held_out(shared, &self.arm(lora), seen)?,
            };
            (scores, Made::default(), untaught())
        } else if plan.data == Data::PromptOnly {
            let pairs = pairs_in_prompt(shared, &weak, seed)?;
            let distinct = pairs.values().map(|turns| turns.len() / 2).sum();
            let scores = score_with_pairs(shared, &pairs, seen)?;
            (scores, Made { distinct, ..Made::default() }, untaught())
        } else {
            let (made, examples) = self.examples(&settings, &find, &weak, dose, seen)?;
            let train = with_steps(shared.train, made.steps_per_epoch, settings.seed);
            let adapter = self.before.map(|before| before.join(ADAPTER));
            let start = Start { adapter, ..Start::default() };
            let (workplace, runtime) = (shared.workplace, shared.runtime);
            let (lora, lesson) =
                learn_into(self.folder, workplace, runtime, &examples, &train, start, seen)?;
            (score_held_out(shared, &self.arm(lora), seen)?, made, lesson)
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
        self.folder.write(files::SCORES, &outcome)?;
        Ok(outcome)
    }

    fn arm(&self, lora: Arc<Lora>) -> Arm {
        Arm::chosen(&self.plan.name, Some(lora))
    }

    /// The adapter that the arm goes on from.
    fn previous(&self) -> Result<Option<Arc<Lora>>> {
        let Some(before) = self.before else { return Ok(None) };
        let folder = AdapterFolder::new(before.join(ADAPTER));
        Ok(Some(Arc::new(folder.load(self.shared.runtime.model())?.lora)))
    }

    /// The find items' scores by base, or by the adapter that the arm goes on from: each round looks for
    /// weakness anew.
    fn find_scores(&self, seen: Seen) -> Result<Vec<ItemScore>> {
        let shared = self.shared;
        let Some(lora) = self.previous()? else { return Ok(shared.find.to_vec()) };
        if let Some(scores) = self.folder.read(files::FIND)? {
            return Ok(scores);
        }
        let find = shared.bench.find();
        let scores = scored(shared.runtime, find, &self.arm(lora), false, seen)?;
        self.folder.write(files::FIND, &scores)?;
        Ok(scores)
    }

    /// The examples of the arm: the first arm's say how much the others learn.
    fn examples(
        &self,
        settings: &Settings,
        find: &[ItemScore],
        weak: &WeakAreas,
        dose: Option<Dose>,
        seen: Seen,
    ) -> Result<(Made, Vec<Example>)> {
        if let Some(made) = self.folder.read::<Made>(files::MADE)? {
            let path = self.folder.path().join(files::EXAMPLES);
            return Ok((made, set::read(&path, &FieldMap::default())?));
        }
        let Self { shared, plan, .. } = self;
        let bench = shared.bench;
        let (counts, all) = match plan.data {
            Data::Targeted => self.made(settings, bench.weak_sources(find, weak), dose, seen)?,
            Data::RandomFind => self.made(settings, bench.all_sources(find), dose, seen)?,
            Data::Unrelated => {
                (BTreeMap::new(), shuffled(shared.unrelated.to_vec(), settings.seed))
            }
            Data::References | Data::PromptOnly => {
                (BTreeMap::new(), shuffled(weak_items(shared, weak), settings.seed))
            }
        };
        let max_seq = shared.train.max_seq;
        let (lesson, steps_per_epoch) = match dose {
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
        let Matched { examples, distinct, tokens } = lesson;
        let made = Made { counts, distinct, tokens, steps_per_epoch };
        self.folder.write_lines(files::EXAMPLES, &examples)?;
        self.folder.write(files::MADE, &made)?;
        Ok((made, examples))
    }

    /// Examples made in the way of `sources`, and the candidates by their fates.
    fn made(
        &self,
        settings: &Settings,
        sources: Sources,
        dose: Option<Dose>,
        seen: Seen,
    ) -> Result<(BTreeMap<String, usize>, Vec<Example>)> {
        let Self { shared, plan, .. } = self;
        let settings = &enough(shared, settings, &sources, dose)?;
        let making = Making {
            runtime: shared.runtime,
            bench: shared.bench,
            settings,
            sources,
            origin: match plan.data {
                Data::RandomFind => Origin::Random,
                _ => Origin::EachInTurn,
            },
            lora: self.previous()?,
        };
        let mut batches = KeptBatches::open(self.folder)?;
        let filtered = making.run(&mut batches, &mut |event| {
            if let MakingEvent::Work(event) = event {
                seen(event);
            }
        })?;
        let counts = ExampleCounts::from(&filtered);
        let rejected = counts.rejected.iter();
        let mut fates: BTreeMap<String, usize> =
            rejected.map(|(rule, count)| (rule.as_str().to_owned(), *count)).collect();
        fates.insert("kept".into(), counts.kept);
        fates.insert("kept, can be checked".into(), counts.checked);
        fates.insert("kept, fails its check".into(), counts.failed_check);
        let examples = lessons(filtered.kept(), shared.bench.find_by_id(), settings.weighting);
        if examples.is_empty() {
            return Err(Error::Usage(format!(
                "the arm {} has no example that is good enough to train on ({} were made)",
                plan.name, counts.generated
            )));
        }
        Ok((fates, examples))
    }
}

/// Settings that make as many examples as hold the first arm's tokens, by the length of what is imitated,
/// and a quarter more: they are cut to measure.
fn enough(
    shared: &Shared<'_>,
    settings: &Settings,
    sources: &Sources,
    dose: Option<Dose>,
) -> Result<Settings> {
    let (Some(count), Some(dose)) = (settings.count, dose) else { return Ok(settings.clone()) };
    let imitated: Vec<Example> =
        sources.items.iter().map(|source| source.example.clone()).collect();
    let counted = trained_tokens(&imitated, shared.runtime, shared.train.max_seq)?;
    let tokens: usize = counted.iter().sum();
    let needed = dose.tokens * counted.len() / tokens.max(1);
    let count = needed.clamp(1, count) * 5 / 4 + 1;
    Ok(Settings { count: Some(count), ..settings.clone() })
}

/// The weak find items of weak areas, in the set's order.
fn weak_items(shared: &Shared<'_>, weak: &WeakAreas) -> Vec<Example> {
    let ids: BTreeSet<&str> = weak.examples.iter().map(|weak| weak.id.as_str()).collect();
    let find = shared.bench.find().iter();
    find.filter(|item| ids.contains(item.id.as_str())).cloned().collect()
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
    let mut pairs: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let context = shared.runtime.model().network.architecture().context;
    let room = PROMPT_TOKENS.min((context as f64 * PROMPT_SHARE) as usize);
    for example in shuffled(weak_items(shared, weak), seed) {
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
    let base = Arm::chosen("prompt-only", None);
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

//! A set laid out for a round: what may be imitated, what decides, and what made examples must keep away
//! from.

use super::critique::Critique;
use super::few_shot::FewShot;
use super::filter::Filter;
use super::generate::{Generator, Origin, Source, Sources};
use super::plausible::Plausible;
use super::pool::Pool;
use super::{GeneratorKind, Settings, WeakAreas};
use crate::eval::{Assignment, Example, ItemScore, Neighbourhood, Place};
use crate::model::lora::Lora;
use crate::runtime::Runtime;
use crate::tasks::Arm;
use crate::workplace::{Event, Result, Seen, Workplace, trained_prompts};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// The set of a round or an experiment.
pub struct Workbench {
    find: Vec<Example>,
    find_by_id: HashMap<String, Example>,
    held_out: Vec<Example>,
    groups: BTreeMap<String, String>,
    deciding: Neighbourhood,
    fresh: Neighbourhood,
    areas: BTreeSet<String>,
    pool: Vec<Example>,
}

impl Workbench {
    /// Divides a set; what takes no part is told.
    ///
    /// # Errors
    /// When the splits cannot be kept, or nothing is in find or held out.
    pub fn lay_out(
        workplace: &Workplace,
        set: &[Example],
        reference: &Arm,
        seen: Seen,
    ) -> Result<Self> {
        let assignment: Assignment = workplace.ledger().assign(set)?;
        for item in &assignment.left_out {
            seen(Event::Note(format!("{} is left out: {}", item.id, item.reason)));
        }
        let of = |place: Place| -> Vec<Example> {
            assignment.select(set, place).into_iter().cloned().collect()
        };
        let (find, mut held_out) = (of(Place::Find), of(Place::HeldOut));
        let deciding = [of(Place::HeldOut), of(Place::Final)].concat();
        let learned = trained_prompts(workplace, reference)?;
        let before = held_out.len();
        held_out.retain(|item| !learned.contains(&item.prompt_sha256()));
        if held_out.len() < before {
            seen(Event::Note(format!(
                "{} held-out items are left out: {} was trained on them",
                before - held_out.len(),
                reference.name
            )));
        }
        if held_out.is_empty() {
            return Err(crate::eval::Error::NothingHeldOut.into());
        }
        if find.is_empty() {
            return Err(crate::eval::Error::NothingToFind.into());
        }
        Ok(Self {
            find_by_id: find.iter().map(|item| (item.id.clone(), item.clone())).collect(),
            deciding: Neighbourhood::of(&deciding, set),
            fresh: Neighbourhood::of([], set),
            areas: set.iter().map(|item| item.area.clone()).collect(),
            groups: assignment.groups,
            pool: Vec::new(),
            find,
            held_out,
        })
    }

    /// The same with a person's file to choose from.
    pub fn with_pool(self, pool: Vec<Example>) -> Self {
        Self { pool, ..self }
    }

    pub fn find(&self) -> &[Example] {
        &self.find
    }

    pub fn find_by_id(&self) -> &HashMap<String, Example> {
        &self.find_by_id
    }

    pub fn held_out(&self) -> &[Example] {
        &self.held_out
    }

    /// Ids of the items to the groups of near-duplicates that they form.
    pub fn groups(&self) -> &BTreeMap<String, String> {
        &self.groups
    }

    pub fn areas(&self) -> &BTreeSet<String> {
        &self.areas
    }

    /// Held-out and final items, which nothing that is made may be near to.
    pub fn deciding(&self) -> &Neighbourhood {
        &self.deciding
    }

    /// Groups of the held-out items of some areas.
    pub fn held_out_groups(&self, areas: &BTreeSet<String>) -> usize {
        let own = self.held_out.iter().filter(|item| areas.contains(&item.area));
        let groups: BTreeSet<&String> = own.filter_map(|item| self.groups.get(&item.id)).collect();
        groups.len()
    }

    /// The weak find items of weak areas.
    pub fn weak_sources(&self, find: &[ItemScore], weak: &WeakAreas) -> Sources {
        let ids: BTreeSet<&str> = weak.examples.iter().map(|weak| weak.id.as_str()).collect();
        sources(&self.find, find, |score| ids.contains(score.id.as_str()))
    }

    /// All find items.
    pub fn all_sources(&self, find: &[ItemScore]) -> Sources {
        sources(&self.find, find, |_| true)
    }

    /// Of each area with answers that can be checked: how a made answer is.
    pub fn checks(&self) -> BTreeMap<String, Plausible> {
        let of = |area: &String| {
            let own = self.find.iter().filter(|item| item.area == *area);
            Some((area.clone(), Plausible::of_area(own)?))
        };
        self.areas.iter().filter_map(of).collect()
    }

    /// The folder of the adapter that a round starts from; none for base.
    ///
    /// # Errors
    /// An adapter that is gone.
    pub fn reference_folder(
        &self,
        workplace: &Workplace,
        reference: &Arm,
    ) -> Result<Option<PathBuf>> {
        match reference.lora {
            None => Ok(None),
            Some(_) => Ok(Some(workplace.registry().folder(&reference.name)?.path().to_owned())),
        }
    }
}

/// What made examples are held against under some settings.
pub fn filter_for(settings: &Settings, bench: &Workbench, runtime: &Runtime) -> Filter {
    let tokenizer = &runtime.model().tokenizer;
    // Blank ones are runs of spaces that the model's makers gave a token of their own.
    let control = tokenizer.control_texts().map(str::to_owned);
    let mut marks: Vec<String> = control.filter(|text| !text.trim().is_empty()).collect();
    marks.extend(["Question:", "Answer:", "<|", "|>", "[INST]"].map(str::to_owned));
    // What stands in the person's own items is no mark here, such as |> in some programming languages.
    marks.retain(|mark| {
        let own = |item: &Example| item.question().contains(mark) || item.answer.contains(mark);
        !bench.find.iter().any(own)
    });
    Filter {
        strictness: settings.strictness,
        // A pool is chosen for being surprising, and its answers are real.
        keep_top: match settings.generator {
            GeneratorKind::Pool(_) => 1.0,
            _ => settings.keep_top,
        },
        min_diversity: settings.min_diversity,
        count: settings.count,
        deciding: bench.deciding.clone(),
        find: bench.find_by_id.clone(),
        checks: bench.checks(),
        marks,
        fresh: bench.fresh.clone(),
    }
}

/// The generator that the settings name. Says how many items of a pool were dropped.
pub fn generator_for(
    settings: &Settings,
    bench: &Workbench,
    sources: Sources,
    origin: Origin,
    limit: Option<usize>,
    lora: Option<Arc<Lora>>,
    seen: Seen,
) -> Box<dyn Generator> {
    let few_shot = |sources| FewShot {
        sources,
        origin,
        limit,
        temperature: settings.temperature,
        top_p: settings.top_p,
        seed: settings.seed,
        lora: lora.clone(),
    };
    match &settings.generator {
        GeneratorKind::FewShot => Box::new(few_shot(sources)),
        GeneratorKind::Critique => {
            Box::new(Critique { first: few_shot(sources), checks: bench.checks() })
        }
        GeneratorKind::Pool(_) => {
            let limit = limit.unwrap_or(bench.pool.len());
            let (pool, dropped) =
                Pool::new(bench.pool.clone(), sources, &bench.deciding, lora, limit);
            if dropped > 0 {
                seen(Event::Note(format!(
                    "{dropped} items of the pool are dropped: they are near to items that decide"
                )));
            }
            Box::new(pool)
        }
    }
}

/// The find items that may be imitated, of those that `choose` takes.
fn sources(find: &[Example], scores: &[ItemScore], choose: impl Fn(&ItemScore) -> bool) -> Sources {
    let by_id: HashMap<&str, &ItemScore> =
        scores.iter().map(|score| (score.id.as_str(), score)).collect();
    let source = |example: &Example| {
        let score = by_id.get(example.id.as_str()).filter(|score| choose(score))?;
        Some(Source { example: example.clone(), perplexity: score.nll.exp() })
    };
    Sources { items: find.iter().filter_map(source).collect() }
}

//! Examples for the weak areas of a set, without training on them.

use super::generate::{Batches, MakingEvent, Origin, Sources, generate};
use super::lesson::lessons;
use super::record::{RoundEvent, RoundSeen};
use super::round::working;
use super::settings::{limit, wanted};
use super::workbench::{Workbench, filter_for, generator_for};
use super::{Candidate, Filtered, GeneratorKind, Settings, WeakAreas, weak_areas};
use crate::eval::{Example, FieldMap, measure, set};
use crate::model::lora::Lora;
use crate::runtime::Runtime;
use crate::tasks::Arm;
use crate::workplace::{Result, Workplace, measuring};
use std::sync::Arc;

/// The making of examples: from what, in which way, and by whom.
pub struct Making<'a> {
    pub runtime: &'a Runtime,
    pub bench: &'a Workbench,
    pub settings: &'a Settings,
    pub sources: Sources,
    pub origin: Origin,
    /// Who writes; none is base.
    pub lora: Option<Arc<Lora>>,
}

impl Making<'_> {
    /// Makes what `batches` does not have yet, until there are enough good ones.
    ///
    /// # Errors
    /// When the model cannot be asked or a batch cannot be kept.
    pub fn run(
        self,
        batches: &mut dyn Batches,
        told: &mut dyn FnMut(MakingEvent<'_>),
    ) -> Result<Filtered> {
        let Self { runtime, bench, settings, sources, origin, lora } = self;
        let limit = limit(settings, sources.items.len());
        let generator =
            generator_for(settings, bench, sources, origin, limit, lora, &mut |event| {
                told(MakingEvent::Work(event))
            });
        let filter = filter_for(settings, bench, runtime);
        generate(runtime, generator.as_ref(), &filter, wanted(settings), batches, told)
    }
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Made {
    pub weak: WeakAreas,
    pub filtered: Filtered,
    /// The kept ones, as they would be trained on.
    pub examples: Vec<Example>,
}

/// Finds the weak areas of a set and makes examples for them; none where nothing is weak.
///
/// # Errors
/// A set that cannot be divided, or a model that cannot be asked.
pub fn make_examples(
    workplace: &Workplace,
    runtime: &Runtime,
    set: &[Example],
    settings: &Settings,
    arm: &Arm,
    seen: RoundSeen,
) -> Result<Made> {
    let pool = read_pool(settings)?;
    let bench = Workbench::lay_out(workplace, set, arm, &mut working(seen))?.with_pool(pool);
    let lora = arm.lora.clone();
    let scores = {
        let seen = &mut working(seen);
        measure::score(runtime, bench.find(), lora.as_ref(), &mut measuring("scoring", seen))?
    };
    let weak = weak_areas(&scores, settings.threshold);
    seen(RoundEvent::Weak(weak.clone()));
    if weak.areas.is_empty() {
        return Ok(Made { weak, filtered: Filtered::default(), examples: Vec::new() });
    }
    let making = Making {
        runtime,
        bench: &bench,
        settings,
        sources: bench.weak_sources(&scores, &weak),
        origin: Origin::EachInTurn,
        lora,
    };
    let filtered = making.run(&mut InMemory::default(), &mut |event| seen(event.into()))?;
    let examples = lessons(filtered.kept(), bench.find_by_id(), settings.weighting);
    Ok(Made { weak, filtered, examples })
}

/// The file to choose from, where the settings name one: read before any work, so that a bad line costs no
/// time.
///
/// # Errors
/// A file that cannot be read or has a bad line.
pub fn read_pool(settings: &Settings) -> Result<Vec<Example>> {
    match &settings.generator {
        GeneratorKind::Pool(path) => Ok(set::read(path, &FieldMap::default())?),
        _ => Ok(Vec::new()),
    }
}

/// Batches that nobody needs later.
#[derive(Default)]
struct InMemory(Vec<Vec<Candidate>>);

impl Batches for InMemory {
    fn made(&self) -> &[Vec<Candidate>] {
        &self.0
    }

    fn add(&mut self, batch: Vec<Candidate>) -> Result<()> {
        self.0.push(batch);
        Ok(())
    }
}

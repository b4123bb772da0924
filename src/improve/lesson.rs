//! One set of examples learned in a folder of its own: the adapter stays there, beside how it came to be,
//! and is in no registry. For arms that are compared and never used.

use super::candidate::Candidate;
use super::pool::uncertainty;
use super::settings::Weighting;
use crate::eval::Example;
use crate::model::adapter::AdapterFolder;
use crate::model::lora::Lora;
use crate::runtime::Runtime;
use crate::store::Documents;
use crate::train::{Plan, RunFolder, TrainSettings};
use crate::workplace::{
    Event, Material, Result, Seen, TrainRequest, Workplace, learn, prepare, prepare_resume,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The examples that candidates stand for, as they are trained on.
pub fn lessons<'a>(
    kept: impl IntoIterator<Item = &'a Candidate>,
    find: &HashMap<String, Example>,
    weighting: Weighting,
) -> Vec<Example> {
    let lesson = |candidate: &Candidate| {
        let mut example = candidate.example(find.get(candidate.seeds.first()?)?);
        if weighting == Weighting::Uncertainty && candidate.nll.is_finite() {
            example.weight = uncertainty(candidate.nll.exp());
        }
        Some(example)
    };
    kept.into_iter().filter_map(lesson).collect()
}

/// Examples with a stated number of trained tokens (answers and ends of turn).
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    pub examples: Vec<Example>,
    /// Different ones among them.
    pub distinct: usize,
    pub tokens: usize,
}

/// Takes `examples` in their order, and again from the first under new ids, until they hold `tokens`
/// trained tokens; the last one is left out where that comes nearer.
///
/// # Errors
/// An example that the chat template refuses.
pub fn matched(
    examples: &[Example],
    tokens: usize,
    runtime: &Runtime,
    max_seq: usize,
) -> Result<Matched> {
    let counted = trained_tokens(examples, runtime, max_seq)?;
    let mut matched = Matched { examples: Vec::new(), distinct: 0, tokens: 0 };
    if counted.iter().all(|count| *count == 0) {
        return Ok(matched);
    }
    'rounds: for round in 0.. {
        for (example, count) in examples.iter().zip(&counted).filter(|(_, count)| **count > 0) {
            let over = (matched.tokens + count).saturating_sub(tokens);
            let under = tokens.saturating_sub(matched.tokens);
            if over > 0 && (over >= under || under == 0) && !matched.examples.is_empty() {
                break 'rounds;
            }
            let id = match round {
                0 => example.id.clone(),
                _ => format!("{} again {round}", example.id),
            };
            matched.examples.push(Example { id, ..example.clone() });
            matched.distinct += usize::from(round == 0);
            matched.tokens += count;
        }
    }
    Ok(matched)
}

/// Tokens that training learns of each example; 0 for one that is too long to learn.
///
/// # Errors
/// An example that the chat template refuses.
pub fn trained_tokens(
    examples: &[Example],
    runtime: &Runtime,
    max_seq: usize,
) -> Result<Vec<usize>> {
    if examples.is_empty() {
        return Ok(Vec::new());
    }
    let model = runtime.model();
    examples
        .iter()
        .map(|example| {
            let items = crate::eval::measure::items(model, std::slice::from_ref(example))?;
            let fits = items.iter().all(|item| item.ids.len() <= max_seq);
            Ok(if fits { items.iter().map(|item| item.scored.len()).sum() } else { 0 })
        })
        .collect()
}

/// What a lesson was and how it went, as it is kept beside the adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LessonRecord {
    pub steps: usize,
    pub losses: Vec<f64>,
    pub seconds: f64,
}

/// Learns `examples` into `folder/adapter`, going on where an earlier attempt was interrupted; what is
/// there already is loaded.
///
/// # Errors
/// Training that fails, or was interrupted: then it can be gone on with.
pub fn learn_into(
    folder: &Documents,
    workplace: &Workplace,
    runtime: &Runtime,
    examples: &[Example],
    settings: &TrainSettings,
    init: Option<PathBuf>,
    seen: Seen,
) -> Result<(Arc<Lora>, LessonRecord)> {
    const RECORD: &str = "lesson.json";
    let adapter = AdapterFolder::new(folder.path().join("adapter"));
    if let Some(record) = folder.read::<LessonRecord>(RECORD)? {
        return Ok((Arc::new(adapter.load(runtime.model())?.lora), record));
    }
    let runs = folder.path().join("runs");
    let began = Instant::now();
    let prepared = match begun(&runs) {
        Some(run) => prepare_resume(workplace, runtime, run)?,
        None => {
            // A run that was cut off while its folder was made is no run.
            let _ = std::fs::remove_dir_all(&runs);
            std::fs::create_dir_all(&runs)
                .map_err(|e| crate::store::Error::io("make the folder", &runs, e))?;
            let request = TrainRequest {
                material: Material::Examples(examples.to_vec()),
                init,
                settings: settings.clone(),
                accumulation_is_default: false,
                shape_is_default: true,
                replay: 0.0,
                watch: Vec::new(),
                runs: Some(runs),
            };
            prepare(workplace, runtime, request)?
        }
    };
    for note in &prepared.notes {
        seen(Event::Note(note.clone()));
    }
    let (trained, learned) = learn(runtime, prepared, |_| (), seen)?;
    let Some(learned) = learned else {
        return Err(crate::runtime::Error::Cancelled.into());
    };
    adapter.write(&learned.lora, Some(&learned.metadata), runtime.model())?;
    let record = LessonRecord {
        steps: trained.steps,
        losses: trained.losses,
        seconds: began.elapsed().as_secs_f64(),
    };
    folder.write(RECORD, &record)?;
    Ok((Arc::new(learned.lora), record))
}

/// The run that was begun in a folder, if it can be gone on with.
pub(super) fn begun(runs: &Path) -> Option<RunFolder> {
    let run = RunFolder::find(runs, "last").ok()?;
    (run.record().is_ok() && run.examples().is_ok()).then_some(run)
}

/// Steps of an epoch over so many examples, where nobody said how many: a step takes what is configured,
/// less where that gives few steps.
pub fn steps_per_epoch(examples: usize, settings: &TrainSettings) -> usize {
    let accumulate = Plan::fitting_accumulation(
        examples,
        settings.epochs,
        settings.batch_size,
        settings.accumulate,
    );
    examples.div_ceil((settings.batch_size * accumulate).max(1))
}

/// The settings that train `examples` in as many steps as another arm.
pub fn with_steps(settings: &TrainSettings, steps: usize, seed: u64) -> TrainSettings {
    TrainSettings { steps_per_epoch: Some(steps), seed, ..settings.clone() }
}

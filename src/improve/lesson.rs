//! One set of examples learned in a folder of its own: the adapter stays there, beside how it came to be,
//! and is in no registry. For arms that are compared and never used.

use super::candidate::Candidate;
use super::pool::uncertainty;
use super::settings::Weighting;
use crate::eval::{Example, Neighbourhood};
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

/// Takes `examples` in their order, and again from the first under new ids, as long as they hold no more
/// than `tokens` trained tokens; then the one that brings them nearest, if any does.
///
/// # Errors
/// An example that the chat template refuses.
pub fn matched(
    examples: &[Example],
    tokens: usize,
    runtime: &Runtime,
    max_seq: usize,
) -> Result<Matched> {
    Ok(taken(examples, &trained_tokens(examples, runtime, max_seq)?, tokens))
}

/// As [`matched`], for examples whose tokens are counted.
fn taken(examples: &[Example], counted: &[usize], tokens: usize) -> Matched {
    let mut matched = Matched { examples: Vec::new(), distinct: 0, tokens: 0 };
    // How often each was taken.
    let mut taken = vec![0usize; examples.len()];
    let mut take = |place: usize, matched: &mut Matched| {
        let id = match taken[place] {
            0 => examples[place].id.clone(),
            again => format!("{} again {again}", examples[place].id),
        };
        matched.examples.push(Example { id, ..examples[place].clone() });
        matched.distinct += usize::from(taken[place] == 0);
        matched.tokens += counted[place];
        taken[place] += 1;
    };
    let places: Vec<usize> = (0..examples.len()).filter(|place| counted[*place] > 0).collect();
    let mut next = places.iter().copied().cycle();
    while let Some(place) = next.next() {
        if matched.tokens + counted[place] > tokens {
            let rest = tokens - matched.tokens;
            // In the order from here: of equals the one whose turn is next.
            let turn = std::iter::once(place).chain(next.take(places.len() - 1));
            let nearest = turn.min_by_key(|place| counted[*place].abs_diff(rest));
            if let Some(nearest) = nearest
                && (counted[nearest].abs_diff(rest) < rest || matched.examples.is_empty())
            {
                take(nearest, &mut matched);
            }
            break;
        }
        take(place, &mut matched);
    }
    matched
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

/// What a lesson starts from, beside its examples.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The folder of an adapter to go on from; none is a fresh one.
    pub adapter: Option<PathBuf>,
    /// Share of good answers of the past.
    pub replay: f64,
    /// What those must not be near to.
    pub keep_away: Neighbourhood,
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
    start: Start,
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
                init: start.adapter,
                settings: settings.clone(),
                accumulation_is_default: false,
                shape_is_default: true,
                replay: start.replay,
                watch: Vec::new(),
                runs: Some(runs),
                keep_away: start.keep_away,
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
    let record = run.record().ok()?;
    // What it starts from is written after its record: without it, it never began.
    let starts =
        record.parent.is_none() || run.path().join("initial/adapter_model.safetensors").exists();
    (starts && run.examples().is_ok()).then_some(run)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Provenance;
    use crate::store::Message;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn examples(count: usize) -> Vec<Example> {
        (0..count)
            .map(|nth| Example {
                id: format!("e{nth}"),
                area: "shell".into(),
                messages: vec![Message::user("q")],
                answer: "a".into(),
                weight: 1.0,
                provenance: Provenance::Targeted,
                check: None,
            })
            .collect()
    }

    // If this fails, an arm of an experiment learns more than another, and that is called targeting.
    #[test]
    fn a_lesson_holds_the_tokens_that_are_asked_for_as_nearly_as_whole_examples_can() {
        let all = examples(4);
        let lesson = taken(&all, &[10, 20, 0, 30], 60);
        assert_eq!((lesson.tokens, lesson.distinct, lesson.examples.len()), (60, 3, 3));
        // Repeats are told apart, and counted once.
        let lesson = taken(&all, &[10, 20, 0, 30], 98);
        let ids: Vec<&str> = lesson.examples.iter().map(|example| example.id.as_str()).collect();
        assert_eq!(ids, ["e0", "e1", "e3", "e0 again 1", "e1 again 1", "e0 again 2"]);
        assert_eq!((lesson.tokens, lesson.distinct), (100, 3));
        // The nearest that there is, not the next.
        assert_eq!(taken(&all, &[10, 40, 3, 30], 13).tokens, 13);
        assert_eq!(taken(&all, &[50, 40, 60, 70], 13).tokens, 40);
        assert_eq!(taken(&all, &[0; 4], 50).examples.len(), 0);
    }

    proptest! {
        #[test]
        fn no_lesson_is_off_by_more_than_half_an_example(
            counted in prop::collection::vec(1usize..60, 1..12),
            tokens in 1usize..900,
        ) {
            let lesson = taken(&examples(counted.len()), &counted, tokens);
            let longest = counted.iter().copied().max().unwrap_or(0);
            let off = lesson.tokens.abs_diff(tokens);
            prop_assert!(off <= longest.div_ceil(2) || lesson.examples.len() == 1, "{} of {}", lesson.tokens, tokens);
            let ids: BTreeSet<&str> = lesson.examples.iter().map(|one| one.id.as_str()).collect();
            prop_assert_eq!(ids.len(), lesson.examples.len());
            prop_assert!(lesson.distinct <= counted.len());
        }
    }

    #[test]
    fn weights_follow_uncertainty_only_where_that_is_asked_for() {
        let find: HashMap<String, Example> =
            examples(1).into_iter().map(|example| (example.id.clone(), example)).collect();
        let candidate = |nll: f64| Candidate {
            id: "made".into(),
            area: "shell".into(),
            seeds: vec!["e0".into()],
            question: "q2".into(),
            answer: "a2".into(),
            complete: true,
            refused: None,
            nll,
            before: Vec::new(),
        };
        let weight = |nll, weighting| lessons([&candidate(nll)], &find, weighting)[0].weight;
        assert_eq!(weight(3.0, Weighting::Uniform), 1.0);
        let certain = weight(99f64.ln(), Weighting::Uncertainty);
        assert!((certain - 1.0).abs() < 1e-12, "{certain}");
        assert!(weight(0.1, Weighting::Uncertainty) < 0.2);
        let made = &lessons([&candidate(1.0)], &find, Weighting::Uniform)[0];
        assert_eq!((made.prompt(), made.answer.as_str()), ("q2".to_owned(), "a2"));
    }
}

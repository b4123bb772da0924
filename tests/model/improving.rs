//! Rounds of improvement on the real model. If one of these fails, a verdict rests on what was learned by
//! heart, or the same question has two answers.

use crate::common::reference::data;
use crate::fixture::{runtime, settings, workplace};
use kaizen::config::{ErrorDriven, PerplexityThreshold};
use kaizen::eval::measure::{self, Length};
use kaizen::eval::{Example, FieldMap, Place, set};
use kaizen::improve::{
    Control, Ending, GeneratorKind, ImproveRequest, RoundEvent, RoundResult, Settings, improve,
};
use kaizen::model::sampler::Sampling;
use kaizen::runtime::Runtime;
use kaizen::tasks::Arm;
use kaizen::workplace::{Event, Workplace, evaluation_set};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Commands, which the model finds hard, beside code, which it does not. In an area of another name and
/// without a check none of them is answered: these tests are about what is chosen, and answers take long.
fn items(commands: usize, code: usize) -> Vec<Example> {
    let all = evaluation_set().unwrap();
    let of = |area: &str, name: &str, count: usize| -> Vec<Example> {
        let own = all.iter().filter(|item| item.area == area).take(count).cloned();
        own.map(|item| Example { area: name.into(), check: None, ..item }).collect()
    };
    [of("shell", "commands", commands), of("code", "code", code)].concat()
}

fn request(examples: Vec<Example>) -> ImproveRequest {
    ImproveRequest {
        examples,
        set: "a part of the built-in set".into(),
        reference: Arm::base(),
        settings: Settings { count: Some(6), ..Settings::from_config(&ErrorDriven::default(), 11) },
        train: settings(),
        accumulation_is_default: false,
        replay: 0.0,
        control: Control::None,
        iterations: 1,
        sentinels: Some(1),
    }
}

fn round(workplace: &Workplace, runtime: &Runtime, request: &ImproveRequest) -> RoundResult {
    let mut results = improve(workplace, runtime, request, &mut |_| ()).unwrap();
    assert_eq!(results.len(), 1);
    results.remove(0)
}

fn document(workplace: &Workplace, result: &RoundResult, name: &str) -> String {
    let folder = workplace.home.experiments().join(&result.round);
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// What may be trained on and what decides are apart, and what decides has no say in what is trained.
#[test]
fn poisoned_answers_of_items_that_decide_change_nothing_before_the_gate() {
    let runtime = runtime();
    let (_folder, clean) = workplace();
    let sound = round(&clean, &runtime, &request(items(36, 6)));
    assert!(sound.adapter.is_some() && sound.held_out.is_some(), "{}", sound.reason);
    assert!(sound.examples.kept > 0 && sound.weak.areas.contains("commands"));

    let (_folder, poisoned) = workplace();
    let mut items = items(36, 6);
    let places = poisoned.ledger().assign(&items).unwrap().places;
    let mut changed = 0;
    for item in &mut items {
        if places.get(&item.id).is_some_and(|place| *place != Place::Find) {
            item.answer = format!("poison {}", item.id.chars().rev().collect::<String>());
            item.check = None;
            changed += 1;
        }
    }
    assert!(changed > 20);
    let other = round(&poisoned, &runtime, &request(items));
    for name in ["weak.json", "candidates.jsonl", "judged.json", "examples.jsonl"] {
        let (a, b) = (document(&clean, &sound, name), document(&poisoned, &other, name));
        assert!(a == b, "{name} depends on answers of held-out or final items");
    }
    let tensors = |workplace: &Workplace, result: &RoundResult| {
        let adapter = result.adapter.as_ref().unwrap();
        let folder = workplace.registry().folder(adapter).unwrap();
        std::fs::read(folder.path().join("adapter_model.safetensors")).unwrap()
    };
    assert!(tensors(&clean, &sound) == tensors(&poisoned, &other), "the training depends on them");
    // The gate does see them.
    assert_ne!(sound.held_out.unwrap().a, other.held_out.unwrap().a);
}

// If this fails, asking again gives another answer, and a person asks until they like it.
#[test]
fn the_same_seed_gives_the_same_verdict_and_numbers() {
    let runtime = runtime();
    let results: Vec<RoundResult> = (0..2)
        .map(|_| {
            let (_folder, workplace) = workplace();
            round(&workplace, &runtime, &request(items(24, 4)))
        })
        .collect();
    let figures = |result: &RoundResult| {
        let held_out = result.held_out.clone().unwrap();
        (held_out, result.decision, result.examples.clone(), result.areas.clone())
    };
    assert_eq!(figures(&results[0]), figures(&results[1]));
}

/// Puts the model's own greedy answers in the place of a set's.
fn answered_by_the_model(runtime: &Runtime, items: &mut [Example], tokens: usize) {
    let questions: Vec<Example> = items.to_vec();
    let questions: Vec<&Example> = questions.iter().collect();
    let length = Length::UpTo(tokens);
    let greedy = |_| Sampling::GREEDY;
    let answers =
        measure::answer(runtime, &questions, None, greedy, length, &mut |_, _| ()).unwrap();
    for (item, answer) in items.iter_mut().zip(answers) {
        item.answer = answer.text;
        item.check = None;
    }
}

fn has_nothing_to_improve(runtime: &Runtime, items: Vec<Example>) {
    let (_folder, workplace) = workplace();
    let mut asked = request(items);
    asked.settings.threshold = PerplexityThreshold::Auto;
    let result = round(&workplace, runtime, &asked);
    assert_eq!(result.decision, Ending::NothingToImprove, "{:?}", result.weak);
    assert!(result.adapter.is_none() && result.reason.contains("--threshold"), "{}", result.reason);
    assert!(workplace.registry().list().unwrap().is_empty());
    assert!(std::fs::read_dir(workplace.home.runs()).unwrap().next().is_none());
}

// If this fails, a model that answers exactly as the set says is trained all the same.
#[test]
fn a_set_of_the_models_own_answers_has_nothing_to_improve() {
    let runtime = runtime();
    let mut items = items(12, 4);
    answered_by_the_model(&runtime, &mut items, 48);
    has_nothing_to_improve(&runtime, items);
}

/// As [`a_set_of_the_models_own_answers_has_nothing_to_improve`], on 100 items each of NL2Bash, GSM8K and
/// MBPP.
#[test]
#[ignore = "takes minutes: the model answers 300 questions"]
fn published_questions_with_the_models_own_answers_have_nothing_to_improve() {
    let Some(data) = data() else { return };
    let runtime = runtime();
    let mut items = Vec::new();
    for name in ["shell.jsonl", "maths.jsonl", "code.jsonl"] {
        items.extend(set::read(&data.join(name), &FieldMap::default()).unwrap().drain(..100));
    }
    answered_by_the_model(&runtime, &mut items, 192);
    has_nothing_to_improve(&runtime, items);
}

fn pool_of(items: &[Example], folder: &Path) -> PathBuf {
    let path = folder.join("pool.jsonl");
    let lines: Vec<String> =
        items.iter().map(|item| serde_json::to_string(item).unwrap()).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

// If this fails, a person's file that holds test items makes every adapter look good.
#[test]
fn a_pool_that_contains_what_decides_is_cleaned_and_that_is_said() {
    let runtime = runtime();
    let (folder, workplace) = workplace();
    let all = items(50, 4);
    let items = items(30, 4);
    let pool = pool_of(&all, folder.path());
    let request = ImproveRequest {
        settings: Settings {
            generator: GeneratorKind::Pool(pool),
            count: Some(3),
            threshold: PerplexityThreshold::Fixed(8.0),
            ..Settings::from_config(&ErrorDriven::default(), 1)
        },
        ..request(items.clone())
    };
    let mut notes = Vec::new();
    let results = improve(&workplace, &runtime, &request, &mut |event| {
        if let RoundEvent::Work(Event::Note(note)) = event {
            notes.push(note);
        }
    })
    .unwrap();
    assert!(notes.iter().any(|note| note.contains("items of the pool are dropped")), "{notes:?}");
    let places = workplace.ledger().assign(&items).unwrap().places;
    let deciding: BTreeSet<String> = items
        .iter()
        .filter(|item| places.get(&item.id).is_some_and(|place| *place != Place::Find))
        .map(Example::prompt)
        .collect();
    let trained = document(&workplace, &results[0], "examples.jsonl");
    assert!(results[0].examples.kept > 0, "{:?}", results[0].examples);
    for line in trained.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(!deciding.contains(line["prompt"].as_str().unwrap()), "{line}");
    }
}

// If this fails, what targeting gained is measured against another amount of training.
#[test]
fn the_control_learns_as_many_tokens_and_is_held_against_the_same_items() {
    let runtime = runtime();
    let (_folder, workplace) = workplace();
    let request = ImproveRequest { control: Control::RandomFind, ..request(items(24, 4)) };
    let result = round(&workplace, &runtime, &request);
    let control = result.control.unwrap();
    assert!(control.examples > 0 && control.change.is_finite());
    let [low, high] = control.ci95.unwrap();
    let against = control.targeted_against_control;
    assert!(low <= against && against <= high, "{control:?}");
}

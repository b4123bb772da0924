//! The picker as a person meets it: over a pane, by keys and reports.
#![allow(clippy::unwrap_used)]

use crate::adapters::AdapterSummary;
use crate::driver::{Effect, ModelReport, Report};
use crate::model::library::{Facts, Keeper, LocalModel};
use crate::tui::tests::{SIZES, Screen};
use crate::workplace::{Fits, ListedModel, MemoryFit, ModelList};
use std::sync::Arc;

fn listed(name: &str, keeper: Keeper, refusal: Option<&str>) -> ListedModel {
    let fit = |needed_mib, fits| refusal.is_none().then_some(MemoryFit { needed_mib, fits });
    ListedModel {
        model: LocalModel {
            name: name.into(),
            path: format!("/models/{name}").into(),
            keeper,
            lasting: format!("lasting {name}"),
            facts: Facts {
                title: None,
                architecture: Some("llama".into()),
                parameters: Some(134_515_008),
                quantisation: Some("Q4_1".into()),
                context: Some(2048),
                bytes: 98_362_432,
                shape: None,
                refusal: refusal.map(str::to_owned),
            },
        },
        is_default: false,
        running: fit(318, Fits::Yes),
        training: fit(1342, Fits::Tightly),
        adapters: Vec::new(),
    }
}

fn list() -> ModelList {
    let mut first = listed("SmolLM2-135M-Instruct.Q4_1.gguf", Keeper::Kaizen, None);
    first.is_default = true;
    first.adapters = vec!["lora-v1".into(), "lora-v2".into()];
    let why = "it is cut off: 1000 bytes of at least 98362432 are there, 98361432 are missing; fetch it again";
    let cut = listed("owner/repo:half.Q8_0.gguf", Keeper::Hub, Some(why));
    let mut large = listed("ollama:qwen3:4b", Keeper::Ollama, None);
    large.model.facts.architecture = Some("qwen3".into());
    large.model.facts.parameters = Some(4_022_468_096);
    large.running = Some(MemoryFit { needed_mib: 3579, fits: Fits::No });
    ModelList { models: vec![first, cut, large], ..ModelList::default() }
}

fn picker(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc").effects.clear();
    screen.keys("m").shows(&["Models on this machine", "looking at what is here"]);
    assert!(matches!(screen.effects.as_slice(), [Effect::ListModels]));
    screen.effects.clear();
    screen.report(Report::Models(Arc::new(list())));
    screen
}

fn used(screen: &Screen) -> Vec<String> {
    let used = screen.effects.iter().filter_map(|effect| match effect {
        Effect::UseModel(name) => Some(name.clone()),
        _ => None,
    });
    used.collect()
}

// If this fails, nobody sees which models they have, or why one of them is of no use.
#[test]
fn the_models_are_shown_with_what_they_take_and_why_not() {
    for (width, height) in SIZES {
        let mut screen = picker(width, height);
        insta::assert_snapshot!(format!("models_{width}x{height}"), screen.picture());
        screen.keys("down");
        insta::assert_snapshot!(format!("unsupported_{width}x{height}"), screen.picture());
    }
}

#[test]
fn enter_takes_a_model_that_can_be_used_and_no_other() {
    let mut screen = picker(80, 24);
    screen.keys("down enter").shows(&["cannot be used: it is cut off", "Models on this machine"]);
    assert!(used(&screen).is_empty());
    screen.keys("down enter");
    assert_eq!(used(&screen), ["lasting ollama:qwen3:4b"]);
    assert!(!screen.shown().contains("Models on this machine"));
    let config_file = "/home/config.toml".into();
    screen.report(Report::ModelChosen { name: "ollama:qwen3:4b".into(), config_file });
    screen.shows(&["ollama:qwen3:4b is the default from now on"]);
}

#[test]
fn what_is_typed_narrows_the_list() {
    let mut screen = picker(80, 24);
    screen.text("qwen").keys("enter");
    assert_eq!(used(&screen), ["lasting ollama:qwen3:4b"]);
    let mut screen = picker(80, 24);
    screen.text("zzz").shows(&["None is like that."]).keys("enter esc");
    assert!(used(&screen).is_empty());
    assert!(!screen.shown().contains("Models on this machine"));
}

#[test]
fn weak_areas_keep_their_m_and_a_capital_one_opens_the_list_there() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 3 M").shows(&["Models on this machine"]);
}

// If this fails, an adapter is offered that cannot be used, or vanishes without a word.
#[test]
fn adapters_of_another_model_are_not_offered_and_it_is_said() {
    let mut screen = Screen::new(100, 30);
    let adapter = |name: &str, sha256: &str| AdapterSummary {
        name: name.into(),
        base: Some(format!("model-{sha256}")),
        base_sha256: Some(sha256.into()),
        ..AdapterSummary::default()
    };
    let other = || Report::Adapters(vec![adapter("lora-v1", "c0ffee")]);
    screen.keys("esc").report(other());
    screen.shows(&["lora-v1 is not offered: it was trained for model-c0ffee"]);
    screen.keys("b b").shows(&["lora-v1 is not offered"]);
    screen.keys("5").shows(&["lora-v1 is not offered"]);
    let mut facts = Screen::facts();
    facts.sha256 = "c0ffee".into();
    screen.report(Report::Model(ModelReport::Ready(facts)));
    screen.shows(&["lora-v1"]);
    assert!(!screen.shown().contains("No adapter to compare with yet"));
}

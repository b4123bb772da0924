//! The held-out loss that a run shows must be the true one, and looking must change nothing.

use crate::fixture::{examples, model, request, runtime, settings, train, workplace};
use kaizen::eval::{Example, Provenance, measure};
use kaizen::store::Message;
use kaizen::train::{TrainEvent, TrainSettings};
use kaizen::workplace;
use kaizen::workplace::Event;
use std::sync::Arc;

/// Three steps.
fn three_steps() -> TrainSettings {
    let mut settings = TrainSettings { batch_size: 1, learning_rate: 1e-3, ..settings() };
    settings.lora.dropout = 0.1;
    settings
}

fn held_out() -> Vec<Example> {
    let questions =
        ["Name a colour.", "How does one boil an egg?", "Is 0 lucky?", "What is 7 + 5?"];
    questions
        .iter()
        .enumerate()
        .map(|(i, question)| Example {
            id: format!("held-{i}"),
            area: "shell".into(),
            // The third is trained on: it must not be watched.
            messages: vec![Message::system("Be brief."), Message::user(*question)],
            answer: "In ten minutes, if all goes well.".into(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        })
        .collect()
}

#[test]
fn the_held_out_loss_is_the_score_and_watching_changes_nothing() {
    let (runtime, (_folder, workplace)) = (runtime(), workplace());
    let plain =
        workplace::prepare(&workplace, &runtime, request(examples(3), three_steps())).unwrap();
    let plain = train(&workplace, &runtime, plain).adapter.unwrap();

    let mut asked = request(examples(3), three_steps());
    asked.watch = held_out();
    let prepared = workplace::prepare(&workplace, &runtime, asked).unwrap();
    let run = prepared.run.clone();
    let mut seen = Vec::new();
    let trained = workplace::run(&workplace, &runtime, prepared, |_| (), &mut |event| {
        if let Event::Train(TrainEvent::HeldOut { step, loss }) = event {
            seen.push((step, loss));
        }
    })
    .unwrap();
    let watched = trained.adapter.unwrap();

    let file = |name: &str| {
        let folder = workplace.registry().folder(name).unwrap();
        std::fs::read(folder.path().join("adapter_model.safetensors")).unwrap()
    };
    assert!(file(&plain) == file(&watched), "watching changed what was learned");

    let items = run.watched().unwrap();
    let mut ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["held-0", "held-1", "held-3"]);
    let score = |lora| {
        let scores = measure::score(&runtime, &items, lora, &mut |_, _| ()).unwrap();
        scores.iter().map(|score| score.nll).sum::<f64>() / scores.len() as f64
    };
    let lora = Arc::new(workplace.registry().load(&watched, &model()).unwrap().lora);
    let (before, after) = (score(None), score(Some(&lora)));
    let steps: Vec<usize> = seen.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [0, 1, 2, 3]);
    assert!((seen[0].1 - before).abs() < 1e-6, "{} instead of {before}", seen[0].1);
    assert!((seen[3].1 - after).abs() < 1e-6, "{} instead of {after}", seen[3].1);
    assert!((before - after).abs() > 1e-4, "this test could not tell start and end apart");

    let metrics = run.metrics().unwrap();
    assert_eq!(metrics[0].held_out_before, Some(seen[0].1));
    let recorded: Vec<Option<f64>> = metrics.iter().map(|line| line.held_out_loss).collect();
    assert_eq!(recorded, [Some(seen[1].1), Some(seen[2].1), Some(seen[3].1)]);
}

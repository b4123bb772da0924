//! Training here must learn what PEFT learns from the same start and the same examples.

use crate::common::reference::{ids, reference};
use crate::fixture::{model, request, runtime, settings, workplace};
use kaizen::eval::{Example, Provenance};
use kaizen::model::adapter::AdapterFolder;
use kaizen::model::lora::LoraConfig;
use kaizen::store::Message;
use kaizen::train::{Dataset, TrainEvent, TrainSettings};
use kaizen::workplace;
use kaizen::workplace::Event;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The reference's batch as examples; they must become the very tokens that PEFT was given.
fn batch(curve: &Value) -> Vec<Example> {
    let examples: Vec<Example> = curve["batch"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(i, pair)| Example {
            id: format!("pair-{i}"),
            area: "shell".into(),
            messages: vec![Message::user(pair["prompt"].as_str().unwrap())],
            answer: pair["answer"].as_str().unwrap().into(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        })
        .collect();
    let dataset = Dataset::new(examples.clone(), &model(), 512).unwrap();
    for (sample, pair) in dataset.samples.iter().zip(curve["batch"].as_array().unwrap()) {
        let (prompt, answer) = (ids(&pair["prompt_ids"]), ids(&pair["answer_ids"]));
        assert_eq!(sample.trained, prompt.len()..prompt.len() + answer.len());
        assert_eq!(sample.ids, [prompt, answer].concat());
    }
    examples
}

#[test]
fn twenty_steps_follow_pefts_curve() {
    let Some(folder) = reference() else { return };
    let curve = std::fs::read_to_string(folder.join("train_curve.json")).unwrap();
    let curve: Value = serde_json::from_str(&curve).unwrap();
    let (losses, norms) = (numbers(&curve["losses"]), numbers(&curve["grad_norms"]));
    let examples = batch(&curve);
    let settings = TrainSettings {
        batch_size: examples.len(),
        epochs: losses.len(),
        learning_rate: curve["optimizer"]["lr"].as_f64().unwrap(),
        max_seq: 512,
        lora: LoraConfig { dropout: 0.0, ..settings().lora },
        ..settings()
    };
    let (runtime, (_home, workplace)) = (runtime(), workplace());
    let mut request = request(examples, settings);
    request.init = Some(folder.join("adapter-init"));
    let prepared = workplace::prepare(&workplace, &runtime, request).unwrap();
    assert_eq!(prepared.steps, losses.len());
    let mut steps = Vec::new();
    let trained = workplace::run(&workplace, &runtime, prepared, |_| (), &mut |event| {
        if let Event::Train(TrainEvent::Step(metrics)) = event {
            steps.push(metrics);
        }
    })
    .unwrap();
    assert_eq!(trained.losses.len(), losses.len());
    let off = |found: f64, wanted: f64| (found / wanted - 1.0).abs();
    let (mut loss_off, mut norm_off) = (0f64, 0f64);
    for ((found, loss), norm) in steps.iter().zip(&losses).zip(&norms) {
        let (by_loss, by_norm) = (off(found.loss, *loss), off(found.grad_norm, *norm));
        assert!(by_loss < 0.01, "step {}: loss {}, PEFT's is {loss}", found.step, found.loss);
        assert!(by_norm < 0.02, "step {}: norm {}, PEFT's is {norm}", found.step, found.grad_norm);
        (loss_off, norm_off) = (loss_off.max(by_loss), norm_off.max(by_norm));
    }

    let model = model();
    let load = |name: &str| AdapterFolder::new(folder.join(name)).load(&model).unwrap().lora;
    let (start, wanted) = (load("adapter-init").parameters, load("adapter-final").parameters);
    let name = trained.adapter.unwrap();
    let found = workplace.registry().load(&name, &model).unwrap().lora.parameters;
    let distance = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
    };
    let greatest = found.iter().zip(&wanted).fold(0f32, |g, (a, b)| g.max((a - b).abs()));
    let apart = distance(&found, &wanted) / distance(&start, &wanted);
    println!(
        "losses within {loss_off:.2e}, gradient norms within {norm_off:.2e} of PEFT's; parameters off by {greatest:.2e} at most, {apart:.2e} of the way moved"
    );
    assert!(apart < 0.05, "the result is {apart} of the way from PEFT's");
}

//! What one step learns must depend on the examples alone: not on how they are cut into micro-batches,
//! and never on the person's own words in the prompt.

use crate::fixture::{examples, model, request, runtime, settings, train, workplace};
use kaizen::kernels::rounds_to_bf16;
use kaizen::model::lora::Lora;
use kaizen::runtime::{Score, ScoreItem};
use kaizen::train::{Dataset, StepMetrics, TrainSettings};
use kaizen::workplace;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// An adapter that already does something, so that the gradient of A is not zero.
fn started(settings: &TrainSettings) -> Lora {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut lora = Lora::fresh(settings.lora.clone(), model().network.architecture(), &mut rng);
    for place in lora.places().to_vec() {
        for value in &mut lora.parameters[place.b] {
            *value = rng.random_range(-0.02..0.02);
        }
    }
    lora
}

#[test]
fn a_step_of_4x4_is_a_step_of_16x1_and_of_1x16() {
    let (model, runtime) = (model(), runtime());
    let results: Vec<(StepMetrics, Vec<f32>)> = [(4, 4), (16, 1), (1, 16)]
        .into_iter()
        .map(|(batch_size, accumulate)| {
            let (folder, workplace) = workplace();
            let settings = TrainSettings { batch_size, accumulate, ..settings() };
            let init = folder.path().join("started");
            kaizen::model::adapter::AdapterFolder::new(&init)
                .write(&started(&settings), None, &model)
                .unwrap();
            let mut request = request(examples(16), settings);
            request.init = Some(init);
            let prepared = workplace::prepare(&workplace, &runtime, request).unwrap();
            assert_eq!(prepared.steps, 1);
            let run = prepared.run.clone();
            let name = train(&workplace, &runtime, prepared).adapter.unwrap();
            let lora = workplace.registry().load(&name, &model).unwrap().lora;
            (run.metrics().unwrap()[0], lora.parameters)
        })
        .collect();
    let start = started(&settings()).parameters;
    let distance = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
    };
    let (first, parameters) = &results[0];
    for (other, others) in &results[1..] {
        let loss = (first.loss / other.loss - 1.0).abs();
        let norm = (first.grad_norm / other.grad_norm - 1.0).abs();
        // AdamW's first step turns the rounding of a gradient near zero into a whole step, hence a
        // share of all that moved rather than each parameter.
        let apart = distance(parameters, others) / distance(parameters, &start);
        println!(
            "cut otherwise: loss {loss:.1e}, gradient norm {norm:.1e}, parameters {apart:.1e}"
        );
        // Rounding of activations to 16 bits, where they are, turns another order of sums into 1e-5.
        // Operands of 8 significant bits turn it into 1e-3.
        let (off, moved) = if rounds_to_bf16() { (5e-3, 0.3) } else { (1e-4, 0.05) };
        assert!(loss < off && norm < off, "{first:?} {other:?}");
        assert!(apart < moved, "{apart} of what moved is different");
    }
}

/// A fresh adapter changes nothing, so the first loss is the base's own: over the answers with the
/// ends of their turns, weighted, and over nothing else.
#[test]
fn the_answer_and_the_end_of_its_turn_are_trained_and_the_prompt_is_not() {
    let (model, runtime, (_folder, workplace)) = (model(), runtime(), workplace());
    let mut examples = examples(3);
    examples[1].weight = 3.0;
    let dataset = Dataset::new(examples.clone(), &model, 128).unwrap();
    let (mut sum, mut weights, mut with_prompts) = (0.0, 0.0, Vec::new());
    for (sample, example) in dataset.samples.iter().zip(&examples) {
        let prompt = model.template.encode(&model.tokenizer, &example.messages, true).unwrap();
        assert_eq!(sample.trained, prompt.len()..sample.ids.len(), "the prompt is trained");
        assert_eq!(sample.ids[..prompt.len()], prompt);
        let (end, answer) = sample.ids[prompt.len()..].split_last().unwrap();
        assert!(model.tokenizer.is_end_of_turn(*end), "the end of the turn is not trained");
        assert_eq!(model.tokenizer.decode(answer), example.answer);
        let item = ScoreItem { ids: sample.ids.clone(), scored: sample.trained.clone() };
        let whole = ScoreItem::whole(sample.ids.clone());
        let losses = runtime.run(Score::new(vec![item, whole], None), |_| ()).unwrap();
        let total: f64 = losses[0].iter().map(|l| f64::from(*l)).sum();
        sum += example.weight * total;
        weights += example.weight * losses[0].len() as f64;
        with_prompts.extend(losses[1].iter().map(|l| f64::from(*l)));
    }
    let prepared = workplace::prepare(&workplace, &runtime, request(examples, settings())).unwrap();
    let loss = train(&workplace, &runtime, prepared).losses[0];
    assert!((loss - sum / weights).abs() < 1e-4, "{loss} instead of {}", sum / weights);
    let with_prompts = with_prompts.iter().sum::<f64>() / with_prompts.len() as f64;
    assert!((loss - with_prompts).abs() > 0.1, "this test could not tell the two apart");
}

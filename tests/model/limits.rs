//! What would not fit, or would be cut, is said before hours are spent on it.

use crate::fixture::{examples, model, request, runtime, settings, workplace};
use kaizen::model::lora::Lora;
use kaizen::train::{Dataset, Error, MemoryEstimate, Plan, TrainSettings};
use kaizen::workplace;

#[test]
fn too_little_memory_is_refused_with_settings_that_need_less() {
    let model = model();
    let settings = TrainSettings { accumulate: 2, max_seq: 512, ..settings() };
    let mut settings = TrainSettings { batch_size: 8, ..settings };
    settings.lora.rank = 16;
    let estimate = |settings: &TrainSettings, tokens| {
        let lora = Lora::zeros(settings.lora.clone(), model.network.architecture());
        MemoryEstimate::new(&model.network, &lora, tokens, settings.recompute)
    };
    let full = estimate(&settings, 8 * 512);
    assert!(full.check(&settings, Some(full.mib())).is_ok() && full.check(&settings, None).is_ok());
    let told = match full.check(&settings, Some(10)) {
        Err(error @ Error::WouldNotFit { needed, free: 10, .. }) => {
            assert_eq!(needed, full.mib());
            error.to_string()
        }
        other => panic!("{other:?}"),
    };
    for advice in ["--batch 1 --accumulate 16", "--checkpointing", "--max-seq 256", "--rank 8"] {
        assert!(told.contains(advice), "{advice} is not in: {told}");
    }
    // The advice must help.
    let smaller = TrainSettings { recompute: true, ..settings.clone() };
    assert!(estimate(&smaller, 8 * 512).mib() < full.mib());
    assert!(estimate(&settings, 512).mib() < full.mib());
    settings.lora.rank = 8;
    assert!(estimate(&settings, 8 * 512).mib() < full.mib());
}

#[test]
fn accumulation_shrinks_only_as_far_as_ten_steps_need() {
    assert_eq!(Plan::fitting_accumulation(1000, 3, 4, 4), 4);
    assert_eq!(Plan::fitting_accumulation(5, 3, 4, 4), 1);
    for samples in 1..60 {
        let steps = |accumulate| {
            let settings = TrainSettings { epochs: 3, accumulate, ..settings() };
            Plan::new(samples, &settings).steps.len()
        };
        let chosen = Plan::fitting_accumulation(samples, 3, 4, 4);
        assert!(steps(chosen) >= 10 || chosen == 1, "{samples} examples: {chosen}");
        assert!(chosen == 4 || steps(chosen + 1) < 10, "{samples} examples: {chosen}");
    }
}

/// Half an answer teaches to stop in the middle of a sentence.
#[test]
fn too_long_an_example_is_left_out_whole_and_named() {
    let (model, runtime, (_folder, workplace)) = (model(), runtime(), workplace());
    let mut examples = examples(3);
    examples[1].answer = "again and ".repeat(100);
    let dataset = Dataset::new(examples.clone(), &model, 64).unwrap();
    let kept: Vec<&str> = dataset.samples.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(kept, ["example-0", "example-2"]);
    assert_eq!(dataset.examples.len(), 2);
    assert_eq!(dataset.left_out.len(), 1);
    assert!(dataset.left_out[0].id == "example-1" && dataset.left_out[0].tokens > 200);
    let settings = TrainSettings { max_seq: 64, ..settings() };
    let prepared =
        workplace::prepare(&workplace, &runtime, request(examples.clone(), settings)).unwrap();
    assert!(prepared.notes.iter().any(|note| note.contains("example-1")), "{:?}", prepared.notes);
    assert_eq!(prepared.run.examples().unwrap(), dataset.examples);
    let error = Dataset::new(examples, &model, 8).unwrap_err();
    assert!(matches!(error, Error::NothingToTrainOn(_)) && error.to_string().contains("--max-seq"));
    assert!(matches!(Dataset::new(Vec::new(), &model, 8), Err(Error::NothingToTrainOn(_))));
}

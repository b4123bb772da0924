//! A run that was stopped, killed or went wrong must cost a person nothing but the time since.

use crate::fixture::{examples, model, request, runtime, settings, train, workplace};
use kaizen::config::Projection;
use kaizen::model::adapter::AdapterFolder;
use kaizen::model::lora::Lora;
use kaizen::runtime::{Runtime, Update};
use kaizen::train::{
    self, Checkpoint, Dataset, RunFolder, Schedule, TrainEvent, TrainSettings, Trainer,
};
use kaizen::workplace;
use kaizen::workplace::{Event, Prepared, Workplace};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Six steps in which everything takes part that must survive: order, dropout, moments, schedule.
fn six_steps() -> TrainSettings {
    let mut settings = TrainSettings {
        epochs: 2,
        batch_size: 1,
        accumulate: 2,
        learning_rate: 1e-3,
        schedule: Schedule::Cosine,
        warmup: 0.3,
        clip: 1.0,
        weight_decay: 0.01,
        ..settings()
    };
    settings.lora.dropout = 0.1;
    settings
}

/// What an adapter's file holds, byte for byte.
fn bytes(workplace: &Workplace, name: &str) -> Vec<u8> {
    let folder = workplace.registry().folder(name).unwrap();
    std::fs::read(folder.path().join("adapter_model.safetensors")).unwrap()
}

/// The result of the run when nothing happens to it.
fn uninterrupted() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let (runtime, (_folder, workplace)) = (runtime(), workplace());
        let asked = request(examples(6), six_steps());
        let prepared = workplace::prepare(&workplace, &runtime, asked).unwrap();
        assert_eq!(prepared.steps, 6);
        let trained = train(&workplace, &runtime, prepared);
        bytes(&workplace, &trained.adapter.unwrap())
    })
}

fn assert_every_step_once(run: &RunFolder) {
    let steps: Vec<usize> = run.metrics().unwrap().iter().map(|m| m.step).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6]);
}

/// Resumes a run as `kaizen train --resume` does, and asserts that nothing was lost.
fn assert_resumes_to_the_same(workplace: &Workplace, runtime: &Runtime, run: &RunFolder) {
    let found = RunFolder::find(&workplace.home.runs(), "last").unwrap();
    assert_eq!(found.name(), run.name());
    let prepared = workplace::prepare_resume(workplace, runtime, found).unwrap();
    let trained = train(workplace, runtime, prepared);
    assert_eq!(trained.losses.len(), 6, "the loss history is not whole");
    assert!(bytes(workplace, &trained.adapter.unwrap()) == uninterrupted(), "another result");
    assert_every_step_once(run);
    let again = workplace::prepare_resume(workplace, runtime, run.clone());
    assert!(again.is_err(), "a finished run was taken up again");
}

#[test]
fn a_cancelled_run_goes_on_to_the_same_adapter() {
    let (runtime, (_folder, workplace)) = (runtime(), workplace());
    let asked = request(examples(6), six_steps());
    let prepared = workplace::prepare(&workplace, &runtime, asked).unwrap();
    let run = prepared.run.clone();
    let switch: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let stopped = workplace::run(
        &workplace,
        &runtime,
        prepared,
        |canceller| switch.set(canceller).unwrap(),
        &mut |event| {
            if matches!(event, Event::Train(TrainEvent::Step(metrics)) if metrics.step == 2) {
                switch.get().unwrap().store(true, Ordering::Relaxed);
            }
        },
    )
    .unwrap();
    assert!(stopped.adapter.is_none() && (2..6).contains(&stopped.steps), "{stopped:?}");
    assert_resumes_to_the_same(&workplace, &runtime, &run);
}

/// Runs on from where `run`'s folder is, until `enough`; then the whole process is gone.
fn killed_when(run: &RunFolder, settings: &TrainSettings, enough: impl Fn(&TrainEvent) -> bool) {
    let model = model();
    let runtime = runtime();
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    let lora = Lora::fresh(settings.lora.clone(), model.network.architecture(), &mut rng);
    let dataset = Dataset::new(run.examples().unwrap(), &model, settings.max_seq).unwrap();
    let trainer = Trainer::new(settings.clone(), dataset, run.clone(), lora).unwrap();
    let running = runtime.submit(trainer);
    while let Some(Update::Event(event)) = running.next() {
        if enough(&event) {
            return;
        }
    }
    panic!("the run ended before it was killed");
}

#[test]
fn a_killed_run_goes_on_to_the_same_adapter() {
    let (runtime, (_folder, workplace)) = (runtime(), workplace());
    let settings = TrainSettings { checkpoint_steps: Some(3), ..six_steps() };
    let asked = request(examples(6), settings.clone());
    let run = workplace::prepare(&workplace, &runtime, asked).unwrap().run;
    let step = |wanted: usize| move |event: &TrainEvent| matches!(event, TrainEvent::Step(m) if m.step == wanted);
    run.begin().unwrap();
    // Before there is any checkpoint, and then between one and the end.
    killed_when(&run, &settings, step(1));
    killed_when(&run, &settings, step(5));
    assert_resumes_to_the_same(&workplace, &runtime, &run);
}

/// A run that went wrong: the error, checked to be one clear line.
fn assert_stops_as_no_number(
    workplace: &Workplace,
    runtime: &Runtime,
    prepared: Prepared,
) -> (usize, String) {
    let name = prepared.run.name();
    let error = workplace::run(workplace, runtime, prepared, |_| (), &mut |_: Event| ());
    let error = error.unwrap_err();
    let told = error.to_string();
    let workplace::Error::Train(train::Error::LossNotFinite { step, examples, .. }) = error else {
        panic!("{told}")
    };
    assert!(told.contains(&name) && !told.contains('\n'), "{told}");
    assert!(workplace.registry().list().unwrap().is_empty(), "a broken adapter was kept");
    (step, examples)
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_names_step_and_examples() {
    let (runtime, (folder, workplace)) = (runtime(), workplace());
    let architecture = model().network.architecture().clone();
    let mut broken = Lora::zeros(settings().lora, &architecture);
    let place = broken.place(0, Projection::V).unwrap().clone();
    broken.parameters[place.a].fill(1.0);
    broken.parameters[place.b].fill(3e38);
    let init = folder.path().join("broken");
    AdapterFolder::new(&init).write(&broken, None, &model()).unwrap();
    let mut asked = request(examples(2), settings());
    asked.init = Some(init);
    let prepared = workplace::prepare(&workplace, &runtime, asked).unwrap();
    let (step, examples) = assert_stops_as_no_number(&workplace, &runtime, prepared);
    let mut examples: Vec<&str> = examples.split(", ").collect();
    examples.sort_unstable();
    assert_eq!((step, examples.as_slice()), (1, ["example-0", "example-1"].as_slice()));
}

#[test]
fn a_run_that_went_wrong_keeps_its_last_good_checkpoint_and_goes_on_from_it() {
    let (runtime, (_folder, workplace)) = (runtime(), workplace());
    let sound = TrainSettings { checkpoint_steps: Some(1), ..six_steps() };
    let asked = request(examples(6), sound.clone());
    let run = workplace::prepare(&workplace, &runtime, asked).unwrap().run;
    killed_when(&run, &sound, |e| matches!(e, TrainEvent::Step(m) if m.step == 3));
    let mut record = run.record().unwrap();
    // The next update goes beyond what f32 holds.
    record.settings.learning_rate = 3e38;
    run.write_record(&record).unwrap();

    let prepared = workplace::prepare_resume(&workplace, &runtime, run.clone()).unwrap();
    let begun = prepared.steps_done;
    assert!(begun == 2 || begun == 3, "killed after step 3, resumed at {begun}");
    let (step, _) = assert_stops_as_no_number(&workplace, &runtime, prepared);
    assert_eq!(step, begun + 1);

    let architecture = model().network.architecture().clone();
    let parameters = Lora::zeros(sound.lora.clone(), &architecture).parameters.len();
    let checkpoint = Checkpoint::read(&run, parameters).unwrap().unwrap();
    assert!(
        checkpoint.parameters.iter().all(|p| p.abs() < 1.0),
        "the checkpoint holds what broke the run"
    );
    // With the cause removed it goes on as if nothing had happened.
    record.settings.learning_rate = sound.learning_rate;
    run.write_record(&record).unwrap();
    assert_resumes_to_the_same(&workplace, &runtime, &run);
}

/// Another model's checkpoint, or other examples, would be trained on silently.
#[test]
fn a_run_whose_data_or_base_changed_is_not_taken_up() {
    let (runtime, (_folder, workplace)) = (runtime(), workplace());
    let asked = request(examples(2), six_steps());
    let run = workplace::prepare(&workplace, &runtime, asked).unwrap().run;
    let refusal = || {
        let refused = workplace::prepare_resume(&workplace, &runtime, run.clone());
        refused.err().map(|e| e.to_string()).unwrap_or_default()
    };
    let file = run.path().join("examples.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("lucky", "unlucky")).unwrap();
    assert!(refusal().contains("examples have changed"), "{}", refusal());
    std::fs::write(&file, text).unwrap();
    assert_eq!(refusal(), "");
    let mut record = run.record().unwrap();
    record.base_sha256 = "0".repeat(64);
    run.write_record(&record).unwrap();
    assert!(refusal().contains("another base model"), "{}", refusal());
    assert!(RunFolder::find(&workplace.home.runs(), "run_unknown").is_err());
    assert!(RunFolder::find(&workplace.home.runs(), "../runs").is_err());
}

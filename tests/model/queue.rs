//! A person must neither wait for a training run nor for an answer that they no longer want.

use crate::fixture::{examples, model, request, runtime, settings, workplace};
use kaizen::driver;
use kaizen::model::Model;
use kaizen::model::lora::Lora;
use kaizen::model::sampler::Sampling;
use kaizen::runtime::{
    Ending, Generate, GenerateEvent, GenerateRequest, Generation, Job, Priority, Runtime, Step,
    Stop, Update,
};
use kaizen::store::Message;
use kaizen::train::{Dataset, TrainEvent, TrainSettings, Trainer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

fn endless(tokens: usize) -> GenerateRequest {
    let model = model();
    let messages = [Message::system("Be brief."), Message::user("Count.")];
    let prompt = model.template.encode(&model.tokenizer, &messages, true).unwrap();
    GenerateRequest { prompt, sampling: Sampling::GREEDY, max_tokens: tokens, ignore_end: true }
}

fn person_gets_an_answer(runtime: &Runtime) {
    let answer = runtime.run(Generate::for_person(endless(3), None), |_| ()).unwrap();
    assert_eq!(answer[0].tokens.len(), 3);
}

#[test]
fn a_person_overtakes_a_measurement() {
    let runtime = runtime();
    let measuring = runtime.submit(Generate::measured(vec![endless(3000)], None, 16));
    assert!(matches!(measuring.next(), Some(Update::Event(_))), "it has not begun");
    person_gets_an_answer(&runtime);
    measuring.canceller().store(true, Ordering::Relaxed);
    let Ending::Cancelled(left) = measuring.wait(|_| ()) else {
        panic!("the person's turn came only after the measurement")
    };
    assert!(left[0].tokens.len() < 3000 && left[0].stop == Stop::Cancelled);
}

#[test]
fn a_person_overtakes_a_training_run() {
    let runtime = runtime();
    let (_folder, workplace) = workplace();
    let settings = TrainSettings { epochs: 2000, batch_size: 1, ..settings() };
    let prepared =
        driver::prepare(&workplace, &runtime, request(examples(1), settings.clone())).unwrap();
    let model = model();
    let dataset = Dataset::new(examples(1), &model, settings.max_seq).unwrap();
    let lora = Lora::zeros(settings.lora.clone(), model.network.architecture());
    let trainer = Trainer::new(settings, dataset, prepared.run.clone(), lora).unwrap();
    let training = runtime.submit(trainer);
    assert!(matches!(training.next(), Some(Update::Event(TrainEvent::Step(_)))));
    person_gets_an_answer(&runtime);
    training.canceller().store(true, Ordering::Relaxed);
    let Ending::Cancelled(outcome) = training.wait(|_| ()) else {
        panic!("the person's turn came only after the training")
    };
    assert!(outcome.stopped && outcome.losses.len() < 2000);
}

/// A job whose switch is thrown in the middle of one of its slices.
struct SwitchedOff {
    job: Generate,
    slices_left: usize,
    switch: Arc<OnceLock<Arc<AtomicBool>>>,
}

impl Job for SwitchedOff {
    type Event = GenerateEvent;
    type Output = Vec<Generation>;
    type Error = kaizen::runtime::Error;

    fn priority(&self) -> Priority {
        Priority::Person
    }

    fn step(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(GenerateEvent),
    ) -> Result<Step<Vec<Generation>>, Self::Error> {
        self.slices_left -= 1;
        if self.slices_left == 0 {
            self.switch.wait().store(true, Ordering::Relaxed);
        }
        self.job.step(model, emit)
    }

    fn cancel(&mut self, model: &Model) -> Result<Vec<Generation>, Self::Error> {
        self.job.cancel(model)
    }
}

#[test]
fn a_cancelled_answer_ends_within_a_token_and_keeps_what_was_said() {
    let runtime = runtime();
    let switch = Arc::new(OnceLock::new());
    let job = Generate::for_person(endless(500), None);
    let job = SwitchedOff { job, slices_left: 4, switch: switch.clone() };
    let running = runtime.submit(job);
    switch.set(running.canceller()).unwrap();
    let mut streamed = String::new();
    let ending = running.wait(|event| {
        if let GenerateEvent::Text { text, .. } = event {
            streamed.push_str(&text);
        }
    });
    let Ending::Cancelled(texts) = ending else { panic!("it was not cancelled") };
    assert_eq!((texts[0].tokens.len(), texts[0].stop), (4, Stop::Cancelled));
    assert_eq!(texts[0].text, streamed);
    person_gets_an_answer(&runtime);
}

/// Holds the thread until the door is opened, so that others queue in a known order.
struct Doorkeeper(Arc<OnceLock<()>>);

impl Job for Doorkeeper {
    type Event = ();
    type Output = ();
    type Error = kaizen::runtime::Error;

    fn priority(&self) -> Priority {
        Priority::Person
    }

    fn step(&mut self, _: &Model, _: &mut dyn FnMut(())) -> Result<Step<()>, Self::Error> {
        self.0.wait();
        Ok(Step::Done(()))
    }

    fn cancel(&mut self, _: &Model) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// An answer that writes its name into a common list with every piece of text.
struct Named {
    job: Generate,
    name: char,
    pieces: Arc<Mutex<String>>,
}

impl Job for Named {
    type Event = GenerateEvent;
    type Output = Vec<Generation>;
    type Error = kaizen::runtime::Error;

    fn priority(&self) -> Priority {
        self.job.priority()
    }

    fn step(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(GenerateEvent),
    ) -> Result<Step<Vec<Generation>>, Self::Error> {
        let Self { job, name, pieces } = self;
        job.step(model, &mut |event| {
            if let GenerateEvent::Text { .. } = event {
                pieces.lock().unwrap().push(*name);
            }
            emit(event);
        })
    }

    fn cancel(&mut self, model: &Model) -> Result<Vec<Generation>, Self::Error> {
        self.job.cancel(model)
    }
}

// If this fails, the second of two answers side by side begins only when the first has ended.
#[test]
fn two_answers_for_a_person_stream_interleaved() {
    let runtime = runtime();
    let door = Arc::new(OnceLock::new());
    let held = runtime.submit(Doorkeeper(door.clone()));
    let pieces = Arc::new(Mutex::new(String::new()));
    let answers = ['a', 'b'].map(|name| {
        let job = Generate::for_person(endless(12), None);
        runtime.submit(Named { job, name, pieces: pieces.clone() })
    });
    // Less than a person waits for: it comes after both, whenever it came.
    let measuring = runtime.submit(Generate::measured(vec![endless(1)], None, 1));
    door.set(()).unwrap();
    assert!(matches!(held.wait(|_| ()), Ending::Finished(())));
    for answer in answers {
        let Ending::Finished(texts) = answer.wait(|_| ()) else { panic!("it did not end") };
        assert_eq!(texts[0].tokens.len(), 12);
    }
    assert!(matches!(measuring.wait(|_| ()), Ending::Finished(_)));
    let pieces = pieces.lock().unwrap().clone();
    assert!(pieces.len() > 8, "{pieces}");
    assert!(!pieces.contains("aa") && !pieces.contains("bb"), "no turns were taken: {pieces}");
}

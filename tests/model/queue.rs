//! A person must neither wait for a training run nor for an answer that they no longer want.

use crate::fixture::{examples, model, request, runtime, settings, workplace};
use kaizen::model::Model;
use kaizen::model::lora::Lora;
use kaizen::model::sampler::Sampling;
use kaizen::runtime::{
    Ending, Generate, GenerateEvent, GenerateRequest, Generation, Job, Priority, Runtime, Step,
    Stop, Until, Update,
};
use kaizen::store::Message;
use kaizen::train::{Dataset, TrainEvent, TrainSettings, Trainer};
use kaizen::workplace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

fn endless(tokens: usize) -> GenerateRequest {
    let model = model();
    let messages = [Message::system("Be brief."), Message::user("Count.")];
    let prompt = model.template.encode(&model.tokenizer, &messages, true).unwrap();
    GenerateRequest {
        prompt,
        sampling: Sampling::GREEDY,
        max_tokens: tokens,
        until: Until::MaxTokens,
    }
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
        workplace::prepare(&workplace, &runtime, request(examples(1), settings.clone())).unwrap();
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

    fn cancel(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(GenerateEvent),
    ) -> Result<Vec<Generation>, Self::Error> {
        self.job.cancel(model, emit)
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

    fn cancel(&mut self, _: &Model, _: &mut dyn FnMut(Self::Event)) -> Result<(), Self::Error> {
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

    fn cancel(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(GenerateEvent),
    ) -> Result<Vec<Generation>, Self::Error> {
        self.job.cancel(model, emit)
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

/// A job that counts its slices and tells with each event in which one it came.
struct Counted {
    job: Generate,
    slice: usize,
}

impl Job for Counted {
    type Event = (usize, GenerateEvent);
    type Output = (usize, Vec<Generation>);
    type Error = kaizen::runtime::Error;

    fn priority(&self) -> Priority {
        self.job.priority()
    }

    fn step(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(Self::Event),
    ) -> Result<Step<Self::Output>, Self::Error> {
        self.slice += 1;
        let slice = self.slice;
        Ok(match self.job.step(model, &mut |event| emit((slice, event)))? {
            Step::More => Step::More,
            Step::Done(texts) => Step::Done((slice, texts)),
        })
    }

    fn cancel(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(Self::Event),
    ) -> Result<Self::Output, Self::Error> {
        let slice = self.slice;
        Ok((slice, self.job.cancel(model, &mut |event| emit((slice, event)))?))
    }
}

/// If this fails, a measurement waits for its longest text with most places empty, or a person waits
/// while a measurement reads a long prompt in one go.
#[test]
fn the_place_of_a_finished_text_is_taken_in_the_next_slice() {
    let (runtime, model) = (runtime(), model());
    let request = |question: &str, max_tokens| {
        let messages = [Message::user(question)];
        let prompt = model.template.encode(&model.tokenizer, &messages, true).unwrap();
        GenerateRequest { prompt, max_tokens, ..endless(0) }
    };
    let long = "One two three four five six seven eight nine ten. ".repeat(50);
    let requests = vec![
        request("Count.", 3),
        request("Name the days of the week.", 12),
        request(&long, 4),
        request("Why is the sky blue?", 5),
    ];
    let longest = requests[2].prompt.len();
    assert!(longest > 512, "{longest}");
    let job = Counted { job: Generate::measured(requests, None, 2), slice: 0 };
    let (mut begun, mut ended) = ([usize::MAX; 4], [0; 4]);
    let (slices, texts) = runtime
        .run(job, |(slice, event)| match event {
            GenerateEvent::Text { request, .. } => begun[request] = begun[request].min(slice),
            GenerateEvent::Ended { request } => ended[request] = slice,
        })
        .unwrap();
    let written: Vec<usize> = texts.iter().map(|text| text.tokens.len()).collect();
    assert_eq!(written, [3, 12, 4, 5]);
    // What all prompts have in common is read first, on its own.
    let common = texts[1].prompt_tokens_cached;
    assert!(common > 8 && texts.iter().skip(1).all(|text| text.prompt_tokens_cached == common));
    assert_eq!((texts[0].prompt_tokens_cached, begun[0], begun[1]), (0, 2, 3));
    // 256 tokens a slice: the long prompt takes three of them.
    let reading = (longest - common).div_ceil(256);
    assert_eq!((reading, begun[2]), (3, ended[0] + reading));
    assert_eq!(begun[3], ended[2] + 1);
    // With no place empty, only the last text is written alone.
    assert_eq!(slices, ended.iter().max().unwrap() + 1);
    assert_eq!(ended, [5, 18, 11, 16]);
}

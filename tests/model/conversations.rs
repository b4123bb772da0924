//! A person's follow-up must not wait for what was read before, and must never be answered from what
//! another adapter, another conversation or another time left behind.

use crate::fixture::{model, runtime, settings, workplace};
use kaizen::model::lora::{Lora, LoraConfig};
use kaizen::model::network::KeyValueCache;
use kaizen::model::sampler::Sampling;
use kaizen::runtime::{
    Ending, Generate, GenerateRequest, Generation, Runtime, Stop, Until, Update,
};
use kaizen::store::Message;
use kaizen::tasks::{Arm, AskRequest, ask};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What all conversations of a runtime may take.
const KEPT_BYTES: usize = 64 << 20;

fn request(messages: &[Message], max_tokens: usize) -> GenerateRequest {
    let model = model();
    let prompt = model.template.encode(&model.tokenizer, messages, true).unwrap();
    GenerateRequest { prompt, sampling: Sampling::GREEDY, max_tokens, until: Until::EndOfTurn }
}

/// A person's next turn.
fn next(runtime: &Runtime, request: &GenerateRequest, lora: Option<&Arc<Lora>>) -> Generation {
    let conversations = runtime.conversations();
    let job = Generate::in_conversation(request.clone(), lora.cloned(), conversations);
    let mut texts = runtime.run(job, |_| ()).unwrap();
    assert!(conversations.bytes() <= KEPT_BYTES, "{} are held", conversations.bytes());
    texts.remove(0)
}

/// The same turn, read from its beginning.
fn anew(runtime: &Runtime, request: &GenerateRequest, lora: Option<&Arc<Lora>>) -> Generation {
    let job = Generate::for_person(request.clone(), lora.cloned());
    let generation = runtime.run(job, |_| ()).unwrap().remove(0);
    assert_eq!(generation.prompt_tokens_cached, 0);
    generation
}

fn assert_same(a: &Generation, b: &Generation) {
    assert_eq!((&a.text, &a.tokens, a.stop), (&b.text, &b.tokens, b.stop));
    assert_eq!(a.prompt_tokens, b.prompt_tokens);
}

/// An adapter that says other things than base.
fn adapter(rank: usize, greatest: f32) -> Lora {
    let config = LoraConfig { rank, ..settings().lora };
    let mut lora = Lora::zeros(config, model().network.architecture());
    for (i, value) in lora.parameters.iter_mut().enumerate() {
        let scattered = (i as u32).wrapping_mul(2_654_435_769) >> 8;
        *value = greatest * (scattered as f32 / (1 << 23) as f32 - 1.0);
    }
    lora
}

const QUESTIONS: [&str; 3] = [
    "What is the capital of France?",
    "How many people live there?",
    "Write one sentence about its river.",
];

#[test]
fn a_follow_up_reads_only_what_is_new_and_says_the_same() {
    let runtime = runtime();
    let mut messages = Vec::new();
    let mut known = Vec::new();
    for question in QUESTIONS {
        messages.push(Message::user(question));
        let request = request(&messages, 20);
        let found = next(&runtime, &request, None);
        assert_same(&found, &anew(&runtime, &request, None));
        assert_eq!(found.prompt_tokens_cached, known.len());
        // The last token that was written has not been computed when the text ends.
        known = [request.prompt, found.tokens].concat();
        if found.stop != Stop::EndOfTurn {
            known.pop();
        }
        messages.push(Message::assistant(found.text));
    }
}

#[test]
fn writing_an_answer_again_reads_nothing_but_the_last_token() {
    let runtime = runtime();
    let first = request(&[Message::user("Tell me a story.")], 12);
    let greedy = next(&runtime, &first, None);
    assert_same(&next(&runtime, &first, None), &greedy);
    let drawn = [1, 2, 1].map(|seed| {
        let sampling = Sampling { temperature: 1.2, top_p: 0.95, seed, ..Sampling::GREEDY };
        let found = next(&runtime, &GenerateRequest { sampling, ..first.clone() }, None);
        assert_eq!(found.prompt_tokens_cached, first.prompt.len() - 1);
        found
    });
    // Drawn words are those of the seed; read from the beginning, logits differ in their last digits,
    // and a draw that falls between two words may take the other one.
    assert_same(&drawn[0], &drawn[2]);
    assert_ne!(drawn[0].text, drawn[1].text);
}

/// If this fails, an adapter is judged by words that another one thought.
#[test]
fn no_adapter_answers_from_what_another_read() {
    let runtime = runtime();
    let request = request(&[Message::user("Name three colours.")], 8);
    let all = request.prompt.len() - 1;
    let lora = Arc::new(adapter(4, 0.15));
    assert_eq!(next(&runtime, &request, None).prompt_tokens_cached, 0);
    let adapted = next(&runtime, &request, Some(&lora));
    assert_eq!(adapted.prompt_tokens_cached, 0);
    assert_ne!(adapted.text, next(&runtime, &request, None).text, "the adapter does nothing");
    // Each arm has its own; the adapter is known again when it is loaded anew.
    let loaded_again = Arc::new(adapter(4, 0.15));
    for (arm, cached) in [(None, all), (Some(&lora), all), (Some(&loaded_again), all)] {
        let found = next(&runtime, &request, arm);
        assert_eq!(found.prompt_tokens_cached, cached);
        assert_same(&found, &anew(&runtime, &request, arm));
    }
    // Trained on, under whatever name.
    let mut retrained = adapter(4, 0.15);
    *retrained.parameters.last_mut().unwrap() += 0.001;
    assert_eq!(next(&runtime, &request, Some(&Arc::new(retrained))).prompt_tokens_cached, 0);
}

/// A seeded measurement must come out the same whatever a person did before.
#[test]
fn measurements_neither_use_nor_leave_anything() {
    let runtime = runtime();
    let request = request(&[Message::user("Name three colours.")], 4);
    let measured = || {
        let job = Generate::measured(vec![request.clone()], None, 1);
        runtime.run(job, |_| ()).unwrap().remove(0)
    };
    measured();
    assert_eq!(runtime.conversations().bytes(), 0);
    next(&runtime, &request, None);
    let held = runtime.conversations().bytes();
    assert!(held > 0);
    assert_eq!(measured().prompt_tokens_cached, 0);
    assert_eq!(runtime.conversations().bytes(), held);
}

#[test]
fn a_cancelled_answer_leaves_what_was_read() {
    let runtime = runtime();
    let short = request(&[Message::user("Count to a thousand.")], 4);
    let endless = GenerateRequest { max_tokens: 3000, until: Until::MaxTokens, ..short.clone() };
    let job = Generate::in_conversation(endless, None, runtime.conversations());
    let running = runtime.submit(job);
    assert!(matches!(running.next(), Some(Update::Event(_))));
    running.canceller().store(true, Ordering::Relaxed);
    assert!(matches!(running.wait(|_| ()), Ending::Cancelled(_)));
    let again = next(&runtime, &short, None);
    assert_eq!(again.prompt_tokens_cached, short.prompt.len() - 1);
    assert_same(&again, &anew(&runtime, &short, None));
}

/// One system turn is no conversation: who begins another one must not lose the first, but of three
/// the oldest goes.
#[test]
fn two_conversations_are_kept_and_the_oldest_goes() {
    let runtime = runtime();
    let ask = |question: &str| {
        let request = request(&[Message::user(question)], 3);
        (next(&runtime, &request, None).prompt_tokens_cached, request.prompt.len() - 1)
    };
    assert_eq!(ask("What rhymes with sea?").0, 0);
    // The template's system turn is known.
    let (cached, all) = ask("Is iron heavier than bread?");
    assert!(cached >= 16 && cached < all, "{cached} of {all}");
    let (cached, all) = ask("What rhymes with sea?");
    assert_eq!(cached, all);
    ask("Who was Ada Lovelace?");
    let (cached, all) = ask("What rhymes with sea?");
    assert_eq!(cached, all);
    let (cached, all) = ask("Is iron heavier than bread?");
    assert!(cached >= 16 && cached < all, "{cached} of {all}");
}

/// Long talks and large adapters must not add up for as long as the program runs.
#[test]
fn what_is_kept_is_bounded_and_goes_with_the_model() {
    let runtime = runtime();
    let long = format!("Well. {}Is it late?", "And so on and on. ".repeat(60));
    let request = request(&[Message::user(long)], 2);
    let heavy = Arc::new(adapter(48, 1e-4));
    next(&runtime, &request, Some(&heavy));
    // What the adapter leaves room for, of the beginning.
    let token = KeyValueCache::new(model().network.architecture()).bytes_per_token();
    let room = (KEPT_BYTES - 4 * heavy.parameters.len()) / (token + 4);
    assert!(room > 16 && room < request.prompt.len(), "{room} of {}", request.prompt.len());
    assert_eq!(next(&runtime, &request, Some(&heavy)).prompt_tokens_cached, room);
    // Another one of that size leaves no room for the first.
    let other = Arc::new(adapter(32, 1e-4));
    next(&runtime, &request, Some(&other));
    assert_eq!(Arc::strong_count(&heavy), 1);
    assert!(runtime.conversations().bytes() > 4 * other.parameters.len());
    drop(runtime);
    assert_eq!(Arc::strong_count(&other), 1);
}

/// The way that every task takes.
#[test]
fn a_task_that_goes_on_is_read_from_where_it_stopped() {
    let (runtime, (_folder, workplace)) = (runtime(), workplace());
    let arm = Arm::base();
    let mut messages = Vec::new();
    let mut before = 0;
    for question in QUESTIONS {
        messages.push(Message::user(question));
        let request = AskRequest {
            messages: messages.clone(),
            sampling: Sampling::GREEDY,
            max_tokens: 12,
            retry_of: None,
        };
        let answer = ask(&runtime, &workplace.home, &request, &arm, |_| (), |_| ()).unwrap();
        let generation = answer.generation;
        assert!(generation.prompt_tokens_cached >= before);
        before = generation.prompt_tokens;
        messages.push(Message::assistant(generation.text));
    }
}

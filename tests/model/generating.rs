//! What a person reads must be what the model says, whole, and stop where it should.

use crate::common::model_file::model_file;
use crate::common::reference::{ids, reference_lines};
use crate::fixture::{model, runtime};
use kaizen::config::Precision;
use kaizen::kernels::rounds_to_bf16;
use kaizen::model::Model;
use kaizen::model::network::{Feed, KeyValueCache};
use kaizen::model::sampler::{Sampling, likeliest};
use kaizen::runtime::{
    Error, Generate, GenerateEvent, GenerateRequest, Generation, Runtime, Stop, Until,
};
use kaizen::store::Message;
use std::sync::Arc;

/// Below this distance of the two best logits, rounding may choose.
const NEAR_TIE: f64 = 0.1;

fn request(prompt: Vec<u32>, max_tokens: usize) -> GenerateRequest {
    GenerateRequest { prompt, sampling: Sampling::GREEDY, max_tokens, until: Until::EndOfTurn }
}

fn generate(runtime: &Runtime, request: GenerateRequest) -> Generation {
    let mut texts = runtime.run(Generate::for_person(request, None), |_| ()).unwrap();
    assert_eq!(texts.len(), 1);
    texts.remove(0)
}

/// The prompt of a question, as the model reads it.
fn prompt(question: &str) -> Vec<u32> {
    let model = model();
    let messages = [Message::system("Be brief."), Message::user(question)];
    model.template.encode(&model.tokenizer, &messages, true).unwrap()
}

#[test]
fn greedy_answers_are_pytorchs() {
    let (runtime, model) = (runtime(), model());
    for line in reference_lines("greedy.jsonl") {
        let (prompt, wanted) = (ids(&line["prompt_ids"]), ids(&line["new_ids"]));
        let messages: Vec<Message> = serde_json::from_value(line["messages"].clone()).unwrap();
        assert_eq!(model.template.encode(&model.tokenizer, &messages, true).unwrap(), prompt);
        let mut streamed = String::new();
        let job = Generate::for_person(request(prompt, 16), None);
        let found = runtime
            .run(job, |event| {
                if let GenerateEvent::Text { text, .. } = event {
                    streamed.push_str(&text);
                }
            })
            .unwrap()
            .remove(0);
        assert_eq!(streamed, found.text, "what was streamed is not what was said");
        let mut tokens = found.tokens;
        if found.stop == Stop::EndOfTurn {
            tokens.push(model.tokenizer.eos().unwrap());
        }
        let wanted = &wanted[..wanted.len().min(16)];
        match tokens.iter().zip(wanted).position(|(a, b)| a != b) {
            None => assert_eq!(tokens.len(), wanted.len(), "{messages:?}"),
            Some(place) => {
                let gap = line["top1_top2_gap"][place].as_f64().unwrap();
                assert!(gap <= NEAR_TIE, "token {place} differs at a gap of {gap}: {messages:?}");
                println!("{messages:?}: parts at token {place}, a near-tie of {gap}");
            }
        }
    }
}

/// A stale or shifted cache garbles every answer after its first words.
#[test]
fn logits_through_the_cache_are_those_of_the_whole_text() {
    let model = model();
    let network = &model.network;
    let vocabulary = network.architecture().vocabulary;
    let texts = [prompt("Is it late?"), prompt("What is the capital of France?")];
    let mut caches: Vec<KeyValueCache> =
        texts.iter().map(|_| KeyValueCache::new(network.architecture())).collect();
    // One row is multiplied in whole numbers of 16 bits, many in those, in f32 or in bf16: logits of
    // about 20 may differ in their fourth digit, and with bf16 in their third.
    let allowed = if rounds_to_bf16() { 0.25 } else { 0.02 };
    let mut greatest = 0f32;
    for (begin, end) in [(0, 5), (5, 6), (6, 7), (7, 12)] {
        let mut feeds: Vec<Feed> = texts
            .iter()
            .zip(&mut caches)
            .map(|(text, cache)| Feed { tokens: &text[begin..end], cache })
            .collect();
        let hidden = network.extend(None, &mut feeds).unwrap();
        let found = network.logits(&hidden, &[end - begin - 1, 2 * (end - begin) - 1]).unwrap();
        for (text, found) in texts.iter().zip(found.chunks(vocabulary)) {
            let whole = network.read(None, &text[..end], std::slice::from_ref(&(0..end))).unwrap();
            let wanted = network.logits(&whole, &[end - 1]).unwrap();
            assert_eq!(likeliest(found), likeliest(&wanted));
            greatest = found.iter().zip(&wanted).fold(greatest, |g, (a, b)| g.max((a - b).abs()));
        }
    }
    println!("logits through the cache are off by {greatest:.2e} at most");
    assert!(greatest < allowed, "off by {greatest}");
    // Going back must leave nothing behind.
    caches[0].truncate(5);
    assert_eq!(caches[0].len(), 5);
    let mut feeds = [Feed { tokens: &texts[1][5..9], cache: &mut caches[0] }];
    let hidden = network.extend(None, &mut feeds).unwrap();
    let found = network.logits(&hidden, &[3]).unwrap();
    let spliced = [&texts[0][..5], &texts[1][5..9]].concat();
    let whole = network.read(None, &spliced, std::slice::from_ref(&(0..9))).unwrap();
    let wanted = network.logits(&whole, &[8]).unwrap();
    assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < allowed));
}

/// The gate's answers are written sixteen at a time; a person gets them one by one.
#[test]
fn answers_written_together_are_those_written_alone() {
    let (runtime, model) = (runtime(), model());
    let prompts: Vec<Vec<u32>> = (0..16)
        .map(|i| {
            let about = ["rain", "iron", "bread", "the sea"][i % 4];
            prompt(&format!("{}Write {i} words about {about}.", "Well. ".repeat(i % 3)))
        })
        .collect();
    let requests: Vec<_> = prompts.iter().map(|p| request(p.clone(), 10)).collect();
    let mut ended = 0;
    let together = runtime
        .run(Generate::measured(requests.clone(), None, 7), |event| {
            ended += usize::from(matches!(event, GenerateEvent::Ended { .. }));
        })
        .unwrap();
    assert_eq!((ended, together.len()), (16, 16));
    for (one, request) in together.iter().zip(requests) {
        let prompt = request.prompt.clone();
        let alone = generate(&runtime, request);
        let Some(place) = alone.tokens.iter().zip(&one.tokens).position(|(a, b)| a != b) else {
            assert_eq!((&alone.tokens, alone.stop), (&one.tokens, one.stop));
            continue;
        };
        // Only rounding may part them: there the two tokens are next to equally likely.
        let text = [&prompt[..], &alone.tokens[..place]].concat();
        let hidden =
            model.network.read(None, &text, std::slice::from_ref(&(0..text.len()))).unwrap();
        let logits = model.network.logits(&hidden, &[text.len() - 1]).unwrap();
        let logit = |tokens: &[u32]| logits[tokens[place] as usize];
        let gap = (logit(&alone.tokens) - logit(&one.tokens)).abs();
        // Operands of 8 significant bits, where products have them.
        let allowed = if rounds_to_bf16() { 0.1 } else { 0.01 };
        assert!(f64::from(gap) < allowed, "they part at a gap of {gap}");
    }
}

#[test]
fn the_same_seed_writes_the_same_text_and_another_seed_another() {
    let runtime = runtime();
    let drawn = |seed| {
        let sampling = Sampling { temperature: 1.2, top_p: 0.95, seed, ..Sampling::GREEDY };
        let request = GenerateRequest { sampling, ..request(prompt("Tell me a story."), 12) };
        generate(&runtime, GenerateRequest { until: Until::MaxTokens, ..request }).tokens
    };
    let once = drawn(1);
    assert_eq!(once.len(), 12);
    assert_eq!(once, drawn(1));
    assert_ne!(once, drawn(2));
}

/// Without the end of the turn the model talks on to itself; without a limit it never ends.
#[test]
fn a_text_ends_at_the_end_of_the_turn_or_at_the_limit() {
    let (runtime, model) = (runtime(), model());
    let question = [Message::user("What is the capital of France?")];
    let prompt = model.template.encode(&model.tokenizer, &question, true).unwrap();
    let whole = generate(&runtime, request(prompt.clone(), 40));
    assert_eq!(whole.stop, Stop::EndOfTurn);
    assert!(whole.text.contains("Paris") && !whole.text.contains("<|im_end|>"), "{}", whole.text);
    assert!(!whole.tokens.iter().any(|t| model.tokenizer.is_end_of_turn(*t)));
    let past = GenerateRequest { until: Until::MaxTokens, ..request(prompt.clone(), 12) };
    let past = generate(&runtime, past);
    assert_eq!((past.tokens.len(), past.stop), (12, Stop::MaxTokens));
    assert_eq!(past.tokens[..whole.tokens.len()], whole.tokens);
    for limit in [0, 1, 3] {
        let cut = generate(&runtime, request(prompt.clone(), limit));
        assert_eq!((cut.tokens.len(), cut.stop), (limit, Stop::MaxTokens));
        assert_eq!(cut.tokens, whole.tokens[..limit]);
    }
}

/// Beyond its context a model writes nonsense: the text must end there and say so.
#[test]
fn a_full_context_ends_the_text_and_too_long_a_prompt_is_refused() {
    let prompt = prompt("Count to a thousand.");
    let context = prompt.len() + 4;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short-context.gguf");
    let mut file = std::fs::read(&model_file().path).unwrap();
    let key = b"llama.context_length";
    let value = file.windows(key.len()).position(|w| w == key).unwrap() + key.len();
    assert_eq!(file[value..value + 4], 4u32.to_le_bytes(), "the value is no u32");
    file[value + 4..value + 8].copy_from_slice(&(context as u32).to_le_bytes());
    std::fs::write(&path, file).unwrap();
    let model = Model::load(&path, "short", "0", Precision::Quantised, |_| ()).unwrap();
    let runtime = Runtime::start(Arc::new(model), 2).unwrap();
    let request = |prompt: &[u32]| GenerateRequest {
        prompt: prompt.to_vec(),
        sampling: Sampling::GREEDY,
        max_tokens: 100,
        until: Until::MaxTokens,
    };
    let full = generate(&runtime, request(&prompt));
    assert_eq!((full.tokens.len(), full.stop), (4, Stop::ContextFull));
    let refusal = |prompt: &[u32]| {
        runtime.run(Generate::for_person(request(prompt), None), |_| ()).unwrap_err()
    };
    let long = prompt.repeat(2);
    assert!(
        matches!(refusal(&long[..context]), Error::PromptTooLong { tokens, .. } if tokens == context)
    );
    assert!(matches!(refusal(&[]), Error::EmptyPrompt));
    // A refused job must not take the thread with it.
    assert_eq!(generate(&runtime, request(&prompt)).tokens, full.tokens);
}

//! The model goes on with a list of its own weak items: three of an area as plain `Question: … Answer: …`
//! text, and it writes the next one. Asked in a chat to "generate similar examples", a small model
//! drifts into its own way of writing; going on with a list, it keeps the list's.

use super::candidate::Candidate;
use super::generate::{BATCH, Generator, Origin, Sources};
use crate::model::lora::Lora;
use crate::model::sampler::Sampling;
use crate::model::tokenizer::Special;
use crate::runtime::{Generate, GenerateEvent, GenerateRequest, Generation, Runtime, Stop, Until};
use crate::workplace::{Event, Result, Seen};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Items that stand in the list.
const SHOTS: usize = 3;

/// What ends an item of the list.
const MARKER: &str = "\nQuestion:";

/// Texts written at the same time.
const TOGETHER: usize = 16;

/// Most tokens of one question with its answer.
const MOST_TOKENS: usize = 384;

/// The generator `self`.
pub struct FewShot {
    pub sources: Sources,
    pub origin: Origin,
    /// Candidates in all; none: as many as are asked for.
    pub limit: Option<usize>,
    pub temperature: f64,
    pub top_p: f64,
    pub seed: u64,
    /// Who writes; none is base.
    pub lora: Option<Arc<Lora>>,
}

impl FewShot {
    /// The places in `sources` of the items that candidate `number` imitates, the one that it is for
    /// last: nearest to where the model goes on.
    fn shots(&self, number: usize) -> Vec<usize> {
        let sources = &self.sources.items;
        let generator = |stream: u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(stream);
            rng
        };
        let mut rng = generator(2 * number as u64);
        let mut all: Vec<usize> = (0..sources.len()).collect();
        let first = match self.origin {
            Origin::EachInTurn => {
                let (round, place) = (number / sources.len(), number % sources.len());
                all.shuffle(&mut generator(2 * round as u64 + 1));
                all[place]
            }
            Origin::Random => {
                all.shuffle(&mut rng);
                all[0]
            }
        };
        let area = &sources[first].example.area;
        let mut others: Vec<usize> = (0..sources.len())
            .filter(|other| *other != first && sources[*other].example.area == *area)
            .collect();
        others.shuffle(&mut rng);
        others.truncate(SHOTS - 1);
        others.push(first);
        others
    }

    fn request(&self, runtime: &Runtime, number: usize) -> Result<(Vec<usize>, GenerateRequest)> {
        let tokenizer = &runtime.model().tokenizer;
        let context = runtime.model().network.architecture().context;
        let mut shots = self.shots(number);
        // Without the space: the model begins its question with one.
        let end = "Question:";
        let (mut list, mut longest) = (end.to_owned(), 0);
        let mut kept = Vec::new();
        // From the nearest on, as many as leave room for one more.
        while let Some(shot) = shots.pop() {
            let example = &self.sources.items[shot].example;
            let item = format!("Question: {}\nAnswer: {}\n\n", example.question(), example.answer);
            let tokens = tokenizer.encode(&item, Special::AsText)?.len();
            let with = format!("{item}{list}");
            let whole = tokenizer.encode(&with, Special::AsText)?.len();
            if whole + MOST_TOKENS >= context {
                break;
            }
            longest = longest.max(tokens);
            list = with;
            kept.push(shot);
        }
        kept.reverse();
        let shots = kept;
        let sampling = Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(number as u64),
        };
        let request = GenerateRequest {
            prompt: tokenizer.encode(&list, Special::AsText)?,
            sampling,
            max_tokens: (longest * 3 / 2 + 32).min(MOST_TOKENS),
            until: Until::Marker(MARKER.into()),
        };
        Ok((shots, request))
    }

    fn candidate(&self, number: usize, shots: &[usize], written: &Generation) -> Candidate {
        let source = |shot: &usize| &self.sources.items[*shot].example;
        let (question, answer) = match written.text.split_once("\nAnswer:") {
            Some((question, answer)) => (question.trim(), answer.trim()),
            None => (written.text.trim(), ""),
        };
        Candidate {
            id: format!("made-{}-{number}", self.seed),
            area: shots.last().map(|shot| source(shot).area.clone()).unwrap_or_default(),
            seeds: shots.iter().rev().map(|shot| source(shot).id.clone()).collect(),
            question: question.to_owned(),
            answer: answer.to_owned(),
            complete: matches!(written.stop, Stop::Marker | Stop::EndOfTurn),
            refused: None,
            nll: f64::NAN,
            before: Vec::new(),
        }
    }
}

impl Generator for FewShot {
    fn batch(&self, runtime: &Runtime, nth: usize, seen: Seen) -> Result<Vec<Candidate>> {
        let end = self.limit.unwrap_or(usize::MAX).min((nth + 1) * BATCH);
        let numbers: Vec<usize> = (nth * BATCH..end).collect();
        if numbers.is_empty() || self.sources.items.is_empty() {
            return Ok(Vec::new());
        }
        let mut shots = Vec::with_capacity(numbers.len());
        let mut requests = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let (own, request) = self.request(runtime, *number)?;
            shots.push(own);
            requests.push(request);
        }
        let (mut done, total) = (0, numbers.len());
        let written =
            runtime.run(Generate::measured(requests, self.lora.clone(), TOGETHER), |event| {
                if let GenerateEvent::Ended { .. } = event {
                    done += 1;
                    seen(Event::Measuring { what: "writing examples", done, total });
                }
            })?;
        let candidates = numbers.iter().zip(&shots).zip(&written);
        Ok(candidates.map(|((number, shots), text)| self.candidate(*number, shots, text)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate::Source;
    use super::*;
    use crate::eval::{Example, Provenance};
    use crate::store::Message;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn few_shot(origin: Origin, seed: u64) -> FewShot {
        let source = |nth: usize| Source {
            example: Example {
                id: format!("item-{nth}"),
                area: if nth < 5 { "shell" } else { "maths" }.into(),
                messages: vec![Message::user(format!("question {nth}"))],
                answer: format!("answer {nth}"),
                weight: 1.0,
                provenance: Provenance::File,
                check: None,
            },
            perplexity: 20.0,
        };
        FewShot {
            sources: Sources { items: (0..8).map(source).collect() },
            origin,
            limit: None,
            temperature: 0.8,
            top_p: 0.9,
            seed,
            lora: None,
        }
    }

    // If this fails, some weak items get no examples and others too many, or an item is imitated in
    // another area's way.
    #[test]
    fn each_item_has_its_turn_among_items_of_its_own_area() {
        let made = few_shot(Origin::EachInTurn, 3);
        let mut turns = BTreeMap::<usize, usize>::new();
        for number in 0..24 {
            let shots = made.shots(number);
            assert_eq!(shots.len(), 3);
            let areas: std::collections::BTreeSet<bool> = shots.iter().map(|s| *s < 5).collect();
            assert_eq!(areas.len(), 1, "{shots:?}");
            *turns.entry(shots[2]).or_default() += 1;
        }
        assert!(turns.len() == 8 && turns.values().all(|turns| *turns == 3), "{turns:?}");
        assert_ne!(made.shots(0), few_shot(Origin::EachInTurn, 4).shots(0));
        assert_eq!(made.shots(7), few_shot(Origin::EachInTurn, 3).shots(7));
    }

    #[test]
    fn random_items_are_drawn_uniformly() {
        let made = few_shot(Origin::Random, 1);
        let mut turns = [0usize; 8];
        (0..4000).for_each(|number| turns[made.shots(number)[2]] += 1);
        assert!(turns.iter().all(|turns| (400..600).contains(turns)), "{turns:?}");
    }

    // If this fails, half a question is trained on as if it were an answer.
    #[test]
    fn a_text_becomes_a_question_with_its_answer_or_is_known_to_be_cut_off() {
        let made = few_shot(Origin::EachInTurn, 0);
        let written = |text: &str, stop| Generation {
            tokens: Vec::new(),
            text: text.into(),
            stop,
            prompt_tokens: 0,
            prompt_tokens_cached: 0,
            prompt_time: Duration::ZERO,
            write_time: Duration::ZERO,
        };
        let shots = made.shots(0);
        let whole =
            made.candidate(0, &shots, &written(" List files.\nAnswer: ls\n -l\n", Stop::Marker));
        assert_eq!((whole.question.as_str(), whole.answer.as_str()), ("List files.", "ls\n -l"));
        assert!(whole.complete && whole.seeds.len() == 3);
        let cut = made.candidate(1, &shots, &written(" List all the", Stop::MaxTokens));
        assert_eq!((cut.answer.as_str(), cut.complete), ("", false));
    }
}

//! `session.json`, `config.toml` and JSONL sets.

use super::mutation::{Tally, cases, damaged};
use kaizen::config::Config;
use kaizen::eval::{FieldMap, set};
use kaizen::store::Session;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// As the program and as others write them.
const SESSIONS: [&str; 3] = [
    r#"{"session_id": "session_20261127_060635", "metadata": {"session_id": "session_20261127_060635", "start_time": "2026-11-27T06:06:35.871578", "task": "count the files", "model": "llama", "max_iterations": 1, "user_rating": 2, "feedback_comment": "no", "lora_version": "base", "what_went_wrong": ["Wrong action selected"]}, "start_time": "2026-11-27T06:06:35.871578", "iterations": [{"iteration_number": 1, "start_time": 1795759595.871, "tool_results": [], "grok_response": "ls", "errors": [], "api_call_duration": 0.0005, "api_call_success": true}], "total_iterations": 1, "kaizen": {"messages": [{"role": "user", "content": "count the files"}], "answer": "ls", "arm": "base", "arm_probability": 0.5, "arm_draw": 0.9294626032301091, "model_hash": "f5e6", "generation": {"temperature": 0.0, "top_p": 0.9, "min_p": 0.0, "repetition_penalty": 1.0, "max_tokens": 4, "seed": 1495434138}, "prompt_tokens": 27, "answer_tokens": 4, "tokens_per_second": 36129.12549451741, "duration_seconds": 0.0005, "outcome": {"state": "finished"}, "correction": {"answer": "ls | wc -l", "at": "2026-11-27T06:06:44.438529524Z"}, "ratings": [{"at": "2026-11-27T06:06:44.438529524Z", "stars": 2, "issues": ["Wrong action selected"], "comment": "no", "correction": "ls | wc -l"}]}}"#,
    r#"{"session_id": "session_20251101_000001", "metadata": {"session_id": "session_20251101_000001", "start_time": "2025-11-01T10:00:00", "task": "a task", "user_rating": null, "lora_version": "their-v1"}, "iterations": [{"iteration_number": 1, "grok_response": "an answer"}], "unknown": {"kept": [1, 2, 3]}}"#,
    r#"{
  "session_id": "a",
  "metadata": {
    "session_id": "a",
    "start_time": "2025-11-01T10:00:00",
    "task": "\u65e5\u672c\u8a9e \ud83d\ude00"
  },
  "iterations": []
}"#,
];

// If this fails, one strange file in `logs/` takes Kaizen down at every start.
#[test]
fn no_session_file_makes_it_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut tally = Tally::default();
    for session in SESSIONS {
        Session::parse(session.as_bytes()).unwrap();
    }
    for _ in 0..cases() {
        let bytes = damaged(SESSIONS.choose(&mut random).unwrap().as_bytes(), &mut random);
        tally.case(&bytes, |bytes| {
            let session = Session::parse(bytes)?;
            // What is read is shown, searched, and written back whole.
            let _ = (session.prompt(), session.step_examples(), session.is_act());
            let text = session.to_json().map_err(|error| error.to_string())?;
            let again = Session::parse(&text).expect("what was written is not read");
            assert!(again == session, "it changes when it is written and read");
            Ok(())
        });
    }
    tally.means_something();
}

// If this fails, a slip in `config.toml` takes Kaizen down instead of being named.
#[test]
fn no_configuration_makes_it_panic() {
    let commented = include_str!("../../../config.toml");
    // Every setting set.
    let set: String = commented
        .lines()
        .map(|line| {
            let setting = line.strip_prefix("# ").filter(|rest| {
                rest.split_once(" = ")
                    .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
            });
            setting.unwrap_or(line).to_owned() + "\n"
        })
        .collect();
    let small =
        "kaizen = 1\n[generate]\nmax_tokens = 24\n[train]\nrank = 4\ntargets = [\"q\", \"v\"]\n";
    let sources = [commented, &set, small, small, small];
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut tally = Tally::default();
    let file = Path::new("config.toml");
    Config::parse(small, file).unwrap();
    for _ in 0..cases() {
        let bytes = damaged(sources.choose(&mut random).unwrap().as_bytes(), &mut random);
        tally.case(&bytes, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            Config::parse(&text, file).map(drop).map_err(|error| error.to_string())
        });
    }
    tally.means_something();
}

// If this fails, a line of a file of examples takes a long piece of work down before or after its start.
#[test]
fn no_line_of_a_set_makes_it_panic() {
    let sets = [
        "{\"id\":\"a\",\"area\":\"maths\",\"prompt\":\"2 + 2\",\"answer\":\"4\",\"check\":{\"kind\":\"number\"},\"weight\":2.5}\n{\"prompt\":\"b\",\"answer\":\"c\"}\n",
        "{\"id\":7,\"messages\":[{\"role\":\"system\",\"content\":\".\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}],\"provenance\":\"correction\"}\n",
        "\u{feff}{\"prompt\":\"日本\",\"answer\":\"\\ud83d\\ude00\"}\r\n\r\n{\"prompt\":\"x\",\"answer\":\"y\"}",
    ];
    let maps = [FieldMap::default(), "prompt=answer,answer=prompt".parse().unwrap()];
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut tally = Tally::default();
    for _ in 0..cases() {
        let bytes = damaged(sets.choose(&mut random).unwrap().as_bytes(), &mut random);
        let map = maps.choose(&mut random).unwrap();
        tally.case(&bytes, |bytes| {
            let examples = set::read_from(bytes, "set.jsonl", map).map_err(|e| e.to_string())?;
            for example in &examples {
                let _ = (example.prompt_sha256(), example.question());
            }
            kaizen::eval::groups(&examples);
            Ok(())
        });
    }
    tally.means_something();
}

//! `kaizen train --from FILE`.

use crate::kaizen::{Home, SHORT, examples, keys, says};
use serde_json::Value;
use std::fs;

// If this fails, a script that follows a training reads the wrong things.
#[test]
fn a_training_says_what_it_will_do_each_step_and_what_came_out() {
    let trained = Home::trained();
    let lines = &trained.lines;
    for key in ["run", "examples", "tokens", "steps", "memory_mib"] {
        assert!(keys(&lines[0]).contains(&key), "{key}: {}", lines[0]);
    }
    assert_eq!((lines[0]["examples"].as_u64(), lines[0]["steps"].as_u64()), (Some(4), Some(4)));
    assert_eq!(lines.len(), 6);
    let losses: Vec<f64> = (1..=4)
        .map(|step| {
            let line = &lines[step];
            assert_eq!(keys(line), ["step", "loss", "lr", "grad_norm", "tokens_per_second"]);
            assert_eq!(line["step"], step);
            line["loss"].as_f64().unwrap()
        })
        .collect();
    assert!(losses[3] < losses[0], "nothing was learned: {losses:?}");
    let last = &lines[5];
    assert_eq!(keys(last), ["run", "adapter", "steps", "loss", "seconds", "peak_rss_mib"]);
    assert_eq!(last["run"], lines[0]["run"]);
    assert_eq!((last["adapter"].as_str(), last["steps"].as_u64()), (Some("lora-v1"), Some(4)));
    assert_eq!(last["loss"].as_f64(), Some(losses[3]));

    let read = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(trained.home.home(path)).unwrap()).unwrap()
    };
    let config = read("adapters/lora-v1/adapter_config.json");
    assert_eq!((config["peft_type"].as_str(), config["r"].as_u64()), (Some("LORA"), Some(2)));
    let metadata = read("adapters/lora-v1/metadata.json");
    assert_eq!(metadata["losses"].as_array().unwrap().len(), 4);
    assert_eq!(metadata["run"], last["run"]);
    assert!(trained.home.home("adapters/lora-v1/tokenizer_config.json").is_file());
    // A finished run is not trained again.
    let told = trained.home.fails(&["train", "--resume", "last"]);
    says(&told, &["finished", "lora-v1"]);
}

// If this fails, training is refused on machines where it fits, or started where it does not.
#[test]
fn the_memory_said_before_is_within_15_percent_of_what_is_taken() {
    let lines: String = (0..4)
        .map(|i| {
            let (prompt, answer) = ("word ".repeat(200), "word ".repeat(180));
            format!("{{\"id\":\"{i}\",\"prompt\":\"{prompt}\",\"answer\":\"{answer}\"}}\n")
        })
        .collect();
    for checkpointing in [false, true] {
        let home = Home::new();
        let file = home.file("examples.jsonl", &lines);
        let mut arguments = vec!["train", "--from", &file, "--batch", "2", "--epochs", "1"];
        arguments.extend(["--replay", "0", "--max-seq", "512", "--json"]);
        arguments.extend(checkpointing.then_some("--checkpointing"));
        let lines = home.ok(&arguments).lines();
        let said = lines[0]["memory_mib"].as_f64().unwrap();
        let taken = lines.last().unwrap()["peak_rss_mib"].as_f64().unwrap();
        assert!((0.85..=1.15).contains(&(said / taken)), "{said} MiB said, {taken} MiB taken");
    }
}

#[test]
fn a_trained_adapter_answers_tasks() {
    let trained = Home::trained();
    let ran = trained.home.json(&["run", "hi", "--adapter", "lora-v1", "--max-tokens", "2"]);
    assert_eq!(ran["adapter"], "lora-v1");
    let session = trained.home.session(ran["session"].as_str().unwrap());
    assert_eq!(session["kaizen"]["adapter"], "lora-v1");
}

#[test]
fn an_adapter_is_trained_further_in_its_own_shape() {
    let home = Home::new();
    let file = home.file("examples.jsonl", examples(2));
    let parent = Home::trained().home.home("adapters/lora-v1");
    let init = parent.to_str().unwrap();
    let flags =
        ["train", "--from", &file, "--init", init, "--epochs", "1", "--replay", "0", "--json"];
    let lines = home.ok(&flags).lines();
    assert_eq!(lines.last().unwrap()["adapter"], "lora-v1");
    let config = fs::read_to_string(home.home("adapters/lora-v1/adapter_config.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&config).unwrap()["r"], 2);
    assert_ne!(home.tensors("lora-v1"), Home::trained().tensors);
    let ended = home.run(&[&flags[..], &["--rank", "4"]].concat());
    assert_eq!(ended.code, 2);
    says(&ended.err, &["error: --init", "rank 2", "leave out --rank"]);
}

#[test]
fn what_cannot_be_trained_is_refused_before_it_starts() {
    let home = Home::new();
    let file = home.file("examples.jsonl", examples(2));
    for (flags, code, words) in [
        (&["--rank", "0"][..], 2, &["train.rank is 0", "1 or more"][..]),
        (&["--dropout", "1"], 2, &["train.dropout", "below 1"]),
        (&["--lr", "nan"], 2, &["train.learning_rate"]),
        (&["--targets", "q,q"], 2, &["train.targets", "each once"]),
        (&["--targets", "x"], 2, &["must be one of q, k, v"]),
        (&["--schedule", "steep"], 2, &["cosine, linear or constant"]),
        (&["--checkpoint-every", "0"], 2, &["--checkpoint-every"]),
        (&["--resume", "last"], 2, &["cannot be used with"]),
        (&["--max-seq", "4"], 1, &["--max-seq"]),
    ] {
        let ended = home.run(&[&["train", "--from", &file], flags].concat());
        assert_eq!(ended.code, code, "{flags:?}: {}", ended.err);
        says(&ended.err, words);
    }
    assert_eq!(home.run(&["train"]).code, 2);
    assert_eq!(home.home("runs").read_dir().unwrap().count(), 0);
    says(&home.fails(&["train", "--resume", "run_20200101_000000"]), &["no run", "--resume last"]);
    says(&home.fails(&["train", "--resume", "last"]), &["no run"]);
}

#[test]
fn for_a_person_the_steps_are_lines_and_the_end_says_what_to_do_next() {
    let home = Home::new();
    let file = home.file("examples.jsonl", examples(2));
    let mut flags = vec!["train", "--from", &file];
    flags.extend(SHORT);
    let words = home.ok(&flags).out;
    says(
        &words,
        &["2 examples (2 file)", "MiB of memory", "step    1/2", "kaizen compare base lora-v1"],
    );
}

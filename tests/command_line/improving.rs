//! `kaizen generate`, `improve`, `experiment`, `report`: what a script reads, and what a crash costs.
#![cfg(unix)]

use crate::kaizen::{Home, keys, says};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Training that takes seconds.
const SMALL: &str = "kaizen = 1\n[train]\nrank = 2\ntargets = [\"q\", \"v\"]\nepochs = 1\nbatch_size = 2\n\
    gradient_accumulation_steps = 1\nlearning_rate = 1e-3\n";

/// Items of the built-in set: commands, which the model finds hard, without a check in an area of
/// another name, so that no time goes into answers; and a few sums, which are answered.
fn set(commands: usize, sums: usize) -> String {
    let all = include_str!("../../assets/eval/evaluation.jsonl");
    let of = |area: &str, count: usize| -> Vec<Value> {
        let items = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        items.filter(|item| item["area"] == area).take(count).collect()
    };
    let mut items = of("shell", commands);
    for item in &mut items {
        item["area"] = "commands".into();
        item.as_object_mut().unwrap().remove("check");
    }
    items.extend(of("maths", sums));
    items.iter().map(|item| format!("{item}\n")).collect()
}

fn home() -> (Home, String) {
    let home = Home::new();
    home.file("home/config.toml", SMALL);
    let file = home.file("set.jsonl", set(24, 4));
    (home, file)
}

/// A small set has a small worst quarter: a number says what is weak.
const ROUND: [&str; 8] =
    ["--count", "3", "--keep-top", "1", "--sentinels", "1", "--threshold", "8"];

fn round_folder(home: &Home) -> Option<PathBuf> {
    let entries = std::fs::read_dir(home.home("experiments")).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("round_"))
    })
}

/// What a round found out. Whether the decision was already in the ledger is left out: a kill just
/// after it was written leaves it there, and going on then reads it instead of deciding twice.
fn figures(rounds: &Value) -> Vec<Value> {
    let mut round = rounds["rounds"][0].clone();
    if let Some(held_out) = round["held_out"].as_object_mut() {
        held_out.remove("repeated");
    }
    ["weak", "examples", "held_out", "areas", "sentinels", "decision", "reason"]
        .map(|key| round[key].clone())
        .to_vec()
}

// If this fails, a power cut in the middle of a round costs the round, trains twice, or spends the
// held-out items twice.
#[test]
fn a_round_that_is_killed_in_each_phase_goes_on_to_the_same_end() {
    let (whole, file) = home();
    let ended = whole.run(&[&["improve", "--set", &file, "--json"], &ROUND[..]].concat());
    assert!(ended.code == 0 || ended.code == 3, "{}", ended.err);
    let whole = ended.json();
    assert_eq!(whole["rounds"][0]["adapter"], "lora-v1");
    for key in ["before", "after", "weak", "examples", "adapter", "held_out", "accuracy", "reason"]
    {
        assert!(keys(&whole["rounds"][0]).contains(&key), "{key}");
    }

    let (home, file) = home();
    let start = [&["improve", "--set", &file, "--json"], &ROUND[..]].concat();
    let has_adapter = |folder: &PathBuf| {
        let text = std::fs::read_to_string(folder.join("training.json")).unwrap_or_default();
        text.contains("lora-v")
    };
    type Reached<'a> = &'a dyn Fn(&PathBuf) -> bool;
    let phases: [(&str, Reached); 5] = [
        ("baseline", &|folder| folder.join("round.json").exists()),
        ("examples", &|folder| folder.join("weak.json").exists()),
        ("training", &|folder| folder.join("training.json").exists()),
        ("measuring", &has_adapter),
        ("deciding", &|folder| folder.join("measured.json").exists()),
    ];
    for (nth, (phase, reached)) in phases.iter().enumerate() {
        let arguments = if nth == 0 { start.clone() } else { vec!["improve", "--resume", "last"] };
        let mut process = home
            .process()
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while !round_folder(&home).is_some_and(|folder| reached(&folder)) {
            assert!(began.elapsed() < Duration::from_secs(300), "{phase} is never reached");
            std::thread::sleep(Duration::from_millis(2));
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let folder = round_folder(&home).unwrap();
    if !folder.join("result.json").exists() {
        let ended = home.run(&["improve", "--resume", "last", "--json"]);
        assert!(ended.code == 0 || ended.code == 3, "{}", ended.err);
        assert_eq!(figures(&ended.json()), figures(&whole));
    }
    let ledger = std::fs::read_to_string(home.home("experiments/held-out.jsonl")).unwrap();
    assert_eq!(ledger.matches("\"kind\":\"decision\"").count(), 1);
    let adapters = home.json(&["adapters", "list"]);
    assert_eq!(adapters["adapters"].as_array().unwrap().len(), 1, "{adapters}");
    // A round that has ended is not begun again by mistake.
    says(&home.fails(&["improve", "--resume", "last"]), &["has ended"]);
}

// If this fails, a script cannot tell "there is nothing to do" from a failure, or time is spent on it.
#[test]
fn nothing_over_the_threshold_is_said_and_nothing_is_trained() {
    let (home, file) = home();
    let ended = home.run(&[
        "improve",
        "--set",
        &file,
        "--threshold",
        "100000",
        "--sentinels",
        "1",
        "--json",
    ]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    let round = &ended.json()["rounds"][0];
    assert_eq!(round["decision"], "nothing to improve");
    says(round["reason"].as_str().unwrap(), &["no area is weak", "a lower --threshold"]);
    assert!(!home.home("adapters/lora-v1").exists());

    let made = home.run(&["generate", "--set", &file, "--threshold", "100000", "--json"]);
    assert_eq!((made.code, &made.json()["generated"]), (3, &Value::from(0)));
}

// If this fails, made examples cannot be read, counted, or trained on.
#[test]
fn examples_are_made_counted_and_written_for_training() {
    let (home, file) = home();
    let out = home.path("made.jsonl");
    let made = home.json(&[
        "generate",
        "--set",
        &file,
        "--variations",
        "2",
        "--threshold",
        "8",
        "--keep-top",
        "1",
        "--out",
        out.to_str().unwrap(),
    ]);
    let (generated, kept) = (made["generated"].as_u64().unwrap(), made["kept"].as_u64().unwrap());
    let rejected: u64 =
        made["rejected"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(generated, kept + rejected, "{made}");
    assert_eq!(generated, 2 * made["weak"].as_array().unwrap().len() as u64);
    let lines = std::fs::read_to_string(&out).unwrap();
    assert_eq!(lines.lines().count() as u64, kept);
    assert!(kept == 0 || lines.contains("\"provenance\":\"targeted\""), "{lines}");
}

// If this fails, an experiment's figures are lost with the process, or its files are not those that it
// names.
#[test]
fn an_experiment_that_is_killed_goes_on_and_leaves_tables_charts_and_a_log() {
    let (home, file) = home();
    let mut process = home
        .process()
        .args(["experiment", "weighting", "--set", &file, "--seeds", "2", "--count", "3"])
        .args(["--keep-top", "1", "--threshold", "8"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let experiments = home.home("experiments");
    let folder = || {
        let entries = std::fs::read_dir(&experiments).ok()?;
        entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("experiment_"))
        })
    };
    let began = Instant::now();
    while !folder().is_some_and(|path| path.join("experiment.json").exists()) {
        assert!(began.elapsed() < Duration::from_secs(300), "no arm ever ends");
        std::thread::sleep(Duration::from_millis(5));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let ended = home.run(&["experiment", "--resume", "last", "--json"]);
    assert!(ended.code == 0 || ended.code == 3, "{}", ended.err);
    let record = ended.json();
    let arms = record["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 2);
    let seeds = |arm: &Value| arm["seeds"].as_array().unwrap().clone();
    for (a, b) in seeds(&arms[0]).iter().zip(seeds(&arms[1])) {
        assert_eq!(a["steps"], b["steps"]);
        let (a, b) = (a["tokens"].as_f64().unwrap(), b["tokens"].as_f64().unwrap());
        assert!((a - b).abs() <= 0.25 * a, "{a} and {b} tokens");
    }
    assert!(record["comparisons"][0]["ci95"].is_array(), "{}", record["comparisons"]);
    let folder = folder().unwrap();
    for name in ["items.csv", "seeds.csv", "arms.csv", "change.svg", "change.png", "experiment.md"]
    {
        assert!(folder.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    let log = std::fs::read_to_string(experiments.join("log.md")).unwrap();
    says(&log, &[folder.file_name().unwrap().to_str().unwrap(), "uncertainty"]);
    let report = home.json(&["report", "--no-final"]);
    let files = report["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file.as_str().unwrap().ends_with("report.md")), "{report}");
}

// If this fails, arguments that make no sense are found out after minutes of work.
#[test]
fn what_makes_no_sense_is_refused_at_once() {
    let (home, file) = home();
    for (arguments, word) in [
        (vec!["improve", "--set", &file, "--generator", "pool"], "--pool"),
        (vec!["improve", "--set", &file, "--pool", "x.jsonl"], "--generator pool"),
        (vec!["generate", "--set", &file, "--no-filter", "--checked"], "cannot be used with"),
        (vec!["improve"], "--set"),
        (vec!["experiment", "--set", &file], "NAME"),
        (vec!["experiment", "nothing", "--set", &file], "possible values"),
    ] {
        let told = home.run(&arguments);
        assert_eq!(told.code, 2, "{arguments:?}: {}", told.err);
        says(&told.err, &[word]);
    }
    // As of a run: a name that is not there is no wrong usage.
    says(&home.fails(&["improve", "--resume", "last"]), &["no round"]);
    home.fails(&["experiment", "--resume", "last"]);
    // A set is data; and nothing is begun with one of which nothing can be found out.
    let one = home.file("one.jsonl", set(1, 0));
    for begins in [&["improve"][..], &["experiment", "control"]] {
        let told = home.fails(&[begins, &["--set", &one]].concat());
        says(&told, &["a set of about 40 items or more has some"]);
    }
    assert_eq!(round_folder(&home), None);
    let pool =
        home.run(&["generate", "--set", &file, "--generator", "pool", "--pool", "missing.jsonl"]);
    assert_eq!(pool.code, 1);
    says(&pool.err, &["missing.jsonl"]);
}

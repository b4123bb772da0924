//! `kaizen train --resume`: what a stop costs.
#![cfg(unix)]

use crate::kaizen::{Ended, Home, SHORT, examples, says};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// Starts the training of [`Home::trained`] and waits for the end of its step `step`.
fn begin(home: &Home, step: u64, flags: &[&str]) -> (Child, impl Read + use<>) {
    begin_as(home.process(), home, step, flags)
}

#[allow(clippy::zombie_processes, reason = "every caller waits for the process")]
fn begin_as(
    mut process: Command,
    home: &Home,
    step: u64,
    flags: &[&str],
) -> (Child, impl Read + use<>) {
    let file = home.file("examples.jsonl", examples(4));
    let mut process = process
        .args(["train", "--from", &file, "--json"])
        .args(SHORT)
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended early");
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["step"] == step {
            return (process, out);
        }
    }
}

/// Goes on with the newest run of `home`, which must end as if nothing had happened.
fn resume(home: &Home) {
    let lines = home.ok(&["train", "--resume", "last", "--json"]).lines();
    let done = lines[0]["steps_done"].as_u64().unwrap();
    assert!((1..4).contains(&done), "{}", lines[0]);
    assert_eq!(lines[1]["step"], done + 1);
    let last = lines.last().unwrap();
    assert_eq!((last["adapter"].as_str(), last["steps"].as_u64()), (Some("lora-v1"), Some(4)));
    assert!(home.tensors("lora-v1") == Home::trained().tensors, "another adapter came out");
    let run = home.home("runs").join(last["run"].as_str().unwrap());
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let steps: Vec<u64> = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [1, 2, 3, 4]);
}

// If this fails, Ctrl-C costs the person the training so far.
#[test]
fn an_interrupted_training_is_saved_and_goes_on_to_the_same_adapter() {
    let home = Home::new();
    let (process, mut out) = begin(&home, 1, &[]);
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let ended = Ended::of(process.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.err);
    let last: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert!(last["adapter"].is_null(), "{last}");
    says(&ended.err, &["nothing is lost", "kaizen train --resume run_"]);
    assert!(!home.home("adapters/lora-v1").exists());
    resume(&home);
}

// If this fails, a terminal that goes away costs the training so far, or `nohup` does not keep it going.
#[test]
#[cfg(target_os = "linux")]
fn the_end_of_the_terminal_interrupts_a_training_unless_it_is_to_be_ignored() {
    for (env, code) in [("--default-signal=HUP", 130), ("--ignore-signal=HUP", 0)] {
        let home = Home::new();
        let (process, mut out) = begin_as(home.process_under(&["env", env]), &home, 1, &[]);
        let id = process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
        out.read_to_string(&mut String::new()).unwrap();
        let ended = Ended::of(process.wait_with_output().unwrap());
        assert_eq!(ended.code, code, "{env}: {}", ended.err);
        if code == 130 {
            resume(&home);
        }
    }
}

// If this fails, a power cut costs more than the steps since the last checkpoint, or corrupts the run.
#[test]
fn a_killed_training_goes_on_to_the_same_adapter() {
    let home = Home::new();
    let (mut process, _out) = begin(&home, 2, &["--checkpoint-every", "1"]);
    process.kill().unwrap();
    process.wait().unwrap();
    resume(&home);
}

// If this fails, two processes write one run's checkpoint and metrics.
#[test]
fn a_run_that_is_being_trained_is_not_resumed_by_another_process() {
    let home = Home::new();
    let (mut process, _out) = begin(&home, 1, &["--checkpoint-every", "1"]);
    let told = home.fails(&["train", "--resume", "last"]);
    process.kill().unwrap();
    process.wait().unwrap();
    says(&told, &["cannot go on with run_", "another process (pid ", "is training it"]);
}

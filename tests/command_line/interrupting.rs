//! Ctrl-C while the model works.
#![cfg(unix)]

use crate::kaizen::{Ended, Home, says, set};
use crate::serving::with_adapter;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn interrupt(process: &Child) {
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
}

/// Waits for what a process does by itself; whoever waits in vain is ended with the test.
fn until(mut reached: impl FnMut() -> bool) {
    while !reached() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

// If this fails, Ctrl-C loses the answer so far, or a script cannot tell that it was cut short.
#[test]
fn an_interrupted_answer_is_kept_as_far_as_it_came() {
    let home = Home::new();
    let mut process = home
        .process()
        .args(["run", "Count from one to one thousand.", "--max-tokens", "4000", "--seed", "1"])
        .args(["--temperature", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0];
    process.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    interrupt(&process);
    let ended = Ended::of(process.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.err);
    let listed = home.json(&["sessions", "list"]);
    assert_eq!(listed["sessions"][0]["outcome"], "cancelled");
    let session = home.session(listed["sessions"][0]["id"].as_str().unwrap());
    assert!(!session["kaizen"]["answer"].as_str().unwrap().is_empty());
}

// If this fails, Ctrl-C passes over a pair of a replay instead of ending it, or what was judged is lost.
#[test]
fn an_interrupted_replay_ends_and_keeps_what_was_judged() {
    let home = with_adapter();
    for prompt in ["Name a river", "Count to three", "Say good night", "Name a colour"] {
        home.ok(&["rate", &home.task(prompt), "2"]);
    }
    let mut process = home
        .process()
        .args(["replay", "lora-v1", "--json"])
        // Open to the end: nobody writes a judgement, and nobody closes it.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _nobody = process.stdin.take();
    let mut told = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    until(|| {
        line.clear();
        told.read_line(&mut line).unwrap() == 0 || line.contains("--- right ---")
    });
    assert!(line.contains("--- right ---"), "no pair was asked about");
    interrupt(&process);
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    let ended = Ended::of(process.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{rest}");
    says(&rest, &["stopped; what was judged is kept"]);
    let file = home.home("experiments/replays/lora-v1-against-base.jsonl");
    let kept = fs::read_to_string(file).unwrap_or_default().lines().count();
    assert_eq!(ended.json()["pairs"].as_u64(), Some(kept as u64));
}

// If this fails, an interrupted run of tasks takes the corrections of an earlier one with it, or tells a
// script that nothing was done of nothing.
#[test]
fn interrupted_tasks_leave_earlier_corrections_alone() {
    let home = Home::new();
    let task = r#"{"id":"a","area":"x","task":"Count from one to one hundred.","check":"false"}"#;
    let tasks = home.file("tasks.jsonl", task);
    let corrections = home.file("corrections.jsonl", "of an earlier run");
    let process = home
        .process()
        .args(["tasks", "run", &tasks, "--corrections", &corrections, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("session_");
    until(|| {
        let entries = fs::read_dir(home.home("logs")).into_iter().flatten();
        entries.flatten().any(begun)
    });
    interrupt(&process);
    let ended = Ended::of(process.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.err);
    says(&ended.err, &["stopped after 0 of 1 task"]);
    assert_eq!(ended.json()["success_rate"], Value::Null);
    assert_eq!(fs::read_to_string(corrections).unwrap(), "of an earlier run");
}

// If this fails, nobody is told what is left of minutes of measuring that they ended.
#[test]
#[cfg(target_os = "linux")]
fn what_leaves_nothing_behind_says_so() {
    let home = Home::new();
    let file = home.file("set.jsonl", set(40));
    let process = home
        .process()
        .args(["eval", "--set", &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", process.id());
    // Signals that a process listens for; the second bit is that of Ctrl-C.
    let listens = || {
        let status = fs::read_to_string(&status).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() & 2 != 0
    };
    let started =
        || fs::read_to_string(home.home("kaizen.log")).is_ok_and(|log| log.contains("started"));
    until(|| started() && listens());
    interrupt(&process);
    let ended = Ended::of(process.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.out.as_str()), (130, ""), "{}", ended.err);
    says(&ended.err, &["interrupted; nothing of this is kept"]);
}

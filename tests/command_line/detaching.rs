//! `kaizen train --detach`.
#![cfg(unix)]

use crate::kaizen::{Home, SHORT, examples, says};
use std::time::{Duration, Instant};

// If this fails, closing the terminal ends a training that was to go on.
#[test]
fn a_detached_training_goes_on_by_itself() {
    let home = Home::new();
    let file = home.file("examples.jsonl", examples(2));
    let begun = home.ok(&[&["train", "--from", &file, "--detach", "--json"], &SHORT[..]].concat());
    assert_eq!(begun.lines().len(), 1);
    assert_eq!(begun.lines()[0]["examples"], 2);
    says(&begun.err, &["in the background as process"]);
    assert!(!home.home("adapters/lora-v1").exists(), "it was waited for");
    let patience = Instant::now() + Duration::from_secs(300);
    while !home.home("adapters/lora-v1").exists() {
        assert!(Instant::now() < patience, "no adapter came");
        std::thread::sleep(Duration::from_millis(100));
    }
    // Only then has the process nothing left to write into this home.
    while home.run(&["train", "--resume", "last"]).err.contains("another process") {
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_is_wrong_is_said_at_once() {
    let home = Home::new();
    let told = home.fails(&["train", "--from", "nowhere.jsonl", "--detach"]);
    says(&told, &["cannot read nowhere.jsonl"]);
}

// If this fails, a training that was left to the background ends at the first line that nobody reads.
#[test]
fn a_detached_training_needs_no_reader() {
    let home = Home::new();
    let file = home.file("examples.jsonl", examples(2));
    let mut training = home
        .process()
        .args(["train", "--from", &file, "--detached"])
        .args(SHORT)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(training.stdout.take());
    assert!(training.wait().unwrap().success());
    assert!(home.home("adapters/lora-v1").exists());
}

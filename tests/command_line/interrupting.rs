//! Ctrl-C while the model works.
#![cfg(unix)]

use crate::kaizen::{Ended, Home};
use std::io::Read;
use std::process::{Command, Stdio};

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
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let ended = Ended::of(process.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.err);
    let listed = home.json(&["sessions", "list"]);
    assert_eq!(listed["sessions"][0]["outcome"], "cancelled");
    let session = home.session(listed["sessions"][0]["id"].as_str().unwrap());
    assert!(!session["kaizen"]["answer"].as_str().unwrap().is_empty());
}

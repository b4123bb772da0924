//! `kaizen` without a command and without a terminal: the demo.

use crate::kaizen::{Home, says};

// If this fails, the first thing that a newcomer sees does not work.
#[test]
fn without_a_command_the_whole_loop_is_shown_once() {
    let home = Home::new();
    let ended = home.ok(&["--json"]);
    says(&ended.err, &["no terminal here", "kaizen demo", "kaizen --help"]);
    let shown = ended.json();
    let steps = shown["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["model", "task", "rating", "weak areas", "training", "comparison", "decision"]
    );
    for step in steps {
        assert!(step["seconds"].as_f64().unwrap() >= 0.0);
        assert!(!step["summary"].as_str().unwrap().is_empty());
    }
    let decision = shown["decision"].as_str().unwrap();
    assert!(["accepted", "rejected", "cannot tell"].contains(&decision), "{decision}");
    // It works in a temporary home and leaves the person's own alone.
    assert!(!home.home("").exists());
}

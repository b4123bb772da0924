//! From a correction to a promoted adapter and back, all of it by keyboard.

use crate::terminal::{Terminal, sessions};
use serde_json::Value;

/// Everything quick, few corrections enough, and steps so large that the adapter answers otherwise than
/// base. Nothing is promoted by itself.
const SETTINGS: &str = "kaizen = 1\n\
    [generate]\nmax_tokens = 6\ntemperature = 0.0\n\
    [train]\nrank = 4\nalpha = 8.0\nbatch_size = 1\nepochs = 4\nlearning_rate = 0.01\nreplay = 0.0\n\
    [feedback]\nmin_failed = 2\n";

/// Asks a task in a new conversation and rates its answer.
fn ask(kaizen: &mut Terminal, task: &str, stars: &str) {
    kaizen.wait(&["Your task"]).send(task).enter();
    kaizen.wait(&["How good was the answer?"]).send(stars).wait(&["saved"]);
    // A good answer needs no more words; a bad one goes on to what went wrong, which may be skipped.
    if stars == "2" {
        kaizen.escape();
    }
    kaizen.wait_until("the form is gone", |screen| {
        !screen.contains("How good was the answer?") && !screen.contains("Wrong action selected")
    });
    // A new conversation.
    kaizen.send("\u{e}").wait_until("the conversation is new", |screen| !screen.contains("❯"));
}

// If this fails, a person cannot get from their corrections to an adapter that answers, or not back.
#[test]
fn from_corrections_through_a_blind_replay_to_promotion_and_back() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), SETTINGS).unwrap();
    let mut kaizen = crate::kaizen(home.path());
    ask(&mut kaizen, "Name a large river", "2");
    ask(&mut kaizen, "Name a high mountain", "2");
    ask(&mut kaizen, "Count from one to three", "4");
    ask(&mut kaizen, "Say good night", "5");

    // Correct: one after the other.
    kaizen.escape().send("2").wait(&["4 sessions"]).send("w").wait(&["1 of 2"]);
    kaizen.send("Amazon").enter().wait(&["2 of 2"]);
    kaizen.send("Everest").enter().wait(&["corrected"]);
    kaizen.escape().wait(&["✎"]);

    // Train on them.
    kaizen.send("t").wait(&["Ready to train", "2 correction"]).enter();
    kaizen.wait(&["lora-v1 came out of"]);

    // Replay: the two tasks that were not learned from, blind, one key each.
    kaizen.send("5").wait(&["base → lora-v1"]).send("\t").wait(&["Enter begins"]).enter();
    for pair in ["Pair 1 of 2", "Pair 2 of 2"] {
        kaizen.wait(&[pair]);
        let shown = kaizen.screen();
        let columns = shown.lines().skip(1).take_while(|line| !line.contains("Pair "));
        let columns: String = columns.collect();
        assert!(!columns.contains("lora-v1"), "{shown}");
        // No key counts before a person can have read the pair, which comes later on a busy machine.
        for _ in 0..60 {
            std::thread::sleep(std::time::Duration::from_secs(1));
            if !kaizen.screen().contains(pair) {
                break;
            }
            kaizen.send("h");
        }
    }
    kaizen.wait(&["Nothing is decided"]);

    // Promote, with the evidence on screen first; see the progress; roll back.
    kaizen.send("p").wait(&["lora-v1", "corrections"]).send("y");
    kaizen.wait(&["answers everything now"]);
    kaizen.send("\t\t\t\t").wait(&["2 corrections", "lora-v1"]);
    kaizen.send("u").wait(&["Back to who answered"]).send("y").wait(&["rolled back"]);
    // On the way to the progress the corrections were scored.
    kaizen.wait_until("nothing is measured any more", |screen| !screen.contains("Your tasks ●"));
    kaizen.send("q");
    let (code, raw) = kaizen.ended();
    assert_eq!(code, 0, "{raw}");

    // The same is found on disk.
    let lines = |path: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(home.path().join(path)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let steps: Vec<Value> =
        lines("adapters/history.jsonl").iter().map(|line| line["step"].clone()).collect();
    assert_eq!(steps, ["promote", "rollback"]);
    let pairs = lines("experiments/replays/lora-v1-against-base.jsonl");
    assert_eq!(pairs.len(), 2);
    assert!(pairs.iter().any(|pair| pair["same"] == false), "{pairs:?}");
    let corrections: Vec<Value> = sessions(home.path())
        .iter()
        .filter_map(|session| session["kaizen"]["correction"]["answer"].as_str().map(Value::from))
        .collect();
    assert_eq!(corrections.len(), 2);
}

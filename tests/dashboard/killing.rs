//! kill -9 at any moment: whatever was confirmed is there after the next start, which needs no help.

use crate::terminal::{Terminal, quick_home, sessions};
use std::path::Path;

fn ask(kaizen: &mut Terminal, task: &str) {
    kaizen.wait(&["Your task"]).send(task).enter();
}

/// A JSONL file of three examples in the home.
fn examples(home: &Path) {
    let lines: String = (0..3)
        .map(|i| format!("{{\"prompt\":\"word {i}\",\"answer\":\"answer number {i}\"}}\n"))
        .collect();
    std::fs::write(home.join("examples.jsonl"), lines).unwrap();
}

fn starts_again(home: &Path) -> Terminal {
    let mut kaizen = crate::kaizen(home);
    kaizen.wait(&["Your task"]);
    kaizen
}

#[test]
fn killed_while_an_answer_comes_the_task_is_kept() {
    let home = quick_home();
    let mut kaizen = crate::kaizen(home.path());
    ask(&mut kaizen, "Tell a long story about a lighthouse.");
    kaizen.wait(&["writing"]);
    kaizen.kill();
    let kept = sessions(home.path());
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["metadata"]["task"], "Tell a long story about a lighthouse.");
    let mut kaizen = starts_again(home.path());
    kaizen.escape().send("2").wait(&["Tell a long story"]);
    kaizen.send("q").ended();
}

#[test]
fn killed_with_the_form_open_the_stars_are_kept() {
    let home = quick_home();
    let mut kaizen = crate::kaizen(home.path());
    ask(&mut kaizen, "Say hello.");
    kaizen.wait(&["How good was the answer?"]).send("1");
    kaizen.wait(&["★☆☆☆☆ saved"]).send("\tnever confirmed");
    kaizen.kill();
    assert_eq!(sessions(home.path())[0]["metadata"]["user_rating"], 1);
    let mut kaizen = starts_again(home.path());
    kaizen.escape().send("2").wait(&["★☆☆☆☆"]);
    kaizen.send("q").ended();
}

#[test]
fn killed_while_measuring_nothing_is_damaged() {
    let home = quick_home();
    let mut kaizen = crate::kaizen(home.path());
    kaizen.wait(&["Your task"]).escape().send("3").wait(&["Where is the model weak?"]).send("m");
    kaizen.wait(&["measuring base"]);
    kaizen.kill();
    let mut kaizen = starts_again(home.path());
    kaizen
        .escape()
        .send("3")
        .wait(&["Where is the model weak?"])
        .send("m")
        .wait(&["measuring base"]);
    kaizen.send("q").wait(&["Quit all the same"]).send("y").ended();
}

#[test]
fn killed_while_training_the_run_goes_on_after_the_next_start() {
    let home = quick_home();
    examples(home.path());
    let mut config = std::fs::read_to_string(home.path().join("config.toml")).unwrap();
    config = config.replace("epochs = 2", "epochs = 12\ncheckpoint_seconds = 1");
    std::fs::write(home.path().join("config.toml"), config).unwrap();

    let mut kaizen = crate::kaizen(home.path());
    kaizen.wait(&["Your task"]).escape().send("4").wait(&["from file"]).send("o");
    kaizen.wait(&["Train on a file"]).send("examples.jsonl").enter();
    kaizen.wait(&["Ready to train"]).enter();
    let run =
        || std::fs::read_dir(home.path().join("runs")).unwrap().next().unwrap().unwrap().path();
    kaizen.wait_until("a checkpoint", |_| {
        std::fs::read_dir(home.path().join("runs")).is_ok_and(|mut runs| {
            runs.next()
                .is_some_and(|run| run.unwrap().path().join("checkpoint.safetensors").exists())
        })
    });
    kaizen.kill();
    let before = std::fs::read_to_string(run().join("metrics.jsonl")).unwrap();
    assert!(before.lines().count() >= 1);

    let mut kaizen = starts_again(home.path());
    kaizen.escape().send("4").wait(&["p goes on"]).send("p");
    kaizen.wait(&["lora-v1 came out of"]);
    kaizen.send("q").ended();
    let after = std::fs::read_to_string(run().join("metrics.jsonl")).unwrap();
    // Three examples are one step an epoch.
    assert_eq!(after.lines().count(), 12);
    assert!(home.path().join("adapters/lora-v1/adapter_model.safetensors").is_file());
}

#[test]
fn killed_while_comparing_nothing_confirmed_is_lost() {
    let home = quick_home();
    examples(home.path());
    let trained = std::process::Command::new(env!("CARGO_BIN_EXE_kaizen"))
        .args(["train", "--from", "examples.jsonl", "--quiet", "--home", "."])
        .current_dir(home.path())
        .status()
        .unwrap();
    assert!(trained.success());
    let mut kaizen = crate::kaizen(home.path());
    ask(&mut kaizen, "Say hello.");
    kaizen.wait(&["How good was the answer?"]).send("5").wait(&["★★★★★ saved"]).escape();
    kaizen.send("5").wait(&["base → lora-v1"]).send("i");
    kaizen.wait(&["Ask both"]).send("Count to a hundred.").enter();
    kaizen.wait(&["› Count to a hundred."]);
    kaizen.kill();
    let kept = sessions(home.path());
    assert_eq!(kept[0]["metadata"]["user_rating"], 5);
    let mut kaizen = starts_again(home.path());
    kaizen.escape().send("2").wait(&["★★★★★"]);
    kaizen.send("q").ended();
}

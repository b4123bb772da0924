//! Weak areas, and training: what is weak is chosen, a run is looked into, paused, stopped, left to the background
//! and gone on with. The tiny model takes milliseconds for a step: there are as many of them as the keys need.

use super::{SETTINGS, dashboard_on};
use crate::terminal::Terminal;
use std::path::Path;
use std::process::Command;

const LEFT: &str = "\u{1b}[D";
const RIGHT: &str = "\u{1b}[C";
const SHIFT_LEFT: &str = "\u{1b}[1;2D";
const SHIFT_RIGHT: &str = "\u{1b}[1;2C";

/// A run that does not end by itself while somebody looks at it.
const EPOCHS: &str = "epochs = 50000";
/// Steps of the run that came before.
const EARLIER: &str = "40";

/// Examples to train on, a set that is measured at once, and one that takes as long as it is left.
fn files(home: &Path) {
    let line = |id: usize| {
        format!(
            "{{\"id\":\"item-{id}\",\"area\":\"{}\",\"prompt\":\"word {id}\",\"answer\":\"number {id}\"}}\n",
            if id.is_multiple_of(2) { "even" } else { "odd" }
        )
    };
    for (name, items) in [("examples", 3), ("set", 40), ("long", 20_000)] {
        let lines: String = (0..items).map(line).collect();
        std::fs::write(home.join(name).with_extension("jsonl"), lines).unwrap();
    }
}

fn open(home: &Path, settings: &str, pane: &str) -> Terminal {
    let mut kaizen = dashboard_on(home, settings, "llama");
    kaizen.escape().send(pane);
    kaizen
}

fn gone(kaizen: &mut Terminal, part: &str) {
    kaizen.wait_until(&format!("{part:?} is gone"), |screen| !screen.contains(part));
}

fn choose_set(kaizen: &mut Terminal, file: &str) {
    kaizen.send("o").wait(&["Evaluation set"]).clear_field().send(file).enter();
    gone(kaizen, "Evaluation set");
}

/// To the training on a file, from Training.
fn train(kaizen: &mut Terminal) {
    kaizen.send("o").wait(&["Train on a file"]).send("examples.jsonl").enter();
    kaizen.wait(&["Ready to train"]).enter().wait(&["trains: step"]);
}

pub fn walk(home: &Path) {
    files(home);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama");
    let settings =
        SETTINGS.replace("epochs = 4", EPOCHS) + &format!("[model]\ndefault = {model:?}\n");
    std::fs::write(home.join("config.toml"), &settings).unwrap();
    // An adapter to measure, and a curve to lay over another.
    let trained = Command::new(env!("CARGO_BIN_EXE_kaizen"))
        .args(["train", "--from", "examples.jsonl", "--epochs", EARLIER, "--quiet", "--home", "."])
        .current_dir(home)
        .output();
    assert!(trained.unwrap().status.success());

    let mut kaizen = open(home, &settings, "3");
    weak_areas(&mut kaizen);
    // What was found to be weak is shown before it is trained on, and not trained on.
    kaizen.send("t").wait(&["Ready to train", "Example 1 of 2"]);
    kaizen.send("l").wait(&["Example 2 of 2"]).send("h").wait(&["Example 1 of 2"]).escape();
    kaizen.wait(&["No run is under way"]).send("t").wait(&["0 failed"]);
    earlier_run(&mut kaizen);
    train(&mut kaizen);
    present_run(&mut kaizen);
    train(&mut kaizen);
    kaizen.send("q").wait(&["next time (l)"]).escape();
    gone(&mut kaizen, "A question");
    kaizen.send("q").wait(&["next time (l)"]).send("l").ended();

    let mut kaizen = open(home, &settings, "4");
    kaizen.wait(&["p goes on"]).send("p").wait(&["trains: step"]).send("q");
    kaizen.wait(&["background (b)"]).send("b");
    let (code, raw) = kaizen.ended();
    assert!(code == 0 && raw.contains("goes on in the background as process "), "{raw}");

    // The process is followed, and ends with its run.
    let mut kaizen = open(home, &settings, "4");
    kaizen.wait(&["trains: step", "in another process"]).send("x").wait(&["for good?"]);
    kaizen.send("y").wait(&["was stopped at step"]);
    train(&mut kaizen);
    kaizen.send("q").wait(&["stop it for good (x)"]).send("x").ended();
    let mut kaizen = open(home, &settings, "4");
    kaizen.wait(&["No run is under way"]).send("q").ended();
    assert_eq!(
        std::fs::read_dir(home.join("adapters")).unwrap().count(),
        1,
        "only the earlier one"
    );
}

fn weak_areas(kaizen: &mut Terminal) {
    kaizen.wait(&["Where is the model weak?"]);
    choose_set(kaizen, "long.jsonl");
    kaizen.send("m").wait(&["measuring base"]).escape().wait(&["measuring was stopped"]);
    choose_set(kaizen, "set.jsonl");
    kaizen
        .wait(&["m  measures base on set.jsonl"])
        .send("m")
        .wait(&["base on set.jsonl", "· auto"]);
    // The threshold.
    let over = |screen: &str| -> f64 {
        let words = screen.split(" over ").nth(1).unwrap_or_default();
        words.split(' ').next().unwrap_or_default().parse().unwrap_or(f64::NAN)
    };
    let automatic = over(&kaizen.screen());
    kaizen.send("[").wait_until("a lower one", |screen| over(screen) < automatic);
    kaizen.send("]]").wait_until("a higher one", |screen| over(screen) > automatic);
    kaizen.send("=").wait_until("by itself", |s| over(s) == automatic && !s.contains("auto is"));
    // All that are weak, none, two of them.
    kaizen.send("c").wait(&["chosen"]).send("c").wait(&["by area"]);
    kaizen.send(" ").wait(&["✓ 1 chosen"]).send("j ").wait(&["✓ 2 chosen"]);
    // One of them alone, token by token.
    kaizen.enter().wait_until("it is alone", |s| s.contains("token ") && !s.contains("chosen"));
    kaizen.send(&"h".repeat(40)).wait(&["token 1 of"]).send("l").wait(&["token 2 of"]);
    kaizen.send("h").wait(&["token 1 of"]).enter().wait(&["✓ 2 chosen"]);
    kaizen.send("b").wait(&["→ m measures lora-v1 on set.jsonl"]).send("b");
    gone(kaizen, "→ m measures");
}

/// A run that has ended, so that its chart stands still: as many steps as the chart has columns, or fewer.
fn earlier_run(kaizen: &mut Terminal) {
    kaizen.wait(&["whole run", "step 40"]);
    kaizen.send("h").wait(&["40 of 40"]);
    for (key, step) in [
        ("h", 39),
        ("l", 40),
        (LEFT, 39),
        (RIGHT, 40),
        ("[", 30),
        ("]", 40),
        (SHIFT_LEFT, 30),
        (SHIFT_RIGHT, 40),
    ] {
        kaizen.send(key).wait(&[&format!("{step} of 40")]);
    }
    kaizen.send("+").wait(&["steps 20 to 40"]).send("<").wait(&["steps 10 to 30"]);
    kaizen.send(">").wait(&["steps 20 to 40"]).escape();
    gone(kaizen, "of 40");
    kaizen.send("-").wait(&["whole run"]).send("+").wait(&["steps 10 to 30"]).escape();
    kaizen.wait(&["whole run"]).send("y").wait(&["log axis"]).send("y");
    gone(kaizen, "log axis");
    kaizen.wait(&["smoothed 0.8"]).send("s").wait(&["smoothed 0.95"]);
}

/// A run that goes on meanwhile; stopped for good at the end.
fn present_run(kaizen: &mut Terminal) {
    kaizen
        .send("j ")
        .wait(&["··· run_"])
        .send("f")
        .wait(&["live tail"])
        .send("f")
        .wait(&["frozen"])
        .send("f");
    kaizen.wait(&["whole run"]).send("p").wait(&["is paused at step", "p goes on"]).send("p");
    kaizen.wait(&["trains: step"]).send("x").wait(&["for good?"]).send("n");
    gone(kaizen, "for good?");
    kaizen.wait(&["trains: step"]).send("x").wait(&["for good?"]).send("y");
    kaizen.wait(&["was stopped at step"]);
}

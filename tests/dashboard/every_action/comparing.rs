//! Compare in all its parts, and experiments.

use super::{SETTINGS, dashboard};
use std::path::Path;
use std::process::Command;

fn kaizen(home: &Path, arguments: &[&str]) {
    let ran = Command::new(env!("CARGO_BIN_EXE_kaizen"))
        .args(["--quiet", "--home", "."])
        .args(arguments)
        .current_dir(home)
        .output()
        .unwrap();
    let code = ran.status.code();
    assert!(matches!(code, Some(0 | 3)), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// Items of the built-in set for a round of a minute.
fn set(home: &Path) {
    let all = include_str!("../../../assets/eval/evaluation.jsonl");
    let items = all.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut items: Vec<_> = items.filter(|item| item["area"] == "shell").take(24).collect();
    for item in &mut items {
        item["area"] = "commands".into();
        item.as_object_mut().unwrap().remove("check");
    }
    let text: String = items.iter().map(|item| format!("{item}\n")).collect();
    std::fs::write(home.join("set.jsonl"), text).unwrap();
}

pub fn walk(home: &Path) {
    set(home);
    std::fs::write(home.join("config.toml"), SETTINGS).unwrap();
    let round = "improve --set set.jsonl --count 3 --keep-top 1 --sentinels 1 --threshold 8";
    kaizen(home, &round.split(' ').collect::<Vec<_>>());
    for task in ["Name a river", "Say good night"] {
        kaizen(home, &["run", task]);
    }
    let rated = std::fs::read_dir(home.join("logs")).unwrap();
    let rated = rated.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    for session in rated.filter(|name| name.starts_with("session_")) {
        kaizen(home, &["rate", &session, "4"]);
    }
    let mut kaizen = dashboard(home, SETTINGS);
    kaizen.escape().send("5").wait(&["base → lora-v1"]).send("i").wait(&["Ask both"]);
    kaizen.send("Say hello.").enter();
    kaizen.wait_until("both answer", |screen| screen.matches("tokens/s").count() >= 2);
    kaizen.send("lh").send("v").settle_briefly();
    kaizen.send("r").wait(&["How good"]).escape();
    kaizen.escape().send("abab").settle_briefly();
    kaizen.send("g").wait(&["scoring, base"]).send("o").settle_briefly();
    kaizen.escape().wait_until("the gate has stopped", |s| !s.contains("scoring, base"));
    kaizen.send("w").settle();
    // Replay.
    kaizen.send("\t").settle_briefly();
    for _ in 0..8 {
        if kaizen.screen().contains("Enter begins") {
            break;
        }
        kaizen.send("\t").settle_briefly();
    }
    kaizen.wait(&["Enter begins"]).enter().wait(&["Pair 1 of"]);
    // A key counts once a person can have read the pair.
    for key in ["s", "t", "h", "l"] {
        std::thread::sleep(std::time::Duration::from_secs(2));
        kaizen.send(key).settle_briefly();
    }
    kaizen.escape().settle();
    // Service.
    kaizen.send("p").wait(&["lora-v1"]).send("n").settle_briefly();
    kaizen.send("p").wait(&["lora-v1"]).send("y").wait(&["answers everything now"]);
    kaizen.send("u").wait(&["Back to who answered"]).send("y").wait(&["rolled back"]);
    kaizen.send("c").settle_briefly();
    kaizen.send("n").settle();
    // Experiments.
    kaizen.send("6").wait(&["round_"]).enter().settle_briefly();
    kaizen.send("lh").escape().send("s").settle_briefly();
    kaizen.send("lhjjkk").enter().settle_briefly();
    kaizen.escape().send("s").settle_briefly();
    kaizen.send("o").wait(&["set"]).clear_field().send("set.jsonl").enter().send("b");
    kaizen.settle_briefly();
    kaizen.send("n").settle_briefly();
    kaizen.enter().settle_briefly();
    kaizen.send("n").escape().settle_briefly();
    kaizen.send("i").wait(&["round"]).send("y").settle_briefly();
    kaizen.send("x").settle_briefly();
    kaizen.send("y").settle();
    kaizen.send("g").send("r").settle_briefly();
    kaizen.send("x").settle_briefly();
    kaizen.send("y").settle();
    kaizen.escape().settle();
    kaizen.send("q").settle_briefly();
    kaizen.send("y").ended();
}

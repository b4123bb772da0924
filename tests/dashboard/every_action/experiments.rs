//! Rounds of improvement and experiments, and what adapters cost elsewhere.

use super::SETTINGS;
use crate::terminal::Terminal;
use std::path::Path;
use std::process::Command;

/// Runs a command that must come to its end, whatever it finds out; gives what it printed.
pub fn run(home: &Path, arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_kaizen"))
        .args(["--quiet", "--home", "."])
        .args(arguments)
        .current_dir(home)
        .output()
        .unwrap();
    let code = ran.status.code();
    assert!(matches!(code, Some(0 | 3)), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// A home whose model has random weights and takes milliseconds: what it says does not matter here. A round
/// that asks it for so many examples can be stopped before its end all the same.
pub fn tiny(home: &Path) {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama");
    let settings = format!(
        "{SETTINGS}[model]\ndefault = {model:?}\n[error_driven]\nvariations_per_error = 100\n"
    );
    std::fs::write(home.join("config.toml"), settings).unwrap();
}

/// Commands of the built-in set, in an area of another name, so that no time goes into answers.
fn commands() -> Vec<serde_json::Value> {
    let all = include_str!("../../../assets/eval/evaluation.jsonl");
    let items = all.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut items: Vec<_> = items.filter(|item| item["area"] == "shell").take(24).collect();
    for item in &mut items {
        item["area"] = "commands".into();
        item.as_object_mut().unwrap().remove("check");
    }
    items
}

/// A round that came to an adapter, and an experiment.
pub fn tried(home: &Path) {
    let lines = |items: &[serde_json::Value]| -> String {
        items.iter().map(|item| format!("{item}\n")).collect()
    };
    std::fs::write(home.join("set.jsonl"), lines(&commands())).unwrap();
    // Random weights write nothing that is good enough to learn from.
    let pool = [
        ("Write one shell command: list the files here by size", "ls -lS"),
        ("Write one shell command: count the words of all files", "cat * | wc -w"),
        ("Write one shell command: show the end of a file", "tail file"),
        ("Write one shell command: print the current folder", "pwd"),
    ];
    let pool = pool.map(|(prompt, answer)| {
        serde_json::json!({"id": answer, "area": "commands", "prompt": prompt, "answer": answer})
    });
    std::fs::write(home.join("pool.jsonl"), lines(&pool)).unwrap();
    let from_pool =
        "--set set.jsonl --generator pool --pool pool.jsonl --no-filter --count 3 --threshold 8";
    for what in ["improve --sentinels 1", "experiment weighting --seeds 2"] {
        let arguments: Vec<&str> = what.split(' ').chain(from_pool.split(' ')).collect();
        run(home, &arguments);
    }
    assert!(home.join("adapters/lora-v1").is_dir());
}

pub fn walk(kaizen: &mut Terminal) {
    kaizen.send("6").wait(&["weighting · weighting helps", "round · set.jsonl"]);
    one_alone(kaizen);
    sentinels(kaizen);
    which_one(kaizen);
    round(kaizen);
}

/// The first line of what has the screen.
fn title(screen: &str) -> String {
    screen.lines().nth(1).unwrap_or_default().trim().to_owned()
}

fn one_alone(kaizen: &mut Terminal) {
    // The last row is drawn last.
    let alone = |screen: &str| {
        !screen.contains("weighting · weighting helps") && screen.contains("Esc back")
    };
    kaizen.enter().wait_until("one is alone", alone);
    let newer = title(&kaizen.screen());
    kaizen.send("l").wait_until("the older one", |screen| title(screen) != newer);
    kaizen.send("h").wait_until("the newer one", |screen| title(screen) == newer);
    kaizen.escape().wait(&["weighting · weighting helps"]);
}

fn sentinels(kaizen: &mut Terminal) {
    const MATRIX: &str = "Perplexity on tasks that were not trained for";
    kaizen.send("s").wait(&[MATRIX, "lora-v1 on code ·"]);
    kaizen.send("l").wait(&["lora-v1 on maths ·"]).send("h").wait(&["lora-v1 on code ·"]);
    kaizen.enter().wait(&["lora-v1 on code", "No answers are kept for this area."]);
    kaizen.escape().wait(&[MATRIX]).send("s").wait(&["weighting · weighting helps"]);
}

/// Another set, and which experiment; none is started.
fn which_one(kaizen: &mut Terminal) {
    kaizen.send("o").wait(&["Evaluation set"]).send("set.jsonl").enter();
    kaizen.wait(&["improves base on set.jsonl"]);
    kaizen.send("n").wait(&["Which experiment? · on set.jsonl"]).escape();
    kaizen.wait(&["weighting · weighting helps"]).send("n").wait(&["Which experiment?"]);
    kaizen.enter().wait(&["Start the experiment control?"]).send("n");
    kaizen.wait_until("none is started", |screen| !screen.contains("Start the experiment"));
    kaizen.escape().wait(&["weighting · weighting helps"]);
    // The built-in one again: a round on it takes the longest.
    kaizen.send("f").wait(&["Evaluation set"]).clear_field().enter();
    kaizen.wait(&["improves base on the built-in set"]);
}

/// A round that is stopped, gone on with, and stopped again.
fn round(kaizen: &mut Terminal) {
    kaizen.send("b").wait(&["improves lora-v1 on"]).send("b").wait(&["improves base on"]);
    kaizen.send("i").wait(&["Improve base on the built-in set"]).send("y");
    kaizen.wait(&["▸ baseline", "● round"]).send("x").wait(&["it can be gone on with"]).send("y");
    let stopped = |screen: &str| screen.contains("stopped: r goes on") && !screen.contains("6●");
    kaizen.wait_until("it is stopped", stopped);
    kaizen.send("r").wait(&["● round"]).escape().wait(&["it can be gone on with"]).send("y");
    kaizen.wait_until("it is stopped again", stopped);
}

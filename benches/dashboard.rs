//! How the dashboard feels, seen from outside through a pseudo-terminal: time to the first frame, from a
//! key to its effect on screen (idle, while an answer streams, while training), and CPU time when idle.
//!
//! `cargo bench --bench dashboard` prints one JSON object.
#![allow(clippy::unwrap_used)]

#[path = "../tests/dashboard/terminal.rs"]
#[allow(dead_code)]
mod terminal;

use std::time::{Duration, Instant};
use terminal::Terminal;

const KEYS: usize = 300;

fn main() {
    let home = tempfile::tempdir().unwrap();
    let lines: String = (0..8)
        .map(|i| {
            format!("{{\"prompt\":\"question {i}\",\"answer\":\"the answer to number {i}\"}}\n")
        })
        .collect();
    std::fs::write(home.path().join("examples.jsonl"), lines).unwrap();
    std::fs::write(
        home.path().join("config.toml"),
        // So hot that the model babbles on and does not end its turn.
        "kaizen = 1\n[generate]\nmax_tokens = 1900\ntemperature = 2.0\ntop_p = 1.0\n[train]\nepochs = 400\n",
    )
    .unwrap();
    let start = || Terminal::sized(env!("CARGO_BIN_EXE_kaizen"), home.path(), 120, 40);

    let first_frames: Vec<f64> = (0..10)
        .map(|_| {
            let began = Instant::now();
            let mut kaizen = start();
            kaizen.wait_closely("Your task");
            let milliseconds = began.elapsed().as_secs_f64() * 1e3;
            kaizen.send("\u{3}");
            kaizen.ended();
            milliseconds
        })
        .collect();

    let mut kaizen = start();
    kaizen.wait(&["Your task", "Q4_1"]);
    let idle_cpu = idle_cpu(&kaizen);
    let idle = keys(&mut kaizen);

    kaizen.send("Tell a very long story.").enter().wait(&["writing"]);
    let answering = keys(&mut kaizen);
    assert!(kaizen.screen().contains("writing"), "the answer ended before the keys did");
    kaizen.escape().wait_until("the answer is cancelled", |screen| !screen.contains("writing"));

    kaizen.escape().send("4").wait(&["from file"]).send("o").wait(&["Train on a file"]);
    kaizen
        .send("examples.jsonl")
        .enter()
        .wait(&["Ready to train"])
        .enter()
        .wait(&["trains: step 2"]);
    kaizen.send("1").wait(&["i or Enter to write"]).send("i");
    let training = keys(&mut kaizen);
    drop(kaizen);

    let quantiles = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        serde_json::json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
    };
    let result = serde_json::json!({
        "first_frame_ms": quantiles(first_frames),
        "key_to_screen_idle_ms": quantiles(idle),
        "key_to_screen_answering_ms": quantiles(answering),
        "key_to_screen_training_ms": quantiles(training),
        "idle_cpu_percent": idle_cpu,
    });
    println!("{}", serde_json::to_string_pretty(&result).unwrap());
}

/// Types into the prompt, and waits each time until the text stands there.
fn keys(kaizen: &mut Terminal) -> Vec<f64> {
    let mut times = Vec::new();
    let mut typed = String::new();
    for i in 0..KEYS {
        let key = char::from(b'a' + (i * 7 % 26) as u8);
        typed.push(key);
        let tail = &typed[typed.len().saturating_sub(24)..];
        let began = Instant::now();
        kaizen.send(&key.to_string());
        kaizen.wait_closely(tail);
        times.push(began.elapsed().as_secs_f64() * 1e3);
        if typed.len() == 60 {
            kaizen.clear_field();
            kaizen.settle_briefly();
            typed.clear();
        }
        std::thread::sleep(Duration::from_millis(15));
    }
    kaizen.clear_field();
    kaizen.settle_briefly();
    times
}

/// CPU time of the process over some seconds in which nothing happens, as a share of one core.
fn idle_cpu(kaizen: &Terminal) -> f64 {
    std::thread::sleep(Duration::from_secs(8));
    let ticks = || -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", kaizen.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
    };
    let before = ticks();
    let seconds = 10;
    std::thread::sleep(Duration::from_secs(seconds));
    // A tick is a hundredth of a second on every Linux.
    (ticks() - before) / seconds as f64
}

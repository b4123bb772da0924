//! What goes on beyond one dashboard: a run that is left to a process of its own and followed from another
//! dashboard, and two dashboards on one home.

use crate::terminal::{Terminal, quick_home, sessions};
use kaizen::store::ProcessLock;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A home whose model has random weights and takes milliseconds: what it says does not matter here.
fn tiny_home() -> tempfile::TempDir {
    let home = quick_home();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama");
    let file = home.path().join("config.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, format!("{config}[model]\ndefault = {model:?}\n")).unwrap();
    home
}

/// The same with examples for a training of so many small steps.
fn home(epochs: usize) -> tempfile::TempDir {
    let home = tiny_home();
    let lines: String = (0..3)
        .map(|i| format!("{{\"prompt\":\"word {i}\",\"answer\":\"answer number {i}\"}}\n"))
        .collect();
    std::fs::write(home.path().join("examples.jsonl"), lines).unwrap();
    let config = std::fs::read_to_string(home.path().join("config.toml")).unwrap();
    let config = config.replace("epochs = 2", &format!("epochs = {epochs}"));
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

fn train(kaizen: &mut Terminal) {
    kaizen.wait(&["Your task"]).escape().send("4").wait(&["from file"]).send("o");
    kaizen.wait(&["Train on a file"]).send("examples.jsonl").enter();
    kaizen.wait(&["Ready to train"]).enter();
    kaizen.wait(&["trains: step"]);
}

fn run(home: &Path) -> PathBuf {
    std::fs::read_dir(home.join("runs")).unwrap().next().unwrap().unwrap().path()
}

fn steps(home: &Path) -> usize {
    std::fs::read_to_string(run(home).join("metrics.jsonl")).unwrap_or_default().lines().count()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(300);
    while !holds() {
        assert!(Instant::now() < patience, "{what} never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Leaves the training to the background; gives the process that the dashboard named.
fn leave(kaizen: &mut Terminal) -> u32 {
    kaizen.send("q").wait(&["go on in the background"]).send("b");
    let (code, raw) = kaizen.ended();
    assert_eq!(code, 0, "{raw}");
    assert!(kaizen.is_plain());
    let (_, words) = raw.rsplit_once("goes on in the background as process ").expect(&raw);
    words.split(';').next().unwrap().parse().unwrap()
}

// If this fails, closing the terminal ends a training that was to go on, or nobody can see or stop it.
#[test]
fn a_run_left_to_the_background_is_followed_and_paused_by_the_next_dashboard() {
    let home = home(20_000);
    let mut kaizen = crate::kaizen(home.path());
    train(&mut kaizen);
    let process = leave(&mut kaizen);
    // As the terminal does when it is closed.
    drop(kaizen);
    let before = steps(home.path());
    eventually("a step in the background", || steps(home.path()) > before);

    let mut kaizen = crate::kaizen(home.path());
    kaizen.wait(&["Your task"]).escape().send("4");
    kaizen.wait(&["trains: step", &format!("it trains in another process (pid {process})")]);
    let shown = steps(home.path()) + 2;
    kaizen.wait_until("the curve goes on", |screen| {
        let step = screen.split("trains: step ").nth(1).and_then(|rest| rest.split(' ').next());
        step.and_then(|step| step.parse::<usize>().ok()).is_some_and(|step| step >= shown)
    });
    kaizen.send("p").wait(&["is paused at step", "p goes on with it"]);
    let paused = steps(home.path());
    assert!(run(home.path()).join("checkpoint.safetensors").is_file());
    // It goes on here, from there.
    kaizen.send("p").wait_until("it goes on here", |screen| {
        screen.contains("trains: step") && !screen.contains("another process")
    });
    eventually("a step here", || steps(home.path()) > paused);
    kaizen.send("q").wait(&["go on later"]).send("l").ended();
}

// If this fails, what was left to the background never becomes an adapter.
#[test]
fn a_run_left_to_the_background_ends_in_its_adapter_and_an_open_dashboard_says_so() {
    let home = home(1500);
    let mut kaizen = crate::kaizen(home.path());
    train(&mut kaizen);
    leave(&mut kaizen);
    let mut kaizen = crate::kaizen(home.path());
    kaizen.wait(&["Your task"]).escape().send("4").wait(&["in another process"]);
    kaizen.wait(&["lora-v1 came out of", "1500 steps"]);
    assert_eq!(steps(home.path()), 1500);
    assert!(home.path().join("adapters/lora-v1/adapter_model.safetensors").is_file());
    kaizen.send("q").ended();
}

// If this fails, a training that the command line left to the background cannot be watched.
#[test]
fn a_dashboard_that_is_open_already_follows_what_the_command_line_detaches() {
    let home = home(20_000);
    let mut kaizen = crate::kaizen(home.path());
    kaizen.wait(&["Your task"]).escape().send("4").wait(&["Nothing has been trained"]);
    let detached = std::process::Command::new(env!("CARGO_BIN_EXE_kaizen"))
        .args(["train", "--from", "examples.jsonl", "--detach", "--quiet", "--home", "."])
        .current_dir(home.path())
        .status()
        .unwrap();
    assert!(detached.success());
    kaizen.wait(&["trains: step", "it trains in another process"]);
    kaizen.send("x").wait(&["for good?"]).send("y").wait(&["was stopped at step"]);
    kaizen.send("q").ended();
    assert!(!home.path().join("adapters/lora-v1").exists());
}

// If this fails, two dashboards on one home work against each other, or neither can.
#[test]
fn of_two_dashboards_the_second_follows_and_takes_over() {
    let home = tiny_home();
    let mut first = crate::kaizen(home.path());
    first.wait(&["Your task"]);
    let mut second = crate::kaizen(home.path());
    let owner = format!("Another dashboard (pid {}) owns this home", first.pid());
    second.wait(&[&owner, "Your task"]);
    first.send("Say hello.").enter().wait(&["How good was the answer?"]).send("4");
    first.wait(&["saved"]);
    second.escape().send("2").wait(&["1 session", "★★★★☆", "Say hello."]);
    // What it is asked to do it refuses, with the reason.
    second.send("1").wait(&["Your task"]).send("i").send("Say good night.").enter();
    second.wait(&["another dashboard"]);
    assert_eq!(sessions(home.path()).len(), 1);
    first.escape().send("q").ended();
    second.wait_until("it takes over", |screen| !screen.contains("owns this home;"));
    second.escape().send("1").wait(&["Follow-up"]).send("n").wait(&["Your task"]);
    second.send("iSay good night.").enter();
    second.wait(&["How good was the answer?"]).escape();
    assert_eq!(sessions(home.path()).len(), 2);
    second.send("\u{3}").ended();
}

/// Where the child below finds its home.
const HOME: &str = "TERMINAL_GOES_AWAY_IN";

// If this fails, a closed window or a broken connection costs all that was trained since the last checkpoint.
#[test]
fn when_the_terminal_goes_away_a_run_is_paused_and_kept() {
    let home = home(5000);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "staying::child_whose_terminal_goes_away", "--ignored", "--nocapture"])
        .env(HOME, home.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let lock = home.path().join("dashboard.lock");
    eventually("the dashboard's end", || ProcessLock::holder(&lock).is_none());
    let log = std::fs::read_to_string(home.path().join("kaizen.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    // None is due in the first minute: it was kept because of the end.
    assert!(run(home.path()).join("checkpoint.safetensors").exists(), "{log}");
    let mut kaizen = crate::kaizen(home.path());
    kaizen.wait(&["Your task"]).escape().send("4").wait(&["stopped at step", "p goes on"]);
    kaizen.send("q").ended();
}

/// Not a test of its own: ends at once, which closes the other side of the dashboard's terminal.
#[test]
#[ignore = "run by when_the_terminal_goes_away_a_run_is_paused_and_kept"]
fn child_whose_terminal_goes_away() {
    let home = PathBuf::from(std::env::var_os(HOME).unwrap());
    let mut kaizen = crate::kaizen(&home);
    train(&mut kaizen);
    std::process::exit(0);
}

//! Where the tests under fire work: the real binary on a tiny model, which loads and trains in milliseconds.

#[allow(dead_code, reason = "used by the tests of the command line, which do more")]
#[path = "../command_line/kaizen.rs"]
mod kaizen;

pub use self::kaizen::{Ended, says};

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A home anywhere, with the tiny model and some examples.
pub struct Place {
    pub home: PathBuf,
    pub examples: String,
}

/// A model with random weights: what it says is nonsense, and always the same.
pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama")
}

/// Training of a few milliseconds a step, with a checkpoint after each.
pub fn training(epochs: usize) -> Vec<String> {
    let flags = format!(
        "--rank 2 --epochs {epochs} --batch 2 --accumulate 1 --replay 0 --max-seq 64 --checkpoint-every 1"
    );
    flags.split(' ').map(str::to_owned).collect()
}

impl Place {
    /// In this folder, which exists.
    pub fn new(folder: &Path) -> Self {
        let examples = folder.join("examples.jsonl");
        std::fs::write(&examples, kaizen::examples(4)).unwrap();
        Self { home: folder.join("home"), examples: kaizen::text(&examples) }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kaizen"));
        for name in
            ["KAIZEN_HOME", "KAIZEN_ADAPTER", "LORA_VERSION", "KAIZEN_LOG", "RUST_BACKTRACE"]
        {
            command.env_remove(name);
        }
        command.arg("--home").arg(&self.home).arg("--model").arg(model()).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed; gives the last JSON document that it printed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, 0, "{arguments:?}: {}{}", ended.out, ended.err);
        ended.lines().pop().unwrap()
    }

    /// Trains an adapter and gives its name.
    pub fn train(&self, epochs: usize) -> String {
        let flags = training(epochs);
        let mut arguments = vec!["train", "--from", &self.examples];
        arguments.extend(flags.iter().map(String::as_str));
        self.json(&arguments)["adapter"].as_str().unwrap().to_owned()
    }

    /// Answers a task of a few tokens and gives its session's id.
    pub fn task(&self, prompt: &str) -> String {
        let ran = self.json(&["run", prompt, "--greedy", "--max-tokens", "3"]);
        ran["session"].as_str().unwrap().to_owned()
    }

    /// The session of this id as it is on disk.
    pub fn session(&self, id: &str) -> Value {
        let file = self.home.join("logs").join(id).join("session.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }

    /// The sessions by id and stars, as the program lists them.
    pub fn listed(&self) -> Vec<(String, Option<u64>)> {
        let listed = self.json(&["sessions", "list"]);
        let sessions = listed["sessions"].as_array().unwrap().iter();
        sessions
            .map(|one| (one["id"].as_str().unwrap().to_owned(), one["rating"].as_u64()))
            .collect()
    }
}

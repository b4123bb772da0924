//! How the tests start Kaizen and look at what comes back.

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Output};
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;

/// No command of these tests takes so long on any machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Variables that would change what a command does.
const VARIABLES: [&str; 5] =
    ["KAIZEN_HOME", "KAIZEN_ADAPTER", "LORA_VERSION", "KAIZEN_LOG", "RUST_BACKTRACE"];

/// A home of one test, gone with it, beside a place for the test's own files.
pub struct Home {
    root: PathBuf,
    _gone_with_the_test: Option<TempDir>,
}

/// A training that nothing interrupted.
pub struct Trained {
    pub home: Home,
    /// What it printed.
    pub lines: Vec<Value>,
    /// Its `adapter_model.safetensors`.
    pub tensors: Vec<u8>,
}

impl Trained {
    fn new() -> Self {
        // A static is never dropped: this folder is emptied by the next run of the tests.
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command_line");
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let home = Home { root, _gone_with_the_test: None };
        let examples = home.file("examples.jsonl", examples(4));
        let flags = ["train", "--from", &examples, "--json"];
        let lines = home.ok(&[&flags[..], &SHORT].concat()).lines();
        let tensors = home.tensors("lora-v1");
        Self { home, lines, tensors }
    }
}

/// What a command came to.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { root: folder.path().to_owned(), _gone_with_the_test: Some(folder) }
    }

    /// A home with one trained adapter, `lora-v1`, made once for all tests: only to be read from.
    pub fn trained() -> &'static Trained {
        static TRAINED: LazyLock<Trained> = LazyLock::new(Trained::new);
        &TRAINED
    }

    /// A file or folder of this test, beside nothing of Kaizen's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A file or folder of the home.
    pub fn home(&self, name: &str) -> PathBuf {
        self.path("home").join(name)
    }

    /// Writes a file of this test and gives its path as an argument.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        text(&path)
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kaizen"));
        for name in VARIABLES {
            command.env_remove(name);
        }
        command.arg("--home").arg(self.home("")).current_dir(&self.root).timeout(PATIENCE);
        command
    }

    /// As [`Self::command`], for a process that the test talks to while it runs.
    pub fn process(&self) -> StdCommand {
        self.of(StdCommand::new(env!("CARGO_BIN_EXE_kaizen")))
    }

    /// The same, under another program that it replaces.
    pub fn process_under(&self, program: &[&str]) -> StdCommand {
        let mut command = StdCommand::new(program[0]);
        command.args(&program[1..]).arg(env!("CARGO_BIN_EXE_kaizen"));
        self.of(command)
    }

    fn of(&self, mut command: StdCommand) -> StdCommand {
        for name in VARIABLES {
            command.env_remove(name);
        }
        command.arg("--home").arg(self.home("")).current_dir(&self.root);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command().args(arguments).output().unwrap())
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}{}", ended.out, ended.err);
        ended
    }

    /// Runs a command that must succeed with one JSON document and nothing else on stdout.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        self.ok(&all).json()
    }

    /// Runs a command that must fail with exit code 1; gives its one line.
    pub fn fails(&self, arguments: &[&str]) -> String {
        self.run(arguments).failed()
    }

    /// The session of this id as it is on disk.
    pub fn session(&self, id: &str) -> Value {
        let file = self.home("logs").join(id).join("session.json");
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    pub fn tensors(&self, adapter: &str) -> Vec<u8> {
        fs::read(self.home("adapters").join(adapter).join("adapter_model.safetensors")).unwrap()
    }

    /// Runs a task of a few tokens and gives its session's id.
    pub fn task(&self, prompt: &str) -> String {
        let ran = self.json(&["run", prompt, "--greedy", "--max-tokens", "3"]);
        ran["session"].as_str().unwrap().to_owned()
    }
}

impl Ended {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert!(!err.contains("panicked") && !out.contains("panicked"), "{out}{err}");
        Self { code: output.status.code().unwrap_or(-1), out, err }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }

    /// The objects of a command that prints one a line.
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Failed with code 1 and one clear line on stderr, which is returned without its beginning.
    pub fn failed(self) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        let mut lines = self.err.lines().filter(|line| line.starts_with("error: "));
        let line = lines.next().unwrap_or_else(|| panic!("no error line: {}", self.err));
        assert_eq!(self.err.lines().last(), Some(line), "something follows: {}", self.err);
        assert!(lines.next().is_none(), "{}", self.err);
        assert!(!self.err.contains("BACKTRACE") && !self.err.contains("src/"), "{}", self.err);
        line.trim_start_matches("error: ").to_owned()
    }
}

/// Every word stands in a line, or the test fails showing it.
pub fn says(line: &str, words: &[&str]) {
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A set of `count` items in two areas that are no near-duplicates of each other.
pub fn set(count: usize) -> String {
    let item = |i: usize| {
        let area = if i.is_multiple_of(2) { "even" } else { "odd" };
        format!(
            "{{\"id\":\"i{i}\",\"area\":\"{area}\",\"prompt\":\"word{i} other{i} third{i}\",\"answer\":\"answer {i}\"}}\n"
        )
    };
    (1..=count).map(item).collect()
}

/// Training examples of few tokens: a system turn stands in for the template's long default.
pub fn examples(count: usize) -> String {
    let line = |i: usize| {
        format!(
            "{{\"id\":\"e{i}\",\"messages\":[{{\"role\":\"system\",\"content\":\".\"}},\
             {{\"role\":\"user\",\"content\":\"q{i}\"}},{{\"role\":\"assistant\",\"content\":\"a{i}\"}}]}}\n"
        )
    };
    (1..=count).map(line).collect()
}

/// Training that takes a few seconds: small, and the same every time.
pub const SHORT: [&str; 14] = [
    "--rank",
    "2",
    "--targets",
    "q,v",
    "--epochs",
    "2",
    "--batch",
    "2",
    "--accumulate",
    "1",
    "--max-seq",
    "64",
    "--replay",
    "0",
];

/// A folder beside the checkout, where it is there: named by `variable`, else `shared/NAME`.
pub fn beside(variable: &str, name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name));
    folder.is_dir().then_some(folder)
}

//! Where the tests run commands, and how they make sure that nothing is left.

use kaizen::sandbox::{CommandRequest, CommandResult, Sandbox};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub fn sandbox() -> Sandbox {
    Sandbox::with_helper(env!("CARGO_BIN_EXE_kaizen").into())
}

/// Whether this machine confines; if not, says that a test is left out.
pub fn confines() -> bool {
    let protection = sandbox().protection();
    if !protection.is_full() {
        eprintln!("LEFT OUT: this machine does not fully confine commands: {protection:?}");
    }
    protection.is_full()
}

/// Whether a program is there, which not every machine has; if not, says what is left out.
pub fn has(program: &str) -> bool {
    let found = ["/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists());
    if !found {
        eprintln!("LEFT OUT: there is no {program} here");
    }
    found
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A workspace with a neighbour that is none of a command's business. When it goes, no process of it
/// may be left.
pub struct Place {
    root: TempDir,
    pub workspace: PathBuf,
    pub temporary: PathBuf,
    pub outside: PathBuf,
}

pub const SECRET: &str = "a secret of the person";

impl Place {
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("kaizen-sandbox-").tempdir().unwrap();
        let folder = |name: &str| {
            let path = root.path().canonicalize().unwrap().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let [workspace, temporary, outside] = ["workspace", "temporary", "outside"].map(folder);
        fs::write(outside.join("secret"), SECRET).unwrap();
        fs::write(workspace.join("note"), "a note\n").unwrap();
        Self { root, workspace, temporary, outside }
    }

    pub fn request(&self, command: &str) -> CommandRequest {
        CommandRequest {
            command: command.into(),
            workspace: self.workspace.clone(),
            temporary: self.temporary.clone(),
            may_write: true,
            time_limit: Duration::from_secs(20),
            output_limit: 64 * 1024,
            environment: self.variables(),
        }
    }

    fn variables(&self) -> Vec<(String, String)> {
        let outside = self.outside.to_str().unwrap();
        let own = std::process::id().to_string();
        [("OUT", outside), ("KAIZEN", &own)].map(|(n, v)| (n.into(), v.into())).into()
    }

    pub fn run(&self, command: &str) -> CommandResult {
        self.run_request(&self.request(command))
    }

    pub fn run_request(&self, request: &CommandRequest) -> CommandResult {
        sandbox().run(request, &AtomicBool::new(false)).unwrap()
    }

    /// The command as anybody could run it.
    pub fn unconfined(&self, command: &str) -> String {
        let ended = Command::new("/bin/sh")
            .args(["-c", command])
            .current_dir(&self.workspace)
            .envs(self.variables())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned()
    }

    /// What lies outside: names, contents, permissions, owners and times.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, String> {
        let entries = fs::read_dir(&self.outside).unwrap().map(|entry| entry.unwrap().path());
        entries
            .chain([self.outside.clone()])
            .map(|path| {
                let about = fs::symlink_metadata(&path).unwrap();
                let content = fs::read(&path).unwrap_or_default();
                let times = (about.mtime(), about.mtime_nsec(), about.nlink());
                let line = format!("{:o} {} {times:?} {content:?}", about.mode(), about.uid());
                (path, line)
            })
            .collect()
    }

    /// The processes that came of commands here: by what they were started with, by their variables, or
    /// by where they stand.
    pub fn processes(&self) -> Vec<String> {
        let marker = self.root.path().file_name().unwrap().to_str().unwrap();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let folder = entry.path();
            let text = |name: &str| {
                String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap_or_default())
                    .into_owned()
            };
            let stands = fs::read_link(folder.join("cwd")).unwrap_or_default();
            let is_own = entry.file_name().to_str() == Some(&std::process::id().to_string());
            if !is_own
                && (text("cmdline").contains(marker)
                    || text("environ").contains(marker)
                    || stands.to_string_lossy().contains(marker))
            {
                found.push(format!("{} {}", entry.file_name().display(), text("cmdline")));
            }
        }
        found
    }

    /// Waits until as many processes run here as a test needs, or none.
    pub fn wait_for(&self, enough: impl Fn(usize) -> bool) {
        let begin = Instant::now();
        while !enough(self.processes().len()) {
            assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.processes(), Vec::<String>::new(), "something still runs");
        }
    }
}

/// Runs attempts that print ESCAPED where they succeed: in the sandbox, where nothing outside changes,
/// and then without it.
pub fn all_fail(attempts: &[&str]) {
    fail(attempts, true);
}

/// As [`all_fail`]; where a machine may itself be confined, the second is only told.
pub fn fail(attempts: &[&str], must_be_real: bool) {
    for attempt in attempts {
        let place = Place::new();
        let before = place.snapshot();
        let command = format!("{{ {attempt}\n}} && echo ESCAPED");
        let result = place.run(&command);
        assert!(!result.output.contains("ESCAPED"), "{attempt}: {}", result.output);
        assert!(!result.output.contains(SECRET), "{attempt}: {}", result.output);
        assert_eq!(place.snapshot(), before, "{attempt}: {}", result.output);
        // What the attempt left in the workspace would stand in the way of its second run.
        fs::remove_dir_all(&place.workspace).unwrap();
        fs::create_dir(&place.workspace).unwrap();
        fs::write(place.workspace.join("note"), "a note\n").unwrap();
        let control = place.unconfined(&command);
        if !control.contains("ESCAPED") {
            assert!(!must_be_real, "no real attempt: {attempt}: {control}");
            eprintln!("LEFT OUT: not possible here even unconfined: {attempt}");
        }
    }
}

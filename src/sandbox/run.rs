//! Kaizen's side of a command: starts the supervisor, gathers the output, waits until all is over.

use super::environment;
use super::order::{Execution, Order, Supervision, Verdict};
use super::output::Output;
use super::protection::means;
use super::{CommandRequest, CommandResult, Error, Result, refusal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the switch is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// How long the supervisor may take, after the time limit or after it was told, to end everything.
const PATIENCE: Duration = Duration::from_secs(30);
/// No system takes a longer argument (`MAX_ARG_STRLEN`).
const LONGEST_COMMAND: usize = 128 * 1024 - 1;
/// More than any verdict.
const LONGEST_VERDICT: usize = 64 * 1024;
/// Where a GPU build may find its libraries. The command itself is not given them.
const LIBRARIES: [&str; 2] = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// As [`super::Sandbox::run`].
pub fn run(helper: &Path, request: &CommandRequest, cancel: &AtomicBool) -> Result<CommandResult> {
    let began = Instant::now();
    if let Some(reason) = refusal(&request.command) {
        return Err(Error::Refused(reason));
    }
    let order = Order::Supervise(supervision(request)?);
    let mut line = serde_json::to_vec(&order).map_err(|e| Error::Command(e.to_string()))?;
    line.push(b'\n');
    let mut watch = Watch::start(helper, &line, request.output_limit)?;
    let verdict = watch.until_it_ends(request.time_limit, cancel)?;
    match verdict {
        Verdict::Ended { ended, note } => {
            let mut output = watch.output.text();
            if let Some(note) = note {
                output.push_str(&format!("\n[{note}]\n"));
            }
            Ok(CommandResult { ended, output, seconds: began.elapsed().as_secs_f64() })
        }
        Verdict::Failed(reason) => Err(Error::Helper(reason)),
    }
}

fn supervision(request: &CommandRequest) -> Result<Supervision> {
    if request.command.contains('\0') {
        return Err(Error::Command("it holds a zero byte".into()));
    }
    if request.command.len() > LONGEST_COMMAND {
        return Err(Error::Command("it is longer than 128 KiB".into()));
    }
    let workspace = folder(&request.workspace)?;
    let temporary = folder(&request.temporary)?;
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let home = home.map(|home| home.canonicalize().unwrap_or(home));
    for path in [&workspace, &temporary] {
        let holds_home = home.as_ref().is_some_and(|home| home.starts_with(path));
        if path.parent().is_none() || holds_home {
            return Err(Error::TooWide { path: path.clone() });
        }
    }
    let environment = environment::of(request, &temporary).map_err(Error::Command)?;
    let means = means();
    let execution = Execution {
        command: request.command.clone(),
        workspace,
        temporary,
        may_write: request.may_write,
        environment,
        confine_files: means.files,
        confine_calls: means.calls,
        read_only_tree: cfg!(target_os = "linux"),
        shielded: Vec::new(),
        most_processes: None,
    };
    Ok(Supervision { time_limit: request.time_limit, execution })
}

fn folder(path: &Path) -> Result<PathBuf> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    let found = path.canonicalize().map_err(failed)?;
    match found.is_dir() {
        true => Ok(found),
        false => Err(failed(std::io::ErrorKind::NotADirectory.into())),
    }
}

/// The supervisor at work.
struct Watch {
    helper: Child,
    /// Open as long as the command is wanted; the system closes it when Kaizen dies.
    lifeline: Option<ChildStdin>,
    printed: Option<File>,
    output: Output,
    said: File,
    verdict: Vec<u8>,
}

impl Watch {
    fn start(helper: &Path, order: &[u8], output_limit: usize) -> Result<Self> {
        let failed = |error: std::io::Error| Error::Helper(error.to_string());
        let libraries = LIBRARIES.into_iter().filter_map(|n| std::env::var_os(n).map(|v| (n, v)));
        let mut helper = Command::new(helper)
            .arg("confined")
            .env_clear()
            .envs(libraries)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (stdin, stdout, stderr) =
            (helper.stdin.take(), helper.stdout.take(), helper.stderr.take());
        let (Some(mut lifeline), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Error::Helper("it has no pipes".into()));
        };
        // A helper that is gone already says so by what it leaves unsaid.
        let _ = lifeline.write_all(order);
        Ok(Self {
            helper,
            lifeline: Some(lifeline),
            printed: Some(OwnedFd::from(stdout).into()),
            output: Output::new(output_limit),
            said: OwnedFd::from(stderr).into(),
            verdict: Vec::new(),
        })
    }

    fn until_it_ends(&mut self, time_limit: Duration, cancel: &AtomicBool) -> Result<Verdict> {
        let mut deadline = Instant::now().checked_add(time_limit.saturating_add(PATIENCE));
        loop {
            if cancel.load(Ordering::Relaxed) && self.lifeline.take().is_some() {
                deadline = Some(Instant::now() + PATIENCE);
            }
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                self.give_up();
                return Err(Error::Helper(
                    "it did not end in time; something of the command may still run".into(),
                ));
            }
            if self.gather(GLANCE)? {
                break;
            }
        }
        let failed = |error: std::io::Error| Error::Helper(error.to_string());
        self.helper.wait().map_err(failed)?;
        while self.read_output(Duration::ZERO)? {}
        serde_json::from_slice(&self.verdict).map_err(|_| {
            let said = String::from_utf8_lossy(&self.verdict).trim().to_owned();
            Error::Helper(format!("it ended without a verdict ({said})"))
        })
    }

    /// Takes in what is there, or waits for it for a while; whether the supervisor has ended.
    fn gather(&mut self, patience: Duration) -> Result<bool> {
        let (printed, said) = wait_for(&[self.printed.as_ref(), Some(&self.said)], patience)?;
        if printed {
            self.read_some();
        }
        if !said {
            return Ok(false);
        }
        let mut piece = [0; 4096];
        match self.said.read(&mut piece) {
            Ok(0) => Ok(true),
            Ok(read) if self.verdict.len() + read <= LONGEST_VERDICT => {
                self.verdict.extend_from_slice(&piece[..read]);
                Ok(false)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(Error::Helper(error.to_string())),
        }
    }

    /// Whether there was something to read.
    fn read_output(&mut self, patience: Duration) -> Result<bool> {
        let (printed, _) = wait_for(&[self.printed.as_ref(), None], patience)?;
        if printed {
            self.read_some();
        }
        Ok(printed)
    }

    fn read_some(&mut self) {
        let mut piece = [0; 64 * 1024];
        match self.printed.as_mut().map(|printed| printed.read(&mut piece)) {
            Some(Ok(read)) if read > 0 => self.output.push(&piece[..read]),
            Some(Err(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => self.printed = None,
        }
    }

    /// The supervisor does not answer: perhaps it was stopped. It gets one more chance to clean up.
    fn give_up(&mut self) {
        self.lifeline = None;
        if let Some(pid) = i32::try_from(self.helper.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::CONT);
        }
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until && matches!(self.helper.try_wait(), Ok(None)) {
            std::thread::sleep(GLANCE);
        }
        let _ = self.helper.kill();
        let _ = self.helper.wait();
    }
}

/// Which of two files has something to read or is at its end.
fn wait_for(files: &[Option<&File>; 2], patience: Duration) -> Result<(bool, bool)> {
    let mut awaited: Vec<PollFd> =
        files.iter().flatten().map(|file| PollFd::new(*file, PollFlags::IN)).collect();
    let patience = Timespec::try_from(patience).ok();
    match poll(&mut awaited, patience.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok((false, false)),
        Err(error) => return Err(Error::Helper(error.to_string())),
    }
    let mut ready = awaited.iter().map(|one| !one.revents().is_empty());
    let [first, second] = files.map(|file| file.is_some() && ready.next().unwrap_or(false));
    Ok((first, second))
}

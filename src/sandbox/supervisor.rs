//! The supervisor: starts the second stage, waits for its end, for the time limit or for Kaizen to let
//! go, and then ends every process that came of it. It is never confined, has no terminal, and holds
//! the only way to tell Kaizen how it ended.

use super::descendants::{self, Everything};
use super::order::{Ended, Execution, Order, Report, Supervision, Verdict};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, getpgid, getpid, getppid, setsid, wait as wait_for_any};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{ChildStderr, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many processes and threads a command may have at a time.
const MOST_PROCESSES: u64 = 512;
/// So many more the system itself allows to the user at all, which slows a fork bomb down until it is
/// seen. It counts what the person's own programs start meanwhile, so it is no tight limit, and it does
/// not bind root.
const MOST_OF_THE_USER: u64 = 2048;
/// How often their number is looked at.
const GLANCE: Duration = Duration::from_millis(100);
/// The same where nothing wakes the supervisor when the shell ends.
const BLIND_GLANCE: Duration = Duration::from_millis(10);
/// More than any report.
const LONGEST_REPORT: u64 = 64 * 1024;

/// Watches over one command, and says how it ended.
pub fn run(supervision: &Supervision) -> ExitCode {
    let verdict = watch_over(supervision).unwrap_or_else(Verdict::Failed);
    let said = serde_json::to_string(&verdict).unwrap_or_default();
    match std::io::stderr().write_all(said.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody listens any more; all is cleaned up.
        Err(_) => ExitCode::FAILURE,
    }
}

fn watch_over(supervision: &Supervision) -> Result<Verdict, String> {
    let told_to_end = stand_apart()?;
    let mut execution = supervision.execution.clone();
    execution.shielded = shielded();
    execution.most_processes = descendants::threads_of_this_user().map(|n| n + MOST_OF_THE_USER);
    let deadline = Instant::now().checked_add(supervision.time_limit);
    loop {
        let (shell, reports) = start(&execution)?;
        let (ended, note) = wait(shell, deadline, &told_to_end);
        let left = descendants::end_all(shell);
        match report(reports) {
            Some(Report::NoReadOnlyTree) if execution.read_only_tree => {
                execution.read_only_tree = false;
                continue;
            }
            Some(Report::NoReadOnlyTree) => return Err("it asked for the same twice".into()),
            Some(Report::Failed(reason)) => return Err(reason),
            None => {}
        }
        let note = match left {
            Everything::Ended => note,
            Everything::But(pids) => Some(format!("processes that could not be ended: {pids:?}")),
        };
        return Ok(Verdict::Ended { ended, note });
    }
}

/// Leaves Kaizen's session, so that no key of its terminal reaches this, and takes in whatever becomes
/// an orphan below. The switch is set when somebody tells this process to end.
fn stand_apart() -> Result<Arc<AtomicBool>, String> {
    let told = Arc::new(AtomicBool::new(false));
    for signal in [
        signal_hook::consts::SIGHUP,
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGQUIT,
    ] {
        signal_hook::flag::register(signal, told.clone()).map_err(|e| e.to_string())?;
    }
    // Fails only where this leads a session already.
    let _ = setsid();
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_child_subreaper, set_dumpable_behavior};
        set_child_subreaper(Some(getpid())).map_err(|e| format!("no orphan comes to it: {e}"))?;
        // Whoever ends Kaizen by name must not end what cleans up after it; nobody may look into it.
        let _ = rustix::thread::set_name(c"confined-watch");
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    Ok(told)
}

/// This process and Kaizen, and their groups.
fn shielded() -> Vec<i32> {
    let mut shielded = Vec::new();
    for pid in [Some(getpid()), getppid()].into_iter().flatten() {
        shielded.push(pid.as_raw_pid());
        shielded.extend(getpgid(Some(pid)).ok().map(|group| -group.as_raw_pid()));
    }
    shielded.retain(|pid| pid.abs() > 1);
    shielded.dedup();
    shielded
}

/// Starts the second stage. What comes back is its own channel, which closes as the shell begins.
fn start(execution: &Execution) -> Result<(Pid, Option<ChildStderr>), String> {
    let order = Order::Execute(execution.clone());
    let mut line = serde_json::to_vec(&order).map_err(|e| e.to_string())?;
    line.push(b'\n');
    // The name that holds even when the file was replaced by an update.
    let program = match cfg!(target_os = "linux") {
        true => "/proc/self/exe".into(),
        false => std::env::current_exe().map_err(|e| e.to_string())?,
    };
    let mut child = Command::new(program)
        .arg("confined")
        .stdin(Stdio::piped())
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("it cannot start itself again: {e}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // If it is gone, its end says so.
        let _ = stdin.write_all(&line);
    }
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    Ok((pid.ok_or("a process without a number")?, child.stderr.take()))
}

/// What the second stage said if it never became the shell. All its holders are gone, so this ends.
fn report(reports: Option<ChildStderr>) -> Option<Report> {
    let mut said = String::new();
    reports?.take(LONGEST_REPORT).read_to_string(&mut said).ok()?;
    match said.trim() {
        "" => None,
        said => {
            Some(serde_json::from_str(said).unwrap_or_else(|_| Report::Failed(said.to_owned())))
        }
    }
}

/// Waits until the shell ends, or must.
fn wait(shell: Pid, deadline: Option<Instant>, told: &AtomicBool) -> (Ended, Option<String>) {
    let wakes = wakes_at_the_end_of(shell);
    loop {
        if let Some(ended) = reap(shell) {
            return (ended, None);
        }
        if told.load(Ordering::Relaxed) {
            return (Ended::Cancelled, None);
        }
        let now = Instant::now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            return (Ended::TimedOut, None);
        }
        if descendants::threads_below(getpid()) > MOST_PROCESSES {
            let note = format!("ended: it had more than {MOST_PROCESSES} processes at a time");
            return (Ended::Signal(signal_hook::consts::SIGKILL), Some(note));
        }
        let glance = if wakes.is_some() { GLANCE } else { BLIND_GLANCE };
        let left = deadline.map_or(glance, |deadline| deadline.duration_since(now));
        if lifeline_is_cut(wakes.as_ref(), glance.min(left)) {
            return (Ended::Cancelled, None);
        }
    }
}

#[cfg(target_os = "linux")]
fn wakes_at_the_end_of(process: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn wakes_at_the_end_of(_: Pid) -> Option<OwnedFd> {
    None
}

/// Sleeps until the shell ends or Kaizen lets go, at most so long; whether it let go.
fn lifeline_is_cut(wakes: Option<&OwnedFd>, patience: Duration) -> bool {
    let stdin = rustix::stdio::stdin();
    let mut awaited = vec![PollFd::new(&stdin, PollFlags::IN)];
    awaited.extend(wakes.map(|wakes| PollFd::new(wakes, PollFlags::IN)));
    let patience = Timespec::try_from(patience).ok();
    if poll(&mut awaited, patience.as_ref()).is_err() || awaited[0].revents().is_empty() {
        return false;
    }
    // Nothing is sent on it after the order: what can be read is its end.
    !matches!(rustix::io::read(stdin, &mut [0u8; 64]), Ok(read) if read > 0)
}

/// Takes in whatever has ended below; how the shell ended, if it did.
fn reap(shell: Pid) -> Option<Ended> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait_for_any(WaitOptions::NOHANG) {
        if pid == shell {
            let signal = status.terminating_signal().map(Ended::Signal);
            found = signal.or(status.exit_status().map(Ended::Code));
        }
    }
    found
}

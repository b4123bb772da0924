//! The programs that a task left running, such as an opened editor: remembered, and ended with the task.
//! Knows nothing of windows or of what the programs are for.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Names the task in the environment of all that it starts: what a program starts itself inherits it, also
/// when it leaves its group.
const MARK: &str = "KAIZEN_TASK";
/// A program may save and leave for so long before it is killed.
const PATIENCE: Duration = Duration::from_millis(1500);
const STEP: Duration = Duration::from_millis(20);

/// What one task started. Dropping it ends all of that.
#[derive(Debug)]
pub struct Started {
    mark: String,
    children: Mutex<Vec<Child>>,
}

impl Started {
    /// For the task whose own folder is `temporary`: no other task has the same.
    pub(super) fn marked(temporary: &Path) -> Self {
        Self { mark: temporary.to_string_lossy().into_owned(), children: Mutex::default() }
    }

    /// Starts a program that goes on after this call: away from Kaizen's terminal and in a group of its own.
    /// Gives its process number.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, mut command: Command) -> std::io::Result<u32> {
        command.env(MARK, &self.mark);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // `setsid` must not lead a group when it starts, or it has to fork.
            if command.get_program() != SET_SESSION {
                command.process_group(0);
            }
        }
        let child = command.spawn()?;
        let process = child.id();
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        Ok(process)
    }

    /// The code with which a started program ended; none while it runs, -1 when a signal ended it.
    pub fn ended(&self, process: u32) -> Option<i32> {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        let child = children.iter_mut().find(|child| child.id() == process)?;
        let status = child.try_wait().ok()??;
        Some(status.code().unwrap_or(-1))
    }
}

/// Starts a program in a session of its own, so that it cannot read or write Kaizen's terminal.
pub(super) const SET_SESSION: &str = "/usr/bin/setsid";

impl Drop for Started {
    fn drop(&mut self) {
        let mut children =
            std::mem::take(self.children.get_mut().unwrap_or_else(PoisonError::into_inner));
        if children.is_empty() {
            return;
        }
        let began = Instant::now();
        end(&mut children, &self.mark, false);
        while began.elapsed() < PATIENCE && is_anything_left(&mut children, &self.mark) {
            std::thread::sleep(STEP);
        }
        // A program may start another one while it is being ended.
        for _ in 0..5 {
            if !is_anything_left(&mut children, &self.mark) {
                break;
            }
            end(&mut children, &self.mark, true);
            std::thread::sleep(STEP);
        }
    }
}

fn is_anything_left(children: &mut [Child], mark: &str) -> bool {
    let runs = children.iter_mut().any(|child| matches!(child.try_wait(), Ok(None)));
    runs || !marked(mark).is_empty()
}

#[cfg(unix)]
fn end(children: &mut [Child], mark: &str, at_once: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if at_once { Signal::KILL } else { Signal::TERM };
    for child in children {
        // The number of a child that was waited for may belong to somebody else by now.
        if matches!(child.try_wait(), Ok(None)) {
            // It may end meanwhile.
            let _ = kill_process_group(Pid::from_child(child), signal);
            if at_once {
                let _ = child.kill();
            }
        }
    }
    for process in marked(mark) {
        signal_marked(process, mark, signal);
    }
}

#[cfg(not(unix))]
fn end(children: &mut [Child], _mark: &str, at_once: bool) {
    for child in children.iter_mut().filter(|_| at_once) {
        // It may end meanwhile.
        let _ = child.kill();
    }
}

#[cfg(target_os = "linux")]
fn signal_marked(process: i32, mark: &str, signal: rustix::process::Signal) {
    use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
    let Some(number) = Pid::from_raw(process) else { return };
    let Ok(handle) = pidfd_open(number, PidfdFlags::empty()) else { return };
    // Asked again: the number may have changed its owner before the handle was there.
    if carries(process, mark) {
        // It may end meanwhile.
        let _ = pidfd_send_signal(handle, signal);
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn signal_marked(_process: i32, _mark: &str, _signal: rustix::process::Signal) {}

/// Processes of this user that the task started, directly or not.
fn marked(mark: &str) -> Vec<i32> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process| carries(*process, mark))
        .collect()
}

fn carries(process: i32, mark: &str) -> bool {
    let line = format!("{MARK}={mark}");
    let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|one| one == line.as_bytes())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn runs(process: &str) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    }

    // If this fails, what a task started goes on in the background after it: a script typed into an opened
    // terminal runs for days.
    #[test]
    fn all_that_was_started_ends_also_what_left_its_group_or_will_not_go() {
        let folder = tempfile::tempdir().unwrap();
        let started = Started::marked(folder.path());
        let mut command = Command::new("/bin/sh");
        let script = "setsid sh -c 'trap \"\" TERM; echo $$ > away; exec sleep 300' & \
             echo $$ > here; sleep 300";
        command.args(["-c", script]).current_dir(folder.path());
        let process = started.start(command).unwrap();
        let began = Instant::now();
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        while (read("here").is_empty() || read("away").is_empty())
            && began.elapsed() < Duration::from_secs(10)
        {
            std::thread::sleep(STEP);
        }
        let (here, away) = (read("here"), read("away"));
        assert_eq!(here.trim(), process.to_string());
        assert!(runs(here.trim()) && runs(away.trim()), "{here} {away}");
        assert_eq!(started.ended(process), None);
        drop(started);
        assert!(!runs(here.trim()) && !runs(away.trim()), "{here} {away}");
    }

    // If this fails, ending one task ends the programs of another one that runs beside it.
    #[test]
    fn another_tasks_programs_are_left_alone() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, other] = folders.each_ref().map(|folder| Started::marked(folder.path()));
        let sleep = || {
            let mut command = Command::new("/bin/sleep");
            command.arg("300");
            command
        };
        let process = other.start(sleep()).unwrap();
        one.start(sleep()).unwrap();
        drop(one);
        assert_eq!(other.ended(process), None);
        assert!(runs(&process.to_string()));
    }
}

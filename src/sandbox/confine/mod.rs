//! The second stage: gives up, for itself and all it will start, whatever a command must not have, and
//! becomes the shell. Whatever is promised and cannot be kept ends it before the shell begins.

#[cfg(target_os = "linux")]
pub mod calls;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod privileges;
#[cfg(target_os = "linux")]
mod tree;

use super::order::{Execution, Report};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, setsid};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// The largest file that a command may write. Several may still fill a disk.
const LARGEST_FILE: u64 = 1 << 30;
const MOST_OPEN_FILES: u64 = 4096;

/// Becomes the shell, or says why not on standard error and returns.
pub fn execute(execution: &Execution) -> ExitCode {
    let report = match own_channel() {
        Ok(mut channel) => {
            let report = become_shell(execution).unwrap_or_else(|report| report);
            let said = serde_json::to_string(&report).unwrap_or_default();
            channel.write_all(said.as_bytes())
        }
        Err(error) => Err(error),
    };
    match report {
        Ok(()) => ExitCode::FAILURE,
        Err(_) => ExitCode::from(2),
    }
}

/// Standard error as it was, which closes as the shell begins, and the command's output in its place:
/// what a command prints can never be taken for a report.
fn own_channel() -> std::io::Result<File> {
    let channel = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?;
    rustix::stdio::dup2_stderr(rustix::stdio::stdout())?;
    Ok(channel.into())
}

/// Returns only when it did not work.
fn become_shell(execution: &Execution) -> Result<Report, Report> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Report::Failed(format!("the command cannot be confined ({what}: {error})"))
    };
    // Only this process may die by it: it must be the first thing of a session without a terminal.
    setsid().map_err(|e| failed("session", &e))?;
    close_fds::set_fds_cloexec(3, &[]);
    limit(execution).map_err(|e| failed("limits", &e))?;
    #[cfg(target_os = "linux")]
    confine(execution, &failed)?;
    let error = Command::new("/bin/sh")
        .arg("-c")
        .arg(&execution.command)
        .env_clear()
        .envs(execution.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&execution.workspace)
        .stdin(Stdio::null())
        .exec();
    Err(Report::Failed(format!("the shell cannot start: {error}")))
}

#[cfg(target_os = "linux")]
fn confine(
    execution: &Execution,
    failed: &dyn Fn(&str, &dyn std::fmt::Display) -> Report,
) -> Result<(), Report> {
    // When memory runs out, the command goes first, and not what watches over it.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    if execution.read_only_tree {
        tree::mount_read_only(execution).map_err(|_| Report::NoReadOnlyTree)?;
    }
    let attributes = calls::Attributes::of(execution);
    privileges::drop_all().map_err(|e| failed("privileges", &e))?;
    if execution.confine_files {
        files::confine(execution).map_err(|e| failed("files", &e))?;
    }
    if execution.confine_calls {
        calls::forbid(&execution.shielded, attributes).map_err(|e| failed("system calls", &e))?;
    }
    // If the supervisor is ended by force, the shell at least goes with it.
    let signal = Some(rustix::process::Signal::KILL);
    rustix::process::set_parent_process_death_signal(signal).map_err(|e| failed("end", &e))
}

fn limit(execution: &Execution) -> rustix::io::Result<()> {
    let mut limits = vec![
        (Resource::Core, 0),
        (Resource::Fsize, LARGEST_FILE),
        (Resource::Nofile, MOST_OPEN_FILES),
    ];
    limits.extend(execution.most_processes.map(|most| (Resource::Nproc, most)));
    for (resource, most) in limits {
        let maximum = getrlimit(resource).maximum.map_or(most, |present| present.min(most));
        setrlimit(resource, Rlimit { current: Some(maximum), maximum: Some(maximum) })?;
    }
    Ok(())
}

//! Runs the programs that reach a display. Owns where they are found, what of Kaizen's environment they see,
//! and how long one may take. No shell stands between, and no argument is put together from several.

use super::Desktop;
use crate::tasks::tools::ToolResult;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Where a system keeps programs. `$PATH` is not asked: a folder in it may be writable to the task.
const FOLDERS: [&str; 7] = [
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/games",
    "/usr/local/games",
    "/snap/bin",
    "/run/current-system/sw/bin",
];
/// What a window needs to know of the session; keys and tokens in the environment are not among it.
const KEPT: [&str; 19] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "XAUTHORITY",
    "XDG_CONFIG_HOME",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
    "DBUS_SESSION_BUS_ADDRESS",
];
/// Bytes that are kept of what a program prints.
const MOST_PRINTED: u64 = 16 << 20;
const STEP: Duration = Duration::from_millis(5);

/// The program of this name in a folder of the system.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// One call of a program.
pub(super) struct Call<'a> {
    pub(super) program: &'a str,
    pub(super) arguments: &'a [&'a str],
    /// What it reads.
    pub(super) input: &'a str,
    pub(super) folder: &'a Path,
    pub(super) limit: Duration,
}

impl Desktop {
    /// `program` on this display, with no more of the environment than it needs.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", FOLDERS.join(":"));
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(display) = &self.display {
            command.env("DISPLAY", display);
        }
        command
    }

    /// What the program prints.
    ///
    /// # Errors
    /// As the result of the tool: it is not there, takes longer than its limit, or ends badly.
    pub(super) fn run(&self, call: &Call) -> Result<String, ToolResult> {
        let name = call.program;
        let failed = |why: String| ToolResult::failed(format!("{name} {why}"));
        let path = find(name).ok_or_else(|| failed("is not installed".to_owned()))?;
        let mut command = self.command(&path);
        command.args(call.arguments).current_dir(call.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child =
            command.spawn().map_err(|error| failed(format!("cannot be started: {error}")))?;
        if let Some(mut input) = child.stdin.take() {
            let text = call.input.to_owned();
            std::thread::spawn(move || {
                // A program need not read what it is given.
                let _ = input.write_all(text.as_bytes());
            });
        }
        let printed = child.stdout.take().map(collected);
        let complaints = child.stderr.take().map(collected);
        let deadline = Instant::now() + call.limit;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < deadline => std::thread::sleep(STEP),
                Ok(None) | Err(_) => {
                    kill(&mut child);
                    let why = format!("did not end in {} seconds", call.limit.as_secs());
                    return Err(ToolResult { timed_out: true, ..failed(why) });
                }
            }
        };
        // What a program left running may hold the other end open.
        let text = |from: Option<mpsc::Receiver<Vec<u8>>>| {
            let bytes = from.and_then(|from| from.recv_timeout(Duration::from_secs(1)).ok());
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        if status.success() {
            return Ok(text(printed));
        }
        let complaints = text(complaints);
        let lines: Vec<_> =
            complaints.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let told = lines.iter().take(3).copied().collect::<Vec<_>>().join("; ");
        Err(failed(if told.is_empty() {
            format!("ended with {status}")
        } else {
            format!("failed: {told}")
        }))
    }
}

fn collected(from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut from = from.take(MOST_PRINTED);
        // What came before a failure is worth having; nobody may wait for it any more.
        let _ = from.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

fn kill(child: &mut Child) {
    // It may end meanwhile; and its own children go with it.
    #[cfg(unix)]
    let _ = rustix::process::kill_process_group(
        rustix::process::Pid::from_child(child),
        rustix::process::Signal::KILL,
    );
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, ToolResult> {
        let folder = std::env::temp_dir();
        let limit = Duration::from_secs(1);
        Desktop::on(":7").run(&Call { program, arguments, input, folder: &folder, limit })
    }

    // If this fails, a program that waits for ever stops the task, or goes on when it was given up.
    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let began = Instant::now();
        let result = run("sleep", &["300"], "").unwrap_err();
        assert!(result.timed_out && !result.is_success(), "{result:?}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    // If this fails, the model does not learn what a program said, or text is taken for an option.
    #[test]
    fn what_it_prints_or_complains_of_is_told() {
        assert_eq!(run("cat", &[], "$(id) --help").unwrap(), "$(id) --help");
        let told = run("cat", &["/nowhere/at all"], "").unwrap_err().error.unwrap();
        assert!(told.starts_with("cat failed: ") && told.contains("/nowhere/at all"), "{told}");
        let told = run("no-such-program", &[], "").unwrap_err().error.unwrap();
        assert_eq!(told, "no-such-program is not installed");
    }

    // If this fails, tokens in Kaizen's environment reach every program that a model opens.
    #[test]
    fn a_program_sees_its_display_and_no_more_than_it_needs() {
        let environment = run("env", &[], "").unwrap();
        assert!(environment.lines().any(|line| line == "DISPLAY=:7"), "{environment}");
        for line in environment.lines() {
            let name = line.split('=').next().unwrap();
            assert!(KEPT.contains(&name) || ["PATH", "DISPLAY"].contains(&name), "{line}");
        }
    }
}

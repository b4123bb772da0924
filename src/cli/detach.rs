//! `--detach`: the same command again in a process of its own, which goes on after this one.

use super::outcome::{Error, Result};
use super::output::Output;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

/// How the detached process began.
pub enum Detached {
    /// It works; its number, for the person who wants to stop it.
    Working(u32),
    /// It ended before its first line; why is said already.
    Ended(ExitStatus),
}

/// Starts this very command line without `--detach`, passes on what it says until its first line of
/// output and leaves it to itself. It has a process group of its own, so that Ctrl-C here does not
/// reach it, and holds neither this process's output nor its errors open.
pub fn start(output: &Output) -> Result<Detached> {
    let failed = |source| Error::File {
        action: "start",
        name: "a process in the background".into(),
        source,
    };
    // A pipe could be cut off before all remarks are through.
    let remarks = tempfile::NamedTempFile::new().map_err(failed)?;
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--detach");
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(remarks.reopen().map_err(failed)?);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut process = command.spawn().map_err(failed)?;
    let mut first = String::new();
    if let Some(stdout) = process.stdout.take() {
        BufReader::new(stdout).read_line(&mut first).map_err(failed)?;
    }
    let begun = match first.is_empty() {
        false => Detached::Working(process.id()),
        true => Detached::Ended(process.wait().map_err(failed)?),
    };
    let said = std::fs::read(remarks.path()).map_err(failed)?;
    let _ = std::io::stderr().write_all(&said);
    output.raw(&first)?;
    Ok(begun)
}

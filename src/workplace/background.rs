//! This program once more, in a process of its own that outlives this one and its terminal.

use super::Workplace;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

/// How a process in the background began.
pub enum Begun {
    /// It works; its number and its first line.
    Working { process: u32, first: String },
    /// It ended before its first line.
    Ended(ExitStatus),
}

/// What was started, and what it remarked until then.
pub struct Background {
    pub begun: Begun,
    /// Its stderr.
    pub remarks: String,
}

/// Starts this program with `arguments` and waits for its first line of output, which says that it works.
/// It holds neither this process's output nor its errors open. Whoever starts it so tells it to call
/// [`leave_terminal`].
///
/// # Errors
/// When it cannot be started or listened to.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> io::Result<Background> {
    // A pipe could be cut off before all remarks are through.
    let remarks = tempfile::NamedTempFile::new()?;
    let mut process = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(remarks.reopen()?)
        .spawn()?;
    let mut first = String::new();
    if let Some(stdout) = process.stdout.take() {
        BufReader::new(stdout).read_line(&mut first)?;
    }
    let begun = match first.is_empty() {
        false => Begun::Working { process: process.id(), first },
        true => Begun::Ended(process.wait()?),
    };
    let remarks = String::from_utf8_lossy(&std::fs::read(remarks.path())?).into_owned();
    Ok(Background { begun, remarks })
}

/// Makes this process the first of a session of its own: neither Ctrl-C nor the end of the terminal that it
/// was started from reaches it any more.
///
/// # Errors
/// When it leads a group of processes already.
pub fn leave_terminal() -> io::Result<()> {
    #[cfg(unix)]
    rustix::process::setsid()?;
    Ok(())
}

impl Workplace {
    /// The flags with which another process works on the same home with the same settings, and with this
    /// model if one is named.
    pub fn flags(&self, model: Option<&str>) -> Vec<OsString> {
        let mut flags: Vec<OsString> = vec!["--home".into(), self.home.root().into()];
        if self.config_file.is_file() {
            flags.extend(["--config".into(), self.config_file.clone().into()]);
        }
        if let Some(model) = model {
            flags.extend(["--model".into(), model.into()]);
        }
        flags
    }
}

//! `--detach`: the same command again in a process of its own, which goes on after this one.

use super::outcome::{Error, Result};
use super::output::Output;
use crate::workplace::{Begun, start_in_background};
use std::io::Write;
use std::process::ExitStatus;

/// How the detached process began.
pub enum Detached {
    /// It works; its number, for the person who wants to stop it.
    Working(u32),
    /// It ended before its first line; why is said already.
    Ended(ExitStatus),
}

/// Starts this very command line with `--detached` for `--detach`, passes on what it says until its first
/// line of output and leaves it to itself.
pub fn start(output: &Output) -> Result<Detached> {
    let arguments = std::env::args_os().skip(1).map(|argument| match argument == "--detach" {
        true => "--detached".into(),
        false => argument,
    });
    let background = start_in_background(arguments).map_err(|source| Error::File {
        action: "start",
        name: "a process in the background".into(),
        source,
    })?;
    let _ = std::io::stderr().write_all(background.remarks.as_bytes());
    match background.begun {
        Begun::Working { process, first } => {
            output.raw(&first)?;
            Ok(Detached::Working(process))
        }
        Begun::Ended(status) => Ok(Detached::Ended(status)),
    }
}

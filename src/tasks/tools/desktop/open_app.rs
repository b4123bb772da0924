//! Opens a program with a window. Owns which names can be meant; the program is ended with the task.

use super::Desktop;
use super::programs::{Call, find};
use crate::tasks::Action;
use crate::tasks::tools::started::SET_SESSION;
use crate::tasks::tools::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So long a window may take before the model goes on without it.
const PATIENCE: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(100);
/// They stop the machine or the session, for which no window is needed.
const NEVER: [&str; 8] =
    ["reboot", "poweroff", "halt", "shutdown", "init", "telinit", "systemctl", "xkill"];

/// `open_app`: starts a program on the display.
#[derive(Debug)]
pub(super) struct OpenApp(pub(super) Desktop);

impl Tool for OpenApp {
    fn name(&self) -> &'static str {
        "open_app"
    }

    fn purpose(&self) -> &'static str {
        "opens a program with a window, until the task ends"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "name", kind: ArgumentKind::Line }]
    }

    fn effect(&self, action: &Action, _workspace: &Workspace) -> Effect {
        let found = self.0.require(&[]).and_then(|()| program(action.text("name")));
        match found {
            Ok((name, _)) => Effect::Changes { kind: format!("open_app: {name}") },
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        let found = self.0.require(&[]).and_then(|()| program(action.text("name")));
        let (name, path) = match found {
            Ok(found) => found,
            Err(why) => return ToolResult::failed(why),
        };
        let session = Path::new(SET_SESSION);
        let mut command = match session.exists() {
            true => {
                let mut command = self.0.command(session);
                command.arg(&path);
                command
            }
            false => self.0.command(&path),
        };
        command.current_dir(workspace.root());
        match workspace.started().start(command) {
            Ok(process) => self.opened(&name, process, workspace),
            Err(error) => ToolResult::failed(format!("{name} cannot be started: {error}")),
        }
    }
}

impl OpenApp {
    /// Waits for the window, so that the next action finds it.
    fn opened(&self, name: &str, process: u32, workspace: &Workspace) -> ToolResult {
        let began = Instant::now();
        let number = process.to_string();
        let call = Call {
            program: "xdotool",
            arguments: &["search", "--onlyvisible", "--pid", &number],
            input: "",
            folder: workspace.temporary(),
            limit: Duration::from_secs(2),
        };
        while began.elapsed() < PATIENCE {
            match workspace.started().ended(process) {
                // It may have handed over to one that runs already.
                Some(0) => return ToolResult::of(format!("{name} was started and has ended")),
                Some(code) => {
                    return ToolResult::failed(format!("{name} ended at once, with code {code}"));
                }
                None => {}
            }
            if self.0.run(&call).is_ok_and(|windows| !windows.trim().is_empty()) {
                return ToolResult::of(format!("{name} is open"));
            }
            std::thread::sleep(STEP);
        }
        ToolResult::of(format!("{name} was started; it has shown no window yet"))
    }
}

/// The name and the file of the program that is meant.
fn program(text: &str) -> Result<(String, PathBuf), String> {
    let name = text.trim();
    let plain = |character: char| character.is_ascii_alphanumeric() || "._+- ".contains(character);
    let starts_well = name.starts_with(|character: char| character.is_ascii_alphanumeric());
    if !starts_well || name.len() > 64 || !name.chars().all(plain) {
        return Err(format!("{text:?} is no program's name; write it alone, such as firefox"));
    }
    let low = name.to_ascii_lowercase();
    let spellings = [name.to_owned(), low.clone(), low.replace(' ', "-"), low.replace(' ', "")];
    let found = spellings.into_iter().find_map(|name| find(&name).map(|path| (name, path)));
    let (name, path) =
        found.ok_or_else(|| format!("there is no program {name} on this machine"))?;
    let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
    let is_never =
        |path: &Path| path.file_name().is_some_and(|name| NEVER.iter().any(|never| name == *never));
    if is_never(&path) || is_never(&real) {
        return Err(format!("{name} is never started by a task"));
    }
    Ok((name, path))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    // If this fails, a name can be a command line, a file of the task's own, or stop the machine.
    #[test]
    fn only_a_programs_plain_name_is_one() {
        for name in [
            "",
            " ",
            "sh -c id",
            "sh;id",
            "$(id)",
            "../bin/sh",
            "/bin/sh",
            "./sh",
            "--help",
            "-x",
            "a\nb",
            "no such program",
            "é",
            "reboot",
            "systemctl",
        ] {
            assert!(program(name).is_err(), "{name}");
        }
        for name in ["sh", " SH "] {
            assert_eq!(program(name).map(|(name, _)| name).as_deref(), Ok("sh"));
        }
    }
}

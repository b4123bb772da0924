//! Every action of Tasks, of the form, of Sessions and of what lies over all panes is reached by a key in the
//! real program: the log of what was done, line by line, is held against the table. What each action does is
//! looked at here only as far as the screen tells; the unit tests of the panes say the rest.

mod sessions;
mod tasks;

use crate::terminal::Terminal;
use portable_pty::CommandBuilder;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Everything quick, and steps so large that an adapter answers otherwise than base.
const SETTINGS: &str = "kaizen = 1\n\
    [generate]\nmax_tokens = 6\ntemperature = 0.0\n\
    [train]\nrank = 4\nalpha = 8.0\nbatch_size = 1\nepochs = 4\nlearning_rate = 0.01\nreplay = 0.0\n\
    [feedback]\nmin_failed = 2\n";

/// The dashboard on a new home whose log has every action, and an editor that adds a word.
fn dashboard(home: &Path, settings: &str) -> Terminal {
    if !home.join("config.toml").exists() {
        std::fs::write(home.join("config.toml"), settings).unwrap();
    }
    let editor = home.join("editor.sh");
    std::fs::write(&editor, "#!/bin/sh\nprintf ' edited' >> \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kaizen"));
    command.arg("--home");
    command.arg(home);
    command.env("EDITOR", &editor);
    command.env("KAIZEN_LOG", "kaizen=info,kaizen::keys=debug");
    let mut kaizen = Terminal::start(command, home, 120, 32);
    kaizen.wait(&["Your task", "Q4_1"]);
    kaizen
}

/// The names of the actions that the log of `home` has.
fn done(home: &Path) -> BTreeSet<String> {
    let log = std::fs::read_to_string(home.join("kaizen.log")).unwrap();
    let names = log.lines().filter_map(|line| line.split_once("action=")?.1.split('"').nth(1));
    names.map(String::from).collect()
}

/// The parts of the help whose actions are all reached here.
const PARTS: [&str; 13] = [
    "Always",
    "Everywhere, outside text",
    "Moving about",
    "Tasks: writing a prompt",
    "Tasks",
    "Sessions",
    "Sessions: correcting one after another",
    "Entering text",
    "Feedback: stars",
    "Feedback: what went wrong",
    "Feedback: comment and correction",
    "Palette",
    "Models on this machine",
];

/// Need a task that was carried out: tests/dashboard/acting.rs has one.
const OF_STEPS: [&str; 6] =
    ["look-at-action", "show-action", "previous-step", "next-step", "rate-step", "correct-step"];

// If this fails, a key that the help names does nothing in the real program.
#[test]
fn every_action_of_tasks_form_and_sessions_is_reached_by_its_key() {
    let mut reached = BTreeSet::new();
    for walk in [tasks::walk, sessions::walk] {
        let home = tempfile::tempdir().unwrap();
        walk(home.path());
        reached.extend(done(home.path()));
    }
    let wanted = kaizen::tui::actions().filter(|(part, _)| PARTS.contains(part));
    let wanted: Vec<&str> = wanted.map(|(_, name)| name).collect();
    assert!(wanted.len() > 80, "{wanted:?}");
    let missing: Vec<&&str> = wanted
        .iter()
        .filter(|name| !reached.contains(**name) && !OF_STEPS.contains(name))
        .collect();
    assert!(missing.is_empty(), "no key reached {missing:?}");
}

//! Every action of the table is reached by a key in the real program: the log of what was done, line by line, is
//! held against the table. What each action does is looked at here only as far as the screen tells; the unit
//! tests of the panes say the rest.

mod acting;
mod comparing;
mod experiments;
mod sessions;
mod tasks;
mod training;

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
    dashboard_on(home, settings, "Q4_1")
}

/// The same where `settings` name another model, which the header tells by `model`.
fn dashboard_on(home: &Path, settings: &str, model: &str) -> Terminal {
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
    kaizen.wait(&["Your task", model]);
    kaizen
}

/// The names of the actions that the log of `home` has.
fn done(home: &Path) -> BTreeSet<String> {
    let log = std::fs::read_to_string(home.join("kaizen.log")).unwrap();
    let names = log.lines().filter_map(|line| line.split_once("action=")?.1.split('"').nth(1));
    names.map(String::from).collect()
}

/// Tasks, the form, Sessions, and what lies over all panes.
const ANSWERING: [&str; 14] = [
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
    "Help",
    "Palette",
    "Models on this machine",
];

const TRAINING: [&str; 4] = ["Weak areas", "Training", "Training: before it starts", "A question"];

const COMPARING: [&str; 5] = [
    "Compare",
    "Compare: replay",
    "Experiments",
    "Experiments: which one",
    "Experiments: sentinels",
];

const ACTING: [&str; 4] = [
    "An action waits for your word",
    "An action waits: changing it",
    "Sessions: rating a step",
    "Sessions: the right action for a step",
];

/// Of Tasks and Sessions, but they need a task that was carried out.
const OF_STEPS: [&str; 6] =
    ["look-at-action", "show-action", "previous-step", "next-step", "rate-step", "correct-step"];

/// The names of the actions in these parts of the help.
fn named(parts: &[&str]) -> BTreeSet<String> {
    let wanted = kaizen::tui::actions().filter(|(part, _)| parts.contains(part));
    wanted.map(|(_, name)| name.to_owned()).collect()
}

/// What of `wanted` no key reached while all of `walks` were done, each on a home of its own.
fn not_reached(mut wanted: BTreeSet<String>, walks: &[fn(&Path)]) -> BTreeSet<String> {
    for walk in walks {
        let home = tempfile::tempdir().unwrap();
        walk(home.path());
        let reached = done(home.path());
        wanted.retain(|name| !reached.contains(name));
    }
    wanted
}

// If this fails, there are actions that no test here ever does.
#[test]
fn each_part_of_the_help_is_walked_through() {
    let walked: BTreeSet<&str> =
        [&ANSWERING[..], &TRAINING, &COMPARING, &ACTING].into_iter().flatten().copied().collect();
    let all: BTreeSet<&str> = kaizen::tui::actions().map(|(part, _)| part).collect();
    assert_eq!(walked, all);
}

// If one of these fails, a key that the help names does nothing in the real program.
#[test]
fn every_action_of_tasks_form_and_sessions_is_reached_by_its_key() {
    let mut wanted = named(&ANSWERING);
    wanted.retain(|name| !OF_STEPS.contains(&name.as_str()));
    assert_eq!(not_reached(wanted, &[tasks::walk, sessions::walk]), BTreeSet::new());
}

#[test]
fn every_action_of_weak_areas_and_training_is_reached_by_its_key() {
    assert_eq!(not_reached(named(&TRAINING), &[training::walk]), BTreeSet::new());
}

#[test]
fn every_action_of_compare_and_experiments_is_reached_by_its_key() {
    assert_eq!(not_reached(named(&COMPARING), &[comparing::walk]), BTreeSet::new());
}

#[test]
fn every_action_of_what_waits_and_of_steps_is_reached_by_its_key() {
    let mut wanted = named(&ACTING);
    wanted.extend(OF_STEPS.map(String::from));
    assert_eq!(not_reached(wanted, &[acting::walk]), BTreeSet::new());
}

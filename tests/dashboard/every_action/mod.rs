//! Every action of the table is reached by a key in the real program: the log of what was done, line by line, is
//! held against the table. What each action does is looked at here only as far as the screen tells; the unit
//! tests of the panes say the rest.

mod acting;
mod comparing;
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
    let mut kaizen = Terminal::start(command, home, 100, 32);
    kaizen.wait(&["Your task", "Q4_1"]);
    kaizen
}

/// The names of the actions that the log of `home` has.
fn done(home: &Path) -> BTreeSet<String> {
    let log = std::fs::read_to_string(home.join("kaizen.log")).unwrap();
    let names = log.lines().filter_map(|line| line.split_once("action=")?.1.split('"').nth(1));
    names.map(String::from).collect()
}

// If this fails, a key that the help names does nothing in the real program.
#[test]
fn every_action_of_the_table_is_reached_by_its_key() {
    let mut reached = BTreeSet::new();
    for walk in [tasks::walk, sessions::walk, training::walk, comparing::walk, acting::walk] {
        let home = tempfile::tempdir().unwrap();
        walk(home.path());
        reached.extend(done(home.path()));
    }
    let missing: Vec<_> =
        kaizen::tui::action_names().filter(|name| !reached.contains(*name)).collect();
    assert!(missing.is_empty(), "no key reached {missing:?}");
}

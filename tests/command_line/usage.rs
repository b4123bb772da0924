//! What holds for every command: flags, exit codes, help, completions, output.

use crate::kaizen::{Ended, Home, says};
use std::process::Stdio;

#[test]
fn flags_of_every_command_stand_before_or_after_it() {
    let home = Home::new();
    let before = home.ok(&["--json", "--quiet", "--adapter", "base", "sessions", "list"]);
    let after = home.ok(&["sessions", "list", "--json", "--quiet", "--adapter", "base"]);
    assert_eq!(before.json(), after.json());
    assert_eq!(before.json(), serde_json::json!({"sessions": []}));
}

#[test]
fn the_home_is_made_where_the_environment_says_and_the_flag_wins() {
    let home = Home::new();
    let run = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_kaizen"));
        command.current_dir(home.path("")).env("KAIZEN_HOME", home.path("by-environment"));
        Ended::of(command.args(arguments).args(["sessions", "list"]).output().unwrap())
    };
    assert_eq!(run(&["--home", "by-flag"]).code, 0);
    assert!(home.path("by-flag/logs").is_dir() && !home.path("by-environment").exists());
    assert_eq!(run(&[]).code, 0);
    assert!(home.path("by-environment/adapters").is_dir());
}

#[test]
fn wrong_usage_is_code_2_and_shows_how_it_is_meant() {
    let home = Home::new();
    for arguments in [
        &["dance"][..],
        &["run"],
        &["run", "x", "--max-tokens", "0"],
        &["run", "x", "--temperature", "warm"],
        &["run", "x", "--greedy", "--temperature", "1"],
        &["run", "x", "--top-p", "0"],
        &["eval"],
        &["adapters", "export", "lora-v1", "out", "--format", "zip"],
        &["completions", "cobol"],
        &["--no-such-flag"],
    ] {
        let ended = home.run(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ended.err.starts_with("error: "), "{arguments:?}: {}", ended.err);
    }
    assert!(!home.home("").exists(), "wrong usage made a home");
}

#[test]
fn every_command_and_flag_has_words_that_explain_it() {
    let home = Home::new();
    let mut pages = vec![vec![]];
    let commands = home.ok(&["--help"]).out;
    let listed = |page: &str| -> Vec<String> {
        page.lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.is_empty())
            // Words that go on in a second line stand deeper.
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .map(|line| line.split_whitespace().next().unwrap().to_owned())
            .filter(|name| name != "help")
            .collect()
    };
    for command in listed(&commands) {
        pages.push(vec![command.clone()]);
        for action in listed(&home.ok(&[&command, "--help"]).out) {
            pages.push(vec![command.clone(), action]);
        }
    }
    assert!(pages.len() > 20, "{pages:?}");
    for page in pages {
        let mut arguments: Vec<&str> = page.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = home.ok(&arguments).out;
        let lines: Vec<&str> = help.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let entry = line.trim_start();
            // A value of a flag (`- name: words`) is explained where it stands.
            let is_flag = entry.starts_with('-') && !entry.starts_with("- ");
            let is_entry = is_flag || (entry.starts_with('<') && line.starts_with("  "));
            // The words stand behind the flag on its line, or on the next, deeper one.
            let here = entry.trim_end().contains("  ");
            let next = lines.get(i + 1).is_some_and(|next| {
                !next.trim().is_empty() && next.len() - next.trim_start().len() >= 10
            });
            assert!(!is_entry || here || next, "{page:?}: {line:?} is not explained");
        }
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let home = Home::new();
    for (shell, sign) in
        [("bash", "complete -F"), ("zsh", "#compdef kaizen"), ("fish", "complete -c kaizen")]
    {
        let script = home.ok(&["completions", shell]).out;
        says(&script, &[sign, "--checkpoint-every".trim_start_matches('-'), "sessions", "reindex"]);
    }
    assert!(!home.home("").exists(), "completions made a home");
}

// If this fails, `kaizen sessions list | head` ends in a trace.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    for arguments in [
        &["sessions", "list"][..],
        &["sessions", "list", "--json"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut process = home
            .process()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(process.stdout.take());
        let ended = Ended::of(process.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn more_is_said_only_when_asked_for() {
    let home = Home::new();
    let brief = home.run(&["sessions", "show", "nothing"]);
    assert_eq!(brief.err.lines().count(), 1);
    let verbose = home.run(&["-v", "sessions", "show", "nothing"]);
    assert_eq!(verbose.code, 1);
    assert!(verbose.err.starts_with(&brief.err));
    let more: Vec<&str> = verbose.err.lines().skip(1).collect();
    assert!(!more.is_empty());
    // The error once, in words; and no colours where there is no terminal.
    assert!(!more.concat().contains(brief.err.trim()), "{}", verbose.err);
    assert!(!verbose.err.contains('\u{1b}'), "{}", verbose.err);
}

// If this fails, a log that cannot be written stops the work that it is only to describe.
#[test]
fn work_goes_on_where_the_log_cannot_be_written() {
    let home = Home::new();
    std::fs::create_dir_all(home.home("kaizen.log")).unwrap();
    home.ok(&["sessions", "list"]);
}

#[test]
fn the_log_tells_what_ran_and_not_what_was_asked() {
    let home = Home::new();
    home.fails(&["sessions", "show", "a-secret-matter"]);
    home.ok(&["sessions", "list", "--search", "another-secret"]);
    let log = std::fs::read_to_string(home.home("kaizen.log")).unwrap();
    says(&log, &["Sessions"]);
    assert!(!log.contains("another-secret"), "{log}");
}

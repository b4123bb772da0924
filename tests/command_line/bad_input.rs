//! Settings, prompts and sets that make no sense: one clear line, and nothing lost.

use crate::kaizen::{Ended, Home, says, set};
use std::fs;

#[test]
fn a_wrong_configuration_names_file_line_and_key() {
    let home = Home::new();
    fs::create_dir_all(home.home("")).unwrap();
    for (text, words) in [
        (
            "kaizen = 1\nspeed = 9\n",
            &["config.toml, line 2", "unknown key `speed`", "known here"][..],
        ),
        ("kaizen = 1\n[train]\nrnak = 8\n", &["config.toml, line 3", "`train.rnak`", "rank"]),
        (
            "kaizen = 1\n[train]\nrank = 0\n",
            &["config.toml, line 3", "train.rank is 0", "1 or more"],
        ),
        ("kaizen = 1\n[train]\nrank = \"big\"\n", &["config.toml, line 3", "train.rank", "big"]),
        ("kaizen = 1\n[generate]\ntop_p = 2.0\n", &["line 3", "generate.top_p is 2", "above 0"]),
        ("kaizen = 2\n", &["line 1", "kaizen is 2"]),
        // Keys of the dashboard: what only it understands is told in the same way.
        ("kaizen = 1\n[keys]\nsend = 3\n", &["line 3", "keys.send is 3", "a list of keys"]),
        (
            "kaizen = 1\n[keys]\n\nsned = \"x\"\n",
            &["config.toml, line 4", "keys.sned is no action", "did you mean send?"],
        ),
        ("kaizen = 1\n[keys]\nquit = \"hyper-q\"\n", &["line 3", "keys.quit is \"hyper-q\""]),
        (
            "kaizen = 1\n[keys]\nmeasure = \"t\"\n",
            &["line 3", "keys.measure is t, which is also the key of train-weak"],
        ),
        ("kaizen = 1\n[train\n", &["config.toml, line 2", "not valid TOML"]),
    ] {
        fs::write(home.home("config.toml"), text).unwrap();
        says(&home.fails(&["sessions", "list"]), words);
        says(&home.fails(&["doctor"]), words);
        // Without a terminal this is the demo, and it is refused before it takes minutes.
        says(&home.fails(&[]), words);
        assert_eq!(fs::read_to_string(home.home("config.toml")).unwrap(), text);
    }
    let other = home.file("other.toml", "kaizen = 1\n[feedback]\nmin_failed = 0\n");
    let told = home.fails(&["sessions", "list", "--config", &other]);
    says(&told, &["other.toml, line 3", "feedback.min_failed"]);
    says(&home.fails(&["sessions", "list", "--config", "none.toml"]), &["cannot read none.toml"]);
}

#[test]
fn a_home_that_is_no_folder_is_named() {
    let home = Home::new();
    home.file("home", "a file");
    says(&home.fails(&["sessions", "list"]), &["home", "Not a directory"]);
}

#[test]
fn an_empty_prompt_makes_no_session() {
    let home = Home::new();
    for prompt in ["", " \n\t"] {
        says(&home.fails(&["run", prompt]), &["the prompt is empty", "kaizen run"]);
    }
    let output = home.command().args(["run", "-"]).write_stdin("\n").output().unwrap();
    says(&Ended::of(output).failed(), &["the prompt is empty"]);
    let output =
        home.command().args(["run", "-"]).write_stdin(b"\xff\xfe".as_slice()).output().unwrap();
    says(&Ended::of(output).failed(), &["stdin", "UTF-8"]);
    says(&home.fails(&["run", "read", "--file", "nowhere.txt"]), &["cannot read nowhere.txt"]);
    assert_eq!(
        home.home("logs")
            .read_dir()
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().is_dir())
            .count(),
        0
    );
}

// If this fails, a long text that the person pasted is gone, or a panic meets them.
#[test]
fn a_prompt_longer_than_the_context_is_refused_and_kept() {
    let home = Home::new();
    let long = "word ".repeat(9000);
    let output = home.command().args(["run", "-"]).write_stdin(long.as_str()).output().unwrap();
    says(&Ended::of(output).failed(), &["the prompt has", "8192", "shorten the prompt"]);
    let sessions = home.json(&["sessions", "list"])["sessions"].clone();
    assert_eq!(sessions[0]["outcome"], "failed");
    assert_eq!(sessions[0]["task"], long.trim());
}

// If this fails, a set that is half understood gives figures that look right.
#[test]
fn a_bad_line_of_a_set_stops_every_command_that_reads_one() {
    let home = Home::new();
    let sound = set(2);
    for (bad, why) in [
        (r#"{"id":"i1","prompt":"again","answer":"x"}"#, "already used in line 1"),
        (r#"{"id":"b","prompt":"no answer"}"#, "has no \"answer\""),
        (r#"{"id":"b","prompt":"p","answer":" "}"#, "\"answer\" is empty"),
        (r#"{"id":"b","prompt":"p","ans"#, "not JSON"),
        ("[1, 2]", "not an object"),
    ] {
        let file = home.file("set.jsonl", format!("{sound}{bad}\n"));
        for command in [
            &["eval", "--set", &file][..],
            &["weak", "--set", &file],
            &["compare", "base", "base", "--set", &file],
            &["train", "--from", &file],
        ] {
            says(&home.fails(command), &["set.jsonl, line 3", why]);
        }
    }
    let empty = home.file("empty.jsonl", "\n");
    says(&home.fails(&["eval", "--set", &empty]), &["empty.jsonl", "holds no examples"]);
    says(
        &home.fails(&["eval", "--set", "nowhere.jsonl"]),
        &["cannot read nowhere.jsonl", "check the path"],
    );
    let file = home.file("set.jsonl", sound);
    let told = home.run(&["eval", "--set", &file, "--map", "question"]);
    assert_eq!(told.code, 2, "{}", told.err);
    says(&told.err, &["--map", "prompt=question"]);
    assert_eq!(home.home("runs").read_dir().unwrap().count(), 0);
    assert_eq!(home.home("experiments").read_dir().unwrap().count(), 0);
}

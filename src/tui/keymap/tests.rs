//! Keys of the table, and keys in their place.
#![allow(clippy::unwrap_used)]

use super::*;
use std::path::Path;

fn configured(text: &str) -> Result<Keymap, String> {
    let config = Config::parse(text, Path::new("config.toml")).unwrap();
    Keymap::configured(&config).map_err(|refusal| format!("{} {}", refusal.key, refusal.problem))
}

fn refused(text: &str) -> String {
    configured(&format!("[keys]\n{text}")).unwrap_err()
}

// If this fails, a key in the help does nothing.
#[test]
fn every_key_of_the_table_is_one() {
    for row in TABLE {
        assert!(!row.keys.is_empty(), "{}", row.name);
        for key in row.keys {
            let press = KeyPress::parse(key);
            assert!(press.is_some_and(|press| press.sent_as().is_none()), "{key} of {}", row.name);
        }
    }
}

// If this fails, two actions of one place fight for a key, or the palette names two things alike.
#[test]
fn no_key_means_two_things_in_one_scope_and_no_name_stands_twice() {
    let mut keys = HashMap::new();
    let mut names = HashMap::new();
    for row in TABLE {
        assert!(names.insert(row.name, ()).is_none(), "{} stands twice", row.name);
        for key in row.keys {
            let press = KeyPress::parse(key).unwrap();
            let other = keys.insert((row.scope, press), row.name);
            assert!(other.is_none(), "{key} is {} and {}", row.name, other.unwrap());
        }
    }
}

// If this fails, somebody's own keys do nothing, or the old ones still act beside them.
#[test]
fn a_persons_keys_stand_in_the_place_of_the_tables() {
    let keymap =
        configured("[keys]\nsend = [\"F2\", \"Ctrl+S\"]\nquit = []\nmeasure = \"M-x\"").unwrap();
    assert_eq!(keymap.keys_of("send"), "F2 ^S");
    assert_eq!(keymap.key("quit"), ":quit");
    assert_eq!(keymap.tell("<measure> measures, a < b <c d>"), "Alt-x measures, a < b <c d>");
    let press = |key: &str| KeyPress::parse(key).unwrap();
    let found = |key: &str, scope| keymap.find(press(key), &[scope], |_, _| true);
    assert_eq!(found("ctrl-s", Scope::TasksPrompt).unwrap().1, Action::Confirm);
    assert_eq!(found("enter", Scope::TasksPrompt), None);
    assert_eq!(found("q", Scope::Everywhere), None);
    // Two that change places.
    let swapped = configured("[keys]\nup = \"j\"\ndown = [\"k\"]").unwrap();
    assert_eq!(swapped.keys_of("up") + &swapped.keys_of("down"), "jk");
}

// If this fails, one key does two things and nobody can tell which.
#[test]
fn a_key_that_would_mean_two_things_is_refused_with_both_names() {
    for (written, own, taken) in [
        ("measure = \"t\"", "measure", "train-weak"),
        ("measure = \"x\"\nchoose-set = \"x\"", "measure", "choose-set"),
        // Around the pane: movement, what acts everywhere, what acts always.
        ("measure = \"j\"", "measure", "down"),
        ("measure = \"q\"", "measure", "quit"),
        ("palette = \"t\"", "palette", "train-failed"),
        ("send = \"ctrl-c\"", "send", "quit-anywhere"),
        ("copy = \"ctrl-e\"", "copy", "prompt-in-editor"),
        // A scope within another.
        ("skip-pair = \"p\"", "skip-pair", "promote"),
    ] {
        let message = refused(written);
        let begins = format!("keys.{own} is ");
        assert!(message.starts_with(&begins) && message.contains(taken), "{written}: {message}");
    }
    // Apart from each other, or as the table itself has it.
    assert!(configured("[keys]\nmeasure = \"z\"\npause = \"z\"").is_ok());
    assert!(configured("[keys]\nmeasure = \"m\"").is_ok());
    assert!(configured("[keys]\ntrain-weak = \"m\"\nmeasure = \"t\"").is_ok());
}

// If this fails, somebody who misspells a key learns it from a dead key, or cannot type or leave.
#[test]
fn what_is_no_action_or_no_usable_key_is_refused_with_what_to_do() {
    assert!(refused("sned = \"x\"").contains("did you mean send?"));
    assert!(refused("zzzz = \"x\"").ends_with("is no action; the help (?) names all"));
    assert!(refused("send = \"hyper-x\"").contains("\"hyper-x\", which is no key"));
    assert!(refused("send = \"\"").contains("no key"));
    assert!(refused("send = \"s\"").contains("could not be typed"));
    assert!(refused("copy = \"space\"").contains("could not be typed"));
    assert!(refused("help = \"ctrl-i\"").contains("a terminal sends tab"));
    assert!(refused("close-palette = []").contains("nothing else leads out"));
}

// If this fails, a slip in the file locks somebody in.
#[test]
fn ctrl_c_quits_whatever_is_bound() {
    let keymap = configured("[keys]\nquit-anywhere = []\nquit = []").unwrap();
    let press = KeyPress::parse("ctrl-c").unwrap();
    let found = keymap.find(press, &[Scope::Always], |_, _| true);
    assert_eq!(found.unwrap().1, Action::Quit);
}

// If this fails, whoever asks for counts loses the panes.
#[test]
fn with_counts_digits_count_and_alt_shows_the_panes() {
    let keymap = configured("[tui]\ncounts = true").unwrap();
    assert_eq!(keymap.keys_of("show-weak-areas"), "Alt-3");
    assert_eq!(keymap.keys_of("count"), "1 … 9");
    let message = configured("[tui]\ncounts = true\n[keys]\nmeasure = \"3\"").unwrap_err();
    assert!(message.contains("count"), "{message}");
}

// If this fails, a sentence on screen names a key that the table does not know.
#[test]
fn every_action_named_in_a_sentence_is_in_the_table() {
    let mut named = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let is_test = path.components().any(|part| part.as_os_str() == "tests")
                || path.file_name().is_some_and(|name| name.to_string_lossy().contains("tests"));
            if is_test || path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices('<') {
                // In a sentence, not behind the name of a type.
                let before = text.get(..at).and_then(|text| text.chars().next_back());
                let after = text.get(at + 1..).and_then(|text| text.split_once('>'));
                let (Some(' ' | '"' | '('), Some((name, _))) = (before, after) else { continue };
                if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
                    named += 1;
                    let known = TABLE.iter().any(|row| row.name == name);
                    // The notation itself, where it is explained.
                    assert!(known || name == "name", "{} names <{name}>", path.display());
                }
            }
        }
    }
    assert!(named > 80, "{named}");
}

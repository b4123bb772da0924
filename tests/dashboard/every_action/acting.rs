//! Act mode: an action that waits for a word, and what is said of single steps. The tiny model has random weights:
//! what it does is nonsense, but at once, and nearly all of it would change something.

use super::{SETTINGS, dashboard_on};
use crate::terminal::{Terminal, sessions};
use serde_json::Value;
use std::path::Path;

const TASKS: [&str; 5] =
    ["edit the notes", "write a file", "change notes.txt", "make a file", "keep the notes"];

const ASKS: &str = "may this be done?";
const INSTEAD: &str = "what is to be done instead?";
const ENDED: &str = "How good was the work?";
const STEP: &str = "How good was step 1?";
const RIGHT: &str = "what should have been done?";
const BACKTAB: &str = "\u{1b}[Z";

/// The tiny model with room for what an actor is told.
fn model(home: &Path) -> String {
    let (from, to) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama"), home.join("actor"));
    std::fs::create_dir(&to).unwrap();
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
    let config = std::fs::read_to_string(to.join("config.json")).unwrap();
    let (short, long) = ("\"max_position_embeddings\": 256", "\"max_position_embeddings\": 4096");
    assert!(config.contains(short));
    std::fs::write(to.join("config.json"), config.replace(short, long)).unwrap();
    format!("[model]\ndefault = {to:?}\n")
}

fn gone(kaizen: &mut Terminal, part: &str) {
    kaizen.wait_until(&format!("{part:?} is gone"), |screen| !screen.contains(part));
}

/// The keys of the prompt look like keys, and not as dim as their words: they count.
fn keys_count(kaizen: &Terminal) -> bool {
    kaizen.with_screen(|screen| {
        let (rows, columns) = screen.size();
        let row = (0..rows.get()).find(|row| {
            screen.contents_between(*row, 0, *row, columns.get()).contains("yes, this once")
        });
        let colour = |row, column| screen.cell(row, column).map(|cell| cell.fgcolor());
        row.is_some_and(|row| colour(row, 2) != colour(row, 6))
    })
}

/// Waits until the prompt stands and takes an answer.
fn asked(kaizen: &mut Terminal) {
    kaizen.wait(&[ASKS]);
    for _ in 0..400 {
        if keys_count(kaizen) {
            return;
        }
        kaizen.settle_briefly();
    }
    panic!("its keys never counted:\n{}", kaizen.screen());
}

/// Answers the first action of a task with this key; one that can be allowed for good.
fn first_action(kaizen: &mut Terminal, key: &str) {
    for task in TASKS {
        kaizen.send("\u{e}").wait(&["Act mode: a task is carried out in a folder"]);
        kaizen.send(task).enter().wait_until("it asks or has ended", |screen| {
            screen.contains(ASKS) || screen.contains(ENDED)
        });
        if kaizen.screen().contains("Step 1: may this") && kaizen.screen().contains("from now on") {
            asked(kaizen);
            kaizen.send(key);
            return;
        }
        rest(kaizen);
    }
    panic!("no action could be allowed for good:\n{}", kaizen.screen());
}

/// Denies what else the task wants, to its end.
fn rest(kaizen: &mut Terminal) {
    loop {
        kaizen.wait_until("it asks or has ended", |screen| {
            screen.contains(ASKS) || screen.contains(ENDED)
        });
        if kaizen.screen().contains(ENDED) {
            break;
        }
        asked(kaizen);
        let screen = kaizen.screen();
        let step = screen.lines().find(|line| line.contains(ASKS)).unwrap();
        kaizen.send("n");
        gone(kaizen, step);
    }
    kaizen.escape();
    gone(kaizen, ENDED);
}

/// Waits until the newest session on disk is as wanted.
fn on_disk(kaizen: &mut Terminal, home: &Path, pointer: &str, wanted: impl Into<Value>) {
    let wanted = wanted.into();
    kaizen.wait_until(&format!("{wanted} at {pointer}"), |_| {
        sessions(home).pop().is_some_and(|session| session.pointer(pointer) == Some(&wanted))
    });
}

pub fn walk(home: &Path) {
    // A home is no folder to act in.
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("work");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("notes.txt"), "buy milk\n").unwrap();
    let settings = format!("{SETTINGS}[act]\nmax_steps = 2\n{}", model(home));
    let mut kaizen = dashboard_on(home, &settings, "actor");
    kaizen.send("\t").wait(&["act in"]).send("\u{7}").wait(&["carried out in it"]);
    kaizen.clear_field().send(folder.to_str().unwrap()).enter();
    gone(&mut kaizen, "carried out in it;");
    answers(&mut kaizen, home, &folder);
    steps(&mut kaizen, home);
    kaizen.send("q").ended();
}

/// Every answer to an action that waits.
fn answers(kaizen: &mut Terminal, home: &Path, folder: &Path) {
    let approval = "/iterations/0/result/approval";
    // Later, and looked at again: while a prompt is written, and from outside it.
    first_action(kaizen, "\u{1b}");
    kaizen.wait(&["an action waits for your word: ^O"]).send("\u{f}").wait(&[ASKS]).escape();
    gone(kaizen, ASKS);
    kaizen.escape().wait(&["an action waits for your word: o"]).send("o");
    // Another in its place.
    asked(kaizen);
    kaizen.send("e").wait(&[INSTEAD]).escape();
    gone(kaizen, INSTEAD);
    kaizen.send("e").wait(&[INSTEAD]).clear_field();
    kaizen.send(r#"{"tool":"write_file","path":"made.txt","content":"by hand"}"#).enter();
    on_disk(kaizen, home, approval, "edited");
    assert_eq!(std::fs::read_to_string(folder.join("made.txt")).unwrap(), "by hand");
    rest(kaizen);
    kaizen.send("i");
    gone(kaizen, "to write");
    for (key, kept) in [("n", "denied"), ("y", "allowed")] {
        first_action(kaizen, key);
        on_disk(kaizen, home, approval, kept);
        rest(kaizen);
    }
    // Nothing is rated that was stopped.
    first_action(kaizen, "x");
    on_disk(kaizen, home, "/kaizen/act/ended", "cancelled");
    kaizen.wait(&["cancelled"]);
    assert!(!home.join("approvals.json").exists(), "nothing was allowed for good");
    first_action(kaizen, "a");
    on_disk(kaizen, home, approval, "allowed");
    let kinds = std::fs::read_to_string(home.join("approvals.json")).unwrap();
    assert!(kinds.contains(folder.to_str().unwrap()), "{kinds}");
    rest(kaizen);
}

/// What is said of the steps of the last task.
fn steps(kaizen: &mut Terminal, home: &Path) {
    let count = sessions(home).len();
    kaizen.escape().send("2").wait(&[&format!("{count} sessions")]).send("g").enter();
    kaizen.wait(&["Steps", "›1"]).send("]").wait(&["›2"]).send("[").wait(&["›1"]);
    let stars = "/kaizen/act/feedback/0/stars";
    for (key, saved) in [("4", "★★★★☆ saved for step 1"), ("5", "★★★★★ saved for step 1")]
    {
        kaizen.send("s").wait(&[STEP]).send(key).wait(&[saved]);
        gone(kaizen, STEP);
    }
    kaizen.send("s").wait(&[STEP]).escape();
    gone(kaizen, STEP);
    on_disk(kaizen, home, stars, 5);
    kaizen.send("s");
    for (key, given) in [("1", 1), ("2", 2), ("3", 3)] {
        kaizen.wait(&[STEP]).send(key).wait(&[RIGHT]);
        on_disk(kaizen, home, stars, given);
        kaizen.send(BACKTAB);
    }
    kaizen.wait(&[STEP]).send("\t").wait(&[RIGHT]).escape();
    gone(kaizen, RIGHT);
    kaizen.send("c").wait(&[RIGHT, "{\"tool\""]).send("\u{15}");
    gone(kaizen, "{\"tool\"");
    let right = r#"{"tool":"answer","text":"done"}"#;
    kaizen.send(right).enter().wait(&["the right action for step 1 is saved"]);
    on_disk(kaizen, home, "/kaizen/act/feedback/0/correction", right);
    kaizen.wait(&["should have been: answer"]);
}

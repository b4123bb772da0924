//! The prompt, the form, the layers over all panes.

use super::{SETTINGS, dashboard};
use std::path::Path;

const PAGE_UP: &str = "\u{1b}[5~";
const PAGE_DOWN: &str = "\u{1b}[6~";
const UP: &str = "\u{1b}[A";
const DOWN: &str = "\u{1b}[B";
const BACKTAB: &str = "\u{1b}[Z";

pub fn walk(home: &Path) {
    let mut kaizen = dashboard(home, SETTINGS);
    // The prompt.
    kaizen.send("first\nsecond").wait(&["first", "second"]);
    kaizen.send("\u{5}").wait(&["second edited"]).send("\u{c}").clear_field();
    kaizen.clear_field().send("Name a large river").enter();
    kaizen.wait(&["How good was the answer?"]);
    // The form: stars, what went wrong, words.
    for stars in ["1", "3", "2"] {
        kaizen.send(stars).wait(&["[ ] Wrong action selected"]).send(BACKTAB);
        kaizen.wait(&["How good was the answer?"]);
    }
    kaizen.send("\t").wait(&["[ ] Wrong action selected"]);
    kaizen.send("12345").wait(&["[x] Wrong action selected", "[x] Other"]);
    kaizen.send("\tnot this").wait(&["not this"]);
    kaizen.send("\u{15}").wait_until("the comment is empty", |s| !s.contains("not this"));
    kaizen.send("\t\u{15}right\nanswer").wait(&["right", "answer"]);
    kaizen.send("\u{5}").wait(&["answer edited"]).send(BACKTAB).send("why").wait(&["why"]).enter();
    let closed = |screen: &str| !screen.contains("Wrong action selected");
    kaizen.wait_until("the form is gone", closed).escape();
    kaizen.wait(&["to write"]);
    let form = |kaizen: &mut crate::terminal::Terminal| {
        kaizen.send("f").wait(&["How good was the answer?"]);
    };
    form(&mut kaizen);
    kaizen.send("2").wait(&["Wrong action selected"]).enter().wait_until("saved", closed);
    form(&mut kaizen);
    kaizen.send("2").wait(&["Wrong action selected"]).escape().wait_until("skipped", closed);
    form(&mut kaizen);
    kaizen.send("2").wait(&["Wrong action selected"]).send("\t").escape();
    kaizen.wait_until("skipped", closed);
    let gone = |screen: &str| !screen.contains("How good was the answer?");
    for key in ["4", "5", "\u{1b}"] {
        form(&mut kaizen);
        kaizen.send(key).wait_until("the form is gone", gone);
        kaizen.settle_briefly();
    }
    // Again, arms, modes, the system prompt.
    kaizen.send("r").wait(&["How good was the answer?"]).escape();
    kaizen.wait_until("the form is gone", gone);
    kaizen.send("b\t").wait(&["act in"]).send("d").wait(&["carried out in it"]).enter();
    kaizen.wait_until("the folder is taken", |s| !s.contains("carried out in it"));
    kaizen.send("i\u{7}").wait(&["carried out in it"]).escape().send("\t");
    kaizen.wait_until("tasks are answered", |s| !s.contains("act in")).escape();
    kaizen.send("s").send("brief\nkind").wait(&["brief"]).escape();
    kaizen.send("\t\ti").send(PAGE_UP).send(PAGE_DOWN).send(UP);
    kaizen.wait(&["│ Name a large river"]).send(DOWN).clear_field();
    kaizen.send("\u{e}").wait(&["Kaizen makes a model better"]);
    kaizen.send("Say yes").enter().wait(&["How good was the answer?"]).send("5");
    kaizen.wait_until("the form is gone", gone).escape();
    kaizen.send("n").wait(&["Kaizen makes a model better"]).escape();
    layers(&mut kaizen);
    kaizen.send("q").ended();
    drop(kaizen);
    let long = SETTINGS
        .replace("max_tokens = 6", "max_tokens = 1500")
        .replace("temperature = 0.0", "temperature = 2.0");
    std::fs::write(home.join("config.toml"), long).unwrap();
    interrupted(home);
    suspended(home);
}

/// Help, palette, models, copy; who moves about in lists.
fn layers(kaizen: &mut crate::terminal::Terminal) {
    kaizen.send("?").wait(&["Help ·"]).escape();
    kaizen.send(":").send("redraw").wait(&["Draw the screen anew"]).send(DOWN).send(UP).enter();
    kaizen.send("\u{10}").wait(&["Enter do it"]).escape();
    // Copies, the mouse, answers as they are, the theme round to where it was, a file that is given up.
    kaizen.send("\u{19}").send("\u{1b}y").send("\u{14}\u{14}").send("RR").send("TTTT");
    for pane in ["2", "3", "4", "5", "6", "1"] {
        kaizen.send(pane).settle_briefly();
    }
    kaizen.send("2").wait(&["3 sessions"]).send("jk").send(PAGE_DOWN).send(PAGE_UP).send("Gg");
    kaizen.send("\u{4}\u{15}").send("\u{1b}2j").send("E").wait(&["Into"]).escape();
    kaizen.send("1").send("m").wait(&["Models on this machine"]);
    kaizen.send(PAGE_DOWN).send(PAGE_UP).send(DOWN).send(UP).escape();
    kaizen.send("m").wait(&["Models on this machine"]).enter().settle();
    kaizen.escape().wait_until("the picker is gone", |s| !s.contains("Models on this machine"));
}

/// While an answer comes: cancel it, and quit all the same.
fn interrupted(home: &Path) {
    let mut kaizen = dashboard(home, SETTINGS);
    kaizen.send("Tell a story").enter().wait(&["writing"]).escape();
    kaizen.wait_until("the answer is cancelled", |s| !s.contains("writing"));
    kaizen.escape().escape().wait(&["to write"]).send("r").wait(&["writing"]).escape();
    kaizen.wait_until("the answer is cancelled", |s| !s.contains("writing"));
    kaizen.escape().send("r").wait(&["writing"]).send("q").wait(&["Quit all the same"]);
    kaizen.send("n").wait_until("it goes on", |s| !s.contains("Quit all the same"));
    kaizen.send("\u{3}").wait(&["Quit all the same"]).send("y").ended();
}

/// To the shell and back.
fn suspended(home: &Path) {
    let mut command = portable_pty::CommandBuilder::new("sh");
    command.arg("-i");
    command.env("PS1", "shell> ");
    command.env("KAIZEN_LOG", "kaizen=info,kaizen::keys=debug");
    let mut shell = crate::terminal::Terminal::start(command, home, 120, 32);
    shell.wait(&["shell>"]);
    shell.send(&format!("{} --home .\r", env!("CARGO_BIN_EXE_kaizen"))).wait(&["Your task"]);
    shell.send("\u{1a}").wait_until("it is stopped", |s| s.to_lowercase().contains("stopped"));
    shell.send("fg\r").wait(&["Your task"]).send("\u{3}").wait(&["shell>"]);
}

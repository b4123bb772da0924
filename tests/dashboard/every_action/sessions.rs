//! Sessions: the list, one of them, the walk through what is to be corrected.

use super::{SETTINGS, dashboard};
use crate::terminal::Terminal;
use std::path::Path;

fn ask(kaizen: &mut Terminal, task: &str, stars: &str) {
    kaizen.send(task).enter().wait(&["How good was the answer?"]).send(stars).wait(&["saved"]);
    if stars == "2" {
        kaizen.escape();
    }
    kaizen.wait_until("the form is gone", |screen| {
        !screen.contains("How good was the answer?") && !screen.contains("Wrong action selected")
    });
    kaizen.send("\u{e}").wait(&["Kaizen makes a model better"]);
}

pub fn walk(home: &Path) {
    let mut kaizen = dashboard(home, SETTINGS);
    for (task, stars) in [("Name a river", "2"), ("Name a hill", "2"), ("Say good night", "5")] {
        ask(&mut kaizen, task, stars);
    }
    kaizen.escape().send("2").wait(&["3 sessions"]).enter().wait(&["Say good night"]);
    kaizen.settle().send("l").settle_briefly();
    kaizen.send("h").settle_briefly();
    kaizen.escape().wait(&["3 sessions"]);
    kaizen.send("r").wait(&["How good was the answer?"]).escape();
    kaizen.wait_until("the form is gone", |s| !s.contains("How good was the answer?"));
    kaizen.send("a").settle_briefly();
    kaizen.send("e").wait(&["right answer"]).escape();
    kaizen.escape().send("2").wait(&["3 sessions"]);
    kaizen.send("/").send("hill").enter().wait(&["Name a hill"]);
    kaizen.wait_until("the others are not listed", |s| !s.contains("Say good night")).escape();
    kaizen.wait(&["Say good night"]).send("f").settle_briefly();
    kaizen.escape();
    // The walk: every key of its, and two answers.
    kaizen.send("w").wait(&["1 of 2"]).escape().wait(&["3 sessions"]);
    kaizen.send("w").wait(&["1 of 2"]).send("\t").wait(&["2 of 2"]).send("\u{1b}[Z");
    kaizen.wait(&["1 of 2"]).send("\u{7}\u{15}").send("Ama\nzon").wait(&["Ama", "zon"]);
    kaizen.send("\u{5}").wait(&["zon edited"]).send("\u{1b}[5~\u{1b}[6~").enter();
    kaizen.wait(&["2 of 2"]).send("Everest").enter().wait(&["corrected"]).escape();
    kaizen.send("t").wait(&["Ready to train"]).escape();
    kaizen.wait_until("nothing is trained", |screen| !screen.contains("Ready to train"));
    kaizen.send("q").ended();
}

//! Act mode: an action that waits for a word, and what is said of single steps.

use super::{SETTINGS, dashboard};
use crate::terminal::Terminal;
use std::path::Path;
use std::time::Duration;

/// Tasks of which the small model tries at least one with an action that changes something.
const TASKS: [&str; 4] = [
    "make a file hello.txt with the word hello",
    "rename notes.txt to old.txt",
    "delete the file notes.txt",
    "copy notes.txt to copy.txt",
];

const ASKS: &str = "may this be done?";
const ENDED: &str = "How good was the work?";

/// Gives tasks until an action waits for a word.
fn until_it_asks(kaizen: &mut Terminal) {
    for task in TASKS.iter().cycle().take(12) {
        kaizen.send(task).enter().wait_until("it asks or has ended", |screen| {
            screen.contains(ASKS) || screen.contains(ENDED)
        });
        if kaizen.screen().contains(ASKS) {
            // Keys count once it has stood for a moment.
            std::thread::sleep(Duration::from_secs(1));
            return;
        }
        kaizen.escape().send("\u{e}").settle();
    }
    panic!("no action ever changed anything:\n{}", kaizen.screen());
}

fn over(kaizen: &mut Terminal) {
    for _ in 0..40 {
        if kaizen.screen().contains(ENDED) {
            break;
        }
        if kaizen.screen().contains(ASKS) {
            kaizen.send("x");
        }
        kaizen.settle_briefly();
    }
    kaizen.escape().settle();
}

pub fn walk(home: &Path) {
    let folder = home.join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("notes.txt"), "buy milk\n").unwrap();
    let settings = format!("{SETTINGS}[act]\nmax_steps = 3\n");
    let mut kaizen = dashboard(home, &settings);
    kaizen.send("\t").wait(&["act in"]).send("\u{7}").wait(&["carried out in it"]);
    kaizen.clear_field().send(folder.to_str().unwrap()).enter();
    kaizen.wait_until("the folder is chosen", |screen| !screen.contains("carried out in it;"));
    // Later; looked at again, from the prompt and from outside; changed; done once.
    until_it_asks(&mut kaizen);
    kaizen.escape().wait_until("it waits", |screen| !screen.contains("once"));
    kaizen.send("\u{f}").wait(&[ASKS]);
    std::thread::sleep(Duration::from_secs(1));
    kaizen.escape().escape().send("o").wait(&[ASKS]);
    std::thread::sleep(Duration::from_secs(1));
    kaizen.send("e").settle_briefly();
    kaizen.escape().send("e").settle_briefly();
    kaizen.enter().settle_briefly();
    over(&mut kaizen);
    for key in ["y", "a", "n", "x"] {
        kaizen.send("i\u{e}").settle_briefly();
        if key == "n" {
            std::fs::remove_file(home.join("approvals.json")).ok();
        }
        until_it_asks(&mut kaizen);
        kaizen.send(key).settle_briefly();
        over(&mut kaizen);
    }
    // Steps of what was done.
    kaizen.escape().send("2").wait(&["session"]).enter().wait(&["Steps"]);
    kaizen.send("][").settle_briefly();
    for stars in ["1", "2", "3", "4", "5"] {
        kaizen.send("s").wait(&["How good was step 1?"]).send(stars).settle_briefly();
        kaizen.escape().escape().settle_briefly();
        kaizen.send("2").settle_briefly();
        if !kaizen.screen().contains("Steps") {
            kaizen.enter().wait(&["Steps"]);
        }
    }
    kaizen.send("s").wait(&["How good was step 1?"]).send("\t").settle_briefly();
    kaizen.send("\u{15}").send("\u{1b}[Z").wait(&["How good was step 1?"]).escape();
    kaizen.send("c").settle_briefly();
    kaizen.escape().send("c").settle_briefly();
    kaizen.enter().settle();
    kaizen.send("\u{3}").ended();
}

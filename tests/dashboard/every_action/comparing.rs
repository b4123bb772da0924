//! Compare in all its parts, on a home with an adapter, rated and failed tasks.

use super::experiments::{run, tiny, tried};
use super::{SETTINGS, dashboard_on};
use crate::terminal::Terminal;
use std::path::Path;
use std::time::{Duration, Instant};

const ARMS: &str = "base → lora-v1";

/// Rated tasks, the first two of them failed, with what would have been right.
fn rated(home: &Path) {
    std::fs::write(home.join("right.txt"), "the right answer").unwrap();
    for (nth, thing) in ["river", "hill", "tree", "town", "star", "song"].iter().enumerate() {
        let ran = run(home, &["run", &format!("Name a {thing}"), "--json", "--adapter", "base"]);
        let ran: serde_json::Value = serde_json::from_str(&ran).unwrap();
        let session = ran["session"].as_str().unwrap();
        match nth {
            0 | 1 => run(home, &["rate", session, "2", "--answer", "right.txt"]),
            _ => run(home, &["rate", session, "4"]),
        };
    }
}

pub fn walk(home: &Path) {
    tiny(home);
    tried(home);
    rated(home);
    let mut kaizen = dashboard_on(home, SETTINGS, "llama");
    kaizen.escape().send("5").wait(&[ARMS]);
    answers(&mut kaizen);
    replay(&mut kaizen);
    gate(&mut kaizen);
    failed(&mut kaizen);
    service(&mut kaizen);
    super::experiments::walk(&mut kaizen);
    kaizen.send("q").ended();
}

/// One prompt for both arms, blind or not.
fn answers(kaizen: &mut Terminal) {
    kaizen.send("a").wait(&["lora-v1 → base"]).send("b").wait(&[ARMS]);
    kaizen.send("v").wait(&["base → lora-v1  blind"]);
    kaizen.send("i").wait(&["Ask both"]).send("Say hello.").enter();
    kaizen.wait_until("both answer blind", |screen| screen.matches(" answered").count() == 2);
    assert!(!kaizen.screen().contains("╭ base"), "{}", kaizen.screen());
    kaizen.send("v").wait_until("names again", |screen| !screen.contains("lora-v1  blind"));
    kaizen.send("r").wait(&["the answer on the left"]).send("4");
    kaizen.wait(&["the answer on the right"]).send("5");
    kaizen.wait(&["╭ base ", "╭ lora-v1 ", "★★★★☆", "★★★★★"]);
    kaizen.send("d").wait(&["⟦", "⟧"]).send("d");
    kaizen.wait_until("nothing is marked", |screen| !screen.contains('⟦'));
    let left = border(kaizen, "╭ base ");
    let right = border(kaizen, "╭ lora-v1 ");
    assert_ne!(left, right);
    for (key, sides) in [("l", [right, left]), ("h", [left, right])] {
        kaizen.send(key);
        until(kaizen, "the other answer scrolls", |kaizen| {
            ["╭ base ", "╭ lora-v1 "].map(|title| border(kaizen, title)) == sides
        });
    }
}

/// Blind pairs, each judged by another key; ended before the last.
fn replay(kaizen: &mut Terminal) {
    kaizen.send("\t").wait(&["Is lora-v1 better than base on your own tasks?"]).enter();
    judge(kaizen, "s", &["Skipped: it counts for nobody."]);
    judge(kaizen, "t", &["The two are even; the candidate was on the"]);
    let won_or_lost = |won, lost| {
        [
            format!("The candidate won; it was on the {won}"),
            format!("The candidate lost; it was on the {lost}"),
        ]
    };
    let [won, lost] = won_or_lost("left", "right");
    judge(kaizen, "h", &[&won, &lost]);
    let [won, lost] = won_or_lost("right", "left");
    judge(kaizen, "l", &[&won, &lost]);
    kaizen.escape().wait(&["You ended it. What you judged is kept and counts"]);
}

/// Which pair is on screen.
fn pair(screen: &str) -> Option<&str> {
    let label = screen.split("Pair ").nth(1)?.split("  ").next()?;
    screen.contains("╭ left ").then_some(label)
}

/// Says something of the next pair, and waits until one of `words` says that it was heard.
fn judge(kaizen: &mut Terminal, key: &str, words: &[&str]) {
    kaizen.wait_until("a pair", |screen| pair(screen).is_some());
    let screen = kaizen.screen();
    let judged = pair(&screen);
    // No key counts before a person can have read the pair, which comes later on a busy machine.
    for _ in 0..60 {
        std::thread::sleep(Duration::from_secs(1));
        if pair(&kaizen.screen()) != judged {
            break;
        }
        kaizen.send(key);
    }
    kaizen.wait_until(&format!("{words:?}"), |screen| words.iter().any(|w| screen.contains(w)));
}

fn gate(kaizen: &mut Terminal) {
    kaizen.send("g").wait(&["Judge: the built-in set", "scoring, base"]);
    kaizen.send("o").wait(&["Judge: your own work", "Gate ●"]).escape();
    kaizen.wait_until("the gate has stopped", |screen| !screen.contains("Gate ●"));
    kaizen.send("o").wait(&["It was stopped; nothing of it is kept."]);
}

/// The failed tasks before and after; one of them again.
fn failed(kaizen: &mut Terminal) {
    kaizen.send("w").wait(&["unseen  2 tasks", "Your right answer", "→ reads on"]);
    kaizen.send("l").wait(&["← back to the list"]).send("h").wait(&["→ reads on"]);
    kaizen.enter().wait_until("both answer again", |screen| {
        screen.contains("› Name a ") && screen.matches(" tokens/s").count() == 2
    });
}

/// Who answers tasks: each change is asked first.
fn service(kaizen: &mut Terminal) {
    const PROMOTE: &str = "lora-v1 answers everything from now on?";
    kaizen.send("p").wait(&[PROMOTE]).send("n");
    kaizen.wait_until("nothing is promoted", |screen| !screen.contains(PROMOTE));
    kaizen.send("p").wait(&[PROMOTE]).send("y").wait(&["active lora-v1"]);
    kaizen.send("u").wait(&["Back to who answered before"]).send("y").wait(&["active base"]);
    kaizen.send("c").wait(&["lora-v1 answers 10 % of the tasks from now on"]).send("y");
    kaizen.wait(&["active base · canary lora-v1 10 %"]);
}

/// The colour of the border that `title` begins with.
fn border(kaizen: &Terminal, title: &str) -> vt100::Color {
    kaizen.with_screen(|screen| {
        let (rows, columns) = screen.size();
        let found = (0..rows.get()).find_map(|row| {
            let line = screen.contents_between(row, 0, row, columns.get());
            Some((row, line.split_once(title)?.0.chars().count()))
        });
        let (row, column) = found.unwrap_or_else(|| panic!("no {title:?}:\n{}", screen.contents()));
        screen.cell(row, column as u16).expect("a cell").fgcolor()
    })
}

/// Waits for what the words on the screen do not say.
fn until(kaizen: &Terminal, what: &str, wanted: impl Fn(&Terminal) -> bool) {
    let began = Instant::now();
    while !wanted(kaizen) {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(60), "{what} never came:\n{}", kaizen.screen());
        std::thread::sleep(Duration::from_millis(20));
    }
}

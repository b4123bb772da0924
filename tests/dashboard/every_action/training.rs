//! Weak areas, and training on what was found, on failed sessions and on a file.

use super::{SETTINGS, dashboard};
use std::path::Path;

/// A file with three examples, and a run of which there is time to pause it.
fn examples(home: &Path) {
    let lines: String = (0..3)
        .map(|i| format!("{{\"prompt\":\"word {i}\",\"answer\":\"answer number {i}\"}}\n"))
        .collect();
    std::fs::write(home.join("examples.jsonl"), lines).unwrap();
}

pub fn walk(home: &Path) {
    examples(home);
    let mut kaizen = dashboard(home, &SETTINGS.replace("epochs = 4", "epochs = 20"));
    kaizen.escape().send("3").wait(&["Where is the model weak?"]).send("o").wait(&["set"]);
    kaizen.escape().send("m").wait(&["measuring base"]).escape();
    kaizen.wait_until("nothing is measured", |screen| !screen.contains("measuring base"));
    kaizen.send("o").wait(&["set"]).clear_field().send("examples.jsonl").enter();
    kaizen.send("m").wait(&["auto"]).settle();
    kaizen.send("[").settle_briefly();
    kaizen.send("]]").settle_briefly();
    kaizen.send("=").wait(&["auto"]).send("c").settle_briefly();
    kaizen.send("c").settle_briefly();
    kaizen.send(" ").wait(&["1 chosen"]).send("j ").wait(&["2 chosen"]).enter();
    kaizen.send("lh").settle_briefly();
    kaizen.escape().send("t").wait(&["Ready to train"]).send("lh").enter();
    kaizen.wait(&["trains: step 2"]).send("s").send("p").wait(&["p goes on"]);
    kaizen.send("p").wait(&["trains: step"]).send("x").wait(&["stop"]).send("y");
    kaizen.wait_until("the run is stopped", |screen| !screen.contains("trains: step"));
    // A whole run, so that there is an adapter, and a curve to lay over the next one.
    kaizen.send("o").wait(&["Train on a file"]).send("examples.jsonl").enter();
    kaizen.wait(&["Ready to train"]).enter().wait(&["lora-v1 came out of"]);
    kaizen.send("j ").settle_briefly();
    kaizen.send("3").wait(&["Where is the model weak?"]).send("b").wait(&["lora-v1"]);
    kaizen.send("4").send("t").settle_briefly();
    // Ends with a run that goes on later.
    kaizen.send("o").wait(&["Train on a file"]).send("examples.jsonl").enter();
    kaizen.wait(&["Ready to train"]).enter().wait(&["trains: step 2"]).send("q");
    kaizen.wait(&["go on later"]).send("l").ended();
    drop(kaizen);
    let mut kaizen = dashboard(home, SETTINGS);
    kaizen.escape().send("4").wait(&["p goes on"]).send("p").wait(&["trains: step"]).send("q");
    kaizen.wait(&["go on later"]).send("x").ended();
}

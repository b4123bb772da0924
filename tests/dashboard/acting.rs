//! Act mode by keyboard, with the real model, tools and sandbox.

use crate::kaizen;
use crate::terminal::{quick_home, sessions};
use std::time::Duration;

// If this fails, a person cannot have a task carried out in the dashboard, or it is not kept and rated.
#[test]
fn a_task_is_carried_out_step_by_step_and_rated() {
    let home = quick_home();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    for name in ["docs/a.pdf", "docs/b.pdf", "notes.txt"] {
        std::fs::write(folder.path().join(name), "paper\n").unwrap();
    }
    let mut kaizen = kaizen(home.path());
    kaizen.wait(&["Kaizen makes a model better"]);
    kaizen.send("\t").wait(&["act in", "Act mode: a task is carried out in a folder"]);
    kaizen.send("\u{7}").wait(&["Tasks are carried out in it"]);
    kaizen.clear_field().send(folder.path().to_str().unwrap()).enter();
    kaizen.wait_until("the folder is chosen", |screen| !screen.contains("carried out in it;"));
    kaizen.send("count the PDF files").enter();
    // Whatever it wants to change, the answer is no: once the prompt has stood for a moment.
    for _ in 0..16 {
        kaizen.wait_until("it asks or has ended", |screen| {
            screen.contains("may this be done?") || screen.contains("How good was the work?")
        });
        if kaizen.screen().contains("How good was the work?") {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
        let step =
            kaizen.screen().lines().find(|l| l.contains("may this be done?")).unwrap().to_owned();
        kaizen.send("n");
        kaizen.wait_until("the word is taken", |screen| !screen.contains(&step));
    }
    kaizen.send("2").wait(&["saved"]);
    let session = sessions(home.path()).remove(0);
    assert_eq!(session["metadata"]["task"], "count the PDF files");
    assert_eq!(session["metadata"]["user_rating"], 2);
    let steps = session["iterations"].as_array().unwrap();
    assert!(!steps.is_empty());
    assert!(steps.iter().all(|step| step["action"]["tool"].is_string()));
    assert!(session["kaizen"]["act"]["ended"].is_string());
    let mut left = std::fs::read_dir(folder.path()).unwrap().count();
    left += std::fs::read_dir(folder.path().join("docs")).unwrap().count();
    assert_eq!(left, 4, "nothing was allowed, and something was changed");
    // Its steps are in Sessions, and one is rated there.
    kaizen.escape();
    kaizen.wait_until("the form is gone", |screen| !screen.contains("Wrong action selected"));
    kaizen.escape().send("2").wait(&["1 session"]).enter();
    kaizen.wait(&["Steps", "saw"]).send("s").wait(&["How good was step 1?"]).send("1");
    kaizen.wait_until("the stars of the step are on disk", |_| {
        let session = sessions(home.path()).remove(0);
        session["kaizen"]["act"]["feedback"][0]["stars"] == 1
    });
}

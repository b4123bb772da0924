//! The whole loop by keyboard, as a person goes through it.

use crate::terminal::{quick_home, sessions};

// If this fails, a person cannot get from a bad answer to a compared adapter.
#[test]
fn from_a_task_to_a_compared_adapter_and_all_of_it_is_on_disk() {
    let home = quick_home();
    let mut kaizen = crate::kaizen(home.path());
    // The first screen is there before the model is.
    kaizen.wait(&["Kaizen makes a model better", "Your task"]);

    // A task, and its answer as it comes.
    kaizen.send("Write one shell command: count the files here").enter();
    kaizen.wait(&["❯ Write one shell command"]);
    kaizen.wait(&["tokens/s"]);

    // Two stars, an issue and the right answer: all the model had said goes.
    kaizen.wait(&["How good was the answer?"]).send("2").wait(&["★★☆☆☆ saved"]);
    kaizen.send("2").wait(&["[x] Wrong action selected"]).send("\t");
    kaizen.send("wrong command").send("\t").send("\u{15}").send("ls -1 | wc -l").enter();
    kaizen.wait_until("the form is gone", |screen| !screen.contains("Wrong action selected"));
    kaizen.escape().send("2").wait(&["★★☆☆☆ ✎", "1 session"]);

    // Weak areas, with a heat map, and the threshold moves.
    kaizen.send("3").wait(&["Where is the model weak?"]).send("m").wait(&["measuring base"]);
    kaizen.wait(&["shell", "auto", "nats under 1"]);
    let measured = kaizen.screen();
    kaizen.send("]]]").wait_until("the threshold moves", |screen| screen != measured);
    kaizen.send("=").wait(&["auto"]);

    // A short training on two weak examples: the loss moves.
    kaizen.send(" ").wait(&["1 chosen"]).send("j").send(" ").wait(&["2 chosen"]).send("t");
    kaizen.wait(&["Ready to train"]).enter();
    kaizen.wait(&["lora-v1 came out of"]);

    // Both arms side by side, then what the adapter did to the failed task.
    kaizen.send("5").wait(&["base → lora-v1"]).send("i");
    kaizen.wait(&["Ask both"]).send("Say hello.").enter();
    kaizen.wait_until("both have answered", |screen| screen.matches("tokens/s").count() >= 2);
    kaizen.send("w").wait(&["count the files", "unseen"]);

    // The gate begins to measure, and is left.
    kaizen.send("g").wait(&["scoring, base"]).escape();
    kaizen.wait_until("the gate has stopped", |screen| !screen.contains("measuring"));

    kaizen.send("q");
    let (code, raw) = kaizen.ended();
    assert_eq!(code, 0, "{raw}");
    assert!(kaizen.is_plain());

    // The same is found on disk.
    let sessions = sessions(home.path());
    assert_eq!(sessions.len(), 3, "the task and two compared answers");
    let metadata = &sessions[0]["metadata"];
    assert_eq!(metadata["user_rating"], 2);
    assert_eq!(metadata["what_went_wrong"][0], "Wrong action selected");
    assert_eq!(metadata["feedback_comment"], "wrong command");
    let correction = &sessions[0]["kaizen"]["correction"]["answer"];
    assert_eq!(correction, "ls -1 | wc -l");
    let arms: Vec<_> = sessions[1..].iter().map(|s| s["kaizen"]["arm"].clone()).collect();
    assert!(arms.contains(&"base".into()) && arms.contains(&"lora-v1".into()), "{arms:?}");
    assert!(home.path().join("adapters/lora-v1/adapter_model.safetensors").is_file());
    let runs: Vec<_> = std::fs::read_dir(home.path().join("runs")).unwrap().collect();
    assert_eq!(runs.len(), 1);
    let metrics = runs[0].as_ref().unwrap().path().join("metrics.jsonl");
    let losses: Vec<f64> = std::fs::read_to_string(metrics)
        .unwrap()
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["loss"].as_f64().unwrap()
        })
        .collect();
    assert!(losses.len() >= 2 && losses.windows(2).any(|pair| pair[0] != pair[1]), "{losses:?}");
}

// If this fails, a person's own editor loses keys to the dashboard behind it, or its text.
#[cfg(unix)]
#[test]
fn the_prompt_is_written_in_the_persons_own_editor() {
    use std::os::unix::fs::PermissionsExt;
    let home = quick_home();
    let editor = home.path().join("editor.sh");
    let script = "#!/bin/sh\nprintf 'what then? '\nread line\nprintf '%s and %s\\n' \"$(cat \"$1\")\" \"$line\" > \"$1.new\"\nmv \"$1.new\" \"$1\"\n";
    std::fs::write(&editor, script).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = portable_pty::CommandBuilder::new(env!("CARGO_BIN_EXE_kaizen"));
    command.args(["--home", "."]);
    command.env("EDITOR", &editor);
    let mut kaizen = crate::terminal::Terminal::start(command, home.path(), 80, 24);
    kaizen.wait(&["Your task"]).send("first").wait(&["│ first"]).send("\u{5}");
    kaizen.wait(&["what then?"]).send("second\r");
    kaizen.wait(&["Your task", "first and second"]);
    kaizen.send("\u{3}").ended();
}

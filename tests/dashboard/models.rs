//! Another model is taken up without leaving the dashboard.

use std::path::Path;

// If this fails, whoever chooses a model in the picker sits before one that is not loaded, or loses the
// choice at the next start.
#[test]
fn a_model_chosen_in_the_picker_answers_the_next_task_and_is_the_default_from_then_on() {
    let home = tempfile::tempdir().unwrap();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/qwen3");
    let settings = format!(
        "kaizen = 1\n# mine\n[generate]\nmax_tokens = 6\n[model]\npaths = [{:?}]\n",
        tiny.to_str().unwrap()
    );
    let file = home.path().join("config.toml");
    std::fs::write(&file, settings).unwrap();
    let mut kaizen = crate::kaizen(home.path());
    kaizen.wait(&["Your task", "SmolLM2"]).escape().send("m");
    kaizen.wait(&["Models on this machine", "qwen3"]);
    // The folder stands below the GGUF file that is in it.
    kaizen.send("qwen3").wait(&["model.gguf", "qwen3/model.gguf"]).send("\u{1b}[B");
    kaizen.wait_until("the folder is chosen", |screen| !screen.contains("qwen3/model.gguf"));
    kaizen.enter().wait_until("the picker is gone and the model is another", |screen| {
        let header = screen.lines().next().unwrap_or_default();
        header.contains("qwen3") && !screen.contains("Models on this machine")
    });
    kaizen.send("i").send("Hello").enter().wait(&["How good was the answer?"]);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("# mine") && written.contains("tiny_models/qwen3\""), "{written}");
    let session = crate::terminal::sessions(home.path()).pop().unwrap();
    assert_eq!(session["metadata"]["model"], "qwen3");
}

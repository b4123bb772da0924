//! `kaizen run`.

use crate::kaizen::{Ended, Home, keys, says};

// If this fails, scripts break, or a task is answered and not kept.
#[test]
fn a_task_is_answered_in_json_and_kept_on_disk() {
    let home = Home::new();
    let ran = home.json(&["run", "Say hi", "--greedy", "--max-tokens", "8", "--adapter", "base"]);
    assert_eq!(keys(&ran), ["session", "adapter", "text", "tokens", "steps", "tokens_per_second"]);
    assert_eq!(ran["adapter"], "base");
    assert_eq!(ran["steps"], serde_json::json!([]));
    assert!(ran["tokens_per_second"].as_f64().unwrap() > 0.0);
    let tokens = ran["tokens"].as_array().unwrap();
    assert!((1..=8).contains(&tokens.len()));
    // <|im_end|> of the default model.
    assert!(tokens.iter().all(|token| token != 2), "{tokens:?}");

    let session = home.session(ran["session"].as_str().unwrap());
    assert_eq!(session["metadata"]["task"], "Say hi");
    assert_eq!(session["metadata"]["lora_version"], "base");
    assert_eq!(session["total_iterations"], 1);
    assert_eq!(session["iterations"][0]["grok_response"], ran["text"]);
    let record = &session["kaizen"];
    assert_eq!(record["answer"], ran["text"]);
    assert_eq!(record["arm"], "base");
    assert_eq!(record["arm_probability"], 1.0);
    assert_eq!(record["messages"][0]["content"], "Say hi");
    assert_eq!(record["answer_tokens"], tokens.len());
    assert_eq!(record["outcome"]["state"], "finished");
    assert_eq!(record["generation"]["temperature"], 0.0);
    assert_eq!(record["generation"]["max_tokens"], 8);
    assert_eq!(record["model_hash"].as_str().unwrap().len(), 64);
}

#[test]
fn the_prompt_comes_from_stdin_with_a_file_and_a_system_turn() {
    let home = Home::new();
    let file = home.file("notes.txt", "the notes\n");
    let output = home
        .command()
        .args(["run", "-", "--file", &file, "--system", "Be brief.", "--greedy"])
        .args(["--max-tokens", "2", "--json"])
        .write_stdin("from stdin\n")
        .output()
        .unwrap();
    let ran = Ended::of(output).json();
    let messages = home.session(ran["session"].as_str().unwrap())["kaizen"]["messages"].clone();
    assert_eq!(messages[0]["role"], "system");
    assert_eq!(messages[0]["content"], "Be brief.");
    assert_eq!(messages[1]["content"], "from stdin\n\nthe notes\n");
}

#[test]
fn the_same_seed_gives_the_same_text_and_another_another() {
    let home = Home::new();
    let answer = |seed: &str| {
        let flags = ["run", "Tell a story", "--temperature", "1.5", "--top-p", "1", "--seed", seed];
        home.json(&[&flags[..], &["--max-tokens", "12"]].concat())["text"].clone()
    };
    assert_eq!(answer("7"), answer("7"));
    assert_ne!(answer("7"), answer("8"));
}

#[test]
fn for_a_person_the_answer_is_on_stdout_and_the_rest_on_stderr() {
    let home = Home::new();
    let ran = home.ok(&["run", "Say hi", "--greedy", "--max-tokens", "4"]);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    says(&ran.err, &["base", "tokens/s", "rate it: kaizen rate session_"]);
    let quiet = home.ok(&["run", "Say hi", "--greedy", "--max-tokens", "4", "--quiet"]);
    assert_eq!((quiet.out, quiet.err.as_str()), (ran.out, ""));
}

#[test]
fn an_unknown_adapter_is_named_wherever_it_was_asked_for() {
    let home = Home::new();
    let told = home.fails(&["run", "hi", "--adapter", "lora-v9"]);
    says(&told, &["no adapter `lora-v9`", "kaizen adapters list"]);
    for (variable, other) in [("KAIZEN_ADAPTER", "LORA_VERSION"), ("LORA_VERSION", "UNRELATED")] {
        let output = home
            .command()
            .args(["run", "hi"])
            .env(variable, "lora-v7")
            .env(other, "base")
            .output()
            .unwrap();
        let told = Ended::of(output).failed();
        says(&told, &["no adapter `lora-v7`", variable]);
    }
    assert!(!home.home("logs").read_dir().unwrap().any(|entry| entry.unwrap().path().is_dir()));
    // The flag wins over the environment.
    let output = home
        .command()
        .args(["run", "hi", "--adapter", "base", "--max-tokens", "1"])
        .env("LORA_VERSION", "lora-v7")
        .output()
        .unwrap();
    assert_eq!(Ended::of(output).code, 0);
}

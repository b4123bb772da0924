//! `kaizen run --act`, `kaizen tasks run`, `kaizen rate --step`.
#![cfg(unix)]

use crate::kaizen::{Home, keys, says};
use serde_json::{Value, json};
use std::fs;

/// A folder with two PDF files.
fn papers(home: &Home) -> String {
    home.file("papers/docs/a.pdf", "a");
    home.file("papers/docs/b.pdf", "b");
    home.file("papers/notes.txt", "buy milk");
    home.path("papers").to_str().unwrap().to_owned()
}

// If this fails, a script cannot have a task carried out, or finds no record of it.
#[test]
fn a_task_is_carried_out_in_json_and_its_steps_are_kept() {
    let home = Home::new();
    let folder = papers(&home);
    let task = "count the PDF files";
    let ran = home.json(&[
        "run",
        "--act",
        "--yes",
        "--workspace",
        &folder,
        "--max-steps",
        "3",
        "--greedy",
        task,
    ]);
    assert_eq!(
        keys(&ran),
        ["session", "adapter", "text", "tokens", "steps", "ended", "tokens_per_second"]
    );
    let steps = ran["steps"].as_array().unwrap();
    assert!((1..=3).contains(&steps.len()));
    let session = home.session(ran["session"].as_str().unwrap());
    assert_eq!(session["metadata"]["task"], task);
    assert_eq!(session["total_iterations"], steps.len());
    for (step, kept) in steps.iter().zip(session["iterations"].as_array().unwrap()) {
        assert!(step["action"]["tool"].is_string() && step["result"]["seconds"].is_number());
        for key in ["observation", "action", "result"] {
            assert_eq!(step[key], kept[key]);
        }
        assert_eq!(kept["tool_results"][0]["function_name"], step["action"]["tool"]);
    }
    let act = &session["kaizen"]["act"];
    assert_eq!(act["ended"], ran["ended"]);
    assert!(act["workspace"].as_str().unwrap().ends_with("papers"));

    // Single steps are rated, and what would have been right is learned after the very same turns.
    let id = ran["session"].as_str().unwrap();
    let right = home
        .file("right.json", r#"{ "command": "find docs -name '*.pdf' | wc -l", "tool": "shell" }"#);
    let rated = home.json(&["rate", id, "2", "--step", "1", "--answer", &right]);
    assert_eq!(rated, json!({"session": id, "step": 1, "rating": 2}));
    let said = home.session(id)["kaizen"]["act"]["feedback"][0].clone();
    let canonical = r#"{"tool":"shell","command":"find docs -name '*.pdf' | wc -l"}"#;
    assert_eq!((&said["stars"], &said["correction"]), (&json!(2), &json!(canonical)));
    says(&home.fails(&["rate", id, "2", "--step", "9"]), &["has no step 9"]);
    let wrong = home.file("wrong.json", r#"{"tool":"fly"}"#);
    let told = home.run(&["rate", id, "2", "--step", "1", "--answer", &wrong]);
    assert_eq!(told.code, 2);
    says(&told.err, &["there is no tool \"fly\"", "shell"]);
    let listed = home.json(&["sessions", "list"]);
    assert_eq!(listed["sessions"][0]["corrected"], true);
}

// If this fails, an unattended task changes somebody's files.
#[test]
fn where_nobody_allows_it_nothing_is_changed() {
    let home = Home::new();
    let folder = papers(&home);
    // Elsewhere than this folder is where throw-away folders are.
    let elsewhere = home.path("temporary");
    fs::create_dir_all(&elsewhere).unwrap();
    let before = |place: &str| -> Vec<String> {
        let mut names: Vec<String> = walk(place.as_ref());
        names.sort();
        names
    };
    let files = before(&folder);
    for (flags, told) in
        [(vec!["--yes"], "this is no throw-away folder"), (vec![], "nobody can be asked here")]
    {
        let ended = home
            .command()
            .env("TMPDIR", &elsewhere)
            .args(["run", "--act", "--workspace", &folder, "--max-steps", "2", "--greedy"])
            .args(&flags)
            .arg("Write a file hello.txt that says hello.")
            .output()
            .unwrap();
        assert!(ended.status.success());
        says(&String::from_utf8_lossy(&ended.stderr), &[told]);
        assert_eq!(before(&folder), files);
    }
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path.display().to_string());
    }
    found
}

#[test]
fn a_folder_that_cannot_be_acted_in_is_refused_before_a_model_is_loaded() {
    let home = Home::new();
    let run = |folder: &str| home.fails(&["run", "--act", "--workspace", folder, "tidy up"]);
    says(&run("/"), &["/"]);
    says(&run(home.path("none").to_str().unwrap()), &["none"]);
    // The folder of this test holds the home.
    says(&run(home.path("").to_str().unwrap()), &["Kaizen"]);
    assert!(!home.home("logs").read_dir().is_ok_and(|mut logs| logs.next().is_some()));
    for wrong in [
        vec!["run", "--yes", "x"],
        vec!["run", "--act", "--allow-writes", "x"],
        vec!["run", "--act", "--max-steps", "0", "x"],
        vec!["run", "--act", "--system", "s", "x"],
    ] {
        assert_eq!(home.run(&wrong).code, 2, "{wrong:?}");
    }
}

// If this fails, checked tasks do not tell done from not done, or their corrections are not learned.
#[test]
fn checked_tasks_are_counted_and_a_failed_one_is_a_ready_correction() {
    let home = Home::new();
    let task = json!({
        "id": "count-1", "area": "counting", "setup": ["touch a.pdf b.pdf"],
        "task": "Count the PDF files.",
        "check": "[ \"$ANSWER_NUMBER\" = \"$(ls *.pdf | wc -l)\" ]",
        "actions": [
            {"tool": "shell", "command": "ls *.pdf | wc -l"},
            {"tool": "answer", "text": "2"},
        ],
    });
    // Passes whatever is done; fails whatever is done, and has no correction.
    let easy = json!({"id": "easy", "area": "other", "task": "Do nothing.", "check": "true"});
    let hard = json!({"id": "hard", "area": "other", "task": "Do it.", "check": "false"});
    // Cannot be what the actor would do by itself.
    let mut failing = task.clone();
    failing["id"] = "count-2".into();
    failing["check"] = "[ \"$ANSWER\" = 'two, as zebras count' ]".into();
    failing["actions"][1]["text"] = "two, as zebras count".into();
    let file = home.file("tasks.jsonl", format!("{task}\n{easy}\n{hard}\n{failing}\n"));
    let corrections = home.path("corrections.jsonl");
    let ran = home.json(&[
        "tasks",
        "run",
        &file,
        "--max-steps",
        "2",
        "--adapter",
        "base",
        "--corrections",
        corrections.to_str().unwrap(),
    ]);
    let rows = ran["tasks"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
    assert_eq!(row("easy")["success"], true);
    assert_eq!(
        (&row("hard")["success"], &row("hard")["corrected"]),
        (&json!(false), &json!(false))
    );
    let failed = row("count-2");
    assert_eq!((&failed["success"], &failed["corrected"]), (&json!(false), &json!(true)));
    let passed = rows.iter().filter(|row| row["success"] == true).count();
    assert_eq!(ran["success_rate"].as_f64().unwrap(), passed as f64 / 4.0);
    assert!(ran["ci95"][0].as_f64() < ran["success_rate"].as_f64());

    // The first action stands after what the actor saw, the second after what the first one gave.
    let text = fs::read_to_string(&corrections).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["id"].as_str().unwrap().starts_with("count-2"))
        .collect();
    assert_eq!(lines.len(), 2);
    let turns = lines[1]["messages"].as_array().unwrap();
    assert_eq!(turns.len(), 5);
    says(
        turns[1]["content"].as_str().unwrap(),
        &["Task: Count the PDF files.", "Folder: work (linux, sh)", "a.pdf"],
    );
    assert_eq!(turns[2]["content"], r#"{"tool":"shell","command":"ls *.pdf | wc -l"}"#);
    assert_eq!(turns[3]["content"], "Result:\n2\nTask: Count the PDF files.");
    let session = home.session(failed["session"].as_str().unwrap());
    assert_eq!(session["kaizen"]["act"]["check"]["passed"], false);
    assert_eq!(session["iterations"][0]["observation"], turns[1]["content"]);

    // `train --from failed` knows them, though nobody gave stars.
    let too_few = home.run(&["train", "--from", "failed"]);
    let told = format!("{}{}", too_few.out, too_few.err);
    says(&told, &["more needed"]);
    let bad = home.file("bad.jsonl", format!("{task}\n{{\"id\":\"x\"}}\n"));
    says(&home.fails(&["tasks", "run", &bad]), &["bad.jsonl", "line 2", "missing field"]);
}

//! `kaizen sessions`.

use crate::kaizen::{Home, beside, says, text};
use std::fs;

pub fn session(id: &str, task: &str, rating: &str) -> String {
    format!(
        "{{\"session_id\":\"{id}\",\"metadata\":{{\"session_id\":\"{id}\",\"start_time\":\"2025-11-01T10:00:00\",\
         \"task\":\"{task}\",\"user_rating\":{rating},\"lora_version\":\"their-v1\"}},\
         \"iterations\":[{{\"iteration_number\":1,\"grok_response\":\"an answer\"}}]}}"
    )
}

fn folder_of_sessions(home: &Home) -> String {
    home.file(
        "from/session_20251101_000001/session.json",
        session("session_20251101_000001", "cats", "4"),
    );
    home.file(
        "from/session_20251101_000002/session.json",
        session("session_20251101_000002", "dogs", "null"),
    );
    home.file(
        "from/session_20251101_000003/session.json",
        session("session_20251101_000003", "x", "11"),
    );
    home.file("from/session_20251101_000004/session.json", "{\"session_id\": \"session_2025");
    home.file(
        "from/session_20251101_000005/session.json",
        "{\"session_id\":\"session_20251101_000005\"}",
    );
    text(&home.path("from"))
}

// If this fails, an import loses, doubles or invents sessions.
#[test]
fn an_import_takes_what_is_sound_and_names_the_rest() {
    let home = Home::new();
    let from = folder_of_sessions(&home);
    let first = home.json(&["sessions", "import", &from]);
    assert_eq!(first["imported"], 2);
    let skipped = first["skipped"].as_array().unwrap();
    let reasons: Vec<&str> = skipped.iter().map(|s| s["why"].as_str().unwrap()).collect();
    assert_eq!(reasons.len(), 3);
    says(&reasons.join("\n"), &["11", "cut short", "no metadata"]);
    assert!(skipped.iter().all(|s| s["path"].as_str().unwrap().contains("session_20251101_00000")));
    let second = home.json(&["sessions", "import", &from]);
    assert_eq!((second["imported"].as_u64(), second["already_here"].as_u64()), (Some(0), Some(2)));
    // A search without a match is no home without sessions.
    for none in [&["--search", "horses"][..], &["--limit", "0"]] {
        let told = home.ok(&[&["sessions", "list"], none].concat()).out;
        says(&told, &["None of the 2 sessions is among them"]);
    }
    let words = home.ok(&["sessions", "import", &from]).out;
    says(&words, &["0 imported, 2 already here, 3 skipped"]);
    assert_eq!(home.json(&["sessions", "list"])["sessions"].as_array().unwrap().len(), 2);
}

#[test]
fn an_existing_agents_logs_come_in() {
    let Some(data) = beside("KAIZEN_DATA", "data") else { return };
    let home = Home::new();
    let logs = text(&data.join("grokputer-logs"));
    let first = home.json(&["sessions", "import", &logs]);
    assert_eq!(first["imported"], 30);
    assert_eq!(first["skipped"].as_array().unwrap().len(), 6);
    assert_eq!(home.json(&["sessions", "import", &logs])["imported"], 0);
}

#[test]
fn sessions_are_listed_found_and_shown() {
    let home = Home::new();
    let empty = home.ok(&["sessions", "list"]);
    says(&empty.out, &["No sessions yet", "kaizen run"]);
    home.ok(&["sessions", "import", &folder_of_sessions(&home)]);
    let id = home.task("Say hi");
    let all = home.json(&["sessions", "list"])["sessions"].clone();
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(all[0]["id"], id.as_str());
    let found = home.json(&["sessions", "list", "--search", "cats"])["sessions"].clone();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(
        (found[0]["rating"].as_u64(), found[0]["imported"].as_bool()),
        (Some(4), Some(true))
    );
    assert_eq!(
        home.json(&["sessions", "list", "--limit", "1"])["sessions"].as_array().unwrap().len(),
        1
    );

    let shown = home.json(&["sessions", "show", &id]);
    assert_eq!(shown, home.session(&id));
    let words = home.ok(&["sessions", "show", "000001"]).out;
    says(
        &words,
        &["session_20251101_000001", "2025-11-01", "[user]\ncats", "an answer", "4 of 5 stars"],
    );
    says(
        &home.fails(&["sessions", "show", "nothing"]),
        &["no session", "nothing", "sessions list"],
    );
}

// If this fails, a lost or broken index costs the person their sessions.
#[test]
fn the_index_is_rebuilt_from_the_files() {
    let home = Home::new();
    home.ok(&["sessions", "import", &folder_of_sessions(&home)]);
    let before = home.json(&["sessions", "list"]);
    fs::remove_file(home.home("kaizen.db")).unwrap();
    let damaged = home.home("logs/session_20251101_000002/session.json");
    let sound = fs::read(&damaged).unwrap();
    fs::write(&damaged, "{").unwrap();
    let report = home.json(&["sessions", "reindex"]);
    assert_eq!(report["indexed"], 1);
    says(report["skipped"][0]["path"].as_str().unwrap(), &["session_20251101_000002"]);
    fs::write(&damaged, sound).unwrap();
    assert_eq!(home.json(&["sessions", "reindex"])["indexed"], 2);
    assert_eq!(home.json(&["sessions", "list"]), before);
}

// If this fails, a large collection of sessions does not fit into a small machine.
#[test]
#[cfg(target_os = "linux")]
fn an_import_holds_few_sessions_at_a_time() {
    const COUNT: usize = 40;
    const MIB: usize = 4;
    let home = Home::new();
    let long = "word ".repeat(MIB * 1024 * 1024 / 5);
    for number in 0..COUNT {
        let id = format!("session_20251101_{number:06}");
        let text = session(&id, "cats", "4").replace("an answer", &long);
        home.file(&format!("from/{id}/session.json"), text);
    }
    let mut process = home
        .process()
        .args(["sessions", "import", &text(&home.path("from"))])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while process.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id()));
        let kib = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
            line.split_whitespace().nth(1)?.parse::<usize>().ok()
        });
        peak = kib.map_or(peak, |kib| kib / 1024);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let listed = home.json(&["sessions", "list"]);
    assert_eq!(listed["sessions"].as_array().unwrap().len(), COUNT);
    assert!(peak > MIB && peak < COUNT * MIB / 2, "{peak} MiB for {} MiB", COUNT * MIB);
}

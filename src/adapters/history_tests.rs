#![allow(clippy::unwrap_used)]
use super::*;

fn history() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    (folder, history)
}

fn person() -> Grounds {
    Grounds::person("for a test", Value::Null)
}

fn state(history: &History, adapter: &str) -> Option<State> {
    states(&history.changes().unwrap()).get(adapter).copied()
}

// If this fails, a promotion or its way back is forgotten with the process.
#[test]
fn promotion_canary_and_rollback_are_what_the_file_says() {
    let (_folder, history) = history();
    assert_eq!(history.routing().unwrap(), Routing::default());
    history.canary("lora-v1", 0.1, person()).unwrap();
    assert_eq!(state(&history, "lora-v1"), Some(State::Canary));
    history.promote("lora-v1", person()).unwrap();
    assert_eq!(history.routing().unwrap(), Routing::only("lora-v1"));
    history.canary("lora-v2", 0.25, person()).unwrap();
    assert_eq!(state(&history, "lora-v1"), Some(State::Active));
    assert_eq!(state(&history, "lora-v2"), Some(State::Canary));
    let back = history.rollback(person()).unwrap();
    assert_eq!((back.adapter.as_str(), back.routing), ("lora-v2", Routing::only("lora-v1")));
    assert_eq!(state(&history, "lora-v2"), Some(State::Retired));
    // The next one goes past the canary of the same adapter, which led to its promotion.
    let back = history.rollback(person()).unwrap();
    assert_eq!((back.adapter.as_str(), back.routing), ("lora-v1", Routing::default()));
    let told = history.rollback(person()).unwrap_err().to_string();
    assert!(told.contains("nothing before"), "{told}");
    assert_eq!(history.changes().unwrap().len(), 5);
}

#[test]
fn a_canary_that_turns_is_taken_out_and_the_active_arm_stays() {
    let (_folder, history) = history();
    history.promote("lora-v1", person()).unwrap();
    history.canary("lora-v2", 0.1, person()).unwrap();
    history.canary("lora-v2", 0.5, person()).unwrap();
    let grounds = Grounds::automatic("an empty answer", serde_json::json!({"session": "s"}));
    let back = history.rollback_of("lora-v2", grounds).unwrap();
    assert_eq!(back.routing, Routing::only("lora-v1"));
    assert_eq!((back.by, back.evidence["session"].as_str()), (By::Automatic, Some("s")));
    assert!(history.rollback_of("lora-v2", person()).is_err());
    // And again from the start: what was rolled back can be tried once more.
    history.canary("lora-v2", 0.1, person()).unwrap();
    assert_eq!(history.rollback(person()).unwrap().routing, Routing::only("lora-v1"));
}

#[test]
fn what_is_so_already_is_not_done_again() {
    let (_folder, history) = history();
    history.promote("lora-v1", person()).unwrap();
    assert!(history.promote("lora-v1", person()).is_err());
    assert!(history.canary("lora-v1", 0.1, person()).is_err());
    assert_eq!(history.changes().unwrap().len(), 1);
    // Base can be given all traffic again, and that can be taken back.
    history.promote(BASE, person()).unwrap();
    assert_eq!(history.rollback(person()).unwrap().routing, Routing::only("lora-v1"));
}

// If this fails, a crash in the middle of a promotion leaves a home that nobody can use, or one that
// believes what was never confirmed.
#[test]
fn a_line_that_a_crash_cut_short_spoils_no_other() {
    let (_folder, history) = history();
    history.promote("lora-v1", person()).unwrap();
    let whole = std::fs::read(&history.path).unwrap();
    history.canary("lora-v2", 0.1, person()).unwrap();
    let both = std::fs::read(&history.path).unwrap();
    for cut in whole.len()..both.len() {
        std::fs::write(&history.path, &both[..cut]).unwrap();
        assert_eq!(history.routing().unwrap(), Routing::only("lora-v1"), "{cut}");
        history.canary("lora-v3", 0.2, person()).unwrap();
        assert_eq!(history.routing().unwrap().candidate(), Some("lora-v3"), "{cut}");
    }
    std::fs::write(&history.path, b"{\"at\": 3}\n").unwrap();
    let told = history.routing().unwrap_err().to_string();
    assert!(told.contains("history.jsonl") && told.contains("line 1"), "{told}");
}

// If this fails, two dashboards on one home overwrite each other's decision.
#[test]
fn changes_made_at_once_are_all_kept_in_an_order() {
    let (_folder, history) = history();
    std::thread::scope(|scope| {
        for version in 1..=8 {
            let history = &history;
            scope.spawn(move || history.promote(&format!("lora-v{version}"), person()).unwrap());
        }
    });
    let changes = history.changes().unwrap();
    assert_eq!(changes.len(), 8);
    assert_eq!(history.routing().unwrap(), changes.last().unwrap().routing);
}

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::store::{Filter, Stars};

struct Place {
    _folder: tempfile::TempDir,
    home: Home,
    index: Index,
    source: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path().join("home")).unwrap();
    let index = Index::open(&home).unwrap();
    let source = folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    Place { _folder: folder, home, index, source }
}

impl Place {
    fn offer(&self, folder: &str, text: &str) {
        std::fs::create_dir(self.source.join(folder)).unwrap();
        std::fs::write(self.source.join(folder).join("session.json"), text).unwrap();
    }

    fn import(&mut self) -> ImportReport {
        import(&self.home, &mut self.index, &self.source, &mut |_, _| {}).unwrap()
    }
}

fn whole(id: &str) -> Value {
    json!({
        "session_id": id,
        "metadata": {
            "session_id": id, "task": "x\u{1b}[2J", "user_rating": 2, "lora_version": "lora-v1",
        },
        "iterations": [],
        "somebody_elses": {"field": [1, 2.5, null]},
    })
}

/// Every byte of every file under `folder`.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(snapshot(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn whole_sessions_come_in_and_the_others_are_named_and_left_untouched() {
    let mut place = place();
    place.offer("a", &whole("a").to_string());
    let mut eleven = whole("eleven");
    eleven["metadata"]["user_rating"] = json!(11);
    place.offer("eleven", &eleven.to_string());
    place.offer("empty", "");
    place.offer("cut", &whole("cut").to_string()[..60]);
    place.offer("list", "[1,2,3]");
    place.offer("null", "{\"session_id\": \"null\", \"metadata\": null}");
    place.offer("other", &whole("another").to_string());
    place.offer("path", &whole("../path").to_string());
    place.offer("steer", &whole("steer\u{1b}[2J").to_string());
    place.offer("bytes", "");
    std::fs::write(place.source.join("bytes/session.json"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::create_dir_all(place.source.join("folder/session.json")).unwrap();
    std::fs::create_dir(place.source.join("nothing")).unwrap();
    std::fs::write(place.source.join("notes.txt"), "x").unwrap();
    let before = snapshot(&place.source);

    let report = place.import();
    assert_eq!((report.imported, report.already_here), (1, 0));
    let told: Vec<String> = report
        .skipped
        .iter()
        .map(|skipped| {
            let path = skipped.path.strip_prefix(&place.source).unwrap().display();
            format!("{path}: {}", skipped.why)
        })
        .collect();
    let expected = [
        ("bytes/session.json", "not JSON"),
        ("cut/session.json", "cut short"),
        ("eleven/session.json", "user_rating is 11"),
        ("empty/session.json", "empty"),
        ("folder/session.json", "not a file"),
        ("list/session.json", "a list"),
        ("notes.txt", "a file, not a session's folder"),
        ("nothing", "no session.json"),
        ("null/session.json", "metadata is null"),
        ("other/session.json", "not its folder's name"),
        ("path/session.json", "a path"),
        ("steer/session.json", "control characters"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, (path, why)) in told.iter().zip(expected) {
        assert!(told.starts_with(path) && told.contains(why), "{told}");
        assert!(!told.contains('\u{1b}'));
    }
    assert_eq!(snapshot(&place.source), before);
    assert!(!place.home.root().join("path").exists());

    // What came in is all there: foreign fields, escapes in the text, and no arm of ours.
    let session = logs::load(&place.home, &"a".parse().unwrap()).unwrap();
    assert_eq!(session.extra["somebody_elses"], json!({"field": [1, 2.5, null]}));
    assert_eq!(session.metadata.task, "x\u{1b}[2J");
    assert!(session.is_imported());
    let listed = place.index.list(&Filter::default()).unwrap();
    assert_eq!((listed.len(), listed[0].arm.as_deref()), (1, None));
}

// If this fails, importing twice doubles sessions, or throws away ratings given since.
#[test]
fn a_second_import_adds_nothing_and_keeps_what_was_rated_since() {
    let mut place = place();
    place.offer("a", &whole("a").to_string());
    place.offer("b", &whole("b").to_string());
    assert_eq!(place.import().imported, 2);
    logs::update::<_, Error>(&place.home, &"a".parse().unwrap(), |session| {
        session.metadata.user_rating = Stars::try_from(5).ok();
        Ok(())
    })
    .unwrap();
    let before = snapshot(&place.home.logs());
    let second = place.import();
    assert_eq!((second.imported, second.already_here, second.skipped.len()), (0, 2, 0));
    assert_eq!(snapshot(&place.home.logs()), before);
}

#[test]
fn another_session_under_the_same_id_is_named_and_does_not_replace_ours() {
    let mut place = place();
    place.offer("a", &whole("a").to_string());
    place.import();
    let before = snapshot(&place.home.logs());
    let mut other = whole("a");
    other["metadata"]["task"] = json!("something else");
    std::fs::write(place.source.join("a/session.json"), other.to_string()).unwrap();
    let report = place.import();
    assert_eq!((report.imported, report.already_here), (0, 0));
    assert!(report.skipped[0].why.contains("another session with this id"));
    assert_eq!(snapshot(&place.home.logs()), before);
}

#[test]
fn importing_our_own_logs_adds_nothing() {
    let mut place = place();
    logs::create(&place.home, "x").unwrap();
    place.source = place.home.logs();
    let report = place.import();
    assert_eq!((report.imported, report.already_here, report.skipped.len()), (0, 1, 0));
}

#[test]
fn a_folder_left_empty_by_a_killed_import_is_filled() {
    let mut place = place();
    place.offer("a", &whole("a").to_string());
    std::fs::create_dir(place.home.logs().join("a")).unwrap();
    assert_eq!(place.import().imported, 1);
}

#[test]
fn a_wrong_folder_is_told_with_the_right_one() {
    let mut place = place();
    place.offer("a", &whole("a").to_string());
    let mut told = |folder: PathBuf| {
        import(&place.home, &mut place.index, &folder, &mut |_, _| {}).unwrap_err().to_string()
    };
    assert!(told(place.source.join("a")).contains("the folder above"));
    assert!(told(place.source.join("missing")).contains("no such folder"));
}

#[test]
fn progress_reaches_the_end_and_many_come_in_by_batches() {
    let mut place = place();
    for number in 0..BATCH + 5 {
        let id = format!("session_{number:04}");
        place.offer(&id, &whole(&id).to_string());
    }
    let mut last = (0, 0);
    let report =
        import(&place.home, &mut place.index, &place.source, &mut |done, all| last = (done, all))
            .unwrap();
    assert_eq!(report.imported, BATCH + 5);
    assert_eq!(last, (BATCH + 5, BATCH + 5));
    assert_eq!(place.index.count(&Filter::default()).unwrap(), BATCH + 5);
    assert_eq!(place.index.refresh().unwrap(), Default::default());
}

/// The sessions that an existing agent's logger wrote, where they are there.
#[test]
fn the_loggers_own_sessions_come_in_and_its_damaged_ones_are_named() {
    let data = std::env::var_os("KAIZEN_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let mut place = place();
    place.source = data.join("grokputer-logs");
    if !place.source.is_dir() {
        return;
    }
    let before = snapshot(&place.source);
    let report = place.import();
    assert_eq!(report.imported, 30, "{:?}", report.skipped);
    let why: Vec<_> = report.skipped.iter().map(|skipped| skipped.why.as_str()).collect();
    let expected = ["a file, not", "cut short", "metadata is null", "is 11", "empty", "a list"];
    assert_eq!(why.len(), expected.len(), "{why:?}");
    for (why, expected) in why.iter().zip(expected) {
        assert!(why.contains(expected), "{why}, not {expected}");
    }
    for session in place.index.list(&Filter::default()).unwrap() {
        let ours = logs::load(&place.home, &session.id).unwrap();
        let mut value: Value = serde_json::from_slice(&ours.to_json().unwrap()).unwrap();
        value.as_object_mut().unwrap().remove("kaizen");
        let path = place.source.join(session.id.as_str()).join("session.json");
        let theirs: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(value, theirs, "{}", session.id);
    }
    assert_eq!(place.import().already_here, 30);
    assert_eq!(snapshot(&place.source), before);
}

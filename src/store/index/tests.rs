#![allow(clippy::unwrap_used)]

use super::*;
use crate::store::record::Correction;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    (folder, home)
}

/// A session on disk, begun in the given minute.
fn session(home: &Home, minute: u32, task: &str, change: impl FnOnce(&mut Session)) -> Session {
    let at = format!("2025-11-08T20:{minute:02}:00[UTC]").parse().unwrap();
    let mut session = logs::create_at(home, task, &at).unwrap();
    change(&mut session);
    logs::save(home, &session).unwrap();
    session
}

fn stars(number: i64) -> Option<Stars> {
    Some(Stars::try_from(number).unwrap())
}

fn tasks(index: &Index, filter: &Filter) -> Vec<String> {
    assert_eq!(index.count(filter).unwrap(), index.list(filter).unwrap().len());
    index.list(filter).unwrap().into_iter().map(|found| found.task).collect()
}

#[test]
fn every_filter_finds_what_it_names_newest_first() {
    let (_folder, home) = home();
    session(&home, 1, "count the PDF files", |s| {
        s.metadata.user_rating = stars(2);
        s.metadata.feedback_comment = Some("Größe fehlt".into());
        s.metadata.what_went_wrong = vec![Issue::Timeout, Issue::Ocr];
        s.record_mut().arm = Some("lora-v1".into());
        s.record_mut().correction = Some(Correction {
            answer: "a".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
            extra: Default::default(),
        });
    });
    session(&home, 2, "100% of _files_", |s| s.metadata.user_rating = stars(5));
    session(&home, 3, "write a poem", |s| s.kaizen = None);
    let mut index = Index::open(&home).unwrap();
    assert_eq!(index.refresh().unwrap().read, 3);

    let all = Filter::default;
    assert_eq!(tasks(&index, &all()), ["write a poem", "100% of _files_", "count the PDF files"]);
    let text = |text: &str| Filter { text: Some(text.into()), ..all() };
    assert_eq!(tasks(&index, &text("pdf COUNT")), ["count the PDF files"]);
    assert_eq!(tasks(&index, &text("GRÖSSE")), Vec::<String>::new());
    assert_eq!(tasks(&index, &text("GRÖßE")), ["count the PDF files"]);
    assert_eq!(tasks(&index, &text("%")), ["100% of _files_"]);
    assert_eq!(tasks(&index, &text("timeout")), ["count the PDF files"]);
    assert_eq!(tasks(&index, &text("files poem")), Vec::<String>::new());
    assert_eq!(tasks(&index, &text("' OR 1=1")), Vec::<String>::new());
    let one = "count the PDF files";
    assert_eq!(tasks(&index, &Filter { at_most: stars(3), ..all() }), [one]);
    assert_eq!(tasks(&index, &Filter { at_least: stars(3), ..all() }), ["100% of _files_"]);
    assert_eq!(tasks(&index, &Filter { rated: Some(false), ..all() }), ["write a poem"]);
    assert_eq!(tasks(&index, &Filter { issue: Some(Issue::Ocr), ..all() }), [one]);
    assert_eq!(tasks(&index, &Filter { issue: Some(Issue::Other), ..all() }), Vec::<String>::new());
    assert_eq!(tasks(&index, &Filter { arm: Some("lora-v1".into()), ..all() }), [one]);
    assert_eq!(tasks(&index, &Filter { corrected: Some(true), ..all() }), [one]);
    assert_eq!(tasks(&index, &Filter { imported: Some(true), ..all() }), ["write a poem"]);
    let page = Filter { limit: Some(1), offset: 1, ..all() };
    assert_eq!(index.list(&page).unwrap()[0].task, "100% of _files_");
    assert_eq!(index.count(&page).unwrap(), 3);
    let found = &index.list(&Filter { at_most: stars(3), ..all() }).unwrap()[0];
    assert_eq!(found.issues, [Issue::Timeout, Issue::Ocr]);
    assert_eq!(found.started, "2025-11-08T20:01:00");
    assert_eq!(found.outcome.as_deref(), Some("running"));
}

// If this fails, ratings given since the last training are counted wrongly.
#[test]
fn sessions_rated_since_a_time_are_found() {
    let (_folder, home) = home();
    let rated = |minute: u32, at: Option<&str>| {
        session(&home, minute, &format!("task {minute}"), |s| {
            s.metadata.user_rating = stars(4);
            s.record_mut().arm = Some("base".into());
            s.record_mut().arm_probability = Some(0.9);
            s.record_mut().outcome = Some(crate::store::Outcome::Finished);
            s.record_mut().ratings = [Some("2025-01-01T00:00:00Z"), at]
                .map(|at| crate::store::RatingEntry {
                    at: at.map(|at| at.parse().unwrap()),
                    stars: stars(4),
                    issues: Vec::new(),
                    comment: None,
                    correction: None,
                    extra: Default::default(),
                })
                .into();
        })
    };
    rated(1, Some("2025-11-09T08:00:05Z"));
    rated(2, Some("2025-11-09T08:00:05.5Z"));
    rated(3, None);
    let mut index = Index::open(&home).unwrap();
    index.refresh().unwrap();
    let since = |at: &str| Filter { rated_since: Some(at.parse().unwrap()), ..Filter::default() };
    assert_eq!(tasks(&index, &since("2025-11-09T08:00:05Z")), ["task 2", "task 1"]);
    assert_eq!(tasks(&index, &since("2025-11-09T08:00:05.000001Z")), ["task 2"]);
    assert_eq!(tasks(&index, &since("2025-11-09T08:00:06Z")), Vec::<String>::new());
    assert_eq!(tasks(&index, &since("2025-01-01T00:00:00Z")), ["task 2", "task 1"]);
    let listed = index.list(&Filter::default()).unwrap();
    assert_eq!((listed[0].rated_at, listed[0].arm_probability), (None, Some(0.9)));
}

// If this fails, a session written by another process, or by hand, is not seen.
#[test]
fn opening_again_catches_up_with_the_files() {
    let (_folder, home) = home();
    let first = session(&home, 1, "first", |_| {});
    let second = session(&home, 2, "second", |_| {});
    let mut index = Index::open(&home).unwrap();
    index.refresh().unwrap();
    assert_eq!(index.refresh().unwrap(), Refreshed::default());

    std::fs::remove_dir_all(home.session_folder(&first.session_id)).unwrap();
    session(&home, 3, "third", |_| {});
    let mut changed = second.clone();
    changed.metadata.task = "second, changed".into();
    logs::save(&home, &changed).unwrap();
    let refreshed = index.refresh().unwrap();
    assert_eq!((refreshed.read, refreshed.removed), (2, 1));
    assert_eq!(tasks(&index, &Filter::default()), ["third", "second, changed"]);
}

// If this fails, deleting the index loses something.
#[test]
fn the_index_can_be_thrown_away() {
    let (_folder, home) = home();
    for minute in 0..5 {
        session(&home, minute, "task", |s| {
            s.metadata.user_rating = stars(1 + i64::from(minute));
            s.metadata.what_went_wrong = vec![Issue::Other];
        });
    }
    let mut index = Index::open(&home).unwrap();
    index.refresh().unwrap();
    let before = index.list(&Filter::default()).unwrap();
    drop(index);
    std::fs::remove_file(home.database()).unwrap();
    let mut index = Index::open(&home).unwrap();
    let mut told = Vec::new();
    let refreshed = index.reindex(&mut |done, all| told.push((done, all))).unwrap();
    assert_eq!(refreshed, Refreshed { read: 5, ..Refreshed::default() });
    assert_eq!(told.last(), Some(&(5, 5)));
    assert_eq!(index.list(&Filter::default()).unwrap(), before);
}

#[test]
fn damaged_sessions_are_named_and_left_untouched() {
    let (_folder, home) = home();
    let cut = session(&home, 1, "cut", |_| {});
    session(&home, 2, "whole", |_| {});
    let mut index = Index::open(&home).unwrap();
    index.refresh().unwrap();

    let path = home.session_file(&cut.session_id);
    std::fs::write(&path, "{\"session_id\": \"session_2025").unwrap();
    std::fs::create_dir(home.logs().join("no session")).unwrap();
    std::fs::create_dir(home.logs().join("just_begun")).unwrap();
    std::fs::create_dir(home.logs().join("photos")).unwrap();
    std::fs::write(home.logs().join("photos/a.png"), "x").unwrap();
    std::fs::write(home.logs().join(".gitkeep"), "").unwrap();
    std::fs::write(home.logs().join("kaizen.log"), "").unwrap();

    for refreshed in [index.refresh().unwrap(), index.reindex(&mut |_, _| {}).unwrap()] {
        let why: Vec<_> = refreshed.damaged.iter().map(|damaged| damaged.why.as_str()).collect();
        assert_eq!(why.len(), 3, "{why:?}");
        assert!(why[0].contains("only letters"), "{why:?}");
        assert!(why[1].contains("no session.json"), "{why:?}");
        assert!(why[2].contains("cut short"), "{why:?}");
        assert_eq!(tasks(&index, &Filter::default()), ["whole"]);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"session_id\": \"session_2025");
    // Its folder is then empty, which is no damage.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(index.refresh().unwrap().damaged.len(), 2);
}

#[test]
fn an_imported_sessions_arm_is_not_one_of_ours() {
    let (_folder, home) = home();
    let imported = session(&home, 1, "x", |s| {
        s.metadata.lora_version = Some("lora-v1".into());
        s.record_mut().arm = Some("lora-v1".into());
        s.record_mut().imported_from = Some(crate::store::ImportedFrom {
            path: "x".into(),
            sha256: "x".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        });
    });
    let index = Index::open(&home).unwrap();
    index.upsert(&imported).unwrap();
    let found = &index.list(&Filter::default()).unwrap()[0];
    assert_eq!((found.arm.as_deref(), found.adapter.as_deref()), (None, Some("lora-v1")));
}

#[test]
fn an_index_in_a_folder_that_is_gone_is_told() {
    let (folder, home) = home();
    drop(folder);
    assert!(Index::open(&home).unwrap_err().to_string().contains("cannot open the index"));
}

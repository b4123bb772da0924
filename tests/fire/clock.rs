//! A clock that is set back, or was wrong before.

use kaizen::store::{Catalogue, Filter, Home, Stars, folder, logs};
use std::time::{Duration, SystemTime};

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    (folder, home)
}

// If this fails, a laptop that corrects its clock writes one session over another.
#[test]
fn sessions_begun_after_the_clock_was_set_back_write_over_nothing() {
    let (_folder, home) = home();
    let times = [
        "2031-01-01T00:00:00[UTC]",
        "2026-11-23T12:00:00[UTC]",
        "2026-11-23T11:59:59[UTC]",
        "2026-11-23T12:00:00[UTC]",
        "2026-11-23T12:00:00[UTC]",
    ];
    let begun: Vec<_> = times
        .iter()
        .enumerate()
        .map(|(nth, at)| {
            logs::create_at(&home, &format!("task {nth}"), &at.parse().unwrap()).unwrap()
        })
        .collect();
    let ids: std::collections::BTreeSet<_> =
        begun.iter().map(|session| session.session_id.to_string()).collect();
    assert_eq!(ids.len(), times.len());
    assert!(ids.contains("session_20261123_120000_3"), "{ids:?}");
    for (nth, session) in begun.iter().enumerate() {
        let read = logs::load(&home, &session.session_id).unwrap();
        assert_eq!(read.metadata.task, format!("task {nth}"));
    }
    // In the order of their names, which is that of the clock.
    let listed: Vec<_> = logs::ids(&home).unwrap().iter().map(ToString::to_string).collect();
    assert!(listed.is_sorted(), "{listed:?}");
}

// If this fails, a run that begins after the clock was set back takes the place of an earlier one.
#[test]
fn folders_of_the_same_second_get_numbers_whenever_they_are_made() {
    let parent = tempfile::tempdir().unwrap();
    for name in ["run_20261123_120000", "run_20261123_115959", "run_20261123_120000"] {
        folder::create_numbered(parent.path(), name).unwrap();
    }
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 3);
}

// If this fails, what was rated while the clock was wrong shows its old stars, or a session stays unseen.
#[test]
fn files_and_folders_of_the_future_and_of_the_past_are_read_as_they_are() {
    let (_folder, home) = home();
    let mut catalogue = Catalogue::new(&home);
    let mut session = logs::create(&home, "x").unwrap();
    assert_eq!(catalogue.index().unwrap().0.count(&Filter::default()).unwrap(), 1);
    let year = Duration::from_secs(366 * 24 * 3600);
    let times = [SystemTime::now() + year, SystemTime::UNIX_EPOCH, SystemTime::now() - year];
    for (stars, time) in Stars::ALL.into_iter().zip(times) {
        session.metadata.user_rating = Some(stars);
        logs::save(&home, &session).unwrap();
        let another = logs::create(&home, "another").unwrap();
        for path in [home.session_file(&session.session_id), home.logs()] {
            std::fs::File::open(path).unwrap().set_modified(time).unwrap();
        }
        assert!(catalogue.look_closely().unwrap());
        let (index, _) = catalogue.index().unwrap();
        let listed = index.list(&Filter::default()).unwrap();
        let found = |id| listed.iter().find(|one| one.id == id);
        assert_eq!(found(session.session_id.clone()).unwrap().stars, Some(stars));
        assert!(found(another.session_id).is_some());
    }
}

//! The index, damaged in every way: it is kept aside and made anew from the files.

use super::place::{Place, says};
use kaizen::store::{Filter, Home, Index, Stars, logs};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// What stands beside the index after it was kept aside.
fn aside(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("kaizen.db.aside-")).collect()
}

// If this fails, a broken index stops all work, or is deleted unasked.
#[test]
fn a_broken_or_newer_index_is_kept_aside_and_what_was_recovered_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let first = place.task("Say hi");
    place.json(&["rate", &first, "4"]);
    let second = place.task("Say more");
    let expected = [(second.clone(), None), (first.clone(), Some(4))];
    let database = place.home.join("kaizen.db");
    let newer = || {
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
    };
    let no_database = || std::fs::write(&database, "my shopping list ".repeat(100)).unwrap();
    let of_another = || {
        std::fs::remove_file(&database).unwrap();
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.execute_batch("CREATE TABLE photo (id); INSERT INTO photo VALUES (7)").unwrap();
    };
    let damaged = || {
        let mut bytes = std::fs::read(&database).unwrap();
        bytes[100..].fill(0xff);
        std::fs::write(&database, bytes).unwrap();
    };
    let cases: [(&dyn Fn(), &str); 4] = [
        (&newer, "newer Kaizen"),
        (&no_database, "not an SQLite file"),
        (&of_another, "another program"),
        (&damaged, "damaged"),
    ];
    for (nth, (harm, why)) in cases.iter().enumerate() {
        harm();
        let ended = place.run(&["sessions", "list", "--json"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        says(
            &ended.err,
            &["kaizen.db", "kept as kaizen.db.aside-", "2 sessions", "nothing is lost", why],
        );
        assert_eq!(place.listed(), expected);
        assert_eq!(aside(&place.home).len(), nth + 1, "{:?}", aside(&place.home));
        assert!(!place.run(&["sessions", "list"]).err.contains("aside"), "it is said twice");
    }
    // What was there is there still.
    let photos = aside(&place.home).into_iter().filter(|name| {
        let connection = rusqlite::Connection::open(place.home.join(name)).unwrap();
        connection.query_row("SELECT id FROM photo", [], |row| row.get::<_, i64>(0)) == Ok(7)
    });
    assert_eq!(photos.count(), 1);
}

// If this fails, some damage to the index shows other stars than the files, or nothing at all.
#[test]
fn whatever_is_damaged_in_it_the_sessions_are_as_in_their_files() {
    let damages = if super::full() { 1000 } else { 100 };
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    for nth in 0..40 {
        let mut session = logs::create(&home, &format!("task {nth}")).unwrap();
        session.metadata.user_rating = Stars::ALL.get(nth % 6).copied();
        logs::save(&home, &session).unwrap();
    }
    let read = || {
        let mut index = Index::open(&home).unwrap();
        index.refresh().unwrap();
        let recovered = index.recovered();
        (index.list(&Filter::default()).unwrap(), recovered.is_some())
    };
    let (sound, _) = read();
    assert_eq!(sound.len(), 40);
    let database = std::fs::read(home.database()).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut recovered = 0;
    for _ in 0..damages {
        let mut bytes = database.clone();
        match random.random_range(0..4) {
            0 => bytes.truncate(random.random_range(0..bytes.len())),
            1 => {
                let page = random.random_range(0..bytes.len() / 4096) * 4096;
                bytes[page..page + 4096].fill(random.random_range(0..=255));
            }
            _ => {
                // Structure, not values: those of the pages' headers and cell pointers.
                let page = random.random_range(0..bytes.len() / 4096) * 4096;
                for _ in 0..4 {
                    let place = page + random.random_range(0..64);
                    bytes[place] = random.random_range(0..=255);
                }
            }
        }
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(home.root().join(format!("kaizen.db{end}")));
        }
        std::fs::write(home.database(), &bytes).unwrap();
        let (listed, anew) = read();
        recovered += usize::from(anew);
        assert!(listed == sound, "{} sessions are listed otherwise", listed.len());
    }
    assert!(recovered > damages / 10, "{recovered} of {damages} were damaged enough to be seen");
}

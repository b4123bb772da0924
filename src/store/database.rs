//! The SQLite file under the index: opened durably, brought to the newest layout, and refused in plain
//! words when it is something else. It only ever holds what can be rebuilt from files.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::error::{Error, Result};

/// What this Kaizen knows, oldest first; `user_version` counts those that were applied. Append only.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE session (
        id         TEXT PRIMARY KEY,
        started    TEXT NOT NULL,   -- local time, ISO 8601, sorts as text
        task       TEXT NOT NULL,
        stars      INTEGER,
        issues     TEXT NOT NULL,   -- JSON list of the logger's words
        comment    TEXT,
        arm        TEXT,            -- none for imported sessions
        adapter    TEXT,            -- what the session itself says, as text
        corrected  INTEGER NOT NULL,
        imported   INTEGER NOT NULL,
        outcome    TEXT,
        searched   TEXT NOT NULL,   -- id, task, comment and issues in lower case
        modified   INTEGER NOT NULL, -- of the file, nanoseconds since 1970
        size       INTEGER NOT NULL  -- of the file, bytes
    ) STRICT;
    CREATE INDEX session_started ON session (started DESC, id DESC);
",
    // No file has this size, so that the next refresh reads what the new columns need.
    "
    ALTER TABLE session ADD COLUMN rated_at INTEGER;     -- of the last change, microseconds since 1970
    ALTER TABLE session ADD COLUMN arm_probability REAL; -- with which routing chose the arm
    UPDATE session SET size = -1;
",
    "
    ALTER TABLE session ADD COLUMN asked INTEGER;        -- which prompt, as a hash; with a correction only
    ALTER TABLE session ADD COLUMN right_answer INTEGER; -- which correction, as a hash
    CREATE INDEX session_asked ON session (asked);
    UPDATE session SET size = -1;
",
    "
    CREATE TABLE adapter (
        name      TEXT PRIMARY KEY,
        state     TEXT NOT NULL,  -- candidate, canary, active or retired
        base      TEXT,
        created   TEXT,           -- RFC 3339
        parent    TEXT,
        data      TEXT,           -- SHA-256 over the training examples
        verdict   TEXT,           -- of the last comparison with base
        own_work  TEXT,           -- of the person's own corrections
        ratings   INTEGER NOT NULL,
        stars     REAL            -- their mean
    ) STRICT;
",
    "
    -- whether it says which actions of act mode would have been right
    ALTER TABLE session ADD COLUMN teaches_steps INTEGER NOT NULL DEFAULT 0;
    -- whether it is a task of act mode
    ALTER TABLE session ADD COLUMN acted INTEGER NOT NULL DEFAULT 0;
    UPDATE session SET size = -1;
",
];

/// Marks the file as Kaizen's ('KAIZ').
const APPLICATION_ID: i64 = 0x4b41_495a;

/// How long to wait for another process before giving up, seconds.
const PATIENCE: u64 = 10;

/// Opens the database at `path` (made when missing) in WAL mode with synchronous commits, at the
/// newest layout.
pub fn open(path: &Path) -> Result<Connection> {
    let told = |error| explain(path, error);
    let mut connection = Connection::open(path).map_err(told)?;
    connection.busy_timeout(Duration::from_secs(PATIENCE)).map_err(told)?;
    // Ask before anything is written: a file that is not ours stays as it is.
    refuse_others(&mut connection, path)?;
    refuse_damaged(&connection, path)?;
    write_ahead(&connection).map_err(told)?;
    connection.pragma_update(None, "synchronous", "full").map_err(told)?;
    // The whole index of many thousand sessions (KiB): a search reads every row.
    connection.pragma_update(None, "cache_size", -32_768).map_err(told)?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// An empty database at the newest layout that goes with the process, for where no file can be written.
pub fn open_in_memory() -> Result<Connection> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|error| explain(path, error))?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// A page that makes no sense would otherwise be met by some later query, or by none and be wrong.
fn refuse_damaged(connection: &Connection, path: &Path) -> Result<()> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(path, error))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(Error::NotTheIndex { path: path.to_path_buf(), why: "it is damaged".into() }),
    }
}

/// Turns the write-ahead log on. SQLite refuses this change at once, without its usual patience, when
/// another process is making the same one; so the patience is ours.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let given_up = Instant::now() + Duration::from_secs(PATIENCE);
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < given_up =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

fn refuse_others(connection: &mut Connection, path: &Path) -> Result<()> {
    let told = |error| explain(path, error);
    // One transaction, one state: between two reads another process could make the layout, and our
    // own index would look like another program's.
    let reading = connection.transaction().map_err(told)?;
    let number = |name| reading.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 = reading
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(told)?;
    let application = number("application_id").map_err(told)?;
    if application != APPLICATION_ID && (application != 0 || tables != 0) {
        let why = "it belongs to another program".to_owned();
        return Err(Error::NotTheIndex { path: path.to_path_buf(), why });
    }
    let found = number("user_version").map_err(told)?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(Error::NewerIndex { path: path.to_path_buf(), found, known });
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let told = |error| explain(path, error);
    // Immediate: of two processes that start at once, the second waits and finds nothing to do.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
    let version: i64 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(told)?;
    let applied = usize::try_from(version).unwrap_or(0);
    if applied < MIGRATIONS.len() {
        for migration in MIGRATIONS.iter().skip(applied) {
            transaction.execute_batch(migration).map_err(told)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(told)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(told)?;
    }
    transaction.commit().map_err(told)
}

/// SQLite's error in the words of [`Error`].
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> Error {
    let path = path.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            Error::NotTheIndex { path, why: "it is not an SQLite file".into() }
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            Error::NotTheIndex { path, why: "it is damaged".into() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::IndexBusy { path, seconds: PATIENCE }
        }
        Some(ErrorCode::DiskFull) => Error::DiskFull { action: "write", path },
        Some(ErrorCode::ReadOnly) => Error::ReadOnly { action: "write", path },
        Some(ErrorCode::PermissionDenied) => Error::Denied { action: "open", path },
        Some(ErrorCode::CannotOpen) => Error::IndexClosed { path, why: error.to_string() },
        _ => Error::Index { path, source: error },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn pragma(connection: &Connection, name: &str) -> String {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    }

    // If this fails, a power cut may lose a rating that the screen called saved.
    #[test]
    fn the_index_is_durable_and_keeps_readers_going() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("kaizen.db")).unwrap();
        assert_eq!(pragma(&connection, "journal_mode"), "Text(\"wal\")");
        assert_eq!(pragma(&connection, "synchronous"), "Integer(2)");
        assert_eq!(pragma(&connection, "user_version"), format!("Integer({})", MIGRATIONS.len()));
    }

    #[test]
    fn a_file_that_is_no_database_is_named_with_the_way_out_and_left_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kaizen.db");
        for content in ["hello".to_owned(), "no database at all ".repeat(1000)] {
            std::fs::write(&path, &content).unwrap();
            let told = open(&path).unwrap_err().to_string();
            assert!(told.contains("reindex") && told.contains("only an index"), "{told}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_damaged_database_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kaizen.db");
        drop(open(&path).unwrap());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100..].fill(0xff);
        std::fs::write(&path, &bytes).unwrap();
        let told = open(&path).unwrap_err().to_string();
        assert!(told.contains("reindex"), "{told}");
    }

    #[test]
    fn a_newer_index_and_another_programs_database_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kaizen.db");
        let connection = open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let told = open(&path).unwrap_err().to_string();
        assert!(told.contains("newer Kaizen") && told.contains("reindex"), "{told}");

        let other = folder.path().join("photos.db");
        let connection = Connection::open(&other).unwrap();
        connection.execute_batch("CREATE TABLE photo (id)").unwrap();
        drop(connection);
        let told = open(&other).unwrap_err().to_string();
        assert!(told.contains("another program"), "{told}");
    }

    // If this fails, sessions of an earlier Kaizen count as never rated after an update.
    #[test]
    fn sessions_of_an_earlier_layout_are_listed_and_read_again() {
        use crate::store::{Filter, Home, Index, RatingEntry, Stars, logs};
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let at = "2025-11-08T20:01:00[UTC]".parse().unwrap();
        let mut session = logs::create_at(&home, "task", &at).unwrap();
        let rated: jiff::Timestamp = "2025-11-09T08:00:00.25Z".parse().unwrap();
        session.metadata.user_rating = Some(Stars::ALL[1]);
        let record = session.record_mut();
        record.arm_probability = Some(0.25);
        record.ratings = vec![RatingEntry {
            at: Some(rated),
            stars: Some(Stars::ALL[1]),
            issues: Vec::new(),
            comment: None,
            correction: None,
            extra: Default::default(),
        }];
        logs::save(&home, &session).unwrap();
        let mut index = Index::open(&home).unwrap();
        index.refresh().unwrap();
        let listed = index.list(&Filter::default()).unwrap();
        drop(index);
        // As the first layout left it.
        let connection = Connection::open(home.database()).unwrap();
        connection
            .execute_batch(
                "DROP TABLE adapter;
                 DROP INDEX session_asked;
                 ALTER TABLE session DROP COLUMN asked;
                 ALTER TABLE session DROP COLUMN right_answer;
                 ALTER TABLE session DROP COLUMN teaches_steps;
                 ALTER TABLE session DROP COLUMN acted;
                 ALTER TABLE session DROP COLUMN rated_at;
                 ALTER TABLE session DROP COLUMN arm_probability;
                 PRAGMA user_version = 1;",
            )
            .unwrap();
        drop(connection);
        let mut index = Index::open(&home).unwrap();
        let old = index.list(&Filter::default()).unwrap();
        assert_eq!((old.len(), old[0].rated_at), (1, None));
        assert_eq!(index.refresh().unwrap().read, 1);
        let again = index.list(&Filter::default()).unwrap();
        assert_eq!((again[0].rated_at, again[0].arm_probability), (Some(rated), Some(0.25)));
        assert_eq!(again, listed);
        assert_eq!(index.refresh().unwrap().read, 0);
    }

    #[test]
    fn a_folder_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let told = open(folder.path()).unwrap_err().to_string();
        assert!(told.contains("cannot open the index"), "{told}");
    }

    // If this fails, the dashboard and a script that start together on a new folder lose one of the two.
    #[test]
    fn processes_that_start_at_once_agree_on_one_layout() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("kaizen.db");
            std::thread::scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|| open(&path).unwrap());
                }
            });
            assert!(open(&path).is_ok());
        }
    }
}

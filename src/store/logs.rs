//! The sessions of a home as files: taking an id, reading, writing, changing and finding them. Two
//! processes may do so at once. Knows nothing of the index.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::atomic;
use super::error::{Error, Result};
use super::home::Home;
use super::record::Outcome;
use super::session::Session;
use super::session_id::SessionId;

/// A session file above this size (bytes) is not read: no person's session is that long.
pub const LARGEST_SESSION: u64 = 64 << 20;

/// A file or folder that was passed over, and why in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub path: PathBuf,
    pub why: String,
}

/// Begins a session now: takes the first free id and writes the file, its outcome `running`.
pub fn create(home: &Home, task: &str) -> Result<Session> {
    create_at(home, task, &Zoned::now())
}

/// As [`create`], at a stated time.
pub fn create_at(home: &Home, task: &str, at: &Zoned) -> Result<Session> {
    let _guard = lock(home)?;
    let id = take_id(home, at)?;
    let mut session = Session::begin(id, at, task);
    session.record_mut().outcome = Some(Outcome::Running);
    save(home, &session)?;
    atomic::sync_folder(&home.logs())?;
    Ok(session)
}

/// Making the folder is what takes the id: only one process can succeed.
fn take_id(home: &Home, at: &Zoned) -> Result<SessionId> {
    let mut nth = 1;
    loop {
        let id = SessionId::numbered(at.datetime(), nth);
        let folder = home.session_folder(&id);
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(id),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => nth += 1,
            Err(error) => return Err(Error::io("make the folder", &folder, error)),
        }
    }
}

/// Writes the session's file, atomically and durably. For a change to a session that another process
/// may be changing too, use [`update`].
pub fn save(home: &Home, session: &Session) -> Result<()> {
    let id = &session.session_id;
    let text = session.to_json().map_err(|source| Error::Encode { id: id.to_string(), source })?;
    atomic::write(&home.session_file(id), &text)
}

/// Reads a session of this home.
pub fn load(home: &Home, id: &SessionId) -> Result<Session> {
    let path = home.session_file(id);
    match read(&path) {
        Err(Error::Io { source, .. })
            if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Err(Error::NoSession { id: id.to_string(), logs: home.logs() })
        }
        other => other,
    }
}

/// Reads a session file anywhere. Its folder must bear the session's id.
pub fn read(path: &Path) -> Result<Session> {
    let bytes = read_bytes(path)?;
    parse_in_folder(path, &bytes)
        .map_err(|why| Error::DamagedSession { path: path.to_path_buf(), why })
}

/// The bytes of a session file; refuses what is no ordinary file (opening a pipe would hang) or is
/// too large.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| Error::io("read", path, source);
    let damaged = |why: &str| Error::DamagedSession { path: path.to_path_buf(), why: why.into() };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(damaged("it is not a file"));
    }
    if metadata.len() > LARGEST_SESSION {
        return Err(damaged("it is larger than 64 MiB, which no session is"));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST_SESSION).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

pub(super) fn parse_in_folder(path: &Path, bytes: &[u8]) -> Result<Session, String> {
    let session = Session::parse(bytes)?;
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy());
    if folder.as_deref() != Some(session.session_id.as_str()) {
        return Err(format!("its session_id {} is not its folder's name", session.session_id));
    }
    Ok(session)
}

/// Reads the session, lets `change` change it, and writes it back, with no other process changing
/// it in between. Nothing is written when `change` fails.
pub fn update<T, E>(
    home: &Home,
    id: &SessionId,
    change: impl FnOnce(&mut Session) -> Result<T, E>,
) -> Result<(Session, T), E>
where
    E: From<Error>,
{
    let _guard = lock(home)?;
    let mut session = load(home, id)?;
    let outcome = change(&mut session)?;
    save(home, &session)?;
    Ok((session, outcome))
}

/// Held while a session is created, imported or changed; released when dropped or the process dies.
pub(super) fn lock(home: &Home) -> Result<File> {
    let path = home.logs().join(".lock");
    let failed = |source| Error::io("lock", &path, source);
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.lock() {
        // Some network folders cannot lock; then there is nothing better than going on.
        Err(error) if error.kind() != ErrorKind::Unsupported => Err(failed(error)),
        _ => Ok(file),
    }
}

/// The ids of this home's session folders, in order. A folder whose name cannot be an id is passed
/// over here and reported by `reindex`.
pub fn ids(home: &Home) -> Result<Vec<SessionId>> {
    let mut ids: Vec<SessionId> = entries(&home.logs())?
        .into_iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| path.file_name()?.to_str()?.parse().ok())
        .collect();
    ids.sort();
    Ok(ids)
}

/// What a folder holds, sorted, without names that begin with a dot.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(names(folder)?.into_iter().map(|name| folder.join(name)).collect())
}

/// As [`entries`], their names alone: ten thousand paths take longer to make and sort than to read.
pub(super) fn names(folder: &Path) -> Result<Vec<OsString>> {
    let failed = |source| Error::io("read the folder", folder, source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The session that `text` means: its id, or the beginning or end of exactly one id.
pub fn resolve(home: &Home, text: &str) -> Result<SessionId> {
    let text = text.trim();
    let exact: SessionId = text.parse()?;
    if home.session_file(&exact).is_file() {
        return Ok(exact);
    }
    let mut found: Vec<SessionId> = ids(home)?
        .into_iter()
        .filter(|id| id.as_str().starts_with(text) || id.as_str().ends_with(text))
        .filter(|id| home.session_file(id).is_file())
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(Error::NoSession { id: text.to_owned(), logs: home.logs() }),
        (Some(last), false) => {
            let named = 4;
            found.push(last);
            let total = found.len();
            let mut ids: Vec<String> =
                found.into_iter().take(named).map(|id| id.to_string()).collect();
            if total > named {
                ids.push(format!("{} more", total - named));
            }
            Err(Error::AmbiguousSession { id: text.to_owned(), ids })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        (folder, home)
    }

    // If this fails, two tasks begun in the same second overwrite each other.
    #[test]
    fn tasks_begun_at_once_get_ids_of_their_own() {
        let (_folder, home) = home();
        let at: Zoned = "2025-11-08T20:59:24[UTC]".parse().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| create_at(&home, "x", &at).unwrap());
            }
        });
        let ids: Vec<_> = ids(&home).unwrap().iter().map(|id| id.to_string()).collect();
        assert_eq!(ids.len(), 8);
        assert!(ids.contains(&"session_20251108_205924".into()));
        assert!(ids.contains(&"session_20251108_205924_8".into()));
    }

    // If this fails, of two ratings given at once in two windows one is lost.
    #[test]
    fn changes_made_at_once_are_all_kept() {
        let (_folder, home) = home();
        let id = create(&home, "x").unwrap().session_id;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        update::<_, Error>(&home, &id, |session| {
                            session.total_iterations += 1;
                            Ok(())
                        })
                        .unwrap();
                    }
                });
            }
        });
        assert_eq!(load(&home, &id).unwrap().total_iterations, 20);
    }

    #[test]
    fn a_refused_change_writes_nothing() {
        let (_folder, home) = home();
        let id = create(&home, "x").unwrap().session_id;
        let refused = update::<(), Error>(&home, &id, |session| {
            session.metadata.task = "changed".into();
            Err(Error::BadSessionId { id: String::new(), why: "refused" })
        });
        assert!(refused.is_err());
        assert_eq!(load(&home, &id).unwrap().metadata.task, "x");
    }

    #[test]
    fn the_beginning_or_end_of_one_id_is_enough_and_of_two_names_both() {
        let (_folder, home) = home();
        for at in ["2025-11-08T20:59:24[UTC]", "2025-11-09T01:02:03[UTC]"] {
            create_at(&home, "x", &at.parse().unwrap()).unwrap();
        }
        create_at(&home, "x", &"2025-11-09T01:02:03[UTC]".parse().unwrap()).unwrap();
        let found = |text| resolve(&home, text).map(|id| id.to_string());
        assert_eq!(found("205924").unwrap(), "session_20251108_205924");
        assert_eq!(found("session_20251108").unwrap(), "session_20251108_205924");
        assert_eq!(found("session_20251109_010203").unwrap(), "session_20251109_010203");
        let told = found("session_20251109").unwrap_err().to_string();
        assert!(told.contains("010203 or session_20251109_010203_2"), "{told}");
        let told = found("session_20260101").unwrap_err().to_string();
        assert!(told.contains("sessions list"), "{told}");
        assert!(found("../x").is_err() && found("").is_err());
    }

    #[test]
    fn a_session_under_another_ones_folder_is_damaged() {
        let (_folder, home) = home();
        let id = create(&home, "x").unwrap().session_id;
        let other = home.logs().join("other");
        std::fs::create_dir(&other).unwrap();
        std::fs::copy(home.session_file(&id), other.join("session.json")).unwrap();
        let told = load(&home, &"other".parse().unwrap()).unwrap_err().to_string();
        assert!(told.contains("not its folder's name"), "{told}");
    }

    #[test]
    fn a_file_of_no_sensible_size_is_not_read() {
        let (_folder, home) = home();
        let id = create(&home, "x").unwrap().session_id;
        let file = OpenOptions::new().write(true).open(home.session_file(&id)).unwrap();
        file.set_len(LARGEST_SESSION + 1).unwrap();
        assert!(load(&home, &id).unwrap_err().to_string().contains("64 MiB"));
    }
}

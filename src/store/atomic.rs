//! Writing a file so that after a crash, a `kill -9` or a full disk it is either the old one or the
//! new one, whole; and appending a line so that it is on disk when the call returns. Knows nothing
//! of what the files hold.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::{Error, Result};

/// Replaces the file at `path` by `bytes`, atomically and durably. The folder must exist.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// As [`write`], for a file that must not be there yet: what is there stays.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = folder_of(path);
    let made = temporary(path, &folder, |file| file.write_all(bytes))
        .and_then(|made| made.persist_noclobber(path).map_err(|failure| failure.error));
    made.map_err(|source| Error::io("make", path, source))?;
    sync_folder(&folder)
}

/// As [`write`], for content that is produced piece by piece (a checkpoint, an adapter).
///
/// The content goes to a temporary file in the same folder, which is synced, renamed over `path`,
/// and the folder synced. When `fill` fails, `path` is as it was and the temporary file is gone; a
/// killed process may leave a temporary file (`.NAME.….tmp`), which nobody reads.
pub fn write_with<F>(path: &Path, fill: F) -> Result<()>
where
    F: FnOnce(&mut dyn Write) -> io::Result<()>,
{
    let folder = folder_of(path);
    replace(path, &folder, fill).map_err(|source| Error::io("write", path, source))?;
    sync_folder(&folder)
}

fn replace<F>(path: &Path, folder: &Path, fill: F) -> io::Result<()>
where
    F: FnOnce(&mut dyn Write) -> io::Result<()>,
{
    temporary(path, folder, fill)?.persist(path).map_err(|failure| failure.error)?;
    Ok(())
}

/// The content beside `path`, synced and ready to take its place.
fn temporary<F>(path: &Path, folder: &Path, fill: F) -> io::Result<tempfile::NamedTempFile>
where
    F: FnOnce(&mut dyn Write) -> io::Result<()>,
{
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As `File::create` would: readable to whom the umask says, not to the owner alone.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    {
        let mut buffered = BufWriter::new(temporary.as_file_mut());
        fill(&mut buffered)?;
        buffered.flush()?;
    }
    if let Ok(existing) = std::fs::metadata(path) {
        temporary.as_file().set_permissions(existing.permissions())?;
    }
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

/// Makes the folder `path` with what `fill` writes into the folder that it is given: it appears whole or
/// not at all, and what was there before stays. Folders above it are made when missing.
///
/// `fill` works in a hidden folder beside `path`, gone when it fails; a killed process may leave it
/// (`.NAME.….tmp`). What `fill` writes must be synced by it.
pub fn new_folder<T, E: From<Error>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let cannot = |source| Error::io("make the folder", path, source);
    let name = path.file_name().ok_or_else(|| cannot(io::ErrorKind::InvalidFilename.into()))?;
    let parent = folder_of(path);
    std::fs::create_dir_all(&parent).map_err(cannot)?;
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As `create_dir` would: open to whom the umask says, not to the owner alone.
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    let staged = builder.tempdir_in(&parent).map_err(cannot)?;
    let made = fill(staged.path())?;
    sync_folder(staged.path())?;
    // Fails where there is anything but an empty folder, so nothing is ever replaced.
    std::fs::rename(staged.path(), path).map_err(cannot)?;
    // Under its new name it is no longer to be removed.
    let _ = staged.keep();
    sync_folder(&parent)?;
    Ok(made)
}

/// Appends `line` and a line break to the file at `path` (made when missing), and syncs it.
///
/// A last line that an earlier crash cut short is closed first, so that it spoils no line but its own.
/// Appends by several processes do not mix.
pub fn append_line(path: &Path, line: &str) -> Result<()> {
    if line.contains(['\n', '\r']) {
        return Err(Error::LineBreak { path: path.to_path_buf() });
    }
    let made = append(path, line).map_err(|source| Error::io("append to", path, source))?;
    if made { sync_folder(&folder_of(path)) } else { Ok(()) }
}

fn append(path: &Path, line: &str) -> io::Result<bool> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    file.lock()?;
    let length = file.metadata()?.len();
    let mut record = Vec::with_capacity(line.len() + 2);
    if length > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            record.push(b'\n');
        }
    }
    record.extend_from_slice(line.as_bytes());
    record.push(b'\n');
    if let Err(error) = file.write_all(&record).and_then(|()| file.sync_data()) {
        // A part of a line would stand between those that come later.
        let _ = file.set_len(length);
        return Err(error);
    }
    Ok(length == 0)
}

/// Makes renames and new entries in `folder` durable. Windows has no such call and needs none.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|opened| opened.sync_all())
            .map_err(|source| Error::io("sync", folder, source))?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::{Duration, Instant};

    use super::*;

    /// A body whose every byte depends on its header, so that a mix of two is recognised.
    fn body(round: u64) -> Vec<u8> {
        let length = 1 + (round as usize * 7919) % 60_000;
        let mut bytes = format!("{round} {length}\n").into_bytes();
        bytes.extend((0..length).map(|i| (round as usize + i) as u8));
        bytes
    }

    fn is_whole(bytes: &[u8]) -> bool {
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap();
        let round =
            std::str::from_utf8(header).ok().and_then(|text| text.split(' ').next()?.parse().ok());
        round.is_some_and(|round| body(round) == bytes)
    }

    const CRASH_TARGET: &str = "KAIZEN_TEST_CRASH_TARGET";

    /// Not a check of its own: the process that `a_kill_at_any_moment_leaves_a_whole_file` kills.
    #[test]
    #[ignore = "the child process of the crash test"]
    fn crash_writer() {
        let target = PathBuf::from(std::env::var_os(CRASH_TARGET).unwrap());
        for round in 0.. {
            write(&target, &body(round)).unwrap();
            append_line(&target.with_extension("jsonl"), &format!("[{round}]")).unwrap();
        }
    }

    // If this fails, a power cut or kill -9 while saving costs the person a session or a rating.
    #[test]
    fn a_kill_at_any_moment_leaves_a_whole_file() {
        let kills = if std::env::var_os("KAIZEN_FULL").is_some() { 200 } else { 20 };
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("session.json");
        for kill in 0..kills {
            std::fs::remove_file(&target).ok();
            let mut child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "--ignored", "store::atomic::tests::crash_writer"])
                .env(CRASH_TARGET, &target)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            let started = Instant::now();
            while !target.exists() {
                assert!(started.elapsed() < Duration::from_secs(60), "the child never wrote");
                std::thread::sleep(Duration::from_micros(200));
            }
            std::thread::sleep(Duration::from_micros(rand::random_range(0..15_000)));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(is_whole(&std::fs::read(&target).unwrap()), "torn after kill {kill}");
        }
        // Every line but those cut by a kill reads back; a cut one spoils no other.
        let lines = std::fs::read_to_string(target.with_extension("jsonl")).unwrap();
        let cut = lines.lines().filter(|line| !(line.starts_with('[') && line.ends_with(']')));
        assert!(cut.count() <= kills);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, b"old").unwrap();
        let failure = write_with(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(failure, Err(Error::DiskFull { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_folder_appears_whole_or_not_at_all_and_replaces_nothing() {
        let root = tempfile::tempdir().unwrap();
        let entries = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
        let path = root.path().join("above/new");
        let made = new_folder(&path, |folder| write(&folder.join("a"), b"1").map(|()| 7));
        assert_eq!((made.unwrap(), std::fs::read(path.join("a")).unwrap()), (7, b"1".to_vec()));
        let again = new_folder(&path, |folder| write(&folder.join("b"), b"2"));
        assert!(again.is_err());
        let failed: Result<()> = new_folder(&path.with_file_name("half"), |folder| {
            write(&folder.join("a"), b"1")?;
            Err(Error::io("write", folder, io::ErrorKind::StorageFull.into()))
        });
        assert!(matches!(failed, Err(Error::DiskFull { .. })));
        assert_eq!((entries(&path), entries(&root.path().join("above"))), (1, 1), "leftovers");
        let file = root.path().join("file");
        std::fs::write(&file, "kept").unwrap();
        assert!(new_folder::<_, Error>(&file, |_| Ok(())).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
        assert_eq!(entries(root.path()), 2, "leftovers");
    }

    // If this fails, a full disk is told as "os error 28", and the person does not know what to do.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_really_full_disk_is_named() {
        let told = append_line(Path::new("/dev/full"), "x").unwrap_err().to_string();
        assert!(told.contains("the disk is full"), "{told}");
    }

    #[test]
    fn a_read_only_disk_and_a_missing_folder_are_named() {
        let path = Path::new("somewhere/x");
        let told = Error::io("write", path, io::ErrorKind::ReadOnlyFilesystem.into()).to_string();
        assert!(told.contains("read-only disk") && told.contains("--home"), "{told}");
        let told = Error::io("write", path, io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(told.contains("permission denied"), "{told}");
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such/x");
        assert!(write(&missing, b"").unwrap_err().to_string().contains("x"));
    }

    #[test]
    #[cfg(unix)]
    fn permissions_of_the_file_survive_a_rewrite() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private");
        write(&path, b"1").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        write(&path, b"2").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_line_after_one_cut_short_stands_on_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        append_line(&path, "1").unwrap();
        std::fs::write(&path, "1\n{\"cut").unwrap();
        append_line(&path, "2").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n{\"cut\n2\n");
        assert!(matches!(append_line(&path, "a\nb"), Err(Error::LineBreak { .. })));
    }

    #[test]
    fn lines_appended_at_once_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        std::thread::scope(|scope| {
            for letter in ["a", "b", "c"] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        append_line(path, &letter.repeat(200)).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 60);
        assert!(text.lines().all(|l| l.len() == 200 && l.bytes().all(|b| b == l.as_bytes()[0])));
    }
}

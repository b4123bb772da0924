//! A lock that one process holds on a file until it lets go or dies, with the process's number in the file:
//! others can say who holds it. Knows nothing of what is locked.

use super::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// Held until it is dropped or the process dies.
#[derive(Debug)]
pub struct ProcessLock {
    _file: File,
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// None in the moment before it is written, and where a locked file cannot be read. For showing alone:
    /// nobody is ever signalled by it.
    pub process: Option<u32>,
}

impl Holder {
    /// This very process.
    pub fn is_here(self) -> bool {
        self.process == Some(std::process::id())
    }

    /// `(pid 123)` with a space before it, or nothing where that is not known.
    pub fn in_brackets(self) -> String {
        self.process.map(|process| format!(" (pid {process})")).unwrap_or_default()
    }
}

/// What came of trying to take a lock.
#[derive(Debug)]
pub enum Attempt {
    Taken(ProcessLock),
    Held(Holder),
}

/// Looks by others hold a lock for a moment, and are waited for.
const LOOKS: u32 = 200;
const LOOK: Duration = Duration::from_millis(2);

impl ProcessLock {
    /// Takes the lock on the file at `path`, made when missing, if nobody holds it.
    ///
    /// # Errors
    /// When the file cannot be written, or cannot be locked at all.
    pub fn take(path: &Path) -> Result<Attempt> {
        let failed = |source| Error::io("lock", path, source);
        // Not emptied: what stands in it belongs to whoever holds it.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => {
                    // The lock counts; the number is only for showing, and a full disk may refuse it.
                    let _ = write_number(&mut file);
                    return Ok(Attempt::Taken(Self { _file: file }));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            match file.try_lock_shared() {
                Ok(()) => file.unlock().map_err(failed)?,
                Err(_) => return Ok(Attempt::Held(holder_in(file))),
            }
            std::thread::sleep(LOOK);
        }
        Ok(Attempt::Held(Holder { process: None }))
    }

    /// Who holds the lock on the file at `path`; none where nobody does.
    pub fn holder(path: &Path) -> Option<Holder> {
        let file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(holder_in(file)),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

fn write_number(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder_in(file: File) -> Holder {
    let mut text = String::new();
    let read = file.take(32).read_to_string(&mut text);
    Holder { process: read.ok().and_then(|_| text.trim().parse().ok()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    // If this fails, two dashboards own one home, or two processes train one run.
    #[test]
    fn one_holds_it_others_say_who_and_whoever_lets_go_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(ProcessLock::holder(&path), None);
        let Attempt::Taken(held) = ProcessLock::take(&path).unwrap() else { panic!("not free") };
        let here = Holder { process: Some(std::process::id()) };
        assert!(here.is_here());
        assert_eq!(ProcessLock::holder(&path), Some(here));
        let Attempt::Held(holder) = ProcessLock::take(&path).unwrap() else {
            panic!("taken twice")
        };
        assert_eq!(holder, here);
        drop(held);
        // The number of whoever held it last says nothing.
        assert_eq!(ProcessLock::holder(&path), None);
        assert!(matches!(ProcessLock::take(&path).unwrap(), Attempt::Taken(_)));
    }

    // If this fails, looking at the runs keeps another process from training one.
    #[test]
    fn those_who_only_look_keep_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::fs::write(&path, "").unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    ProcessLock::holder(&path);
                }
            });
            for _ in 0..200 {
                let taken = ProcessLock::take(&path).unwrap();
                assert!(matches!(taken, Attempt::Taken(_)), "{taken:?}");
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}

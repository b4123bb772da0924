//! The index kept open and in step with the files at little cost, for whoever lists sessions at every
//! key. Knows what it saw of the files; when to look closely is the owner's business.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Index, Look, Refreshed, Stamp, stamps};
use crate::store::error::Result;
use crate::store::home::Home;
use crate::store::logs::Skipped;
use crate::store::session::Session;

/// A folder's time says that nothing was added since only when it is older than this: clocks of file
/// systems go in steps, the coarsest of two seconds.
const STEP: Duration = Duration::from_secs(3);

/// The index of one home, opened at the first question.
#[derive(Debug)]
pub struct Catalogue {
    home: Home,
    open: Option<Open>,
    recovered: Option<String>,
}

#[derive(Debug)]
struct Open {
    index: Index,
    /// The file that was opened: another may have taken its place.
    file: Option<FileName>,
    /// What the index holds, by the files that it was read from.
    known: HashMap<String, Stamp>,
    damaged: Vec<Skipped>,
    /// The time of the folder of sessions, if nothing can have been added unseen since.
    folder: Option<SystemTime>,
}

/// Device and number of a file, where a file has them.
type FileName = (u64, u64);

impl Catalogue {
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone(), open: None, recovered: None }
    }

    /// The index with every session that came or went since, whoever wrote it. A change *within* a
    /// session that another process made is not seen before [`look_closely`](Self::look_closely).
    ///
    /// # Errors
    /// When there can be no index or the folder of sessions cannot be read.
    pub fn index(&mut self) -> Result<(&Index, &[Skipped])> {
        let open = self.opened()?;
        let time = folder_time(&open.index.home.logs());
        if time.is_none() || open.folder != time {
            let refreshed = open.look(Look::NamesAlone)?;
            open.damaged = refreshed.damaged;
        }
        Ok((&open.index, &open.damaged))
    }

    /// Looks at the size and time of every session file; true when something had changed.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn look_closely(&mut self) -> Result<bool> {
        let open = self.opened()?;
        let refreshed = open.look(Look::Everywhere)?;
        let changed =
            refreshed.read > 0 || refreshed.removed > 0 || refreshed.damaged != open.damaged;
        open.damaged = refreshed.damaged;
        Ok(changed)
    }

    /// Enters a session that was saved by this process.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn upsert(&mut self, session: &Session) -> Result<()> {
        let open = self.opened()?;
        let stamp = open.index.stamp(session)?;
        open.index.upsert(session)?;
        open.known.insert(session.session_id.to_string(), stamp);
        Ok(())
    }

    /// That the index was made anew, and what was recovered, in words: told once.
    pub fn take_recovered(&mut self) -> Option<String> {
        self.recovered.take()
    }

    fn opened(&mut self) -> Result<&mut Open> {
        let file = file_name(&self.home.database());
        // Deleted or replaced: what is open is no longer what others see.
        let open = match self.open.take().filter(|open| open.file == file) {
            Some(open) => open,
            None => {
                let index = Index::open(&self.home)?;
                let known = stamps(&index.connection).map_err(|error| index.told(error))?;
                let file = file_name(&self.home.database());
                let mut open = Open { index, file, known, damaged: Vec::new(), folder: None };
                let refreshed = open.look(Look::Everywhere)?;
                open.damaged = refreshed.damaged;
                self.recovered = open.index.recovered();
                open
            }
        };
        Ok(self.open.insert(open))
    }
}

impl Open {
    fn look(&mut self, look: Look) -> Result<Refreshed> {
        // Taken before the look: what comes during it is seen the next time.
        let time = folder_time(&self.index.home.logs());
        self.folder = None;
        let refreshed = self.index.catch_up(&mut self.known, look, &mut |_, _| {})?;
        let settled = |time: &SystemTime| time.elapsed().is_ok_and(|age| age > STEP);
        self.folder = time.filter(settled);
        Ok(refreshed)
    }
}

fn folder_time(folder: &Path) -> Option<SystemTime> {
    std::fs::metadata(folder).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(unix)]
fn file_name(path: &Path) -> Option<FileName> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Elsewhere an open file cannot be replaced.
#[cfg(not(unix))]
fn file_name(path: &Path) -> Option<FileName> {
    std::fs::metadata(path).ok().map(|_| (0, 0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::Filter;
    use super::*;
    use crate::store::{Stars, logs};

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        (folder, home)
    }

    fn begun(home: &Home, minute: u32) -> Session {
        let at = format!("2025-11-08T20:{minute:02}:00[UTC]").parse().unwrap();
        logs::create_at(home, &format!("task {minute}"), &at).unwrap()
    }

    fn tasks(catalogue: &mut Catalogue) -> Vec<String> {
        let (index, _) = catalogue.index().unwrap();
        index.list(&Filter::default()).unwrap().into_iter().map(|found| found.task).collect()
    }

    /// The folder was last changed long ago, as that of a home that is looked at for a while.
    fn settle(home: &Home) {
        let folder = std::fs::File::open(home.logs()).unwrap();
        folder.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    }

    // If this fails, what another process does is not seen, or one's own ratings are lost from view.
    #[test]
    fn sessions_that_come_and_go_are_seen_at_once_and_changes_by_a_close_look() {
        let (_folder, home) = home();
        let first = begun(&home, 1);
        settle(&home);
        let mut catalogue = Catalogue::new(&home);
        assert_eq!(tasks(&mut catalogue), ["task 1"]);
        assert!(catalogue.open.as_ref().unwrap().folder.is_some(), "it looks every time");
        begun(&home, 2);
        assert_eq!(tasks(&mut catalogue), ["task 2", "task 1"]);

        let mut changed = first.clone();
        changed.metadata.task = "task 1, changed".into();
        logs::save(&home, &changed).unwrap();
        assert!(catalogue.look_closely().unwrap());
        assert_eq!(tasks(&mut catalogue), ["task 2", "task 1, changed"]);
        assert!(!catalogue.look_closely().unwrap());

        changed.metadata.user_rating = Some(Stars::ALL[4]);
        logs::save(&home, &changed).unwrap();
        catalogue.upsert(&changed).unwrap();
        let rated = Filter { rated: Some(true), ..Filter::default() };
        assert_eq!(catalogue.index().unwrap().0.count(&rated).unwrap(), 1);
        assert!(!catalogue.look_closely().unwrap(), "one's own rating was read once more");

        std::fs::remove_dir_all(home.session_folder(&first.session_id)).unwrap();
        std::fs::create_dir(home.logs().join("photos")).unwrap();
        std::fs::write(home.logs().join("photos/a.png"), "x").unwrap();
        assert_eq!(tasks(&mut catalogue), ["task 2"]);
        assert_eq!(catalogue.index().unwrap().1.len(), 1);
    }

    // If this fails, a session begun within the same tick of the clock stays unseen.
    #[test]
    fn a_folder_that_has_just_changed_is_looked_at_again() {
        let (_folder, home) = home();
        let mut catalogue = Catalogue::new(&home);
        begun(&home, 1);
        let time = folder_time(&home.logs()).unwrap();
        assert_eq!(tasks(&mut catalogue).len(), 1);
        begun(&home, 2);
        // As a coarse clock sees it.
        std::fs::File::open(home.logs()).unwrap().set_modified(time).unwrap();
        assert_eq!(tasks(&mut catalogue).len(), 2);
    }

    // If this fails, deleting the index while the dashboard is open empties its list for good.
    #[test]
    fn an_index_that_was_deleted_meanwhile_is_made_again() {
        let (_folder, home) = home();
        begun(&home, 1);
        let mut catalogue = Catalogue::new(&home);
        assert_eq!(tasks(&mut catalogue), ["task 1"]);
        for end in ["", "-wal", "-shm"] {
            std::fs::remove_file(home.root().join(format!("kaizen.db{end}"))).ok();
        }
        assert_eq!(tasks(&mut catalogue), ["task 1"]);
        assert!(home.database().exists());
    }
}

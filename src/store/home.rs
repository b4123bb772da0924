//! Where things lie in a home folder. Which folder is the home is decided elsewhere.

use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::session_id::SessionId;

/// A home: the folder with the settings, sessions, adapters, runs, experiments and the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home at `root`; it and its folders are made when missing.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let home = Self { root: root.into() };
        for folder in [home.logs(), home.adapters(), home.runs(), home.experiments()] {
            std::fs::create_dir_all(&folder)
                .map_err(|source| Error::io("make the folder", &folder, source))?;
        }
        Ok(home)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn config_file(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub fn adapters(&self) -> PathBuf {
        self.root.join("adapters")
    }

    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    pub fn experiments(&self) -> PathBuf {
        self.root.join("experiments")
    }

    /// The index: may be deleted at any time, `reindex` rebuilds it.
    pub fn database(&self) -> PathBuf {
        self.root.join("kaizen.db")
    }

    /// The kinds of actions that were allowed for good, by folder.
    pub fn approvals(&self) -> PathBuf {
        self.root.join("approvals.json")
    }

    pub fn session_folder(&self, id: &SessionId) -> PathBuf {
        self.logs().join(id.as_str())
    }

    pub fn session_file(&self, id: &SessionId) -> PathBuf {
        self.session_folder(id).join("session.json")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_home_is_made_when_missing_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path().join("a/b")).unwrap();
        std::fs::write(home.logs().join("kept"), "x").unwrap();
        let again = Home::open(home.root()).unwrap();
        assert_eq!(home, again);
        assert!(again.logs().join("kept").exists() && again.experiments().is_dir());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("logs"), "not a folder").unwrap();
        let told = Home::open(folder.path()).unwrap_err().to_string();
        assert!(told.contains("logs"), "{told}");
    }
}

//! Why a folder cannot be worked in, and what to do about it.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("{} does not exist; make the folder first, or name another one", .0.display())]
    Missing(PathBuf),

    #[error("{} is not a folder; name the folder that it lies in", .0.display())]
    NotAFolder(PathBuf),

    #[error("the folder {} cannot be opened: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },

    #[error("/ is the whole machine; choose a folder with only the files that the task is about")]
    WholeMachine,

    #[error(
        "{} is your home folder or lies above it; choose a folder in it, so that a slip costs little",
        .0.display()
    )]
    PersonsHome(PathBuf),

    #[error(
        "{} overlaps Kaizen's own records in {}; choose a folder beside them",
        path.display(), home.display()
    )]
    KaizenHome { path: PathBuf, home: PathBuf },

    #[error("no temporary folder can be made: {0}; is the disk full, or $TMPDIR wrong?")]
    Temporary(std::io::Error),
}

//! Folders whose names are a time and, when that is taken, a number. Knows nothing of what is in them.

use super::error::{Error, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Makes `parent/name`, or `name_2`, `name_3` … when taken; making it is what takes the name, so two
/// processes never share one.
///
/// # Errors
/// When `parent` cannot be written.
pub fn create_numbered(parent: &Path, name: &str) -> Result<PathBuf> {
    for nth in 1.. {
        let path = match nth {
            1 => parent.join(name),
            _ => parent.join(format!("{name}_{nth}")),
        };
        match std::fs::create_dir(&path) {
            Ok(()) => {
                super::atomic::sync_folder(parent)?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("make the folder", &path, error)),
        }
    }
    unreachable!("the numbers do not end")
}

/// What sorts such names by age: the time, then the number behind it.
pub fn age_order(name: &str) -> (String, u64) {
    let parts: Vec<&str> = name.split('_').collect();
    match parts.as_slice() {
        [kind, date, time] => (format!("{kind}_{date}_{time}"), 1),
        [kind, date, time, nth] => (format!("{kind}_{date}_{time}"), nth.parse().unwrap_or(1)),
        _ => (name.to_owned(), 1),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_newest_of_a_second_is_the_one_made_last() {
        let parent = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..12)
            .map(|_| create_numbered(parent.path(), "run_20260102_030405").unwrap())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names[11], "run_20260102_030405_12");
        assert!(names.windows(2).all(|pair| age_order(&pair[0]) < age_order(&pair[1])));
        assert!(age_order("run_20260102_030405_12") < age_order("run_20260102_030406"));
    }
}

//! Which folder is the home: `--home`, `$KAIZEN_HOME`, the current folder, or the user's data folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::error::{Error, Result};

/// The file whose line `kaizen = 1` makes a folder a home.
pub const CONFIG_FILE: &str = "config.toml";

/// Finds the home folder: `flag` (`--home`), else `environment` (`$KAIZEN_HOME`), else `current` when
/// its `config.toml` says `kaizen = 1`, else the platform's data folder. It may not exist yet.
///
/// # Errors
/// [`Error::NoHome`] when all of these fail because the user has no folder of their own.
pub fn home_root(
    flag: Option<&Path>,
    environment: Option<&OsStr>,
    current: &Path,
) -> Result<PathBuf> {
    let named = flag.or(environment.filter(|value| !value.is_empty()).map(Path::new));
    if let Some(folder) = named {
        return Ok(current.join(folder));
    }
    if is_home(current) {
        return Ok(current.to_path_buf());
    }
    let folders = etcetera::choose_base_strategy().map_err(|_| Error::NoHome)?;
    Ok(folders.data_dir().join("kaizen"))
}

fn is_home(folder: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(folder.join(CONFIG_FILE)) else { return false };
    match text.parse::<toml::Table>() {
        Ok(table) => table.get("kaizen").and_then(toml::Value::as_integer) == Some(1),
        // A slip further down must be reported when the file is read, not send its owner elsewhere.
        Err(_) => text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .find(|line| !line.trim().is_empty())
            .is_some_and(|line| line.split_whitespace().collect::<String>() == "kaizen=1"),
    }
}

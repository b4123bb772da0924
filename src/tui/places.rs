//! Folders as the environment names them, and as a person writes and reads them. It is told once where it
//! was started; it looks at no disk.

use std::path::{Path, PathBuf};

/// Where the dashboard was started, and whose home `~` is.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Relative paths begin here.
    pub folder: PathBuf,
    pub home: Option<PathBuf>,
}

impl Places {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self {
            folder: std::env::current_dir().unwrap_or_else(|_| ".".into()),
            home: std::env::home_dir(),
        }
    }

    /// `~` at the beginning of a path is the home folder, as in a shell.
    pub fn expanded(&self, path: &str) -> PathBuf {
        let in_home = match path {
            "~" => Some(""),
            path => path.strip_prefix("~/"),
        };
        match (in_home, &self.home) {
            (Some(""), Some(home)) => home.clone(),
            (Some(rest), Some(home)) => home.join(rest),
            _ => path.into(),
        }
    }

    /// The folder that somebody wrote; nothing is where it was started.
    pub fn folder(&self, text: &str) -> PathBuf {
        match text {
            "" => self.folder.clone(),
            text => self.folder.join(self.expanded(text)),
        }
    }

    /// As it is shown: safe, and with `~` for the home folder.
    pub fn shown(&self, path: &Path) -> String {
        let in_home = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        let shown = match in_home {
            Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
            Some(rest) => format!("~/{}", rest.to_string_lossy()),
            None => path.to_string_lossy().into_owned(),
        };
        crate::store::plain_line(&shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a task acts in another folder than the one that was written.
    #[test]
    fn a_folder_is_found_as_it_was_written_and_shown_as_it_is_found() {
        let places = Places { folder: "/home/ada/desk".into(), home: Some("/home/ada".into()) };
        for (written, found, shown) in [
            ("", "/home/ada/desk", "~/desk"),
            ("~", "/home/ada", "~"),
            ("~/docs", "/home/ada/docs", "~/docs"),
            ("docs", "/home/ada/desk/docs", "~/desk/docs"),
            ("/srv/data", "/srv/data", "/srv/data"),
            ("~other/docs", "/home/ada/desk/~other/docs", "~/desk/~other/docs"),
        ] {
            assert_eq!(places.folder(written), Path::new(found), "{written}");
            assert_eq!(places.shown(Path::new(found)), shown);
        }
        assert_eq!(Places::default().expanded("~/docs"), Path::new("~/docs"));
        assert_eq!(places.shown(Path::new("/tmp/\u{1b}[31mred")), "/tmp/red");
    }
}

//! The name of a session, which is also the name of its folder: so it must be safe as one.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};

/// A session's id: ours are `session_YYYYMMDD_HHMMSS` (local time), with `_2`, `_3` … when taken;
/// an imported one may be any name that is safe as a folder and as a command-line argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

const LONGEST: usize = 128;

impl SessionId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the `nth` session (from 1) begun in the second `at`.
    pub(super) fn numbered(at: DateTime, nth: u32) -> Self {
        let stem = at.strftime("session_%Y%m%d_%H%M%S");
        Self(if nth == 1 { stem.to_string() } else { format!("{stem}_{nth}") })
    }

    /// The second that an id of our form names.
    pub fn time(&self) -> Option<DateTime> {
        let digits = self.0.strip_prefix("session_")?.get(..15)?;
        DateTime::strptime("%Y%m%d_%H%M%S", digits).ok()
    }
}

impl FromStr for SessionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = |why| Err(Error::BadSessionId { id: text.chars().take(80).collect(), why });
        if text.is_empty() {
            return bad("it is empty");
        }
        if text.len() > LONGEST {
            return bad("it is longer than 128 characters");
        }
        if text.chars().any(char::is_control) {
            return bad("it contains control characters");
        }
        if text.contains(['/', '\\']) || text.starts_with('.') {
            return bad("it is a path");
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
            || text.starts_with('-')
            || text.ends_with('.')
        {
            return bad("only letters, digits, '_', '-' and '.' may be in it");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for SessionId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    // If this fails, an imported file may write outside `logs/` or paint on the terminal.
    #[test]
    fn ids_that_leave_the_folder_or_steer_a_terminal_are_refused() {
        let long = "x".repeat(129);
        for bad in [
            "",
            "..",
            ".",
            "../x",
            "a/b",
            "a\\b",
            "/etc",
            ".hidden",
            "a\u{1b}[2J",
            "a\nb",
            "-rf",
            "a b",
            "é",
            "x.",
            &long,
        ] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad:?}");
        }
        for good in ["session_20251108_205924", "session_20251108_205924_2", "a", "run-1.2"] {
            assert_eq!(good.parse::<SessionId>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn an_error_shows_no_control_character() {
        let told = "\u{1b}[31mred".parse::<SessionId>().unwrap_err().to_string();
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }

    #[test]
    fn the_time_in_an_id_reads_back() {
        let at: DateTime = "2025-11-08T20:59:24".parse().unwrap();
        assert_eq!(SessionId::numbered(at, 1).as_str(), "session_20251108_205924");
        assert_eq!(SessionId::numbered(at, 3).as_str(), "session_20251108_205924_3");
        assert_eq!(SessionId::numbered(at, 3).time(), Some(at));
        assert_eq!("a".parse::<SessionId>().unwrap().time(), None);
    }
}

//! What went wrong in a session: our short names and the words that stand in session files.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that went wrong. In the file it stands in the words of the agent logger whose format we
/// share; on the command line it is a slug. Words we do not know are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Issue {
    Ocr,
    WrongAction,
    Timeout,
    Coordination,
    Other,
    Unrecognised(String),
}

/// A slug that names no issue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no issue {0:?}; choose from ocr, wrong-action, timeout, coordination, other")]
pub struct NotAnIssue(String);

impl Issue {
    /// The issues a person can choose from, in the order they are offered.
    pub const ALL: [Issue; 5] =
        [Issue::Ocr, Issue::WrongAction, Issue::Timeout, Issue::Coordination, Issue::Other];

    /// The short name; for unrecognised words, the words themselves.
    pub fn slug(&self) -> &str {
        match self {
            Issue::Ocr => "ocr",
            Issue::WrongAction => "wrong-action",
            Issue::Timeout => "timeout",
            Issue::Coordination => "coordination",
            Issue::Other => "other",
            Issue::Unrecognised(words) => words,
        }
    }

    /// The words as in `metadata.what_went_wrong`.
    pub fn words(&self) -> &str {
        match self {
            Issue::Ocr => "OCR confidence low",
            Issue::WrongAction => "Wrong action selected",
            Issue::Timeout => "Timeout",
            Issue::Coordination => "Coordination issue",
            Issue::Other => "Other",
            Issue::Unrecognised(words) => words,
        }
    }
}

impl From<String> for Issue {
    fn from(words: String) -> Self {
        Self::ALL
            .into_iter()
            .find(|issue| issue.words() == words)
            .unwrap_or(Issue::Unrecognised(words))
    }
}

impl From<Issue> for String {
    fn from(issue: Issue) -> Self {
        match issue {
            Issue::Unrecognised(words) => words,
            known => known.words().to_owned(),
        }
    }
}

impl FromStr for Issue {
    type Err = NotAnIssue;

    /// Reads a slug, as given on the command line.
    fn from_str(slug: &str) -> Result<Self, NotAnIssue> {
        Self::ALL
            .into_iter()
            .find(|issue| issue.slug() == slug)
            .ok_or_else(|| NotAnIssue(slug.chars().take(40).collect()))
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn slugs_and_words_name_the_same_issue_and_strange_words_are_kept() {
        for issue in Issue::ALL {
            assert_eq!(issue.slug().parse::<Issue>().unwrap(), issue);
            assert_eq!(Issue::from(issue.words().to_owned()), issue);
        }
        let strange = Issue::from("Ran out of coffee".to_owned());
        assert_eq!(String::from(strange), "Ran out of coffee");
        let told = "slow".parse::<Issue>().unwrap_err().to_string();
        assert!(told.contains("wrong-action") && told.contains("slow"), "{told}");
    }
}

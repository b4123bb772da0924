//! Which sessions the list shows.

use crate::config::Config;
use crate::store::{Filter, Stars};

/// The choices that one key goes through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    All,
    Failed,
    /// Failed, and nobody has said what would have been right.
    ToCorrect,
    /// Corrections that say different things of one prompt.
    Contradicting,
    Unrated,
    Good,
}

impl Choice {
    pub const ALL: [Self; 6] =
        [Self::All, Self::Failed, Self::ToCorrect, Self::Contradicting, Self::Unrated, Self::Good];

    pub fn title(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Failed => "Failed",
            Self::ToCorrect => "To correct",
            Self::Contradicting => "Contradicting",
            Self::Unrated => "Unrated",
            Self::Good => "Good",
        }
    }

    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Failed,
            Self::Failed => Self::ToCorrect,
            Self::ToCorrect => Self::Contradicting,
            Self::Contradicting => Self::Unrated,
            Self::Unrated => Self::Good,
            Self::Good => Self::All,
        }
    }

    /// As the index understands it, with the words searched for.
    pub fn filter(self, search: &str, config: &Config) -> Filter {
        let stars = |number: u8| Stars::try_from(i64::from(number)).ok();
        let failed = config.feedback.failed_rating;
        let all = Filter {
            text: (!search.trim().is_empty()).then(|| search.trim().to_owned()),
            ..Filter::default()
        };
        match self {
            Self::All => all,
            Self::Failed => Filter { at_most: stars(failed), ..all },
            Self::ToCorrect => Filter { at_most: stars(failed), corrected: Some(false), ..all },
            Self::Contradicting => Filter { contradicting: stars(failed), ..all },
            Self::Unrated => Filter { rated: Some(false), ..all },
            Self::Good => Filter { at_least: stars(4), ..all },
        }
    }

    /// What an empty list means, and what would fill it.
    pub fn when_empty(self) -> [&'static str; 2] {
        match self {
            Self::All => [
                "No sessions yet.",
                "<show-tasks> opens Tasks: every task is kept here with its answer.",
            ],
            Self::Failed => [
                "No session is rated as failed.",
                "<filter> shows other sessions; <rate-session> rates one.",
            ],
            Self::ToCorrect => [
                "Every failed session has its right answer.",
                "<train-failed> trains on them; <filter> shows others.",
            ],
            Self::Contradicting => {
                ["No two right answers contradict each other.", "<filter> shows other sessions."]
            }
            Self::Unrated => ["Every session is rated.", "<filter> shows other sessions."],
            Self::Good => {
                ["No session has four or five stars yet.", "<filter> shows other sessions."]
            }
        }
    }
}

//! A rating's stars, 1 to 5, as they stand in a session file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One to five stars. There is no zero: an unrated session has no stars at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u8")]
pub struct Stars(u8);

/// What was given instead of 1 to 5.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rating is a whole number of stars from 1 to 5, not {0}")]
pub struct NotStars(String);

impl Stars {
    pub const ALL: [Stars; 5] = [Stars(1), Stars(2), Stars(3), Stars(4), Stars(5)];

    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Stars {
    type Error = NotStars;

    fn try_from(number: i64) -> Result<Self, NotStars> {
        match u8::try_from(number) {
            Ok(stars @ 1..=5) => Ok(Self(stars)),
            _ => Err(NotStars(number.to_string())),
        }
    }
}

impl From<Stars> for u8 {
    fn from(stars: Stars) -> u8 {
        stars.0
    }
}

impl FromStr for Stars {
    type Err = NotStars;

    fn from_str(text: &str) -> Result<Self, NotStars> {
        let trimmed = text.trim();
        match trimmed.parse::<i64>() {
            Ok(number) => Self::try_from(number),
            Err(_) => Err(NotStars(format!("{:?}", trimmed.chars().take(40).collect::<String>()))),
        }
    }
}

impl fmt::Display for Stars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_one_to_five_are_stars() {
        for good in 1..=5 {
            assert_eq!(good.to_string().parse::<Stars>().unwrap().get() as i32, good);
        }
        for bad in ["five", "0", "6", "11", "-1", "4.5", "", "99999999999999999999"] {
            let told = bad.parse::<Stars>().unwrap_err().to_string();
            assert!(told.contains("from 1 to 5") && told.contains(bad), "{told}");
        }
    }
}

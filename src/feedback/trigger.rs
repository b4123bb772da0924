//! When the ratings say that it is time to retrain.

use std::fmt;

use super::error::Result;
use super::settings::Settings;
use crate::store::{Filter, Index};
use jiff::Timestamp;

/// Fewer rated sessions than this say nothing (or than the window, where that is smaller).
const FEWEST: usize = 10;

/// What the latest ratings say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trigger {
    TooFewRated {
        rated: usize,
        needed: usize,
    },
    /// The average is good enough.
    Satisfied {
        average: f64,
        rated: usize,
        below: f64,
    },
    /// Retraining is due: the average is too low.
    Retrain {
        average: f64,
        rated: usize,
        below: f64,
    },
    /// Retraining is due: so much was rated since the last training.
    NewRatings {
        ratings: usize,
        needed: usize,
    },
}

impl Trigger {
    /// There is reason to train.
    pub fn is_due(&self) -> bool {
        matches!(self, Self::Retrain { .. } | Self::NewRatings { .. })
    }
}

/// Looks at the last `settings.window` rated sessions, by when they began, and at the sessions rated
/// since `trained`, when training on ratings was last done (none: never).
pub fn trigger(index: &Index, settings: &Settings, trained: Option<Timestamp>) -> Result<Trigger> {
    let last = Filter { rated: Some(true), limit: Some(settings.window), ..Filter::default() };
    let stars: Vec<f64> = index
        .list(&last)?
        .iter()
        .filter_map(|session| session.stars)
        .map(|stars| f64::from(stars.get()))
        .collect();
    let rated = stars.len();
    let needed = FEWEST.min(settings.window).max(1);
    if rated < needed {
        return Ok(Trigger::TooFewRated { rated, needed });
    }
    let average = stars.iter().sum::<f64>() / rated as f64;
    let below = settings.retrain_below;
    if average < below {
        return Ok(Trigger::Retrain { average, rated, below });
    }
    let since = Filter { rated: Some(true), rated_since: trained, ..Filter::default() };
    let (ratings, needed) = (index.count(&since)?, settings.retrain_after);
    Ok(match ratings >= needed {
        true => Trigger::NewRatings { ratings, needed },
        false => Trigger::Satisfied { average, rated, below },
    })
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewRated { rated, needed } => {
                let sessions = if *rated == 1 { "session" } else { "sessions" };
                write!(f, "{rated} rated {sessions}; {needed} are needed to say anything")
            }
            Self::Satisfied { average, rated, below } => write!(
                f,
                "no need to retrain: {average:.2} stars on average over the last {rated} rated \
                 sessions (retraining is due below {below})"
            ),
            Self::Retrain { average, rated, below } => write!(
                f,
                "time to retrain: {average:.2} stars on average over the last {rated} rated sessions, \
                 below {below}"
            ),
            Self::NewRatings { ratings, needed } => write!(
                f,
                "time to retrain: {ratings} sessions were rated since the last training ({needed} are \
                 reason enough)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::feedback::tests::Place;

    fn after(given: &[i64], settings: &Settings) -> Trigger {
        let place = Place::new();
        for (minute, given) in given.iter().enumerate() {
            place.rated(minute as u32, "t", "a", *given, None);
        }
        place.session(59, "not rated", "a");
        trigger(&place.index, settings, None).unwrap()
    }

    // If this fails, the tool retrains for nothing, or stays silent while answers get worse.
    #[test]
    fn the_average_of_the_last_rated_sessions_decides() {
        let default = Settings::default();
        assert_eq!(after(&[1; 9], &default), Trigger::TooFewRated { rated: 9, needed: 10 });
        assert!(matches!(after(&[1; 10], &default), Trigger::Retrain { rated: 10, .. }));
        // Exactly 3.8 is not below 3.8.
        let exactly = [4, 4, 4, 4, 4, 4, 4, 4, 4, 2];
        assert!(matches!(after(&exactly, &default), Trigger::Satisfied { rated: 10, .. }));
        let under = [4, 4, 4, 4, 4, 4, 4, 4, 3, 2];
        assert!(matches!(after(&under, &default), Trigger::Retrain { .. }));
    }

    #[test]
    fn only_the_window_counts_and_the_newest_are_in_it() {
        let window = Settings { window: 12, ..Settings::default() };
        let better: Vec<i64> = [[1; 8].as_slice(), &[5; 12]].concat();
        let told = after(&better, &window);
        assert_eq!(told, Trigger::Satisfied { average: 5.0, rated: 12, below: 3.8 });
        let worse: Vec<i64> = [[5; 12].as_slice(), &[1; 12]].concat();
        let told = after(&worse, &window);
        assert_eq!(told, Trigger::Retrain { average: 1.0, rated: 12, below: 3.8 });
        let small = Settings { window: 3, ..Settings::default() };
        assert!(matches!(after(&[5, 5, 1, 1, 1], &small), Trigger::Retrain { rated: 3, .. }));
    }

    // If this fails, a person rates for weeks and nothing is ever learned from it, or training is called
    // for again the moment it has ended.
    #[test]
    fn enough_new_ratings_since_the_last_training_are_reason_enough() {
        let place = Place::new();
        let settings = Settings { retrain_after: 12, ..Settings::default() };
        let told = |trained| trigger(&place.index, &settings, trained).unwrap();
        for minute in 0..11 {
            place.rated(minute, "t", "a", 5, None);
        }
        assert!(matches!(told(None), Trigger::Satisfied { .. }));
        place.rated(11, "t", "a", 5, None);
        assert_eq!(told(None), Trigger::NewRatings { ratings: 12, needed: 12 });
        assert!(told(None).is_due());
        assert!(!told(Some(Timestamp::now())).is_due());
    }

    #[test]
    fn no_sessions_say_nothing() {
        let place = Place::new();
        let told = trigger(&place.index, &Settings::default(), None).unwrap();
        assert_eq!(told, Trigger::TooFewRated { rated: 0, needed: 10 });
    }
}

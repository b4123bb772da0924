//! How long ago something was, in a few characters.

use jiff::Zoned;
use jiff::civil::DateTime;

/// `started` is local time as the index keeps it; nothing for what is no time.
pub fn age(started: &str, now: &Zoned) -> String {
    let Ok(started) = started.parse::<DateTime>() else { return String::new() };
    let seconds = now.datetime().duration_since(started).as_secs();
    let (number, unit) = match seconds {
        // A clock that was set back makes sessions of the future.
        ..60 => return "now".into(),
        60..3600 => (seconds / 60, "min"),
        3600..86_400 => (seconds / 3600, "h"),
        86_400..1_209_600 => (seconds / 86_400, "d"),
        1_209_600..31_536_000 => (seconds / 604_800, "w"),
        _ => (seconds / 31_536_000, "y"),
    };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, a list says that yesterday's work is from today.
    #[test]
    fn ages_are_rounded_down_in_the_largest_unit() {
        let now: Zoned = "2026-11-23T12:00:00[UTC]".parse().unwrap();
        for (started, told) in [
            ("2026-11-23T11:59:01", "now"),
            ("2026-11-23T12:30:00", "now"),
            ("2026-11-23T11:59:00", "1 min"),
            ("2026-11-23T11:00:01", "59 min"),
            ("2026-11-22T12:00:01", "23 h"),
            ("2026-11-22T12:00:00", "1 d"),
            ("2026-11-01T00:00:00", "3 w"),
            ("2024-11-08T20:59:24.123456", "2 y"),
            ("", ""),
            ("yesterday", ""),
        ] {
            assert_eq!(age(started, &now), told, "{started}");
        }
    }
}

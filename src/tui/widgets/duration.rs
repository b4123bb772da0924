//! How long something takes, as a person says it.

/// `45 s`, `2 min 10 s`, `1 h 05 min`.
pub fn duration(seconds: f64) -> String {
    // A cast takes what is no number as 0, and what is too large as the largest.
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a person waits an hour for what was to take a minute.
    #[test]
    fn the_two_largest_units_are_told() {
        assert_eq!(duration(59.6), "1 min 00 s");
        assert_eq!(duration(7.0), "7 s");
        assert_eq!(duration(3900.0), "1 h 05 min");
        assert_eq!(duration(f64::NAN), "0 s");
    }
}

//! How long something will still take, by how fast it has gone so far.

use jiff::Zoned;

/// Seconds before a pace says something.
const FEW_SECONDS: f64 = 3.0;

/// When counting began, and at what.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    since: Zoned,
    from: usize,
}

impl Pace {
    pub(super) fn new(now: &Zoned, from: usize) -> Self {
        Self { since: now.clone(), from }
    }

    /// Seconds that are left of `total`; none before it is known.
    pub(super) fn left(&self, done: usize, total: usize, now: &Zoned) -> Option<f64> {
        let did = done.saturating_sub(self.from);
        let seconds = seconds_between(&self.since, now);
        (did > 0 && seconds >= FEW_SECONDS)
            .then(|| seconds / did as f64 * total.saturating_sub(done) as f64)
    }
}

/// From one time to a later one; nothing where the clock was set back.
pub(super) fn seconds_between(from: &Zoned, to: &Zoned) -> f64 {
    let milliseconds =
        to.timestamp().as_millisecond().saturating_sub(from.timestamp().as_millisecond());
    (milliseconds as f64 / 1000.0).max(0.0)
}

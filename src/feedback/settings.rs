//! The settings of `[feedback]` in config.toml.

/// When a session counts as failed, and when there is reason and material to retrain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// A session with so many stars or fewer has failed.
    pub failed_rating: u8,
    /// Training on failures needs so many failed sessions with a correction.
    pub min_failed: usize,
    /// Retraining is due when the average of the last `window` rated sessions is below this.
    pub retrain_below: f64,
    pub window: usize,
    /// So many new ratings since the last training are reason enough.
    pub retrain_after: usize,
}

impl From<&crate::config::Feedback> for Settings {
    fn from(config: &crate::config::Feedback) -> Self {
        Self {
            failed_rating: config.failed_rating,
            min_failed: config.min_failed,
            retrain_below: config.retrain_below,
            window: config.window,
            retrain_after: config.retrain_after,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { failed_rating: 3, min_failed: 5, retrain_below: 3.8, window: 50, retrain_after: 50 }
    }
}

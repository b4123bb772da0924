//! Prompts of the past, for the arrow keys.

/// Older and newer prompts, with what was being written kept.
#[derive(Debug, Default)]
pub struct History {
    /// Oldest first.
    prompts: Vec<String>,
    /// Where one is, and what had been written before.
    at: Option<(usize, String)>,
}

impl History {
    pub fn add(&mut self, prompt: &str) {
        self.at = None;
        if self.prompts.last().is_none_or(|last| last != prompt) {
            self.prompts.push(prompt.to_owned());
        }
    }

    /// Prompts of earlier days, oldest first; only the first time, before anything was added.
    pub fn remember<'a>(&mut self, prompts: impl Iterator<Item = &'a str>) {
        if self.prompts.is_empty() {
            for prompt in prompts {
                self.add(&crate::store::plain(prompt));
            }
        }
    }

    /// The prompt before; `written` comes back after the newest.
    pub fn older(&mut self, written: &str) -> Option<String> {
        let (place, draft) = match self.at.take() {
            Some((place, draft)) => (place.saturating_sub(1), draft),
            None => (self.prompts.len().checked_sub(1)?, written.to_owned()),
        };
        self.at = Some((place, draft));
        self.prompts.get(place).cloned()
    }

    pub fn newer(&mut self) -> Option<String> {
        let (place, draft) = self.at.take()?;
        match self.prompts.get(place + 1) {
            Some(prompt) => {
                self.at = Some((place + 1, draft));
                Some(prompt.clone())
            }
            None => Some(draft),
        }
    }

    /// What is shown is changed: it is a new prompt.
    pub fn leave(&mut self) {
        self.at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a look at an older prompt loses the one being written.
    #[test]
    fn what_was_being_written_comes_back() {
        let mut history = History::default();
        assert_eq!(history.older("draft"), None);
        history.remember(["first", "second"].into_iter());
        assert_eq!(history.older("draft").as_deref(), Some("second"));
        assert_eq!(history.older("second").as_deref(), Some("first"));
        assert_eq!(history.older("first").as_deref(), Some("first"));
        assert_eq!(history.newer().as_deref(), Some("second"));
        assert_eq!(history.newer().as_deref(), Some("draft"));
        assert_eq!(history.newer(), None);
    }
}

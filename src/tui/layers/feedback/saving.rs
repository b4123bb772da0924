//! Which ratings were asked to be saved and which are: nothing is called saved before its report. A
//! report of an earlier rating is never taken for that of a later one.

use crate::driver::{Effect, Report};
use crate::feedback::Rating;
use crate::store::{Session, SessionId, Stars};
use crate::tui::pane::Context;
use std::collections::VecDeque;

/// The ratings of one session on their way to disk.
#[derive(Debug, Default)]
pub struct Saving {
    /// Oldest first; the desk saves them in this order.
    asked: VecDeque<Rating>,
    /// The stars on disk.
    pub saved: Option<Stars>,
    /// Why the last one is not.
    pub trouble: Option<String>,
}

/// What a report changed.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Nothing, or there is still more to come.
    Nothing,
    /// Everything asked for has been seen to, and the last, this one, is on disk.
    Saved(Rating),
    /// The last one is not.
    Refused,
}

impl Saving {
    pub fn ask(&mut self, session: &SessionId, rating: Rating, context: &mut Context) {
        self.trouble = None;
        self.asked.push_back(rating.clone());
        context.perform(Effect::Rate { session: session.clone(), rating });
    }

    pub fn is_under_way(&self) -> bool {
        !self.asked.is_empty()
    }

    pub fn report(&mut self, of: &SessionId, report: &Report) -> Step {
        match report {
            Report::Rated(session) if session.session_id == *of => {
                // Not ours: a rating from elsewhere, or of a form that was left.
                if !self.asked.front().is_some_and(|rating| stands_in(session, rating)) {
                    return Step::Nothing;
                }
                self.saved = session.metadata.user_rating;
                self.trouble = None;
                match (self.asked.pop_front(), self.asked.is_empty()) {
                    (Some(rating), true) => Step::Saved(rating),
                    _ => Step::Nothing,
                }
            }
            Report::RatingFailed { session, why } if session == of => {
                if self.asked.pop_front().is_none() {
                    return Step::Nothing;
                }
                self.trouble = Some(crate::store::plain_line(why));
                if self.asked.is_empty() { Step::Refused } else { Step::Nothing }
            }
            _ => Step::Nothing,
        }
    }
}

/// Whether the session says what the rating does.
fn stands_in(session: &Session, rating: &Rating) -> bool {
    let metadata = &session.metadata;
    let comment = metadata.feedback_comment.as_deref().unwrap_or_default();
    let correction = session.kaizen.as_ref().and_then(|record| record.correction.as_ref());
    metadata.user_rating == Some(rating.stars)
        && rating.issues.as_ref().is_none_or(|issues| *issues == metadata.what_went_wrong)
        && rating.comment.as_ref().is_none_or(|text| text.trim() == comment.trim())
        && rating.correction.as_ref().is_none_or(|text| {
            correction.is_some_and(|correction| correction.answer.trim() == text.trim())
        })
}

//! Rating a session: the file first, then the index, and no earlier rating forgotten.

use jiff::Timestamp;

use super::better;
use super::error::{Error, Result};
use crate::store::{
    self, Correction, Home, Index, Issue, RatingEntry, Session, SessionId, Stars, StepFeedback,
    logs,
};

/// What a person says of a session. What is none stays as it was, so that the stars can be saved at
/// one key and the rest may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    pub stars: Stars,
    /// Replaces the issues named before; an empty list takes them back.
    pub issues: Option<Vec<Issue>>,
    /// Replaces the comment; an empty one takes it back.
    pub comment: Option<String>,
    /// The answer that would have been right.
    pub correction: Option<String>,
}

impl Rating {
    /// Stars alone.
    pub fn stars(stars: Stars) -> Self {
        Self { stars, issues: None, comment: None, correction: None }
    }
}

/// A saved rating.
#[derive(Debug)]
pub struct Rated {
    pub session: Session,
    /// Why the index does not show it yet, if so: the rating is in its file all the same, and the next
    /// refresh of the index finds it.
    pub index_failure: Option<store::Error>,
}

/// Rates the session that `id` means (its id, or the beginning or end of only one).
///
/// When this returns, the rating is on disk. An empty correction, or one equal to the answer, is
/// refused and nothing is written.
pub fn rate(home: &Home, index: &Index, id: &str, rating: &Rating) -> Result<Rated> {
    let session = save_rating(home, id, rating)?;
    if let Err(error) = index.upsert(&session) {
        return Ok(Rated { session, index_failure: Some(error) });
    }
    // What this rating says of other answers to the same task; the rating itself is saved whatever
    // comes of that.
    let session = better::settle(home, index, session.clone()).unwrap_or(session);
    Ok(Rated { session, index_failure: None })
}

/// What a person says of one step of act mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRating {
    /// From 1.
    pub step: u64,
    pub stars: Option<Stars>,
    /// The action that would have been right, as canonical JSON.
    pub correction: Option<String>,
}

/// Rates one step of the session that `id` means, in its file; what is none stays as it was. The index is
/// the caller's to tell.
///
/// # Errors
/// A session without such a step, or a correction that is the action that was done; nothing is written.
pub fn save_step_rating(home: &Home, id: &str, rating: &StepRating) -> Result<Session> {
    let id = logs::resolve(home, id)?;
    let now = Timestamp::now();
    let (session, ()) = logs::update(home, &id, |session| apply_to_step(session, rating, now))?;
    Ok(session)
}

fn apply_to_step(session: &mut Session, rating: &StepRating, now: Timestamp) -> Result<()> {
    let id = session.session_id.clone();
    let steps = if session.is_act() { session.iterations.len() } else { 0 };
    if rating.step == 0 || rating.step > steps as u64 {
        return Err(Error::NoSuchStep { session: id, step: rating.step, steps });
    }
    let place = rating.step as usize - 1;
    let action = session.iterations.get(place).and_then(|step| step.action.as_ref());
    let done = action.map(ToString::to_string);
    if done.is_some() && done == rating.correction {
        return Err(Error::UnchangedAction { session: id, step: rating.step });
    }
    let Some(act) = &mut session.record_mut().act else { return Ok(()) };
    let earlier = act.feedback.iter().position(|feedback| feedback.step == rating.step);
    let earlier = earlier.map(|place| act.feedback.remove(place));
    let (stars, correction) = match earlier {
        Some(earlier) => {
            (rating.stars.or(earlier.stars), { rating.correction.clone().or(earlier.correction) })
        }
        None => (rating.stars, rating.correction.clone()),
    };
    act.feedback.push(StepFeedback { step: rating.step, stars, correction, at: now });
    act.feedback.sort_by_key(|feedback| feedback.step);
    Ok(())
}

/// As [`rate`], the file alone: for where no index can be had. The next refresh of the index finds it.
pub fn save_rating(home: &Home, id: &str, rating: &Rating) -> Result<Session> {
    let id = logs::resolve(home, id)?;
    let now = Timestamp::now();
    let (session, ()) = logs::update(home, &id, |session| apply(session, rating, now))?;
    Ok(session)
}

fn apply(session: &mut Session, rating: &Rating, now: Timestamp) -> Result<()> {
    let correction =
        rating.correction.as_deref().map(|text| checked_correction(session, text)).transpose()?;
    let before = present(session);
    let metadata = &mut session.metadata;
    metadata.user_rating = Some(rating.stars);
    if let Some(issues) = &rating.issues {
        metadata.what_went_wrong = without_repeats(issues);
    }
    if let Some(comment) = &rating.comment {
        let comment = comment.trim();
        metadata.feedback_comment = (!comment.is_empty()).then(|| comment.to_owned());
    }
    let record = session.record_mut();
    if let Some(answer) = correction
        && record.correction.as_ref().is_none_or(|present| present.answer != answer)
    {
        record.correction = Some(Correction { answer, at: now, extra: Default::default() });
    }
    let after = present(session);
    let history = &mut session.record_mut().ratings;
    if history.is_empty() && before.stars.is_some() {
        history.push(before); // Rated elsewhere: when, the file does not say.
    }
    let unchanged = history.last().is_some_and(|last| {
        RatingEntry { at: None, extra: Default::default(), ..last.clone() } == after
    });
    if !unchanged {
        history.push(RatingEntry { at: Some(now), ..after });
    }
    Ok(())
}

/// The session's rating as it stands, without a time.
fn present(session: &Session) -> RatingEntry {
    let metadata = &session.metadata;
    let correction = session.kaizen.as_ref().and_then(|record| record.correction.as_ref());
    RatingEntry {
        at: None,
        stars: metadata.user_rating,
        issues: metadata.what_went_wrong.clone(),
        comment: metadata.feedback_comment.clone(),
        correction: correction.map(|correction| correction.answer.clone()),
        extra: Default::default(),
    }
}

/// The correction as it will be learned: without the line breaks around it that an editor or a file
/// adds (spaces before the first word stay: they may be an indentation).
///
/// # Errors
/// It is empty, or the answer that the session gave.
pub fn checked_correction(session: &Session, text: &str) -> Result<String> {
    let id = || -> SessionId { session.session_id.clone() };
    let answer = text.trim_end().trim_start_matches(['\n', '\r']);
    if answer.is_empty() {
        return Err(Error::EmptyCorrection { session: id() });
    }
    if session.answer().is_some_and(|given| given.trim() == answer.trim()) {
        return Err(Error::UnchangedAnswer { session: id() });
    }
    Ok(answer.to_owned())
}

fn without_repeats(issues: &[Issue]) -> Vec<Issue> {
    let mut kept: Vec<Issue> = Vec::with_capacity(issues.len());
    for issue in issues {
        if !kept.contains(issue) {
            kept.push(issue.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::feedback::tests::{Place, stars};
    use crate::store::Filter;

    fn rating(number: i64, correction: &str) -> Rating {
        Rating { correction: Some(correction.into()), ..Rating::stars(stars(number)) }
    }

    // If this fails, a rating is lost, or the lists do not show it.
    #[test]
    fn a_rating_is_in_the_file_and_in_the_index() {
        let place = Place::new();
        let id = place.session(1, "count the files", "ls");
        let rated = rate(
            &place.home,
            &place.index,
            id.as_str(),
            &Rating {
                stars: stars(2),
                issues: Some(vec![Issue::Timeout, Issue::Ocr, Issue::Timeout]),
                comment: Some("  wrong command \n".into()),
                correction: Some("\nls | wc -l\n\n".into()),
            },
        )
        .unwrap();
        assert!(rated.index_failure.is_none());
        let session = logs::load(&place.home, &id).unwrap();
        assert_eq!(session, rated.session);
        assert_eq!(session.metadata.user_rating, Some(stars(2)));
        assert_eq!(session.metadata.what_went_wrong, [Issue::Timeout, Issue::Ocr]);
        assert_eq!(session.metadata.feedback_comment.as_deref(), Some("wrong command"));
        assert_eq!(session.kaizen.unwrap().correction.unwrap().answer, "ls | wc -l");
        let listed = &place.index.list(&Filter::default()).unwrap()[0];
        assert_eq!((listed.stars, listed.corrected), (Some(stars(2)), true));
    }

    // If this fails, changing one's mind erases what was said before.
    #[test]
    fn a_change_keeps_every_earlier_rating_and_what_it_does_not_name() {
        let place = Place::new();
        let id = place.session(1, "t", "a");
        place.rate(&id, &rating(1, "b"));
        place.rate(&id, &Rating { comment: Some("better".into()), ..Rating::stars(stars(4)) });
        place.rate(&id, &Rating::stars(stars(4)));
        place.rate(
            &id,
            &Rating { comment: Some(" ".into()), issues: Some(vec![]), ..rating(5, "c") },
        );
        let session = logs::load(&place.home, &id).unwrap();
        assert_eq!(session.metadata.feedback_comment, None);
        let history = session.kaizen.unwrap().ratings;
        let told: Vec<_> = history
            .iter()
            .map(|entry| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                (entry.stars.unwrap().get(), text(&entry.comment), text(&entry.correction))
            })
            .collect();
        let told: Vec<_> = told.iter().map(|(s, c, a)| (*s, c.as_str(), a.as_str())).collect();
        assert_eq!(told, [(1, "", "b"), (4, "better", "b"), (5, "", "c")]);
        assert!(history.windows(2).all(|pair| pair[0].at.unwrap() <= pair[1].at.unwrap()));
    }

    #[test]
    fn a_rating_given_elsewhere_stays_in_the_history() {
        let place = Place::new();
        let id = place.session(1, "t", "a");
        logs::update::<_, Error>(&place.home, &id, |session| {
            session.metadata.user_rating = Some(stars(2));
            session.metadata.feedback_comment = Some("theirs".into());
            session.kaizen = None;
            Ok(())
        })
        .unwrap();
        place.rate(&id, &Rating::stars(stars(5)));
        let history = logs::load(&place.home, &id).unwrap().kaizen.unwrap().ratings;
        assert_eq!(history[0].stars, Some(stars(2)));
        assert_eq!((history[0].at, history[0].comment.as_deref()), (None, Some("theirs")));
        assert_eq!(history[1].stars, Some(stars(5)));
    }

    #[test]
    fn a_correction_that_corrects_nothing_is_refused_and_nothing_is_written() {
        let place = Place::new();
        let id = place.session(1, "t", "the answer");
        let before = std::fs::read(place.home.session_file(&id)).unwrap();
        for (text, told) in [(" \n\n", "is empty"), ("the answer\n", "is the answer it gave")] {
            let error = rate(&place.home, &place.index, id.as_str(), &rating(1, text)).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
        assert_eq!(std::fs::read(place.home.session_file(&id)).unwrap(), before);
    }

    #[test]
    fn an_indented_correction_keeps_its_indentation() {
        let place = Place::new();
        let id = place.session(1, "t", "a");
        place.rate(&id, &rating(1, "\r\n    return x\n"));
        let record = logs::load(&place.home, &id).unwrap().kaizen.unwrap();
        assert_eq!(record.correction.unwrap().answer, "    return x");
    }

    #[test]
    fn an_unknown_session_is_told_with_how_to_find_one() {
        let place = Place::new();
        let told = rate(&place.home, &place.index, "nope", &Rating::stars(stars(3))).unwrap_err();
        assert!(told.to_string().contains("kaizen sessions list"), "{told}");
    }

    // If this fails, a broken index makes a person rate again what is saved already.
    #[test]
    fn a_broken_index_does_not_lose_the_rating() {
        let place = Place::new();
        let id = place.session(1, "t", "a");
        let other = rusqlite::Connection::open(place.home.database()).unwrap();
        other.execute_batch("DROP TABLE session").unwrap();
        let rated = rate(&place.home, &place.index, id.as_str(), &Rating::stars(stars(4))).unwrap();
        assert!(rated.index_failure.unwrap().to_string().contains("reindex"));
        let session = logs::load(&place.home, &id).unwrap();
        assert_eq!(session.metadata.user_rating, Some(stars(4)));
    }
}

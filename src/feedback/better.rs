//! A better answer that the person chose of two: what a failed session learns from without a correction.
//!
//! Two sessions with the same task, one failed and one with four stars or more, are such a choice: a task
//! answered again, or by two arms side by side. The failed one remembers the other's answer for as long
//! as the ratings say so. A blind pair is one too.

use super::error::Result;
use super::replay::GOOD;
use crate::store::{
    BetterAnswer, BetterFrom, Filter, Home, Index, Session, SessionId, Stars, logs,
};
use jiff::Timestamp;

/// A session at or below this has failed.
const FAILED: u8 = 3;

/// Looks at the other sessions with the task of `rated` and brings what the failed ones among them know
/// of a better answer up to date. Returns `rated` as it then stands.
///
/// # Errors
/// A session or the index that cannot be read or written; the rating itself is saved before.
pub(super) fn settle(home: &Home, index: &Index, rated: Session) -> Result<Session> {
    // Of a task that was carried out, the answer alone is nothing to learn.
    if rated.is_act() {
        return Ok(rated);
    }
    let same_task =
        Filter { task: Some(rated.metadata.task.clone()), rated: Some(true), ..Filter::default() };
    let mut same = Vec::new();
    for summary in index.list(&same_task)? {
        // A session that is damaged meanwhile takes no part.
        let Ok(session) = logs::load(home, &summary.id) else { continue };
        if session.prompt() == rated.prompt() {
            same.push(session);
        }
    }
    let best = same
        .iter()
        .filter(|session| {
            stars(session) >= GOOD && session.answer().is_some_and(|a| !a.trim().is_empty())
        })
        .max_by_key(|session| (stars(session), session.session_id.clone()))
        .and_then(|session| Some((session.session_id.clone(), session.answer()?.to_owned())));
    for session in same.iter().filter(|session| stars(session) <= i64::from(FAILED)) {
        let chosen = best.as_ref().filter(|(_, answer)| session.answer() != Some(answer.as_str()));
        remember(home, index, session, chosen)?;
    }
    Ok(logs::load(home, &rated.session_id)?)
}

/// Writes what a failed session knows of a better answer, where it has changed. What a blind pair said
/// stays, whatever was rated since.
fn remember(
    home: &Home,
    index: &Index,
    session: &Session,
    chosen: Option<&(SessionId, String)>,
) -> Result<()> {
    let known = session.kaizen.as_ref().and_then(|record| record.better.as_ref());
    let same = match (known, chosen) {
        (Some(known), _) if known.from == BetterFrom::Replay => true,
        (Some(known), Some((id, answer))) => {
            known.session.as_ref() == Some(id) && known.answer == *answer
        }
        (None, None) => true,
        _ => false,
    };
    if same {
        return Ok(());
    }
    let better = chosen.map(|(id, answer)| BetterAnswer {
        answer: answer.clone(),
        from: BetterFrom::Rating,
        session: Some(id.clone()),
        at: Timestamp::now(),
        extra: Default::default(),
    });
    write(home, index, &session.session_id, better)
}

/// Keeps the answer that won a blind pair over a failed session's own; of a session that did not fail,
/// that has a correction, or that gave this very answer, nothing is kept.
///
/// # Errors
/// A session that cannot be read or written.
pub fn choose_better(home: &Home, index: &Index, id: &SessionId, answer: &str) -> Result<()> {
    let session = logs::load(home, id)?;
    let corrected = session.kaizen.as_ref().is_some_and(|record| record.correction.is_some());
    let failed = session.metadata.user_rating.is_some_and(|stars| stars.get() <= FAILED);
    let own = session.answer().is_some_and(|own| own.trim() == answer.trim());
    if !failed || corrected || own || answer.trim().is_empty() {
        return Ok(());
    }
    let better = BetterAnswer {
        answer: answer.to_owned(),
        from: BetterFrom::Replay,
        session: None,
        at: Timestamp::now(),
        extra: Default::default(),
    };
    write(home, index, id, Some(better))
}

fn write(home: &Home, index: &Index, id: &SessionId, better: Option<BetterAnswer>) -> Result<()> {
    let (session, ()) = logs::update::<_, super::Error>(home, id, |session| {
        session.record_mut().better = better;
        Ok(())
    })?;
    // The next refresh of the index finds what could not be entered now.
    let _ = index.upsert(&session);
    Ok(())
}

fn stars(session: &Session) -> i64 {
    session.metadata.user_rating.map_or(0, |stars: Stars| i64::from(stars.get()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::feedback::tests::Place;
    use crate::feedback::{Settings, corrective};

    fn better(place: &Place, id: &SessionId) -> Option<String> {
        logs::load(&place.home, id).unwrap().kaizen?.better.map(|better| better.answer)
    }

    // If this fails, a person who regenerated until the answer was right must write it down as well, or
    // the model learns an answer that was taken back.
    #[test]
    fn the_better_of_two_rated_answers_is_learned_for_as_long_as_it_is_better() {
        let place = Place::new();
        let failed = place.rated(1, "list the files", "cat", 2, None);
        assert_eq!(better(&place, &failed), None);
        let again = place.rated(2, "list the files", "ls", 5, None);
        assert_eq!(better(&place, &failed).as_deref(), Some("ls"));
        let other = place.rated(3, "list the folders", "ls -d */", 1, None);
        assert_eq!(better(&place, &other), None);
        let settings = Settings { min_failed: 1, ..Settings::default() };
        let found = corrective(&place.home, &place.index, &settings).unwrap();
        assert_eq!((found.failed, found.corrected), (2, 1));
        assert_eq!(found.examples[0].answer, "ls");
        place.rate_with(&again, 2, None);
        assert_eq!(better(&place, &failed), None);
        // In the other order: the good one first.
        place.rate_with(&again, 4, None);
        let late = place.rated(5, "list the files", "dir", 1, None);
        assert_eq!(better(&place, &late).as_deref(), Some("ls"));
    }

    #[test]
    fn a_persons_own_correction_goes_before_a_chosen_answer() {
        let place = Place::new();
        let failed = place.rated(1, "list the files", "cat", 2, Some("ls -1"));
        place.rated(2, "list the files", "ls", 5, None);
        let session = logs::load(&place.home, &failed).unwrap();
        assert_eq!(session.right_answer(), Some("ls -1"));
    }

    #[test]
    fn what_won_a_blind_pair_is_kept_for_a_failed_session_alone() {
        let place = Place::new();
        let failed = place.rated(1, "a", "cat", 2, None);
        let good = place.rated(2, "b", "cat", 4, None);
        for id in [&failed, &good] {
            choose_better(&place.home, &place.index, id, "ls").unwrap();
        }
        assert_eq!(better(&place, &failed).as_deref(), Some("ls"));
        assert_eq!(better(&place, &good), None);
        choose_better(&place.home, &place.index, &failed, "cat ").unwrap();
        assert_eq!(better(&place, &failed).as_deref(), Some("ls"));
        // Another rating of the task does not undo it.
        place.rated(3, "a", "rm", 1, None);
        assert_eq!(better(&place, &failed).as_deref(), Some("ls"));
    }
}

//! The model's own good answers: shown again in training, so that it forgets less.

use std::collections::HashSet;

use super::corrective::damaged;
use super::error::Result;
use crate::store::{Filter, Home, Index, Message, Outcome, SessionId, Skipped, Stars, logs};

/// So many stars make an answer worth repeating.
pub(super) const GOOD: i64 = 4;

/// A prompt and the answer that the model gave and the person liked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    pub session: SessionId,
    pub messages: Vec<Message>,
    pub answer: String,
    pub stars: Stars,
}

/// The finished answers rated 4 or 5 that nobody corrected, oldest first, without repeats; beside
/// them the sessions that could not be read. With `model_hash`, only answers of that base model
/// (with or without an adapter). What another agent's model said is not among them.
pub fn replay(
    home: &Home,
    index: &Index,
    model_hash: Option<&str>,
) -> Result<(Vec<Replay>, Vec<Skipped>)> {
    let good = Filter {
        at_least: Stars::try_from(GOOD).ok(),
        corrected: Some(false),
        ..Filter::default()
    };
    let mut replays = Vec::new();
    let mut unread = Vec::new();
    let mut seen = HashSet::new();
    for summary in index.list(&good)?.iter().rev() {
        let session = match logs::load(home, &summary.id) {
            Ok(session) => session,
            Err(error) => {
                unread.push(damaged(home, &summary.id, error));
                continue;
            }
        };
        let Some(record) = &session.kaizen else { continue };
        let Some(stars) = session.metadata.user_rating else { continue };
        let ended = matches!(record.outcome, None | Some(Outcome::Finished));
        let of_model = model_hash.is_none_or(|hash| record.model_hash.as_deref() == Some(hash));
        let answered = record.answer.clone().filter(|answer| !answer.trim().is_empty());
        let Some(answer) = answered.filter(|_| ended && of_model) else { continue };
        // Of a task that was carried out, every action is one that the person liked.
        let given = match session.is_act() {
            true => session.steps_done(),
            false => vec![(session.prompt(), answer)],
        };
        for (messages, answer) in given {
            if seen.insert((messages.clone(), answer.clone())) {
                let session = session.session_id.clone();
                replays.push(Replay { session, messages, answer, stars });
            }
        }
    }
    Ok((replays, unread))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::feedback::error::Error;
    use crate::feedback::tests::Place;
    use crate::store::Session;

    // If this fails, training repeats answers that were bad, cut off or not the model's own.
    #[test]
    fn only_the_models_own_finished_good_answers_are_repeated() {
        let place = Place::new();
        let change = |id: &SessionId, change: &dyn Fn(&mut Session)| {
            logs::update::<_, Error>(&place.home, id, |session| {
                change(session);
                Ok(())
            })
            .unwrap();
        };
        place.rated(1, "good", "yes", 4, None);
        place.rated(2, "good", "yes", 5, None);
        place.rated(3, "better", "of course", 5, None);
        place.rated(4, "middling", "no", 3, None);
        place.rated(5, "corrected", "no", 4, Some("yes"));
        place.rated(6, "silent", " ", 5, None);
        let cut = place.rated(7, "cut off", "it is", 5, None);
        change(&cut, &|session| session.record_mut().outcome = Some(Outcome::Cancelled));
        let theirs = place.rated(8, "theirs", "x", 5, None);
        change(&theirs, &|session| session.kaizen = None);
        let broken = place.rated(9, "broken", "x", 5, None);
        std::fs::write(place.home.session_file(&broken), "{").unwrap();

        let (replays, unread) = replay(&place.home, &place.index, None).unwrap();
        let told: Vec<_> = replays
            .iter()
            .map(|replay| (replay.messages[0].content.as_str(), replay.answer.as_str()))
            .collect();
        assert_eq!(told, [("good", "yes"), ("better", "of course")]);
        assert_eq!(unread.len(), 1);
    }

    #[test]
    fn another_base_models_answers_are_left_out_where_asked() {
        let place = Place::new();
        place.rated(1, "t", "a", 5, None);
        let all = |hash| replay(&place.home, &place.index, hash).unwrap().0.len();
        assert_eq!((all(None), all(Some("model")), all(Some("another"))), (1, 1, 0));
    }
}

//! Sessions, ratings, and the home's own evaluation items.

use super::super::{Report, Sessions};
use super::{Inner, lock};
use crate::eval::{Example, Provenance};
use crate::feedback::{self, OWN_WORK, Rating, StepRating};
use crate::store::{Filter, SessionId, atomic, logs};
use crate::tasks::Action;
use crate::workplace::{Error, Result};
use std::sync::Arc;

impl Inner {
    /// The sessions that match. What came and went is seen at once; a change that another process made
    /// to a session is seen in the next quiet moment, see [`look_again`](Self::look_again).
    pub(super) fn list_sessions(&self, filter: &Filter) -> Result<Report> {
        let mut catalogue = lock(&self.catalogue);
        let (index, damaged) = catalogue.index()?;
        let rated = Filter {
            rated: Some(true),
            limit: Some(self.workplace.config.feedback.window),
            ..Filter::default()
        };
        let mut recent_stars: Vec<u8> = index
            .list(&rated)?
            .iter()
            .filter_map(|session| session.stars.map(|stars| stars.get()))
            .collect();
        recent_stars.reverse();
        Ok(Report::Sessions(Arc::new(Sessions {
            filter: filter.clone(),
            list: index.list(filter)?,
            total: index.count(&Filter::default())?,
            trigger: Some(self.workplace.trigger(index)?),
            recent_stars,
            damaged: damaged.to_vec(),
        })))
    }

    /// Looks at every session file, which takes too long at every key, and reports the last list once
    /// more if something had changed.
    pub(super) fn look_again(&self, listed: Option<Filter>) {
        let Some(filter) = listed else { return };
        // Who asked has been told what is wrong, if anything is.
        let changed = lock(&self.catalogue).look_closely().unwrap_or(false);
        if changed && let Ok(report) = self.list_sessions(&filter) {
            self.tell(report);
        }
    }

    pub(super) fn open_session(&self, id: &SessionId) -> Result<Report> {
        Ok(Report::Session(Box::new(logs::load(&self.workplace.home, id)?)))
    }

    pub(super) fn rate(&self, id: &SessionId, rating: &Rating) -> Result<Report> {
        let home = &self.workplace.home;
        // The file is the truth: an index that cannot even be opened does not lose the rating.
        let mut catalogue = lock(&self.catalogue);
        let (session, failure) = match catalogue.index() {
            Ok((index, _)) => {
                let rated = feedback::rate(home, index, id.as_str(), rating)?;
                (rated.session, rated.index_failure)
            }
            Err(error) => (feedback::save_rating(home, id.as_str(), rating)?, Some(error)),
        };
        // So that one's own rating is no news of another process.
        let failure = failure.or_else(|| catalogue.upsert(&session).err());
        if let Some(error) = failure {
            tracing::warn!("rated, but not in the index yet: {error}");
        }
        Ok(Report::Rated(Box::new(session)))
    }

    /// Rates one step; the action that would have been right may be written in any way that is JSON, or be
    /// a command alone where a command was run.
    pub(super) fn rate_step(&self, id: &SessionId, mut rating: StepRating) -> Result<Report> {
        if let Some(text) = rating.correction.take() {
            let text = text.trim();
            let action = match text.starts_with('{') {
                true => text.to_owned(),
                false => Action::new("shell", &[("command", text)]).to_json(),
            };
            rating.correction = Some(self.workplace.canonical_action(&action)?);
        }
        let session = feedback::save_step_rating(&self.workplace.home, id.as_str(), &rating)?;
        if let Err(error) = lock(&self.catalogue).upsert(&session) {
            tracing::warn!("rated, but not in the index yet: {error}");
        }
        Ok(Report::Rated(Box::new(session)))
    }

    /// Appends a corrected session to the home's own items, once.
    pub(super) fn add_to_set(&self, id: &SessionId) -> Result<Report> {
        let session = logs::load(&self.workplace.home, id)?;
        if session.is_act() {
            return Err(Error::Usage(format!(
                "{id} was carried out, not answered: its corrections are learned, and checked tasks \
                 (`kaizen tasks run`) judge them"
            )));
        }
        let record = session.kaizen.as_ref();
        let Some(correction) = record.and_then(|record| record.correction.clone()) else {
            return Err(Error::Usage(format!(
                "{id} has no corrected answer; an evaluation item needs the right one"
            )));
        };
        let path = self.workplace.own_set();
        let example = Example {
            id: id.to_string(),
            area: OWN_WORK.into(),
            messages: session.prompt(),
            answer: correction.answer,
            weight: 1.0,
            provenance: Provenance::Correction,
            check: None,
        };
        let present = self.workplace.own_examples()?;
        if let Some(other) =
            present.iter().find(|e| e.id == example.id || e.prompt() == example.prompt())
        {
            return Err(Error::Usage(format!("{} is in the set already, as {}", id, other.id)));
        }
        let line = serde_json::to_string(&example)
            .map_err(|e| Error::Usage(format!("the example cannot be stored: {e}")))?;
        atomic::append_line(&path, &line)?;
        Ok(Report::AddedToSet { session: id.clone(), set: path })
    }
}

#[cfg(test)]
mod tests {
    //! The desk with a real home, and no model.
    #![allow(clippy::unwrap_used)]

    use crate::driver::{Desk, Effect, Report, Sessions};
    use crate::feedback::{Rating, Trigger};
    use crate::store::{Filter, Issue, Message, Outcome, SessionId, Stars, atomic, logs};
    use crate::workplace::Workplace;
    use std::sync::mpsc::{Receiver, channel};
    use std::sync::{Arc, Mutex};

    struct Place {
        folder: tempfile::TempDir,
        desk: Desk,
        reports: Receiver<Report>,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let workplace = Workplace::open(folder.path(), None, None).unwrap();
            let (tell, reports) = channel();
            let tell = Mutex::new(tell);
            let tell = Arc::new(move |report| {
                let _ = tell.lock().unwrap().send(report);
            });
            Self { folder, desk: Desk::new(workplace, tell).unwrap(), reports }
        }

        fn session(&self, minute: u32, task: &str, answer: &str) -> SessionId {
            let home = crate::store::Home::open(self.folder.path()).unwrap();
            let at = format!("2026-11-08T{:02}:{:02}:00[UTC]", minute / 60, minute % 60);
            let mut session = logs::create_at(&home, task, &at.parse().unwrap()).unwrap();
            let record = session.record_mut();
            record.messages = vec![Message::system("Be brief."), Message::user(task)];
            record.answer = Some(answer.into());
            record.outcome = Some(Outcome::Finished);
            logs::save(&home, &session).unwrap();
            session.session_id
        }

        /// Asks for something and waits for what comes of it. Lists that come by themselves, because
        /// sessions were made behind the desk's back, are passed over.
        fn ask(&self, effect: Effect) -> Report {
            let wanted = match &effect {
                Effect::ListSessions(filter) => Some(filter.clone()),
                _ => None,
            };
            self.desk.perform(effect);
            loop {
                let told = self.reports.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
                match &told {
                    Report::Sessions(sessions) if Some(&sessions.filter) != wanted.as_ref() => {}
                    _ => return told,
                }
            }
        }

        fn list(&self, filter: Filter) -> Arc<Sessions> {
            match self.ask(Effect::ListSessions(filter)) {
                Report::Sessions(sessions) => sessions,
                other => panic!("{other:?}"),
            }
        }

        fn rate(&self, id: &SessionId, rating: Rating) -> Report {
            self.ask(Effect::Rate { session: id.clone(), rating })
        }
    }

    fn stars(number: i64) -> Rating {
        Rating::stars(Stars::try_from(number).unwrap())
    }

    fn corrected(number: i64, answer: &str) -> Rating {
        Rating { correction: Some(answer.into()), ..stars(number) }
    }

    // If this fails, the screen shows other sessions than there are on disk.
    #[test]
    fn lists_what_matches_with_figures_over_all() {
        let place = Place::new();
        assert_eq!(place.list(Filter::default()).total, 0);
        let ids: Vec<_> = (0..12).map(|n| place.session(n, &format!("task {n}"), "a")).collect();
        for (id, number) in ids.iter().zip([5, 5, 5, 4, 4, 3, 2, 2, 1, 1, 1]) {
            place.rate(id, stars(number));
        }
        std::fs::create_dir(place.folder.path().join("logs/broken")).unwrap();
        std::fs::write(place.folder.path().join("logs/broken/session.json"), "{").unwrap();
        let failed = Filter { at_most: Some(Stars::ALL[2]), ..Filter::default() };
        let sessions = place.list(failed.clone());
        assert_eq!((sessions.list.len(), sessions.total), (6, 12));
        assert_eq!(sessions.filter, failed);
        assert_eq!(sessions.list.first().map(|session| &session.id), ids.get(10));
        assert_eq!(sessions.recent_stars, [5, 5, 5, 4, 4, 3, 2, 2, 1, 1, 1]);
        assert!(matches!(sessions.trigger, Some(Trigger::Retrain { rated: 11, .. })));
        assert_eq!(sessions.damaged.len(), 1);
    }

    // If this fails, what was rated in another window is not seen until the dashboard is left.
    #[test]
    fn a_change_by_another_process_comes_without_being_asked_for() {
        let place = Place::new();
        let id = place.session(1, "t", "a");
        let good = Filter { at_least: Some(Stars::ALL[3]), ..Filter::default() };
        assert_eq!(place.list(good.clone()).list.len(), 0);
        let home = crate::store::Home::open(place.folder.path()).unwrap();
        crate::feedback::save_rating(&home, id.as_str(), &stars(5)).unwrap();
        let seen = || match place.reports.recv_timeout(std::time::Duration::from_secs(60)) {
            Ok(Report::Sessions(sessions)) => sessions,
            other => panic!("{other:?}"),
        };
        let sessions = seen();
        assert_eq!((sessions.filter.clone(), sessions.list.len()), (good.clone(), 1));
        // One's own rating is in the list at once, and is not told of twice.
        place.rate(&id, stars(4));
        assert_eq!(place.list(good).list[0].stars.map(Stars::get), Some(4));
        let quiet = place.reports.recv_timeout(std::time::Duration::from_secs(1));
        assert!(quiet.is_err(), "{quiet:?}");
    }

    // If this fails, the form says `saved` of what a restart does not find.
    #[test]
    fn what_is_reported_as_rated_is_on_disk() {
        let place = Place::new();
        let id = place.session(1, "count the files", "ls");
        let rest = Rating {
            issues: Some(vec![Issue::WrongAction]),
            comment: Some("only lists".into()),
            ..corrected(2, "ls | wc -l")
        };
        for rating in [stars(2), rest] {
            let Report::Rated(reported) = place.rate(&id, rating) else { panic!("not rated") };
            let home = crate::store::Home::open(place.folder.path()).unwrap();
            assert_eq!(*reported, logs::load(&home, &id).unwrap());
        }
        match place.ask(Effect::OpenSession(id)) {
            Report::Session(session) => {
                assert_eq!(session.metadata.feedback_comment.as_deref(), Some("only lists"));
                assert_eq!(session.kaizen.unwrap().correction.unwrap().answer, "ls | wc -l");
            }
            other => panic!("{other:?}"),
        }
    }

    // If this fails, a refused rating looks as if it had been saved, or names no reason.
    #[test]
    fn a_refused_rating_says_which_and_why() {
        let place = Place::new();
        let id = place.session(1, "t", "the answer");
        match place.rate(&id, corrected(1, "the answer")) {
            Report::RatingFailed { session, why } => {
                assert_eq!(session, id);
                assert!(why.contains("is the answer it gave"), "{why}");
            }
            other => panic!("{other:?}"),
        }
        let gone: SessionId = "session_20200101_000000".parse().unwrap();
        assert!(matches!(place.rate(&gone, stars(3)), Report::RatingFailed { .. }));
        match place.ask(Effect::OpenSession(gone)) {
            Report::Failed { what: "open the session", .. } => {}
            other => panic!("{other:?}"),
        }
    }

    // If this fails, a damaged index empties the list, or a person does not learn that it was made anew.
    #[test]
    fn a_damaged_index_is_made_anew_and_that_is_said() {
        let place = Place::new();
        let id = place.session(1, "t", "a");
        std::fs::write(place.folder.path().join("kaizen.db"), "this is no database ".repeat(99))
            .unwrap();
        match place.ask(Effect::ListSessions(Filter::default())) {
            Report::Recovered(words) => {
                assert!(words.contains("kept as kaizen.db.aside-"), "{words}");
                assert!(words.contains("1 session"), "{words}");
            }
            other => panic!("{other:?}"),
        }
        let told = place.reports.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        let Report::Sessions(listed) = told else { panic!("no list: {told:?}") };
        assert_eq!(listed.list[0].id, id);
    }

    // If this fails, an index that cannot be opened makes a person rate in vain.
    #[test]
    fn without_an_index_the_rating_is_saved_all_the_same() {
        let place = Place::new();
        let id = place.session(1, "t", "a");
        std::fs::create_dir(place.folder.path().join("kaizen.db")).unwrap();
        assert!(matches!(place.rate(&id, stars(4)), Report::Rated(_)));
        match place.ask(Effect::ListSessions(Filter::default())) {
            Report::Failed { what: "list the sessions", why } => {
                assert!(why.contains("kaizen.db"), "{why}");
            }
            other => panic!("{other:?}"),
        }
        let home = crate::store::Home::open(place.folder.path()).unwrap();
        assert_eq!(logs::load(&home, &id).unwrap().metadata.user_rating.map(Stars::get), Some(4));
    }

    // If this fails, a person's own work never becomes what adapters are judged by.
    #[test]
    fn a_corrected_session_becomes_an_evaluation_item_once() {
        let place = Place::new();
        let (first, again) =
            (place.session(1, "count the files", "ls"), place.session(2, "count the files", "ls"));
        let refused = |id: &SessionId, told: &str| match place.ask(Effect::AddToSet(id.clone())) {
            Report::Failed { why, .. } => assert!(why.contains(told), "{why}"),
            other => panic!("{other:?}"),
        };
        refused(&first, "has no corrected answer");
        for id in [&first, &again] {
            place.rate(id, corrected(1, "ls | wc -l"));
        }
        match place.ask(Effect::AddToSet(first.clone())) {
            Report::AddedToSet { session, set } => {
                assert_eq!(session, first);
                assert!(set.starts_with(place.folder.path()));
            }
            other => panic!("{other:?}"),
        }
        refused(&first, "is in the set already");
        refused(&again, "is in the set already");
        // What was written is read again as it was meant.
        let workplace = Workplace::open(place.folder.path(), None, None).unwrap();
        let examples = workplace.own_examples().unwrap();
        let [example] = examples.as_slice() else { panic!("{examples:?}") };
        assert_eq!(example.id, first.as_str());
        assert_eq!((example.area.as_str(), example.answer.as_str()), ("own-work", "ls | wc -l"));
        assert_eq!(
            example.messages,
            [Message::system("Be brief."), Message::user("count the files")]
        );
        // A set that somebody broke is not added to.
        atomic::append_line(&workplace.own_set(), "not JSON").unwrap();
        let other = place.session(3, "another", "x");
        place.rate(&other, corrected(1, "y"));
        refused(&other, "evaluation.jsonl");
    }
}

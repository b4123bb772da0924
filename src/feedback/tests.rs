//! A home with sessions in it, for the tests of this room.
#![allow(clippy::unwrap_used)]

use super::rating::{Rating, rate};
use crate::store::{Home, Index, Message, Outcome, SessionId, Stars, logs};

pub(super) struct Place {
    _folder: tempfile::TempDir,
    pub(super) home: Home,
    pub(super) index: Index,
}

pub(super) fn stars(number: i64) -> Stars {
    Stars::try_from(number).unwrap()
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let index = Index::open(&home).unwrap();
        Self { _folder: folder, home, index }
    }

    /// A finished session that began in the given minute.
    pub(super) fn session(&self, minute: u32, task: &str, answer: &str) -> SessionId {
        let at = format!("2025-11-08T20:{minute:02}:00[UTC]").parse().unwrap();
        let mut session = logs::create_at(&self.home, task, &at).unwrap();
        let record = session.record_mut();
        record.messages = vec![Message::user(task)];
        record.answer = Some(answer.into());
        record.outcome = Some(Outcome::Finished);
        record.model_hash = Some("model".into());
        logs::save(&self.home, &session).unwrap();
        self.index.upsert(&session).unwrap();
        session.session_id
    }

    pub(super) fn rate(&self, id: &SessionId, rating: &Rating) {
        rate(&self.home, &self.index, id.as_str(), rating).unwrap();
    }

    pub(super) fn rate_with(&self, id: &SessionId, number: i64, correction: Option<&str>) {
        let correction = correction.map(str::to_owned);
        self.rate(id, &Rating { correction, ..Rating::stars(stars(number)) });
    }

    pub(super) fn rated(
        &self,
        minute: u32,
        task: &str,
        answer: &str,
        number: i64,
        correction: Option<&str>,
    ) -> SessionId {
        let id = self.session(minute, task, answer);
        self.rate_with(&id, number, correction);
        id
    }
}

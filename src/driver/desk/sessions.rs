//! Sessions, ratings, and the home's own evaluation items.

use super::super::{Error, Report, Result, Sessions};
use super::Inner;
use crate::eval::{Example, Provenance};
use crate::feedback::{self, Rating, trigger};
use crate::store::{Filter, Index, SessionId, atomic, logs};
use std::sync::Arc;

/// The area of examples that come from a person's own sessions.
const OWN_WORK: &str = "own-work";

impl Inner {
    pub(super) fn list_sessions(&self, filter: &Filter) -> Result<Report> {
        let mut index = Index::open(&self.workplace.home)?;
        let damaged = index.refresh()?.damaged;
        let settings = feedback::Settings::from(&self.workplace.config.feedback);
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
            trigger: Some(trigger(&index, &settings)?),
            recent_stars,
            damaged,
        })))
    }

    pub(super) fn open_session(&self, id: &SessionId) -> Result<Report> {
        Ok(Report::Session(Box::new(logs::load(&self.workplace.home, id)?)))
    }

    pub(super) fn rate(&self, id: &SessionId, rating: &Rating) -> Result<Report> {
        let index = Index::open(&self.workplace.home)?;
        let rated = feedback::rate(&self.workplace.home, &index, id.as_str(), rating)?;
        if let Some(error) = &rated.index_failure {
            tracing::warn!("rated, but not in the index yet: {error}");
        }
        Ok(Report::Rated(Box::new(rated.session)))
    }

    /// Appends a corrected session to the home's own items, once.
    pub(super) fn add_to_set(&self, id: &SessionId) -> Result<Report> {
        let session = logs::load(&self.workplace.home, id)?;
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

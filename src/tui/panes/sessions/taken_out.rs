//! The list as it is filtered, to be taken out.

use super::{SessionsPane, list, view};
use crate::report::{Table, TakenOut};
use crate::store::{plain, plain_line};
use crate::tui::pane::Shared;

impl SessionsPane {
    pub(super) fn taken(&self, shared: &Shared) -> Option<TakenOut> {
        let sessions = list(&self.listed);
        if sessions.is_empty() {
            return None;
        }
        let mut table = Table::new(&[
            "session",
            "began",
            "stars",
            "issues",
            "task",
            "comment",
            "arm",
            "outcome",
            "corrected",
        ]);
        for session in sessions {
            let issues: Vec<&str> = session.issues.iter().map(|issue| issue.slug()).collect();
            let yes = if session.corrected { "yes" } else { "no" };
            table.push([
                session.id.to_string(),
                plain_line(&session.started),
                session.stars.map(|stars| stars.get().to_string()).unwrap_or_default(),
                plain_line(&issues.join(" ")),
                plain(&session.task),
                session.comment.as_deref().map(plain).unwrap_or_default(),
                view::arm(session, shared),
                session.outcome.as_deref().map(plain_line).unwrap_or_default(),
                yes.to_owned(),
            ]);
        }
        Some(TakenOut::of_table("sessions", table))
    }
}

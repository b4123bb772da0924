//! What can go wrong with ratings and the material made from them.

use crate::store;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),

    #[error(
        "the corrected answer for {session} is empty; write what the right answer would have been"
    )]
    EmptyCorrection { session: store::SessionId },

    #[error(
        "the corrected answer for {session} is the answer it gave; if that was right, leave the correction out"
    )]
    UnchangedAnswer { session: store::SessionId },

    #[error(
        "{session} has no step {step}: {}",
        if *steps == 0 { "it is no task that was carried out".to_owned() } else { format!("it has {steps}") }
    )]
    NoSuchStep { session: store::SessionId, step: u64, steps: usize },

    #[error(
        "the action for step {step} of {session} is the one that was done; if it was right, leave the correction out"
    )]
    UnchangedAction { session: store::SessionId, step: u64 },

    #[error("{}", too_few(*failed_rating, *failed, *corrected, *contradicting, *needed, waiting))]
    TooFewCorrections {
        failed_rating: u8,
        /// Sessions rated so low.
        failed: usize,
        /// Those of them that have a correction.
        corrected: usize,
        /// Those of them whose corrections contradict each other.
        contradicting: usize,
        needed: usize,
        /// Failed sessions without a correction, newest first.
        waiting: Vec<store::SessionId>,
    },
}

/// One line: what is needed, what there is, what is missing and how to give it.
fn too_few(
    failed_rating: u8,
    failed: usize,
    corrected: usize,
    contradicting: usize,
    needed: usize,
    waiting: &[store::SessionId],
) -> String {
    let missing = needed.saturating_sub(corrected.saturating_sub(contradicting));
    let are = if failed == 1 { "is" } else { "are" };
    let mut line = format!(
        "training on failures needs {needed} failed sessions ({failed_rating} stars or fewer) with a \
         corrected answer: there {are} {failed} failed, {corrected} of them corrected"
    );
    if contradicting > 0 {
        line += &format!(" ({contradicting} of these contradict each other and cannot be used)");
    }
    line += &format!("; {missing} more needed: ");
    line += "`kaizen rate SESSION STARS --answer FILE` gives one";
    let named = 3;
    if !waiting.is_empty() {
        let ids: Vec<&str> = waiting.iter().take(named).map(|id| id.as_str()).collect();
        line += &format!(", for example for {}", ids.join(", "));
    }
    line
}

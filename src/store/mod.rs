//! Files and the index over them. Owns how things are written (atomically, then synced), the session
//! file and the SQLite index; knows nothing of models, training or what a rating leads to.

mod act;
pub mod atomic;
pub mod clock;
pub mod database;
mod documents;
mod error;
pub mod folder;
mod home;
mod import;
mod index;
mod issue;
pub mod logs;
mod message;
mod process_lock;
mod record;
mod session;
mod session_id;
mod stars;
mod terminal_text;

pub use act::{
    ActEnding, ActRecord, Approval, ChangeKind, CheckRecord, DemonstratedStep, Demonstration,
    DemonstrationFrom, FileChange, StepFeedback, StepResult,
};
pub use documents::Documents;
pub use error::{Error, Result};
pub use home::Home;
pub use import::{ImportReport, import};
pub use index::{AdapterRow, ArmStars, Catalogue, Filter, Index, Refreshed, SessionSummary};
pub use issue::{Issue, NotAnIssue};
pub use logs::Skipped;
pub use message::{Message, Role, ToolCall};
pub use process_lock::{Attempt, Holder, ProcessLock};
pub use record::{
    BetterAnswer, BetterFrom, Correction, Generation, ImportedFrom, Outcome, RatingEntry, Record,
};
pub use session::{Iteration, Metadata, Session};
pub use session_id::SessionId;
pub use stars::{NotStars, Stars};
pub use terminal_text::{PlainStream, plain, plain_line};

//! Files and the index over them. Owns how things are written (atomically, then synced) and the
//! SQLite index; knows nothing of models, training or what a rating means.

mod message;

pub use message::{Message, Role};

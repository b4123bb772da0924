//! (room being furnished)
pub mod source;

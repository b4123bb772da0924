//! Commands of act mode, run for real: each attempt to get out is first seen to fail in the sandbox and
//! then to succeed without it, so that it is known to be an attempt.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod files;
mod limits;
mod network;
mod place;
mod processes;

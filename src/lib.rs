//! Kaizen makes a small local language model better at a person's own work, from their own ratings.
//!
//! The crate is a library with a thin binary. Its rooms are listed from the top of the house to
//! the ground; a room imports only from rooms below it (`tests/house.rs` fails otherwise).
#![deny(unsafe_code)]

pub mod adapters;
pub mod cli;
pub mod config;
pub mod driver;
pub mod eval;
pub mod experiments;
pub mod feedback;
pub mod improve;
pub mod kernels;
pub mod model;
pub mod report;
pub mod runtime;
pub mod sandbox;
pub mod store;
pub mod tasks;
pub mod train;
pub mod tui;
pub mod workplace;

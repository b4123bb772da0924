//! The command line end to end: the real binary, in a home of its own, on the real default model.
#![allow(clippy::unwrap_used)]

mod acting;
mod adapters;
mod bad_files;
mod bad_input;
mod benching;
mod comparing;
mod corrections;
mod demo;
mod detaching;
mod doctor;
mod escapes;
mod evaluating;
mod exporting;
mod improving;
mod interrupting;
mod kaizen;
mod models;
mod rating;
mod resuming;
mod running;
mod scoring;
mod serving;
mod sessions;
mod tokenizing;
mod training;
mod usage;

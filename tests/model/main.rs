//! Proofs of model, runtime and training against PyTorch and PEFT, on the real model. If one of these
//! fails, a person's model says, scores or learns something else than its file and their data mean.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod acting;
mod adapter_folder;
mod conversations;
mod exporting;
mod failed_tasks;
mod fixture;
mod generating;
mod gradients;
mod improving;
mod learning_curve;
mod limits;
mod queue;
mod resuming;
mod scoring;
mod steps;
mod watching;
mod weak;

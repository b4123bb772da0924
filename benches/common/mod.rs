//! What several benches share.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../tests/common/model_file.rs"]
mod model_file;
pub mod random;

use kaizen::config::Precision;
use kaizen::kernels::Team;
use kaizen::model::Model;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::process::{Command, Stdio};

/// With the work as JSON after it: this process is one row's.
const CHILD: &str = "--measure";

/// One thread for each core, as the model thread has them by default.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub fn team() -> Team {
    Team::new(threads()).unwrap()
}

/// The default model, found as the tests find it, with its weights as the file has them.
pub fn model() -> Model {
    let file = model_file::model_file();
    let name = file.path.file_stem().unwrap().to_string_lossy();
    Model::load(&file.path, &name, &file.sha256, Precision::Quantised, |_| ()).unwrap()
}

/// A bench whose rows are measured in processes of their own: `parent` gets the part of a row's name that
/// chooses, `child` one row's work as JSON.
pub fn rows_apart(name: &str, parent: impl Fn(&str), child: impl Fn(&str)) {
    let mut arguments = std::env::args().skip(1);
    let (mut filter, mut benching) = (String::new(), false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            CHILD => return child(&arguments.next().unwrap()),
            "--bench" => benching = true,
            other if !other.starts_with("--") => filter = argument,
            _ => {}
        }
    }
    match benching {
        true => parent(&filter),
        // As a test it would take minutes and prove nothing.
        false => eprintln!("run me by `cargo bench --bench {name}`"),
    }
}

/// Measures in a process of its own; none where that did not come to its end.
pub fn measured_apart<T: DeserializeOwned>(work: &impl Serialize) -> Option<T> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([CHILD, &serde_json::to_string(work).unwrap()])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

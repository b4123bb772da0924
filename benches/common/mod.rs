//! What several benches share.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../tests/common/model_file.rs"]
mod model_file;
pub mod random;

use kaizen::config::Precision;
use kaizen::kernels::Team;
use kaizen::model::Model;

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

//! The default model's file, found the way a user's is: plain `cargo test` on a fresh machine fetches it.

use kaizen::config::Config;
use kaizen::model::source::{ModelFile, ModelFiles, Silent};
use std::sync::OnceLock;

/// The model under test: the file that `KAIZEN_TEST_MODEL` names, else the configured default.
pub fn model_file() -> &'static ModelFile {
    static FILE: OnceLock<ModelFile> = OnceLock::new();
    FILE.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        let named = std::env::var("KAIZEN_TEST_MODEL").ok();
        let files = ModelFiles::for_user(home.path()).unwrap();
        files.locate(&Config::default().model, named.as_deref(), &Silent).unwrap()
    })
}

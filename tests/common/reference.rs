//! The reference values: all of them where the folder is, and the small copy that comes with the code.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of reference values: `KAIZEN_REFERENCE`, else the one beside the checkout if it is there.
pub fn reference() -> Option<PathBuf> {
    beside("KAIZEN_REFERENCE", "reference")
}

/// The folder of public data sets: `KAIZEN_DATA`, else the one beside the checkout if it is there.
pub fn data() -> Option<PathBuf> {
    beside("KAIZEN_DATA", "data")
}

fn beside(variable: &str, name: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name))
            .filter(|folder| folder.exists()),
    }
}

/// A file of the small copy.
pub fn small(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The values of a JSON Lines file.
pub fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The reference's lines where it is there, else the small copy's.
pub fn reference_lines(name: &str) -> Vec<Value> {
    lines(&reference().map_or_else(|| small(name), |folder| folder.join(name)))
}

pub fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

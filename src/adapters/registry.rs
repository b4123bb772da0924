//! Versions `adapters/lora-v1`, `lora-v2`, … and how one is added, as a whole or not at all.

use super::history::{History, State, states};
use super::{Error, Result};
use crate::model::Model;
use crate::model::adapter::{AdapterFolder, AdapterMetadata, LoadedAdapter};
use crate::model::lora::Lora;
use serde::Serialize;
use std::path::{Path, PathBuf};

const PREFIX: &str = "lora-v";

/// One line of the list of adapters.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AdapterSummary {
    pub name: String,
    pub state: State,
    /// The base model's name, where it is known.
    pub base: Option<String>,
    /// RFC 3339, where it is known.
    pub created: Option<String>,
    pub parent: Option<String>,
    pub examples: Option<usize>,
    pub last_loss: Option<f64>,
    /// SHA-256 over the training examples, where it is known.
    pub data_sha256: Option<String>,
    /// SHA-256 of the base model's file, where it is known.
    pub base_sha256: Option<String>,
    /// The gate's verdict in the last comparison with base.
    pub verdict: Option<String>,
    /// The same over the person's own corrections that were held back.
    pub own_work: Option<String>,
    /// Why it cannot be used, if it cannot.
    pub damaged: Option<String>,
}

impl AdapterSummary {
    /// Whether it was trained for the model with this checksum, or of this name where one of the checksums
    /// is not known; none where it does not say for which.
    pub fn belongs_to(&self, sha256: Option<&str>, name: Option<&str>) -> Option<bool> {
        match (&self.base_sha256, sha256) {
            (Some(own), Some(sha256)) => Some(own == sha256),
            _ => Some(self.base.as_deref()? == name?),
        }
    }
}

/// The adapters of one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    folder: PathBuf,
}

impl Registry {
    /// The registry over a home's `adapters/`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// All versions, oldest first.
    ///
    /// # Errors
    /// When the folder or the history cannot be read.
    pub fn list(&self) -> Result<Vec<AdapterSummary>> {
        let mut versions = self.versions()?;
        versions.sort_unstable();
        let states = states(&self.history().changes()?);
        let state = |name: &str| states.get(name).copied().unwrap_or(State::Candidate);
        Ok(versions
            .into_iter()
            .map(|version| format!("{PREFIX}{version}"))
            .map(|name| self.summary(&name, state(&name)))
            .collect())
    }

    /// Who answers, and how that changed.
    pub fn history(&self) -> History {
        History::new(&self.folder)
    }

    fn summary(&self, name: &str, state: State) -> AdapterSummary {
        let read = AdapterFolder::new(self.folder.join(name)).metadata();
        let (metadata, damaged) = match read {
            Ok(metadata) => (metadata, None),
            Err(error) => (None, Some(error.to_string())),
        };
        AdapterSummary {
            name: name.to_owned(),
            state,
            base: metadata.as_ref().map(|m| m.base.name.clone()),
            base_sha256: metadata.as_ref().map(|m| m.base.sha256.clone()),
            created: metadata.as_ref().map(|m| m.created.clone()),
            parent: metadata.as_ref().and_then(|m| m.parent.clone()),
            examples: metadata.as_ref().map(|m| m.examples.values().sum()),
            last_loss: metadata.as_ref().and_then(|m| m.losses.last().copied()),
            data_sha256: metadata.as_ref().map(|m| m.data_sha256.clone()),
            verdict: metadata.as_ref().and_then(|m| verdict(m.evaluation.as_ref())),
            own_work: metadata.as_ref().and_then(|m| verdict(m.own_work.as_ref())),
            damaged,
        }
    }

    /// The folder of a version.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn folder(&self, name: &str) -> Result<AdapterFolder> {
        let path = self.folder.join(name);
        if version_of(name).is_none() || !path.is_dir() {
            let mut versions = self.versions().unwrap_or_default();
            versions.sort_unstable();
            let known = match versions.last() {
                Some(last) => format!(" (the newest is {PREFIX}{last})"),
                None => " (there are none yet: `kaizen train` makes one)".into(),
            };
            return Err(Error::Unknown { name: name.to_owned(), known });
        }
        Ok(AdapterFolder::new(path))
    }

    /// The version that a run became, by the run's name and its data.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of_run(&self, run: &str, data_sha256: &str) -> Result<Option<String>> {
        let mut versions = self.versions()?;
        versions.sort_unstable_by(|a, b| b.cmp(a));
        let is_of_run = |name: &String| {
            let metadata = AdapterFolder::new(self.folder.join(name)).metadata().ok().flatten();
            metadata.is_some_and(|metadata| {
                metadata.run.as_deref() == Some(run) && metadata.data_sha256 == data_sha256
            })
        };
        Ok(versions.into_iter().map(|version| format!("{PREFIX}{version}")).find(is_of_run))
    }

    /// Loads a version for `model`, making sure that it changes what the model says.
    ///
    /// # Errors
    /// An unknown name, or whatever [`AdapterFolder::load`] refuses, or an adapter without effect.
    pub fn load(&self, name: &str, model: &Model) -> Result<LoadedAdapter> {
        let folder = self.folder(name)?;
        let loaded = folder.load(model)?;
        require_effect(&folder, &loaded.lora, model)?;
        Ok(loaded)
    }

    /// Adds an adapter under the next free version; the folder appears complete or not at all.
    ///
    /// # Errors
    /// When the home cannot be written.
    pub fn add(
        &self,
        lora: &Lora,
        metadata: Option<&AdapterMetadata>,
        model: &Model,
    ) -> Result<String> {
        let staging = tempfile::Builder::new()
            .prefix(".incoming-")
            .tempdir_in(&self.folder)
            .map_err(|e| self.cannot_write(e))?;
        AdapterFolder::new(staging.path()).write(lora, metadata, model)?;
        let staged = staging.keep();
        // What is known of one that was removed must not be said of the next one.
        let changes = History::new(&self.folder).changes().unwrap_or_default();
        let past = changes.iter().filter_map(|change| version_of(&change.adapter));
        let mut version = self.versions()?.into_iter().chain(past).max().unwrap_or(0);
        loop {
            version += 1;
            let name = format!("{PREFIX}{version}");
            let target = self.folder.join(&name);
            // Another process may take the same version between the look and the rename; renaming
            // onto a folder that is not empty fails, and the next version is tried.
            match std::fs::rename(&staged, &target) {
                Ok(()) => {
                    crate::store::atomic::sync_folder(&self.folder)?;
                    return Ok(name);
                }
                Err(_) if target.exists() => {}
                Err(e) => {
                    let _ = std::fs::remove_dir_all(&staged);
                    return Err(self.cannot_write(e));
                }
            }
        }
    }

    /// Takes an adapter from elsewhere, checked against `model`; returns its name here and what the
    /// person should know.
    ///
    /// # Errors
    /// A folder that is no adapter, or one that does not fit the model or changes nothing.
    pub fn import(&self, from: &Path, model: &Model) -> Result<(String, Vec<String>)> {
        if !from.join("adapter_config.json").is_file() {
            return Err(Error::NotAnAdapter(from.to_owned()));
        }
        let folder = AdapterFolder::new(from);
        let loaded = folder.load(model)?;
        require_effect(&folder, &loaded.lora, model)?;
        let name = self.add(&loaded.lora, loaded.metadata.as_ref(), model)?;
        Ok((name, loaded.warnings))
    }

    fn versions(&self) -> Result<Vec<u64>> {
        let entries = std::fs::read_dir(&self.folder)
            .map_err(|e| crate::store::Error::io("list the adapters in", &self.folder, e))?;
        Ok(entries
            .filter_map(|entry| version_of(&entry.ok()?.file_name().to_string_lossy()))
            .collect())
    }

    fn cannot_write(&self, error: std::io::Error) -> Error {
        crate::store::Error::io("write an adapter in", &self.folder, error).into()
    }
}

fn verdict(comparison: Option<&serde_json::Value>) -> Option<String> {
    Some(comparison?.get("verdict")?.as_str()?.to_owned())
}

fn require_effect(folder: &AdapterFolder, lora: &Lora, model: &Model) -> Result<()> {
    match model.effect_of(lora)? > 0.0 {
        true => Ok(()),
        false => Err(Error::NoEffect(folder.path().to_owned())),
    }
}

/// The number behind `lora-v`.
fn version_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    (!digits.starts_with(['0', '+'])).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn only_plain_version_names_are_adapters() {
        assert_eq!(version_of("lora-v12"), Some(12));
        for name in [
            "lora-v",
            "lora-v0",
            "lora-v01",
            "lora-v+1",
            "lora-vx",
            "../lora-v1",
            "base",
            ".incoming-1",
        ] {
            assert_eq!(version_of(name), None, "{name}");
        }
    }
}

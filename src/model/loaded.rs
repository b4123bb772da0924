//! A model ready for work: network, tokenizer and chat template of one file, and who it is.

use super::adapter::BaseModel;
use super::chat_template::ChatTemplate;
use super::grammar::{GrammarCompiler, GrammarError};
use super::lora::Lora;
use super::network::Network;
use super::tokenizer::Tokenizer;
use super::{Result, StoredModel};
use crate::config::{DeviceChoice, Precision};
use crate::kernels::Buffer;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Everything that one model file gives. Shared by all jobs; never changed.
#[derive(Debug)]
pub struct Model {
    pub network: Network,
    pub tokenizer: Tokenizer,
    pub template: ChatTemplate,
    identity: BaseModel,
    file: PathBuf,
    /// Logits after the probe of [`effect_of`](Self::effect_of), computed at its first use.
    probe: OnceLock<Buffer>,
    /// Made at the first use of [`grammars`](Self::grammars).
    grammars: OnceLock<std::result::Result<GrammarCompiler, GrammarError>>,
}

impl Model {
    /// Reads a GGUF file; `sha256` is that of the file, `loaded` is told the share done.
    ///
    /// # Errors
    /// A file that is damaged or that Kaizen does not support, named with what it is.
    pub fn load(
        path: &Path,
        name: &str,
        sha256: &str,
        precision: Precision,
        loaded: impl FnMut(f32),
    ) -> Result<Self> {
        let stored = StoredModel::open(path)?;
        // First: what kind of model it is explains whatever else is unfamiliar in it.
        stored.architecture()?;
        let tokenizer = stored.tokenizer()?;
        let template = stored.template(&tokenizer)?;
        let network = Network::load(&stored, precision, loaded)?;
        let identity = BaseModel {
            name: name.to_owned(),
            sha256: sha256.to_owned(),
            template_sha256: template.hash(),
        };
        let file = path.to_owned();
        let (probe, grammars) = (OnceLock::new(), OnceLock::new());
        Ok(Self { network, tokenizer, template, identity, file, probe, grammars })
    }

    /// The same model, computing on the chosen device.
    ///
    /// # Errors
    /// As [`Network::onto`].
    pub fn onto(self, device: DeviceChoice) -> Result<Self> {
        Ok(Self { network: self.network.onto(device)?, probe: OnceLock::new(), ..self })
    }

    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// The file that it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Name and hashes, as adapters and sessions store them.
    pub fn identity(&self) -> &BaseModel {
        &self.identity
    }

    /// Makes grammars that answers keep to.
    ///
    /// # Errors
    /// When the model has no token that ends a turn.
    pub fn grammars(&self) -> std::result::Result<&GrammarCompiler, GrammarError> {
        let vocabulary = self.network.architecture().vocabulary;
        let made = self.grammars.get_or_init(|| GrammarCompiler::new(&self.tokenizer, vocabulary));
        made.as_ref().map_err(Clone::clone)
    }

    /// The greatest change of a logit that an adapter makes on a short probe; 0 means that it is
    /// not applied or does nothing.
    ///
    /// # Errors
    /// When the vocabulary is too small for the probe.
    pub fn effect_of(&self, lora: &Lora) -> Result<f32> {
        let count = self.network.architecture().vocabulary.min(8) as u32;
        let probe: Vec<u32> = (0..count).collect();
        let last = [probe.len() - 1];
        let logits = |lora| -> Result<Buffer> {
            let hidden =
                self.network.read(lora, &probe, std::slice::from_ref(&(0..probe.len())))?;
            self.network.logits(&hidden, &last)
        };
        let base = match self.probe.get() {
            Some(base) => base,
            None => {
                let base = logits(None)?;
                self.probe.get_or_init(|| base)
            }
        };
        let adapted = logits(Some(lora))?;
        Ok(base.iter().zip(adapted.iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max))
    }
}

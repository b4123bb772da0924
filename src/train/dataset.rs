//! Examples as the model sees them: token ids, and which of them are learned.

use super::{Error, Result};
use crate::eval::Example;
use crate::model::Model;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;

/// One example, tokenised by the model's own chat template.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub id: String,
    pub ids: Vec<u32>,
    /// The places that are trained: the answer and its end-of-turn token, never the prompt.
    pub trained: Range<usize>,
    pub weight: f64,
}

/// An example that is too long to be trained on whole. Cutting it would teach an answer without its
/// end, or one to another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub id: String,
    pub tokens: usize,
}

/// What a run learns from.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub samples: Vec<Sample>,
    pub left_out: Vec<LeftOut>,
    /// The examples behind `samples`, as the run folder keeps them.
    pub examples: Vec<Example>,
}

impl Dataset {
    /// Tokenises `examples`; those longer than `max_seq` are left out.
    ///
    /// # Errors
    /// When the chat template cannot take an example, or none remains.
    pub fn new(examples: Vec<Example>, model: &Model, max_seq: usize) -> Result<Self> {
        if examples.is_empty() {
            return Err(Error::NothingToTrainOn("no examples were given".into()));
        }
        let longest = max_seq.min(model.network.architecture().context);
        let (mut samples, mut left_out, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for example in examples {
            let answered = model.template.encode_answered(
                &model.tokenizer,
                &example.messages,
                &example.answer,
            )?;
            if answered.ids.len() > longest {
                left_out.push(LeftOut { id: example.id, tokens: answered.ids.len() });
                continue;
            }
            let trained = answered.answer_start.max(1)..answered.ids.len();
            samples.push(Sample {
                id: example.id.clone(),
                ids: answered.ids,
                trained,
                weight: example.weight,
            });
            kept.push(example);
        }
        if samples.is_empty() {
            return Err(Error::NothingToTrainOn(format!(
                "all {} examples are longer than {longest} tokens; raise --max-seq",
                left_out.len()
            )));
        }
        Ok(Self { samples, left_out, examples: kept })
    }

    /// Tokens of one epoch, prompts included.
    pub fn tokens(&self) -> usize {
        self.samples.iter().map(|s| s.ids.len()).sum()
    }

    /// Trained tokens of one epoch.
    pub fn trained_tokens(&self) -> usize {
        self.samples.iter().map(|s| s.trained.len()).sum()
    }

    /// How many examples came from where.
    pub fn by_provenance(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for example in &self.examples {
            *counts.entry(example.provenance.as_str().to_owned()).or_insert(0) += 1;
        }
        counts
    }

    /// SHA-256 over what is trained, in order.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for sample in &self.samples {
            hash.update((sample.ids.len() as u64).to_le_bytes());
            hash.update((sample.trained.start as u64).to_le_bytes());
            hash.update(sample.weight.to_le_bytes());
            for id in &sample.ids {
                hash.update(id.to_le_bytes());
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

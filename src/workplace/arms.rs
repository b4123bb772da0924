//! The arm that answers: by choice or by routing, loaded once and kept, so that changing between adapters
//! is a matter of milliseconds. The base model stays as it is.

use super::{ArmChoice, Event, Result, Seen, Workplace, service};
use crate::adapters::{BASE, Draw};
use crate::model::lora::Lora;
use crate::runtime::Runtime;
use crate::tasks::{Arm, any_seed};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Adapters that are kept in memory, the last used one at the end; one of rank 16 of the default model
/// takes 19 MiB.
const KEPT: usize = 4;

/// Loaded adapters.
#[derive(Debug, Default)]
pub(super) struct KnownAdapters(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    name: String,
    /// Of its weights' file: an adapter that was replaced by hand is loaded again.
    changed: Option<SystemTime>,
    model_sha256: String,
    lora: Arc<Lora>,
}

impl Workplace {
    /// The arm that answers: by choice, or drawn by the routing. What routing leads to but cannot answer
    /// (an adapter that is damaged) is taken out of service at once, and base answers.
    ///
    /// # Errors
    /// A chosen adapter that is not there or does not fit the model, or a history that cannot be read.
    pub fn arm(&self, choice: &ArmChoice, runtime: &Runtime, seen: Seen) -> Result<Arm> {
        match choice {
            ArmChoice::Base => Ok(Arm::base()),
            ArmChoice::Adapter(name) if name == BASE => Ok(Arm::base()),
            ArmChoice::Adapter(name) => {
                Ok(Arm::chosen(name, Some(self.lora(name, runtime, seen)?)))
            }
            ArmChoice::Auto => {
                let draw = self.registry().history().routing()?.draw(random());
                self.drawn(draw, runtime, seen)
            }
        }
    }

    /// The arm that was drawn.
    fn drawn(&self, draw: Draw, runtime: &Runtime, seen: Seen) -> Result<Arm> {
        let Draw { adapter, probability, number } = draw;
        let arm =
            |name: &str, lora| Arm { name: name.to_owned(), lora, probability, draw: Some(number) };
        if adapter == BASE {
            return Ok(arm(BASE, None));
        }
        if let Some(other) = self.other_base(&adapter, runtime)? {
            // Another model was chosen for now; the adapter has done nothing wrong.
            seen(Event::Note(format!("{adapter} was trained for {other}, so base answers")));
            return Ok(Arm::base());
        }
        match self.lora(&adapter, runtime, seen) {
            Ok(lora) => Ok(arm(&adapter, Some(lora))),
            Err(error) => {
                let change = service::withdraw(self, &adapter, &error.to_string())?;
                if let Some(change) = change {
                    seen(Event::Note(format!("{adapter} was rolled back: {}", change.reason)));
                }
                Ok(Arm::base())
            }
        }
    }

    /// The base that an adapter was trained for, where that is known and not the loaded model.
    fn other_base(&self, adapter: &str, runtime: &Runtime) -> Result<Option<String>> {
        let Ok(folder) = self.registry().folder(adapter) else { return Ok(None) };
        let base = folder.metadata().ok().flatten().map(|metadata| metadata.base);
        let loaded = &runtime.model().identity().sha256;
        Ok(base.filter(|base| base.sha256 != *loaded).map(|base| base.name))
    }

    /// An adapter's parameters, from memory where they are there.
    fn lora(&self, name: &str, runtime: &Runtime, seen: Seen) -> Result<Arc<Lora>> {
        let registry = self.registry();
        let weights = registry.folder(name)?.path().join("adapter_model.safetensors");
        let changed = std::fs::metadata(&weights).and_then(|file| file.modified()).ok();
        let model_sha256 = &runtime.model().identity().sha256;
        let mut known = self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |k: &Known| k.name == name && k.changed == changed && k.model_sha256 == *model_sha256;
        if let Some(place) = known.iter().position(same) {
            let found = known.remove(place);
            let lora = found.lora.clone();
            known.push(found);
            return Ok(lora);
        }
        let loaded = registry.load(name, runtime.model())?;
        for warning in loaded.warnings {
            seen(Event::Note(warning));
        }
        let lora = Arc::new(loaded.lora);
        known.retain(|known| known.name != name);
        if known.len() >= KEPT {
            known.remove(0);
        }
        known.push(Known {
            name: name.to_owned(),
            changed,
            model_sha256: model_sha256.clone(),
            lora: lora.clone(),
        });
        Ok(lora)
    }
}

/// A number in [0, 1) that differs from task to task.
fn random() -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(any_seed());
    (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

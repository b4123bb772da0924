//! The one loaded model, waiting for it, and putting another in its place.

use super::super::{ModelFacts, ModelReport, Report};
use super::{Inner, cancelled, caught, lock};
use crate::runtime::Runtime;
use crate::workplace::Error;
use crate::workplace::{Event, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Loading,
    Ready(Runtime),
    Failed(String),
    /// The desk closes.
    GivenUp,
}

/// Filled by one, waited for by many.
#[derive(Default)]
pub(super) struct ModelSlot {
    slot: Mutex<Slot>,
    changed: Condvar,
}

impl ModelSlot {
    /// Waits until the model is there; ends early when `switch` is thrown.
    pub(super) fn wait(&self, switch: &AtomicBool) -> Result<Runtime> {
        let mut slot = lock(&self.slot);
        loop {
            match &*slot {
                Slot::GivenUp => return Err(cancelled()),
                _ if switch.load(Ordering::Relaxed) => return Err(cancelled()),
                Slot::Ready(runtime) => return Ok(runtime.clone()),
                Slot::Failed(why) => {
                    return Err(Error::Usage(format!("there is no model to do this with: {why}")));
                }
                Slot::Empty | Slot::Loading => {
                    slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Lets waiting work look at its switch.
    pub(super) fn wake(&self) {
        let _held = lock(&self.slot);
        self.changed.notify_all();
    }

    pub(super) fn give_up(&self) {
        *lock(&self.slot) = Slot::GivenUp;
        self.changed.notify_all();
    }

    /// True for the one caller that is to load it.
    pub(super) fn claim(&self) -> bool {
        let mut slot = lock(&self.slot);
        let free = matches!(*slot, Slot::Empty | Slot::Failed(_));
        if free {
            *slot = Slot::Loading;
        }
        free
    }

    /// Takes the present model out, for the caller that is to load another; says why that cannot be.
    pub(super) fn empty(&self) -> std::result::Result<(), &'static str> {
        let taken = {
            let mut slot = lock(&self.slot);
            match &*slot {
                Slot::Loading => return Err("one is being loaded; wait for it"),
                Slot::GivenUp => return Err("Kaizen is ending"),
                Slot::Empty | Slot::Failed(_) | Slot::Ready(_) => {}
            }
            std::mem::replace(&mut *slot, Slot::Loading)
        };
        // Its thread ends first, and its memory is free before the next one needs it.
        drop(taken);
        Ok(())
    }

    fn fill(&self, with: Slot) {
        let mut slot = lock(&self.slot);
        if !matches!(*slot, Slot::GivenUp) {
            *slot = with;
        }
        self.changed.notify_all();
    }
}

const USE: &str = "use another model";
const AT_WORK: &str = "the present one is at work; wait for that, or stop it first";

impl Inner {
    pub(super) fn list_models(&self) {
        match caught(|| self.workplace.model_list()) {
            Ok(Ok(list)) => self.tell(Report::Models(Arc::new(list))),
            Ok(Err(error)) => self.failed("list the models", &error.to_string()),
            Err(why) => self.failed("list the models", &why),
        }
    }

    /// Makes a model the default and loads it, unless the present one is needed.
    pub(super) fn use_model(&self, name: &str) {
        if !lock(&self.switches).is_empty() || !lock(&self.prepared).is_empty() {
            return self.failed(USE, AT_WORK);
        }
        let chosen = match caught(|| self.workplace.choose_default(name)) {
            Ok(Ok(chosen)) => chosen,
            Ok(Err(error)) => return self.failed(USE, &error.to_string()),
            Err(why) => return self.failed(USE, &why),
        };
        {
            // Held while the slot is emptied: work that is asked for now waits for the new model.
            let switches = lock(&self.switches);
            let busy = if switches.is_empty() { None } else { Some(AT_WORK) };
            if let Some(why) = busy.or_else(|| self.model.empty().err()) {
                drop(switches);
                let why =
                    format!("{} is the default from the next start on, but {why}", chosen.name);
                return self.failed(USE, &why);
            }
        }
        *lock(&self.chosen) = Some(chosen.model());
        self.tell(Report::ModelChosen { name: chosen.name, config_file: chosen.config_file });
        self.load_model();
    }

    /// For whoever claimed the slot.
    pub(super) fn load_model(&self) {
        let loaded = caught(|| {
            let seen = &mut |event| match event {
                Event::Source(event) => self.tell(Report::Model(ModelReport::Source(event))),
                Event::Loading(share) => self.tell(Report::Model(ModelReport::Loading(share))),
                Event::Note(text) => self.tell(Report::Model(ModelReport::Note(text))),
                Event::Measuring { .. } | Event::Train(_) => {}
            };
            let chosen = lock(&self.chosen).clone();
            match chosen {
                Some(name) => self.workplace.runtime_of(&name, seen),
                None => self.workplace.runtime(seen),
            }
        });
        let loaded = match loaded {
            Ok(Ok(runtime)) => Ok(runtime),
            Ok(Err(error)) => Err(error.to_string()),
            Err(why) => Err(why),
        };
        match loaded {
            Ok(runtime) => {
                let model = runtime.model();
                let architecture = model.network.architecture();
                let facts = ModelFacts {
                    name: model.name().to_owned(),
                    sha256: model.identity().sha256.clone(),
                    layers: architecture.layers,
                    context: architecture.context,
                };
                self.model.fill(Slot::Ready(runtime));
                self.tell(Report::Model(ModelReport::Ready(facts)));
            }
            Err(why) => {
                tracing::error!("{why}");
                self.model.fill(Slot::Failed(why.clone()));
                self.tell(Report::Model(ModelReport::Failed(why)));
            }
        }
    }
}

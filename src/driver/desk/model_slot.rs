//! The one loaded model, and waiting for it.

use super::super::{ModelFacts, ModelReport, Report};
use super::{Inner, cancelled, caught, lock};
use crate::runtime::Runtime;
use crate::workplace::Error;
use crate::workplace::{Event, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

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

/// Filled once, waited for by many.
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

    fn fill(&self, with: Slot) {
        let mut slot = lock(&self.slot);
        if !matches!(*slot, Slot::GivenUp) {
            *slot = with;
        }
        self.changed.notify_all();
    }
}

impl Inner {
    /// For whoever claimed the slot.
    pub(super) fn load_model(&self) {
        let loaded = caught(|| {
            self.workplace.runtime(&mut |event| match event {
                Event::Source(event) => self.tell(Report::Model(ModelReport::Source(event))),
                Event::Loading(share) => self.tell(Report::Model(ModelReport::Loading(share))),
                Event::Measuring { .. } | Event::Train(_) | Event::Note(_) => {}
            })
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

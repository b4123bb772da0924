//! Leaving a run that trains here to a process of its own, which goes on after this one.

use super::super::Report;
use super::{Inner, caught, lock};
use crate::store::plain_line;
use crate::train::RunFolder;
use crate::workplace::{Begun, Error, Result, start_in_background};
use std::sync::atomic::Ordering;
use std::time::Duration;

const WHAT: &str = "go on in the background";

/// How often the end of the training here is looked for, and how often that of its thread.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 50;

impl Inner {
    /// Pauses the run here, starts the process, and tells of it when it works.
    pub(super) fn leave_training(&self, name: &str) {
        match caught(|| self.handed_over(name)) {
            Ok(Ok(Some(process))) => {
                self.tell(Report::InBackground { run: name.to_owned(), process });
            }
            // Kaizen ends: the run is paused, as it is by every end.
            Ok(Ok(None)) => {}
            Ok(Err(error)) => self.failed(WHAT, &error.to_string()),
            Err(why) => self.failed(WHAT, &why),
        }
    }

    fn handed_over(&self, name: &str) -> Result<Option<u32>> {
        let run = RunFolder::find(&self.workplace.home.runs(), name)?;
        while run.trainer().is_some() {
            if self.closing.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if !run.is_asked_to_pause() {
                run.ask_to_pause()?;
            }
            std::thread::sleep(LOOK);
        }
        if let Some(adapter) = run.record()?.adapter {
            return Err(Error::Usage(format!("{name} has just come to its end as {adapter}")));
        }
        for _ in 0..LOOKS {
            if lock(&self.switches).is_empty() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        // There may not be memory for the model twice. Whatever else is at work keeps it.
        let emptied = {
            let switches = lock(&self.switches);
            switches.is_empty() && self.model.empty().is_ok()
        };
        let started = self.start_training_process(name);
        if emptied && started.is_err() {
            self.load_model();
        }
        started.map(Some)
    }

    fn start_training_process(&self, name: &str) -> Result<u32> {
        let model = lock(&self.chosen).clone().or_else(|| self.workplace.model.clone());
        let mut arguments = self.workplace.flags(model.as_deref());
        arguments.extend(["train", "--quiet", "--detached", "--resume", name].map(Into::into));
        let background = start_in_background(arguments)
            .map_err(|error| Error::Usage(format!("no process can be started: {error}")))?;
        match background.begun {
            Begun::Working { process, .. } => Ok(process),
            Begun::Ended(status) => {
                let error = background.remarks.lines().rfind(|line| line.starts_with("error: "));
                let why = error.map_or_else(|| status.to_string(), plain_line);
                Err(Error::Usage(format!("the process ended at once ({why}); the run is paused")))
            }
        }
    }
}

//! Jobs, their order, and the thread that runs them a slice at a time.

use super::{Conversations, Error};
use crate::kernels::{Buffer, Team};
use crate::model::Model;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

/// Who goes first; jobs of one priority take turns, a slice each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Training,
    Measuring,
    /// A person is waiting for the words.
    Person,
}

/// What one slice of a job came to.
#[derive(Debug)]
pub enum Step<T> {
    More,
    Done(T),
}

/// Work for the model thread, done in slices of one token or one micro-batch, so that a job of
/// higher priority, or a cancellation, never waits for longer.
pub trait Job: Send + 'static {
    type Event: Send;
    type Output: Send;
    type Error: Send + From<Error>;

    fn priority(&self) -> Priority;

    /// Does the next slice.
    fn step(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(Self::Event),
    ) -> Result<Step<Self::Output>, Self::Error>;

    /// Called instead of the next step when somebody cancelled: keeps what is worth keeping and
    /// returns what there is.
    fn cancel(
        &mut self,
        model: &Model,
        emit: &mut dyn FnMut(Self::Event),
    ) -> Result<Self::Output, Self::Error>;
}

/// What comes back from a job.
#[derive(Debug)]
pub enum Update<E, T, F> {
    Event(E),
    Ended(Ending<T, F>),
}

/// How a job ended.
#[derive(Debug)]
pub enum Ending<T, F> {
    Finished(T),
    Cancelled(T),
    Failed(F),
}

type UpdateOf<J> = Update<<J as Job>::Event, <J as Job>::Output, <J as Job>::Error>;

/// A job under way.
pub struct Running<J: Job> {
    updates: Receiver<UpdateOf<J>>,
    cancel: Arc<AtomicBool>,
}

impl<J: Job> Running<J> {
    /// A switch that ends the job after its current slice; may be thrown from anywhere.
    pub fn canceller(&self) -> Arc<AtomicBool> {
        self.cancel.clone()
    }

    /// Waits for the next update; `None` once the job has ended.
    pub fn next(&self) -> Option<UpdateOf<J>> {
        self.updates.recv().ok()
    }

    /// Waits for the end, handing each event to `seen`.
    pub fn wait(self, mut seen: impl FnMut(J::Event)) -> Ending<J::Output, J::Error> {
        while let Ok(update) = self.updates.recv() {
            match update {
                Update::Event(event) => seen(event),
                Update::Ended(ending) => return ending,
            }
        }
        Ending::Failed(Error::Stopped("it is gone".into()).into())
    }
}

/// The model thread and the way to it. Clones share the thread; it ends after its current slice when
/// the last of them is dropped.
#[derive(Clone)]
pub struct Runtime {
    model: Arc<Model>,
    // Dropped before `thread`: the thread ends when nobody can send it jobs.
    jobs: Sender<Box<dyn Task>>,
    cancel: Option<Arc<AtomicBool>>,
    threads: usize,
    conversations: Conversations,
    _thread: Arc<Thread>,
}

/// Waits for the thread when dropped.
struct Thread(Option<JoinHandle<()>>);

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Runtime {
    /// Starts the thread with a team of `threads` (0: one per core).
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(model: Arc<Model>, threads: usize) -> Result<Self, Error> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let team = Team::new(threads).map_err(|e| Error::Stopped(e.to_string()))?;
        let (jobs, received) = mpsc::channel();
        let shared = model.clone();
        let thread = std::thread::Builder::new()
            .name("model".into())
            .spawn(move || team.lead(|| serve(&shared, &received)))
            .map_err(|e| Error::Stopped(e.to_string()))?;
        Ok(Self {
            model,
            jobs,
            cancel: None,
            threads,
            conversations: Conversations::default(),
            _thread: Arc::new(Thread(Some(thread))),
        })
    }

    /// The same thread, with one switch for every job submitted through this clone: a piece of work
    /// made of many jobs can be cancelled as a whole.
    pub fn cancelled_by(&self, switch: Arc<AtomicBool>) -> Self {
        Self { cancel: Some(switch), ..self.clone() }
    }

    /// Threads of the team that computes; results depend on it in their last digits.
    pub fn threads(&self) -> usize {
        self.threads
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// What is still known of the texts written for a person on this thread.
    pub fn conversations(&self) -> &Conversations {
        &self.conversations
    }

    /// Queues a job.
    pub fn submit<J: Job>(&self, job: J) -> Running<J> {
        let (updates, received) = mpsc::channel();
        let cancel = self.cancel.clone().unwrap_or_default();
        let task = Box::new(Submitted { job, updates, cancel: cancel.clone() });
        // A thread that is gone drops the task and with it the sender: the caller sees the end.
        let _ = self.jobs.send(task);
        Running { updates: received, cancel }
    }

    /// Runs a job to its end and returns what it gave.
    ///
    /// # Errors
    /// What the job failed with, or [`Error::Cancelled`].
    pub fn run<J: Job>(&self, job: J, seen: impl FnMut(J::Event)) -> Result<J::Output, J::Error> {
        match self.submit(job).wait(seen) {
            Ending::Finished(output) => Ok(output),
            Ending::Cancelled(_) => Err(Error::Cancelled.into()),
            Ending::Failed(error) => Err(error),
        }
    }
}

/// A job without its types.
trait Task: Send {
    fn priority(&self) -> Priority;
    /// Does one slice; true when the job has ended.
    fn advance(&mut self, model: &Model) -> bool;
}

struct Submitted<J: Job> {
    job: J,
    updates: Sender<UpdateOf<J>>,
    cancel: Arc<AtomicBool>,
}

impl<J: Job> Task for Submitted<J> {
    fn priority(&self) -> Priority {
        self.job.priority()
    }

    fn advance(&mut self, model: &Model) -> bool {
        let Self { job, updates, cancel } = self;
        let slice = catch_unwind(AssertUnwindSafe(|| {
            let mut emit = |event| {
                let _ = updates.send(Update::Event(event));
            };
            if cancel.load(Ordering::Relaxed) {
                return Some(match job.cancel(model, &mut emit) {
                    Ok(output) => Ending::Cancelled(output),
                    Err(error) => Ending::Failed(error),
                });
            }
            match job.step(model, &mut emit) {
                Ok(Step::More) => None,
                Ok(Step::Done(output)) => Some(Ending::Finished(output)),
                Err(error) => Some(Ending::Failed(error)),
            }
        }));
        let ending = slice.unwrap_or_else(|panic| {
            let what = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_else(|| "a panic".into());
            Some(Ending::Failed(Error::Stopped(what).into()))
        });
        match ending {
            None => false,
            Some(ending) => {
                let _ = updates.send(Update::Ended(ending));
                true
            }
        }
    }
}

fn serve(model: &Model, received: &Receiver<Box<dyn Task>>) {
    let mut tasks: Vec<Box<dyn Task>> = Vec::new();
    loop {
        if tasks.is_empty() {
            // What the last job needed is not held while nobody works.
            Buffer::release_unused();
            match received.recv() {
                Ok(task) => tasks.push(task),
                Err(_) => return,
            }
        }
        loop {
            match received.try_recv() {
                Ok(task) => tasks.push(task),
                Err(mpsc::TryRecvError::Empty) => break,
                // Nobody is left to read results.
                Err(mpsc::TryRecvError::Disconnected) => return,
            }
        }
        let mut first = 0;
        for (i, task) in tasks.iter().enumerate() {
            if task.priority() > tasks[first].priority() {
                first = i;
            }
        }
        let mut task = tasks.remove(first);
        if !task.advance(model) {
            tasks.push(task);
        }
    }
}

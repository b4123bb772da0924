//! The desk: does what effects say, each on a thread of its own or, where only files are touched, one
//! after another on the file thread; what happens comes back as reports. Whoever asks never waits.
//!
//! Owns threads, cancellation and the one loaded model. Knows nothing of screens.

mod acting;
mod asking;
mod comparing;
mod exporting;
mod improving;
mod leaving;
mod model_slot;
mod owning;
mod serving;
mod sessions;
mod training;
mod watching;
mod weak;

pub use acting::shown_step;
pub use owning::refusal;

use super::{ActDecision, Effect, Report, WorkEvent, WorkId};
use crate::runtime::Runtime;
use crate::store::Catalogue;
use crate::tasks::Arm;
use crate::workplace::replay::Choice as PairChoice;
use crate::workplace::{ArmChoice, Error, Event, Prepared, Result, Workplace, service};
use model_slot::ModelSlot;
use owning::Ownership;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use watching::Change;

/// A quiet moment: longer than between two keys of somebody who types.
const QUIET: Duration = Duration::from_millis(250);

/// Where reports go.
pub type Tell = Arc<dyn Fn(Report) + Send + Sync>;

/// Executes effects for one home.
pub struct Desk {
    inner: Arc<Inner>,
    /// Effects that only touch files, done in the order they were asked for.
    files: Option<Sender<Errand>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Closed to end the watching of the home.
    watching: Mutex<Option<Sender<()>>>,
}

/// What the file thread is given.
enum Errand {
    Effect(Effect),
    /// Another process changed something: it is listed again.
    Changed(Change),
}

/// What all threads of the desk share.
struct Inner {
    workplace: Workplace,
    tell: Tell,
    ownership: Mutex<Ownership>,
    /// The desk closes: nothing new is begun.
    closing: AtomicBool,
    /// The index, kept open.
    catalogue: Mutex<Catalogue>,
    model: ModelSlot,
    /// The model that was chosen since the start, as `--model` takes it.
    chosen: Mutex<Option<String>>,
    /// The switches of the pieces of work under way.
    switches: Mutex<HashMap<WorkId, Arc<AtomicBool>>>,
    /// Training that was prepared and waits for a word.
    prepared: Mutex<HashMap<WorkId, Prepared>>,
    /// Where the judgements of replays go.
    judgements: Mutex<HashMap<WorkId, Sender<Option<PairChoice>>>>,
    /// Where what is said of actions goes.
    decisions: Mutex<HashMap<WorkId, Sender<ActDecision>>>,
}

impl Desk {
    /// A desk for a home; `tell` is called from many threads.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new(workplace: Workplace, tell: Tell) -> std::io::Result<Self> {
        let inner = Arc::new(Inner {
            catalogue: Mutex::new(Catalogue::new(&workplace.home)),
            ownership: Mutex::new(Ownership::of(&workplace.home)),
            closing: AtomicBool::new(false),
            workplace,
            tell,
            model: ModelSlot::default(),
            chosen: Mutex::default(),
            switches: Mutex::default(),
            prepared: Mutex::default(),
            judgements: Mutex::default(),
            decisions: Mutex::default(),
        });
        let (files, received) = mpsc::channel();
        let clerk = inner.clone();
        let thread = std::thread::Builder::new().name("files".into()).spawn(move || {
            let mut listed = None;
            // There is something to look at closely, once nothing else is asked.
            let mut left = false;
            loop {
                // One effect that breaks must not take the later ones, ratings among them, with it.
                let done = match next(&received, left) {
                    Next::Errand(Errand::Effect(effect)) => {
                        if let Effect::ListSessions(filter) = &effect {
                            listed = Some(filter.clone());
                            left = true;
                        }
                        caught(|| clerk.touch_files(effect))
                    }
                    Next::Errand(Errand::Changed(Change::Sessions)) => {
                        left = listed.is_some();
                        Ok(())
                    }
                    Next::Errand(Errand::Changed(Change::Runs)) => {
                        caught(|| clerk.touch_files(Effect::ListRuns))
                    }
                    Next::Errand(Errand::Changed(Change::Adapters)) => {
                        caught(|| clerk.touch_files(Effect::ListAdapters))
                    }
                    Next::Errand(Errand::Changed(Change::Experiments)) => {
                        caught(|| clerk.touch_files(Effect::ListExperiments))
                    }
                    Next::Quiet => {
                        left = false;
                        caught(|| clerk.look_again(listed.clone()))
                    }
                    Next::End => break,
                };
                if let Err(why) = done {
                    clerk.failed("do what was asked", &why);
                }
            }
        })?;
        Ok(Self {
            inner,
            files: Some(files),
            threads: Mutex::new(vec![thread]),
            watching: Mutex::default(),
        })
    }

    /// Starts doing what `effect` says and returns at once.
    pub fn perform(&self, effect: Effect) {
        if let Some(owner) = self.inner.owner_elsewhere()
            && !effect.only_looks()
        {
            return self.inner.refuse(&effect, owner);
        }
        match effect {
            Effect::WatchHome => self.watch_home(),
            Effect::LeaveTraining(run) => {
                self.thread("leave", move |inner| inner.leave_training(&run));
            }
            Effect::Cancel(work) => self.inner.cancel(work),
            // Claimed here, so that work asked for next waits for this attempt.
            Effect::LoadModel => {
                if self.inner.model.claim() {
                    // Not waited for at the end: a download may take long, and is safe to leave.
                    drop(self.spawn("load", Inner::load_model));
                }
            }
            Effect::ListModels => self.thread("models", Inner::list_models),
            Effect::UseModel(name) => {
                // As loading it, which it ends with.
                drop(self.spawn("load", move |inner| inner.use_model(&name)));
            }
            Effect::Ask { work, task } => {
                self.work(work, "ask", move |inner, job| inner.ask(job, task));
            }
            Effect::FindWeak { work, set, arm } => {
                self.work(work, "weak", move |inner, job| inner.find_weak(job, &set, &arm));
            }
            Effect::LookAtTokens { work, example, arm } => {
                self.work(work, "tokens", move |inner, job| {
                    inner.look_at_tokens(job, &example, &arm)
                });
            }
            Effect::PrepareTraining { work, material } => {
                self.work(work, "prepare", move |inner, job| inner.prepare_training(job, material));
            }
            Effect::StartTraining(work) => {
                self.work(work, "train", |inner, job| inner.start_training(job));
            }
            Effect::ResumeTraining { work, run } => {
                self.work(work, "train", move |inner, job| inner.resume_training(job, &run));
            }
            Effect::Judge { work, a, b, set } => {
                self.work(work, "judge", move |inner, job| inner.judge(job, &a, &b, &set));
            }
            Effect::CompareFailed { work, a, b } => {
                self.work(work, "failed", move |inner, job| inner.compare_failed(job, &a, &b));
            }
            Effect::JudgeOwnWork { work, a, b } => {
                self.work(work, "judge", move |inner, job| inner.judge_own_work(job, &a, &b));
            }
            Effect::Replay { work, reference, candidate } => {
                // Made here, so that no judgement comes before somebody listens.
                let (said, judgements) = mpsc::channel();
                lock(&self.inner.judgements).insert(work, said);
                self.work(work, "replay", move |inner, job| {
                    let ended = inner.replay(job, &reference, &candidate, &judgements);
                    lock(&inner.judgements).remove(&job.id);
                    ended
                });
            }
            Effect::JudgePair { work, choice } => {
                if let Some(said) = lock(&self.inner.judgements).get(&work) {
                    let _ = said.send(choice);
                }
            }
            Effect::Act { work, task } => {
                let (said, decisions) = mpsc::channel();
                lock(&self.inner.decisions).insert(work, said);
                self.work(work, "act", move |inner, job| {
                    let ended = inner.act(job, &task, &decisions);
                    lock(&inner.decisions).remove(&job.id);
                    ended
                });
            }
            Effect::Decide { work, decision } => {
                if let Some(said) = lock(&self.inner.decisions).get(&work) {
                    let _ = said.send(decision);
                }
            }
            Effect::Export { what, path, replace } => {
                self.thread("export", move |inner| inner.export(what, path, replace));
            }
            Effect::Improve { work, order } => {
                self.work(work, "improve", move |inner, job| inner.improve(job, &order));
            }
            Effect::ResumeRound { work, round } => {
                self.work(work, "improve", move |inner, job| inner.resume_round(job, &round));
            }
            Effect::RunExperiment { work, order } => {
                self.work(work, "experiment", move |inner, job| inner.experiment(job, &order));
            }
            Effect::ResumeExperiment { work, experiment } => {
                self.work(work, "experiment", move |inner, job| {
                    inner.resume_experiment(job, &experiment)
                });
            }
            Effect::ListSessions(_)
            | Effect::OpenSession(_)
            | Effect::Rate { .. }
            | Effect::RateStep { .. }
            | Effect::AddToSet(_)
            | Effect::ListRuns
            | Effect::DiscardTraining(_)
            | Effect::AbandonRun(_)
            | Effect::PauseRun(_)
            | Effect::ListAdapters
            | Effect::RateArms
            | Effect::Service { .. }
            | Effect::Promote(_)
            | Effect::Canary(_)
            | Effect::RollBack
            | Effect::Progress
            | Effect::ListExperiments
            | Effect::OpenSentinels { .. } => {
                if let Some(files) = &self.files {
                    let _ = files.send(Errand::Effect(effect));
                }
            }
        }
    }

    /// Says whose home it is, and looks from now on for what other processes do in it.
    fn watch_home(&self) {
        self.inner.tell_owner();
        let Some(files) = self.files.clone() else { return };
        let (watching, end) = mpsc::channel();
        *lock(&self.watching) = Some(watching);
        self.thread("watch", move |inner| {
            inner.watch_home(&end, &|change| {
                let _ = files.send(Errand::Changed(change));
            });
        });
    }

    /// Ends every piece of work after its current slice, and returns when all that is worth keeping
    /// (checkpoints, sessions, ratings) is on disk.
    pub fn close(mut self) {
        self.inner.closing.store(true, Ordering::Relaxed);
        lock(&self.watching).take();
        for switch in lock(&self.inner.switches).values() {
            switch.store(true, Ordering::Relaxed);
        }
        self.inner.model.give_up();
        self.files = None;
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            let _ = thread.join();
        }
        self.inner.discard_all_training();
    }

    /// A piece of work: a thread, a switch, and exactly one final report.
    fn work(
        &self,
        work: WorkId,
        name: &str,
        run: impl FnOnce(&Inner, &Work) -> Result<WorkEvent> + Send + 'static,
    ) {
        let switch = Arc::new(AtomicBool::new(false));
        lock(&self.inner.switches).insert(work, switch.clone());
        self.thread(name, move |inner| {
            let job = Work { id: work, switch, tell: inner.tell.clone() };
            let event = match caught(|| run(inner, &job)) {
                Ok(Ok(event)) => event,
                Ok(Err(_)) if job.is_cancelled() => WorkEvent::Cancelled,
                Ok(Err(error)) => {
                    tracing::error!("{error}");
                    WorkEvent::Failed(error.to_string())
                }
                Err(why) => WorkEvent::Failed(why),
            };
            lock(&inner.switches).remove(&work);
            job.tell(event);
        });
    }

    /// A thread that [`close`](Self::close) waits for.
    fn thread(&self, name: &str, run: impl FnOnce(&Inner) + Send + 'static) {
        let spawned = self.spawn(name, run);
        let mut threads = lock(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.extend(spawned);
    }

    fn spawn(
        &self,
        name: &str,
        run: impl FnOnce(&Inner) + Send + 'static,
    ) -> Option<JoinHandle<()>> {
        let inner = self.inner.clone();
        let spawned = std::thread::Builder::new().name(name.into()).spawn(move || run(&inner));
        spawned.map_err(|error| self.inner.failed("start a thread", &error.to_string())).ok()
    }
}

/// What the file thread has to do next.
enum Next {
    Errand(Errand),
    /// Nothing was asked for a while.
    Quiet,
    End,
}

/// Waits for the next effect; where something is left for a quiet moment, not for long.
fn next(received: &Receiver<Errand>, left: bool) -> Next {
    if !left {
        return received.recv().map_or(Next::End, Next::Errand);
    }
    match received.recv_timeout(QUIET) {
        Ok(errand) => Next::Errand(errand),
        Err(RecvTimeoutError::Timeout) => Next::Quiet,
        Err(RecvTimeoutError::Disconnected) => Next::End,
    }
}

/// A piece of work under way, as its own thread sees it.
struct Work {
    id: WorkId,
    switch: Arc<AtomicBool>,
    tell: Tell,
}

impl Work {
    fn is_cancelled(&self) -> bool {
        self.switch.load(Ordering::Relaxed)
    }

    fn tell(&self, event: WorkEvent) {
        (self.tell)(Report::Work { work: self.id, event });
    }

    fn progress(&self, event: Event) {
        self.tell(WorkEvent::Progress(event));
    }
}

impl Inner {
    fn tell(&self, report: Report) {
        (self.tell)(report);
    }

    fn failed(&self, what: &'static str, why: &str) {
        tracing::error!(what, why);
        self.tell(Report::Failed { what, why: why.to_owned() });
    }

    fn cancel(&self, work: WorkId) {
        if let Some(switch) = lock(&self.switches).get(&work) {
            switch.store(true, Ordering::Relaxed);
            self.model.wake();
        }
    }

    /// The loaded model, whose every job for `work` ends when the work is cancelled. Waits until it is
    /// there.
    fn runtime(&self, work: &Work) -> Result<Runtime> {
        let runtime = self.model.wait(&work.switch)?;
        work.tell(WorkEvent::Started);
        Ok(runtime.cancelled_by(work.switch.clone()))
    }

    fn arm(&self, choice: &ArmChoice, runtime: &Runtime, work: &Work) -> Result<Arm> {
        self.workplace.arm(choice, runtime, &mut |event| work.progress(event))
    }

    /// Does one effect that needs no model.
    fn touch_files(&self, effect: Effect) {
        let (what, result) = match effect {
            Effect::ListSessions(filter) => ("list the sessions", self.list_sessions(&filter)),
            Effect::OpenSession(id) => ("open the session", self.open_session(&id)),
            Effect::Rate { session, rating } => {
                match self.rate(&session, &rating) {
                    Ok(report) => self.tell(report),
                    Err(error) => {
                        let why = error.to_string();
                        return self.tell(Report::RatingFailed { session, why });
                    }
                }
                // The rating is told as saved first; what follows from it may take its time.
                return self.routed(service::review(&self.workplace));
            }
            Effect::RateStep { session, rating } => match self.rate_step(&session, rating) {
                Ok(report) => ("rate the step", Ok(report)),
                Err(error) => {
                    let why = error.to_string();
                    return self.tell(Report::RatingFailed { session, why });
                }
            },
            Effect::AddToSet(id) => ("add to the evaluation set", self.add_to_set(&id)),
            Effect::ListRuns => ("list the runs", self.list_runs()),
            Effect::DiscardTraining(work) => return self.discard_training(work),
            Effect::AbandonRun(run) => ("give up the run", self.abandon_run(&run)),
            Effect::PauseRun(run) => ("pause the run", self.pause_run(&run)),
            Effect::ListAdapters => ("list the adapters", self.list_adapters()),
            Effect::RateArms => ("average the ratings", self.rate_arms()),
            Effect::Service { candidate } => {
                ("look at the adapters in service", self.service(candidate.as_deref()))
            }
            Effect::Promote(adapter) => ("promote the adapter", self.promote(&adapter)),
            Effect::Canary(adapter) => ("make it a canary", self.canary(&adapter)),
            Effect::RollBack => ("roll back", self.roll_back()),
            Effect::Progress => ("look at the progress", self.progress()),
            Effect::ListExperiments => ("list the experiments", self.list_experiments()),
            Effect::OpenSentinels { round, area } => {
                ("open the sentinels", self.open_sentinels(&round, &area))
            }
            // Whatever needs the model has a thread of its own.
            _ => return,
        };
        let recovered = lock(&self.catalogue).take_recovered();
        for words in recovered.into_iter().chain(self.workplace.take_remarks()) {
            self.tell(Report::Recovered(words));
        }
        match result {
            Ok(report) => self.tell(report),
            Err(error) => self.failed(what, &error.to_string()),
        }
    }
}

/// Runs `work`; a panic in it becomes words, so that whoever waits for its end is told.
fn caught<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        format!("it stopped unexpectedly ({what}); kaizen.log has more, nothing saved is lost")
    })
}

/// A panic elsewhere never takes the desk down with it: what a mutex guards here is whole at all times.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cancelled() -> Error {
    crate::runtime::Error::Cancelled.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::driver::Effect;
    use crate::store::Filter;

    fn desk() -> (tempfile::TempDir, Desk, mpsc::Receiver<Report>) {
        let folder = tempfile::tempdir().unwrap();
        let (told, reports) = mpsc::channel();
        let workplace = Workplace::open(folder.path(), None, None).unwrap();
        let tell = move |report| {
            let _ = told.send(report);
        };
        (folder, Desk::new(workplace, Arc::new(tell)).unwrap(), reports)
    }

    // If this fails, a pane waits for ever for work that broke, and later ratings are not saved.
    #[test]
    fn work_that_breaks_is_reported_and_the_desk_goes_on() {
        let (_folder, desk, reports) = desk();
        desk.work(WorkId(7), "broken", |_, _| panic!("for a test"));
        let Report::Work { work: WorkId(7), event: WorkEvent::Failed(why) } =
            reports.recv().unwrap()
        else {
            panic!("it was not reported")
        };
        assert!(why.contains("for a test") && why.contains("kaizen.log"), "{why}");
        desk.perform(Effect::ListSessions(Filter::default()));
        assert!(matches!(reports.recv().unwrap(), Report::Sessions(_)));
        desk.close();
    }

    // If this fails, choosing a model pulls it from under an answer or a training.
    #[test]
    fn another_model_is_refused_while_the_present_one_is_needed() {
        let (folder, desk, reports) = desk();
        let (go, wait) = mpsc::channel::<()>();
        desk.work(WorkId(1), "busy", move |_, _| {
            let _ = wait.recv();
            Err(cancelled())
        });
        desk.perform(Effect::UseModel("sources".into()));
        let Report::Failed { what: "use another model", why } = reports.recv().unwrap() else {
            panic!("it was not refused")
        };
        assert!(why.contains("at work"), "{why}");
        assert!(!folder.path().join("config.toml").exists(), "a refusal changes nothing");
        drop(go);
        desk.close();
    }

    // If this fails, quitting hangs while a task waits for a model that never comes.
    #[test]
    fn work_that_waits_for_the_model_ends_when_it_is_cancelled_or_the_desk_closes() {
        let (_folder, desk, reports) = desk();
        let task = crate::driver::AskTask {
            messages: vec![crate::store::Message::user("hello")],
            arm: ArmChoice::Base,
            retry_of: None,
            follows: None,
            seed: None,
        };
        for number in [1, 2] {
            desk.perform(Effect::Ask { work: WorkId(number), task: task.clone() });
        }
        desk.perform(Effect::Cancel(WorkId(1)));
        let ended = |number| {
            matches!(reports.recv().unwrap(), Report::Work { work, event: WorkEvent::Cancelled }
                if work == WorkId(number))
        };
        assert!(ended(1));
        desk.close();
        assert!(ended(2) || reports.try_recv().is_err());
    }
}

//! The threads that compute together: a region of tasks is opened, every thread that is awake takes
//! tasks until none is left, and the leader goes on.
//!
//! A pass through a small model opens hundreds of regions, some of a few microseconds, so opening one
//! must not wake anybody: workers spin for a moment between regions and sleep only after that. The
//! leader never waits for a worker that has not begun: on a busy machine it does the tasks itself.
//! Which thread does a task changes no result, because every task computes its own places alone.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a worker looks for the next region before it sleeps.
const SPIN: Duration = Duration::from_micros(300);

/// A leader's helpers. Dropped, it ends them.
pub struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

type Task<'a> = dyn Fn(usize) + Sync + 'a;

struct Shared {
    /// `region << 32 | open << 31 | workers inside`.
    state: AtomicU64,
    /// The region's task, as a pointer to the leader's `&Task`.
    task: AtomicPtr<()>,
    count: AtomicUsize,
    next: AtomicUsize,
    sleeping: AtomicUsize,
    ending: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;

thread_local! {
    static TEAM: RefCell<Option<Arc<Installed>>> = const { RefCell::new(None) };
    /// This thread is doing a task: a region opened now is done by it alone.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// What the leader's thread knows of its team.
struct Installed {
    shared: Arc<Shared>,
    sleepers: Vec<std::thread::Thread>,
}

impl Team {
    /// A team of `threads` in all, the leader among them.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            task: AtomicPtr::new(std::ptr::null_mut()),
            count: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            sleeping: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let mut team = Self { shared, workers: Vec::new() };
        for i in 1..threads {
            let shared = team.shared.clone();
            let worker = std::thread::Builder::new().name(format!("model-{i}"));
            team.workers.push(worker.spawn(move || shared.work())?);
        }
        Ok(team)
    }

    /// Threads, the leader among them.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `work` on this thread as the team's leader: its kernels share their work with the team.
    pub fn lead<R>(&self, work: impl FnOnce() -> R) -> R {
        let installed = Arc::new(Installed {
            shared: self.shared.clone(),
            sleepers: self.workers.iter().map(|worker| worker.thread().clone()).collect(),
        });
        let before = TEAM.replace(Some(installed));
        struct Restore(Option<Arc<Installed>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                TEAM.set(self.0.take());
            }
        }
        let _restore = Restore(before);
        work()
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker's panic was handed to the leader when it happened.
            let _ = worker.join();
        }
    }
}

/// Threads that share a region opened on this thread.
pub fn threads() -> usize {
    if BUSY.get() {
        return 1;
    }
    TEAM.with_borrow(|team| team.as_ref().map_or(1, |team| team.sleepers.len() + 1))
}

/// Runs `task(0)` to `task(count - 1)`, each once, in any order, on the team that this thread leads
/// (without one, or within a task: on this thread), and returns when all are done.
///
/// # Panics
/// With the panic of a task, after all threads have left the region.
pub fn for_each_task(count: usize, task: impl Fn(usize) + Sync) {
    let team = match count > 1 && !BUSY.get() {
        true => TEAM.with_borrow(Clone::clone).filter(|team| !team.sleepers.is_empty()),
        false => None,
    };
    match team {
        Some(team) => team.region(count, &task),
        None => (0..count).for_each(task),
    }
}

/// Hands out `values` in chunks of `len` (the last may be shorter) with their index, each to one task.
pub fn for_each_chunk<T: Send>(
    values: &mut [T],
    len: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    struct Start<T>(*mut T);
    // SAFETY: every task makes one slice from it, and no two of them overlap.
    unsafe impl<T: Send> Sync for Start<T> {}
    let (start, all) = (Start(values.as_mut_ptr()), values.len());
    let start = &start;
    for_each_task(all.div_ceil(len), |index| {
        let first = index * len;
        // SAFETY: chunk `index` of a slice that is borrowed until all tasks are done; each index is
        // handed to one task.
        let chunk =
            unsafe { std::slice::from_raw_parts_mut(start.0.add(first), len.min(all - first)) };
        work(index, chunk);
    });
}

impl Installed {
    fn region(&self, count: usize, task: &Task) {
        let shared = &*self.shared;
        shared.count.store(count, Ordering::Relaxed);
        shared.next.store(0, Ordering::Relaxed);
        shared.task.store((&raw const task).cast_mut().cast(), Ordering::Relaxed);
        let region = (shared.state.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        shared.state.store((region & 0xffff_ffff) << 32 | OPEN, Ordering::SeqCst);
        if shared.sleeping.load(Ordering::SeqCst) > 0 {
            self.sleepers.iter().for_each(std::thread::Thread::unpark);
        }
        // Also when a task panics here, nobody may be left inside when `task` ends.
        struct Close<'a>(&'a Shared);
        impl Drop for Close<'_> {
            fn drop(&mut self) {
                self.0.state.fetch_and(!OPEN, Ordering::SeqCst);
                while self.0.state.load(Ordering::Acquire) & INSIDE > 0 {
                    std::hint::spin_loop();
                }
            }
        }
        let close = Close(shared);
        shared.take_tasks(task);
        drop(close);
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    fn take_tasks(&self, task: &Task) {
        struct Rest<'a>(&'a AtomicUsize, usize);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                BUSY.set(false);
                // After a panic nobody begins another task.
                self.0.fetch_max(self.1, Ordering::Relaxed);
            }
        }
        let count = self.count.load(Ordering::Relaxed);
        BUSY.set(true);
        let _rest = Rest(&self.next, count);
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            task(index);
        }
    }

    fn work(&self) {
        let mut seen = 0;
        while let Some(region) = self.next_region(seen) {
            seen = region;
            // SAFETY: this worker is counted as inside, so the leader has not left `region`, and
            // the `&Task` on its stack is alive until this worker has left.
            let task = unsafe { *self.task.load(Ordering::Relaxed).cast_const().cast::<&Task>() };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.take_tasks(task))) {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for an open region other than `seen` and enters it; `None` when the team ends.
    fn next_region(&self, seen: u64) -> Option<u64> {
        let mut idle_since = Instant::now();
        let mut spins = 0u32;
        loop {
            let state = self.state.load(Ordering::SeqCst);
            if state & OPEN > 0 && state >> 32 != seen {
                let entered = self.state.compare_exchange_weak(
                    state,
                    state + 1,
                    Ordering::SeqCst,
                    Ordering::Relaxed,
                );
                if entered.is_ok() {
                    return Some(state >> 32);
                }
                continue;
            }
            if self.ending.load(Ordering::SeqCst) {
                return None;
            }
            std::hint::spin_loop();
            spins += 1;
            if !spins.is_multiple_of(64) || idle_since.elapsed() < SPIN {
                continue;
            }
            // Announced before the last look: a leader that opens a region after it sees a sleeper.
            self.sleeping.fetch_add(1, Ordering::SeqCst);
            let state = self.state.load(Ordering::SeqCst);
            let open = state & OPEN > 0 && state >> 32 != seen;
            if !open && !self.ending.load(Ordering::SeqCst) {
                std::thread::park();
            }
            self.sleeping.fetch_sub(1, Ordering::SeqCst);
            idle_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// If a task were lost or done twice, a part of a matrix would be missing or added twice.
    #[test]
    fn every_task_is_done_once_also_when_workers_come_late_or_sleep() {
        for threads in [1, 2, 3, 8] {
            let team = Team::new(threads).unwrap();
            team.lead(|| {
                for round in 0..2_000usize {
                    let count = round % 37;
                    let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                    for_each_task(count, |i| {
                        done[i].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1));
                    if round % 500 == 499 {
                        std::thread::sleep(SPIN * 3);
                    }
                }
            });
        }
    }

    #[test]
    fn a_region_within_a_task_is_done_by_that_thread() {
        let team = Team::new(3).unwrap();
        let total = AtomicUsize::new(0);
        team.lead(|| {
            for_each_task(10, |_| {
                assert_eq!(threads(), 1);
                for_each_task(10, |_| {
                    total.fetch_add(1, Ordering::Relaxed);
                });
            });
        });
        assert_eq!(total.into_inner(), 100);
    }

    /// A panic must reach whoever waits for the result, and the team must work on.
    #[test]
    fn a_panic_in_any_task_reaches_the_leader_and_the_team_goes_on() {
        let team = Team::new(4).unwrap();
        team.lead(|| {
            for broken in 0..50 {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    for_each_task(50, |i| assert!(i != broken, "task {i}"));
                }));
                assert!(result.is_err());
                let sum = AtomicUsize::new(0);
                for_each_task(50, |i| {
                    sum.fetch_add(i, Ordering::Relaxed);
                });
                assert_eq!(sum.into_inner(), 1225);
            }
        });
    }

    #[test]
    fn without_a_team_everything_runs_here() {
        let here = std::thread::current().id();
        for_each_task(5, |_| assert_eq!(std::thread::current().id(), here));
        assert_eq!(threads(), 1);
    }
}

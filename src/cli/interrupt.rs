//! Ctrl-C and SIGTERM: the first asks the job at hand to end well, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Listens for signals for the rest of the process.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    job: Arc<Mutex<Option<Arc<AtomicBool>>>>,
    asked: Arc<AtomicBool>,
}

const EXIT_CODE: i32 = 130;

impl Interrupt {
    /// Starts listening.
    pub fn install() -> Self {
        let interrupt = Self::default();
        let listener = interrupt.clone();
        // Without this thread signals act as the system has it: the process ends at once.
        let _ = std::thread::Builder::new().name("signals".into()).spawn(move || listener.listen());
        interrupt
    }

    /// From now on the first signal throws this switch.
    pub fn attach(&self, job: Arc<AtomicBool>) {
        if let Ok(mut current) = self.job.lock() {
            *current = Some(job);
        }
    }

    fn listen(&self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
            return;
        };
        runtime.block_on(async {
            while next_signal().await.is_some() {
                let job = self.job.lock().ok().and_then(|job| job.clone());
                match job {
                    Some(job) if !self.asked.swap(true, Ordering::Relaxed) => {
                        job.store(true, Ordering::Relaxed);
                    }
                    _ => std::process::exit(EXIT_CODE),
                }
            }
        });
    }
}

#[cfg(unix)]
async fn next_signal() -> Option<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).ok()?, signal(SignalKind::terminate()).ok()?);
    tokio::select! {
        received = interrupt.recv() => received,
        received = terminate.recv() => received,
    }
}

#[cfg(not(unix))]
async fn next_signal() -> Option<()> {
    tokio::signal::ctrl_c().await.ok()
}

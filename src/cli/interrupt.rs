//! Ctrl-C, SIGTERM and the end of the terminal: the first asks the job at hand to end well, the second ends the process, as
//! does the first where no job can keep anything.

use super::outcome::INTERRUPTED;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// Listens for signals for the rest of the process.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// The switch of the job at hand; it goes away with the job.
    job: Arc<Mutex<Weak<AtomicBool>>>,
    /// The command leaves nothing behind when it is ended at once.
    keeps_nothing: Arc<AtomicBool>,
    /// A folder that goes away with the process.
    temporary: Arc<Mutex<Option<PathBuf>>>,
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

    /// Until the job has ended, the first signal throws this switch.
    pub fn attach(&self, job: Arc<AtomicBool>) {
        if let Ok(mut current) = self.job.lock() {
            *current = Arc::downgrade(&job);
        }
    }

    /// Says of the command that nothing is left of it when it is ended at once, which is then told.
    pub fn keeps_nothing(&self) {
        self.keeps_nothing.store(true, Ordering::Relaxed);
    }

    /// A folder to remove when the process is ended at once.
    pub fn removes(&self, folder: PathBuf) {
        if let Ok(mut temporary) = self.temporary.lock() {
            *temporary = Some(folder);
        }
    }

    fn end_at_once(&self) -> ! {
        if self.keeps_nothing.load(Ordering::Relaxed) {
            // After the ^C of the terminal, or a bar of progress.
            let before = if std::io::stderr().is_terminal() { "\n" } else { "" };
            let _ = writeln!(std::io::stderr(), "{before}{INTERRUPTED}");
        }
        if let Some(folder) = self.temporary.lock().ok().and_then(|mut folder| folder.take()) {
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(EXIT_CODE);
    }

    fn listen(&self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
            return;
        };
        runtime.block_on(async {
            while next_signal().await.is_some() {
                let job = self.job.lock().ok().and_then(|job| job.upgrade());
                let asked_before = job.is_none_or(|job| job.swap(true, Ordering::Relaxed));
                if asked_before {
                    self.end_at_once();
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
    let mut hang_up = match hang_up_counts() {
        true => Some(signal(SignalKind::hangup()).ok()?),
        false => None,
    };
    tokio::select! {
        received = interrupt.recv() => received,
        received = terminate.recv() => received,
        received = async {
            match &mut hang_up {
                Some(signals) => signals.recv().await,
                None => std::future::pending().await,
            }
        } => received,
    }
}

/// Whoever starts a command under `nohup` has the system ignore SIGHUP for it, and listening would end that.
/// Where the system does not say, it is left as it is.
#[cfg(unix)]
fn hang_up_counts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is signal 1.
    ignored.is_some_and(|mask| mask & 1 == 0)
}

#[cfg(not(unix))]
async fn next_signal() -> Option<()> {
    tokio::signal::ctrl_c().await.ok()
}

//! Finds and ends every process below this one: also one that left its group or its session, since an
//! orphan comes back to the nearest sub-reaper, which the supervisor is. Linux only; elsewhere the
//! shell's own group is ended.

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, wait as wait_for_any};
use std::time::{Duration, Instant};

/// Whether nothing is left.
pub enum Everything {
    Ended,
    /// These still run after all patience: the system itself holds them.
    But(Vec<i32>),
}

/// How long to wait for processes that are told to die.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_micros(500);

/// Ends all that came of `shell`, and takes it in, so that not even a name of it is left.
pub fn end_all(shell: Pid) -> Everything {
    let deadline = Instant::now() + PATIENCE;
    let mut hunt = Hunt::default();
    loop {
        let orphans = reap();
        let living = hunt.step(shell);
        if living.is_empty() && !orphans {
            return Everything::Ended;
        }
        if Instant::now() > deadline {
            return Everything::But(living);
        }
        if hunt.kills() {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Takes in children that have ended; whether there are any that have not.
fn reap() -> bool {
    loop {
        match wait_for_any(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Default)]
struct Hunt;

#[cfg(not(target_os = "linux"))]
impl Hunt {
    fn step(&mut self, shell: Pid) -> Vec<i32> {
        let _ = kill_process_group(shell, Signal::KILL);
        Vec::new()
    }

    fn kills(&self) -> bool {
        true
    }
}

#[cfg(not(target_os = "linux"))]
pub fn threads_below(_: Pid) -> u64 {
    0
}

#[cfg(not(target_os = "linux"))]
pub fn threads_of_this_user() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
pub use linux::{threads_below, threads_of_this_user};

#[cfg(target_os = "linux")]
use linux::Hunt;

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use rustix::process::{
        PidfdFlags, getpid, getuid, kill_process, pidfd_open, pidfd_send_signal,
    };
    use std::collections::{HashMap, HashSet};
    use std::os::unix::fs::MetadataExt;

    /// A line of `/proc/PID/stat` (proc(5)).
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Process {
        pid: i32,
        parent: i32,
        threads: u64,
        /// In ticks since the machine started: with it a number that was given away again is told
        /// from its first owner.
        began: u64,
        living: bool,
    }

    impl Process {
        fn read(pid: i32) -> Option<Self> {
            Self::parse(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
        }

        /// The name of the program may itself hold spaces and brackets: its end is the last one.
        pub fn parse(pid: i32, stat: &str) -> Option<Self> {
            let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
            Some(Self {
                pid,
                living: !matches!(*fields.first()?, "Z" | "X" | "x"),
                parent: fields.get(1)?.parse().ok()?,
                threads: fields.get(17)?.parse().ok()?,
                began: fields.get(19)?.parse().ok()?,
            })
        }

        /// Sends a signal to this very process, not to a later one of the same number.
        fn signal(&self, signal: Signal) {
            let Some(pid) = Pid::from_raw(self.pid) else { return };
            let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
                // Before Linux 5.3, or it is gone.
                if self.is_the_same() {
                    let _ = kill_process(pid, signal);
                }
                return;
            };
            if self.is_the_same() {
                let _ = pidfd_send_signal(handle, signal);
            }
        }

        fn is_the_same(&self) -> bool {
            Self::read(self.pid).is_some_and(|now| now.began == self.began)
        }
    }

    fn all() -> Vec<Process> {
        let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        folders
            .filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
            .collect()
    }

    /// All below `ancestor`, also those that have ended and wait for their parent.
    fn below(ancestor: Pid) -> Vec<Process> {
        let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
        for process in all() {
            children.entry(process.parent).or_default().push(process);
        }
        let mut found = children.remove(&ancestor.as_raw_pid()).unwrap_or_default();
        let mut next = 0;
        while next < found.len() {
            let more = children.remove(&found[next].pid).unwrap_or_default();
            found.extend(more);
            next += 1;
        }
        found
    }

    /// How many threads run below a process.
    pub fn threads_below(ancestor: Pid) -> u64 {
        below(ancestor).iter().filter(|process| process.living).map(|process| process.threads).sum()
    }

    /// How many threads this user has on the whole machine; none for root, whom no limit binds.
    pub fn threads_of_this_user() -> Option<u64> {
        let user = getuid();
        let owner = |pid| std::fs::metadata(format!("/proc/{pid}")).ok().map(|folder| folder.uid());
        let own = |process: &Process| owner(process.pid) == Some(user.as_raw());
        (!user.is_root())
            .then(|| all().iter().filter(|p| own(p)).map(|process| process.threads).sum())
    }

    /// Stops all below first, until no new one appears, and only then kills: a process that is killed
    /// while its siblings run can be started again by them.
    #[derive(Default)]
    pub struct Hunt {
        stopped: HashSet<(i32, u64)>,
        kills: bool,
    }

    impl Hunt {
        /// One look at what lives, whose numbers are returned, and one signal to each.
        pub fn step(&mut self, shell: Pid) -> Vec<i32> {
            let living: Vec<Process> =
                below(getpid()).into_iter().filter(|process| process.living).collect();
            let (known, fresh): (Vec<&Process>, Vec<&Process>) = living
                .iter()
                .partition(|process| self.stopped.contains(&(process.pid, process.began)));
            self.kills = fresh.is_empty();
            if self.kills {
                known.into_iter().for_each(|process| process.signal(Signal::KILL));
            }
            for process in fresh {
                process.signal(Signal::STOP);
                self.stopped.insert((process.pid, process.began));
            }
            if !std::path::Path::new("/proc/self/stat").exists() {
                // Blind: at least the shell's own group.
                let _ = kill_process_group(shell, Signal::KILL);
                self.kills = true;
            }
            living.iter().map(|process| process.pid).collect()
        }

        /// Whether the last step told them to die.
        pub fn kills(&self) -> bool {
            self.kills
        }
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used)]

        use super::*;

        // If this fails, a process hides from the hunt behind its own name.
        #[test]
        fn a_name_that_looks_like_fields_hides_nothing() {
            let rest = "S 7 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 3 0 4711 1 1";
            let expected = Process { pid: 9, parent: 7, threads: 3, began: 4711, living: true };
            for name in ["sh", "a b", "x) Z 1 (y", ")"] {
                assert_eq!(
                    Process::parse(9, &format!("9 ({name}) {rest}")),
                    Some(expected),
                    "{name}"
                );
            }
            let ended = Process::parse(9, &format!("9 (sh) {}", rest.replacen('S', "Z", 1)));
            assert!(ended.is_some_and(|process| !process.living));
            for broken in ["", "9 (sh", "9 (sh) S", "9 (sh) S x 1"] {
                assert_eq!(Process::parse(9, broken), None, "{broken}");
            }
        }

        #[test]
        fn this_process_is_found_with_its_threads() {
            let own = Process::read(getpid().as_raw_pid()).unwrap();
            assert!(own.living && own.threads >= 1 && own.is_the_same());
            assert!(!Process { began: own.began + 1, ..own }.is_the_same());
        }
    }
}

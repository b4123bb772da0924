//! What this machine can keep a command from, in words for whoever is asked to approve one.

use std::sync::OnceLock;

/// How far a command is confined. What is missing is said as what a command could do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// It reaches no file outside its workspace, no network and no other process.
    Full,
    /// It is confined, except for this.
    Partial(Vec<&'static str>),
    /// It can do whatever the person can; it is only ended in time.
    None,
}

impl Protection {
    /// Whether nothing is missing.
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }

    /// What somebody must know before they allow a command here; none where it is confined.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Full => None,
            Self::Partial(missing) => {
                Some(format!("this system cannot confine it: {}", missing.join("; ")))
            }
            Self::None => {
                Some("nothing on this system confines it: it can do whatever you can".to_owned())
            }
        }
    }
}

/// What was found out about the system.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// Landlock is there.
    pub files: bool,
    /// It also guards the emptying of files (Linux 6.2).
    pub truncation: bool,
    /// It also guards signals (Linux 6.12).
    pub signals: bool,
    /// Filters on system calls are there.
    pub calls: bool,
    /// Processes can be found by their parents.
    pub processes: bool,
}

impl Means {
    fn protection(self) -> Protection {
        if !self.files && !self.calls {
            return Protection::None;
        }
        let mut missing = Vec::new();
        if !self.files {
            missing.push("it can read and change all your files");
        } else if !self.truncation {
            missing.push("it can empty files of yours outside the workspace");
        }
        if !self.calls {
            missing.push("it can use the network and change the permissions of your files");
        }
        if !self.signals {
            missing.push("it can stop other programs of yours");
        }
        if !self.processes {
            missing.push("what it leaves running in the background may not be found");
        }
        match missing.is_empty() {
            true => Protection::Full,
            false => Protection::Partial(missing),
        }
    }
}

/// What can be said about this machine.
pub fn of_this_machine() -> Protection {
    means().protection()
}

/// Looked up once: none of it changes while a system runs.
pub fn means() -> Means {
    static MEANS: OnceLock<Means> = OnceLock::new();
    *MEANS.get_or_init(probe)
}

#[cfg(target_os = "linux")]
fn probe() -> Means {
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope};
    let hard = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let files = |abi| {
        hard().handle_access(AccessFs::from_all(abi)).and_then(|rules| rules.create()).is_ok()
    };
    let signals = hard().scope(Scope::Signal).and_then(|rules| rules.create()).is_ok();
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    Means {
        files: files(ABI::V1),
        truncation: files(ABI::V3),
        signals,
        calls: super::confine::calls::are_known_here()
            && actions.is_ok_and(|actions| actions.split_whitespace().any(|a| a == "errno")),
        processes: std::path::Path::new("/proc/self/stat").exists(),
    }
}

#[cfg(not(target_os = "linux"))]
fn probe() -> Means {
    Means { files: false, truncation: false, signals: false, calls: false, processes: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Means =
        Means { files: true, truncation: true, signals: true, calls: true, processes: true };

    // If this fails, a person approves a command in the belief that it is confined.
    #[test]
    fn whatever_is_missing_is_said() {
        assert!(ALL.protection().is_full());
        for (means, words) in [
            (Means { files: false, ..ALL }, "all your files"),
            (Means { truncation: false, ..ALL }, "empty files"),
            (Means { signals: false, ..ALL }, "stop other programs"),
            (Means { calls: false, ..ALL }, "network"),
            (Means { processes: false, ..ALL }, "background"),
        ] {
            let Protection::Partial(missing) = means.protection() else {
                panic!("{means:?} is told as full or none");
            };
            assert!(missing.len() == 1 && missing[0].contains(words), "{missing:?}");
        }
        let nothing = Means { files: false, calls: false, ..ALL };
        assert_eq!(nothing.protection(), Protection::None);
    }
}

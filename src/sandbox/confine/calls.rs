//! Which system calls a command may not make: whatever reaches the network, other processes or the
//! system itself, and what Landlock does not guard. All others are allowed.

use super::super::order::Execution;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpArgLen::Qword, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// Which calls may change the permissions, owner and times of files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Attributes {
    /// All: what lies outside is mounted read-only.
    Free,
    /// Those on a file that is open already: Landlock decided whether it may be.
    OpenFiles,
    /// None.
    Fixed,
}

impl Attributes {
    pub fn of(execution: &Execution) -> Self {
        match execution {
            Execution { read_only_tree: true, .. } => Self::Free,
            // Root owns the programs that it may read.
            Execution { may_write: true, .. } if !rustix::process::geteuid().is_root() => {
                Self::OpenFiles
            }
            _ => Self::Fixed,
        }
    }
}

type Failure = Box<dyn std::error::Error>;
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Whether the numbers of this machine's system calls are known here.
pub fn are_known_here() -> bool {
    cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))
        && TargetArch::try_from(std::env::consts::ARCH).is_ok()
}

/// Forbids them to this process and all it will start.
pub fn forbid(shielded: &[i32], attributes: Attributes) -> Result<(), Failure> {
    let refused = program(refused(shielded, attributes)?, libc::EPERM)?;
    // Programs that try a newer call first go on with the older one.
    let absent = program(every(ABSENT), libc::ENOSYS)?;
    seccompiler::apply_filter(&absent)?;
    seccompiler::apply_filter(&refused)?;
    Ok(())
}

fn program(rules: Rules, error: i32) -> Result<BpfProgram, Failure> {
    let errno = SeccompAction::Errno(u32::try_from(error)?);
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter =
        SeccompFilter::new(with_both_numbers(rules), SeccompAction::Allow, errno, architecture)?;
    Ok(BpfProgram::try_from(filter)?)
}

/// On x86-64 many systems take each call by a second number as well (x32).
fn with_both_numbers(mut rules: Rules) -> Rules {
    if cfg!(target_arch = "x86_64") {
        const X32: i64 = 0x4000_0000;
        let second: Vec<_> =
            rules.iter().map(|(number, rules)| (number | X32, rules.clone())).collect();
        rules.extend(second);
        // A few have numbers of their own: ioctl, ptrace, rt_sigqueueinfo, mq_notify, kexec_load,
        // move_pages, rt_tgsigqueueinfo, process_vm_readv, process_vm_writev.
        for number in [514, 521, 524, 527, 528, 533, 536, 539, 540] {
            rules.insert(number | X32, Vec::new());
        }
    }
    rules
}

fn every(numbers: &[libc::c_long]) -> Rules {
    numbers.iter().map(|number| (*number, Vec::new())).collect()
}

fn refused(shielded: &[i32], attributes: Attributes) -> Result<Rules, Failure> {
    let mut rules = every(REFUSED);
    #[cfg(target_arch = "x86_64")]
    rules.extend(every(REFUSED_ON_X86));
    if attributes != Attributes::Free {
        rules.extend(every(BY_PATH));
        #[cfg(target_arch = "x86_64")]
        rules.extend(every(BY_PATH_ON_X86));
        // Without a path it is about an open file.
        rules.insert(libc::SYS_utimensat, vec![when(&[(1, Qword, SeccompCmpOp::Ne, 0)])?]);
    }
    if attributes == Attributes::Fixed {
        rules.extend(every(BY_OPEN_FILE));
        rules.insert(libc::SYS_utimensat, Vec::new());
    }
    forbid_shared_identity(&mut rules)?;
    forbid_namespaces(&mut rules)?;
    shield(&mut rules, shielded)?;
    for request in [TIOCSTI, TIOCLINUX] {
        add(&mut rules, libc::SYS_ioctl, &[(1, Dword, SeccompCmpOp::Eq, request)])?;
    }
    Ok(rules)
}

const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;

type Condition = (u8, seccompiler::SeccompCmpArgLen, SeccompCmpOp, u64);

fn when(conditions: &[Condition]) -> Result<SeccompRule, Failure> {
    let conditions: Result<Vec<_>, _> = conditions
        .iter()
        .map(|(argument, length, operator, value)| {
            SeccompCondition::new(*argument, length.clone(), operator.clone(), *value)
        })
        .collect();
    Ok(SeccompRule::new(conditions?)?)
}

/// One more case in which `number` is refused. What is refused in every case stays so.
fn add(rules: &mut Rules, number: libc::c_long, conditions: &[Condition]) -> Result<(), Failure> {
    let rule = when(conditions)?;
    match rules.get_mut(&number) {
        Some(cases) if cases.is_empty() => {}
        Some(cases) => cases.push(rule),
        None => {
            rules.insert(number, vec![rule]);
        }
    }
    Ok(())
}

/// A program that runs as its owner, whoever starts it, would let another user of the machine be the
/// person: no file is given such a permission, neither later nor as it is made.
fn forbid_shared_identity(rules: &mut Rules) -> Result<(), Failure> {
    const CREATE: u64 = libc::O_CREAT as u64;
    for bit in [libc::S_ISUID, libc::S_ISGID].map(u64::from) {
        let has = |argument: u8| (argument, Dword, SeccompCmpOp::MaskedEq(bit), bit);
        let creates = |argument: u8| (argument, Dword, SeccompCmpOp::MaskedEq(CREATE), CREATE);
        add(rules, libc::SYS_fchmod, &[has(1)])?;
        add(rules, libc::SYS_fchmodat, &[has(2)])?;
        add(rules, FCHMODAT2, &[has(2)])?;
        add(rules, libc::SYS_openat, &[creates(2), has(3)])?;
        add(rules, libc::SYS_mknodat, &[has(2)])?;
        #[cfg(target_arch = "x86_64")]
        {
            add(rules, libc::SYS_chmod, &[has(1)])?;
            add(rules, libc::SYS_creat, &[has(1)])?;
            add(rules, libc::SYS_mknod, &[has(1)])?;
            add(rules, libc::SYS_open, &[creates(1), has(2)])?;
        }
    }
    Ok(())
}

/// In a namespace of one's own one is root again, with all the parts of the system that root reaches.
fn forbid_namespaces(rules: &mut Rules) -> Result<(), Failure> {
    for flag in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ] {
        let flag = flag as u32 as u64;
        add(rules, libc::SYS_clone, &[(0, Qword, SeccompCmpOp::MaskedEq(flag), flag)])?;
    }
    Ok(())
}

/// Nothing done to Kaizen or the supervisor, to all processes at once, or to another's limits. Where
/// Landlock guards signals this is the second lock.
fn shield(rules: &mut Rules, shielded: &[i32]) -> Result<(), Failure> {
    let is = |argument: u8, pid: i32| (argument, Dword, SeccompCmpOp::Eq, u64::from(pid as u32));
    for pid in shielded.iter().copied().chain([-1]) {
        for number in [
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_tgkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_rt_tgsigqueueinfo,
            libc::SYS_sched_setaffinity,
            libc::SYS_sched_setattr,
            libc::SYS_sched_setparam,
            libc::SYS_sched_setscheduler,
        ] {
            add(rules, number, &[is(0, pid)])?;
        }
        for number in [libc::SYS_setpriority, libc::SYS_ioprio_set] {
            add(rules, number, &[is(1, pid.abs())])?;
        }
    }
    // A limit on processor time that has passed already ends a process.
    add(rules, libc::SYS_prlimit64, &[(0, Dword, SeccompCmpOp::Ne, 0)])?;
    // All processes of the user.
    add(rules, libc::SYS_setpriority, &[(0, Dword, SeccompCmpOp::Eq, libc::PRIO_USER as u64)])?;
    const IOPRIO_WHO_USER: u64 = 3;
    add(rules, libc::SYS_ioprio_set, &[(0, Dword, SeccompCmpOp::Eq, IOPRIO_WHO_USER)])
}

/// Since Linux 6.6; not yet in libc for every system.
const FCHMODAT2: libc::c_long = 452;

/// Their older forms do, and can be judged by their arguments.
const ABSENT: &[libc::c_long] = &[
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pidfd_getfd,
    // They tell what happens to files that the command cannot read.
    libc::SYS_inotify_add_watch,
    libc::SYS_fanotify_init,
];

const REFUSED: &[libc::c_long] = &[
    // The network, and the sockets of other programs.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Memory, queues and semaphores that all processes of a user share.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgctl,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_mq_notify,
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fsconfig,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // The kernel and the machine.
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // The person's keys.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_ON_X86: &[libc::c_long] =
    &[libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt];

/// Changes a file's attributes wherever it lies.
const BY_PATH: &[libc::c_long] = &[
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    // setxattrat and removexattrat, since Linux 6.13; file_setattr, since 6.17.
    463,
    466,
    469,
];

#[cfg(target_arch = "x86_64")]
const BY_PATH_ON_X86: &[libc::c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];

const BY_OPEN_FILE: &[libc::c_long] =
    &[libc::SYS_fchmod, libc::SYS_fchown, libc::SYS_fsetxattr, libc::SYS_fremovexattr];

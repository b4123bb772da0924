//! Which files a command reaches: Landlock rules over whole folders and single files, whatever path,
//! link or mount leads to them. <https://docs.kernel.org/userspace-api/landlock.html>

use super::super::order::Execution;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};
use std::path::{Path, PathBuf};

/// The newest that these rules were written for; an older system enforces what it knows of it.
const NEWEST: ABI = ABI::V10;

/// Programs and libraries.
const SYSTEM: [&str; 12] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/run/current-system",
    // How many processors there are.
    "/sys/devices/system/cpu",
];

/// Of `/etc`, only what programs need to work: the rest may hold passwords and keys, and where Kaizen
/// runs as root nothing else would keep a command from them.
const SETTINGS: &[&str] = &[
    "alternatives",
    "bash.bashrc",
    "bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "environment",
    "ethertypes",
    "fonts",
    "gai.conf",
    "gitconfig",
    "group",
    "groff",
    "host.conf",
    "hostname",
    "hosts",
    "inputrc",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "ld.so.preload",
    "locale.alias",
    "locale.conf",
    "localtime",
    "lsb-release",
    "magic",
    "magic.mime",
    "mailcap",
    "manpath.config",
    "mime.types",
    "networks",
    "nsswitch.conf",
    "os-release",
    "papersize",
    "passwd",
    "perl",
    "php",
    "pki/tls/certs",
    "pki/ca-trust",
    "profile",
    "profile.d",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "R",
    "resolv.conf",
    "rpc",
    "services",
    "shells",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "texmf",
    "timezone",
    "vim",
    "xattr.conf",
    "xml",
];

/// What the system says about itself. Nothing of a process: its environment may hold tokens.
const ABOUT_THE_SYSTEM: [&str; 8] = [
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel/osrelease",
    "/proc/uptime",
    "/proc/version",
];

const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Where a link in `/etc` may lead to.
const ROOTS_OF_SETTINGS: [&str; 5] =
    ["/etc", "/usr", "/nix/store", "/gnu/store", "/run/systemd/resolve"];

/// Confines this process and all it will start.
///
/// # Errors
/// When a folder of the command cannot be opened, or nothing is enforced.
pub fn confine(execution: &Execution) -> Result<(), Box<dyn std::error::Error>> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let read = AccessFs::from_read(NEWEST);
    for path in SYSTEM.iter().map(PathBuf::from).chain(settings()).filter(|path| path.exists()) {
        rules = allow(rules, &path, read)?;
    }
    for path in ABOUT_THE_SYSTEM.iter().map(Path::new).filter(|path| path.exists()) {
        rules = allow(rules, path, AccessFs::ReadFile.into())?;
    }
    for path in DEVICES.iter().map(Path::new).filter(|path| path.exists()) {
        rules = allow(rules, path, AccessFs::ReadFile | AccessFs::WriteFile)?;
    }
    rules = allow(rules, &execution.temporary, read | changes())?;
    let in_workspace = if execution.may_write { read | changes() } else { read };
    rules = allow(rules, &execution.workspace, in_workspace)?;
    match rules.restrict_self()?.ruleset {
        RulesetStatus::NotEnforced => Err("nothing is enforced".into()),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

/// All that changes files, except making devices and sockets, which lead out of any folder.
fn changes() -> BitFlags<AccessFs> {
    AccessFs::from_write(NEWEST)
        & !(AccessFs::MakeChar
            | AccessFs::MakeBlock
            | AccessFs::MakeSock
            | AccessFs::IoctlDev
            | AccessFs::ResolveUnix)
}

/// The entries of `/etc` that are there, and lead to no other part of the system.
fn settings() -> impl Iterator<Item = PathBuf> {
    SETTINGS.iter().filter_map(|name| {
        let found = Path::new("/etc").join(name).canonicalize().ok()?;
        ROOTS_OF_SETTINGS.iter().any(|root| found.starts_with(root)).then_some(found)
    })
}

fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Box<dyn std::error::Error>> {
    let opened = PathFd::new(path)?;
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
    Ok(rules.add_rule(PathBeneath::new(opened, access))?)
}

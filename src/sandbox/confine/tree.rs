//! A tree of mounts of the command's own, in which all but its workspace and its temporary folder is
//! read-only. Landlock does not guard permissions, owners and times of files; here they cannot change
//! either, so that `chmod`, `touch` or a linker may work within the workspace. Many systems allow it to
//! everyone, some to root only; without it those calls are refused altogether (`calls.rs`).

use super::super::order::Execution;
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount_bind_recursive, mount_change, mount_remount,
};
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;
use std::ffi::OsString;
use std::io::{Error, Result};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Makes everything else read-only, for this process and those below.
///
/// # Errors
/// When the system does not allow it. This process is of no use then: it may be half-way.
pub fn mount_read_only(execution: &Execution) -> Result<()> {
    own_mounts()?;
    // What is mounted elsewhere from now on does not appear here.
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    let mut writable: Vec<&Path> = vec![&execution.temporary];
    if execution.may_write {
        writable.push(&execution.workspace);
    }
    // The outer one first, or it would cover the inner one.
    writable.sort();
    for folder in &writable {
        mount_bind_recursive(*folder, *folder)?;
    }
    for mount in mounts()? {
        if mount.read_only || writable.iter().any(|folder| mount.at.starts_with(folder)) {
            continue;
        }
        match mount_remount(&mount.at, mount.kept | MountFlags::BIND | MountFlags::RDONLY, c"") {
            // Below a folder that this user cannot enter, or gone: out of reach for the command too.
            Ok(()) | Err(rustix::io::Errno::ACCESS | rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Of the temporary folder's own and not of what lies below it.
    std::env::set_current_dir(&execution.temporary)
}

/// Root may do so outright, others within a user namespace where they stay who they are.
fn own_mounts() -> Result<()> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    if unshare(UnshareFlags::NEWNS).is_ok() {
        return Ok(());
    }
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// The safe form is deprecated only because of `FILES`, which is not used here.
#[allow(deprecated)]
fn unshare(flags: UnshareFlags) -> Result<()> {
    rustix::thread::unshare(flags).map_err(Error::from)
}

#[derive(Debug, PartialEq)]
struct Mount {
    at: PathBuf,
    read_only: bool,
    /// What must be said again, or the system takes it for an attempt to lift it.
    kept: MountFlags,
}

fn mounts() -> Result<Vec<Mount>> {
    let lines = std::fs::read("/proc/self/mountinfo")?;
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| parse(line).ok_or_else(|| Error::other("a mount that cannot be read")))
        .collect()
}

/// A line of `/proc/self/mountinfo` (proc(5)): the fifth field is where, the sixth how.
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').skip(4);
    let at = PathBuf::from(OsString::from_vec(unescaped(fields.next()?)));
    let mut mount = Mount { at, read_only: false, kept: MountFlags::empty() };
    for option in fields.next()?.split(|byte| *byte == b',') {
        match option {
            b"ro" => mount.read_only = true,
            b"nosuid" => mount.kept |= MountFlags::NOSUID,
            b"nodev" => mount.kept |= MountFlags::NODEV,
            b"noexec" => mount.kept |= MountFlags::NOEXEC,
            _ => {}
        }
    }
    Some(mount)
}

/// Spaces and the like are written as a backslash and three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_mount_is_read_with_its_place_and_its_ways() {
        let line =
            br"36 35 98:0 /mnt1 /a\040b\134c rw,nosuid,noexec,noatime master:1 - ext3 /dev/root rw";
        let kept = MountFlags::NOSUID | MountFlags::NOEXEC;
        assert_eq!(parse(line), Some(Mount { at: r"/a b\c".into(), read_only: false, kept }));
        assert!(parse(b"1 2 3:4 / /x ro,relatime - proc proc rw").unwrap().read_only);
        assert_eq!(parse(b"36 35 98:0 /mnt1"), None);
    }

    #[test]
    fn the_mounts_of_this_machine_can_be_read() {
        assert!(mounts().unwrap().iter().any(|mount| mount.at == Path::new("/")));
    }
}

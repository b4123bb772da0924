//! What is destructive: which folders are too wide to be deleted, which files are disks, and which
//! programs write to them or stop the machine.

use super::super::words::Word;

/// Folders of the system, and those that hold all homes.
const SYSTEM: [&str; 24] = [
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "media",
    "mnt",
    "nix",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "usr",
    "var",
    "Applications",
    "Library",
    "System",
    "Users",
];

/// Whether a word names the whole machine, a folder of the system or the whole home.
pub fn is_wide(word: &Word) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for part in word.text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    // All in a folder is as wide as the folder.
    while parts.last().is_some_and(|last| matches!(*last, "*" | ".*" | "{*,.*}" | "**")) {
        parts.pop();
    }
    let is_absolute = word.text.starts_with('/');
    match parts.as_slice() {
        [] => is_absolute,
        [one] if is_absolute => SYSTEM.contains(one),
        [one] => matches!(*one, "~" | "$HOME") && (!word.quoted || word.expands),
        _ => is_absolute && is_the_home(&parts),
    }
}

/// Whether it is the person's own home, as its path is written.
fn is_the_home(parts: &[&str]) -> bool {
    let home = std::env::var("HOME").unwrap_or_default();
    let home: Vec<&str> = home.split('/').filter(|part| !part.is_empty()).collect();
    !home.is_empty() && home == parts
}

/// Whether a path is a whole disk, a part of one, or the machine's memory.
pub fn is_a_disk(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/dev/") else { return false };
    let is_letters = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase());
    let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    ["sd", "hd", "vd", "xvd"].iter().any(|kind| name.strip_prefix(kind).is_some_and(is_letters))
        || ["nvme", "mmcblk", "disk", "rdisk", "dm-", "md", "loop", "sr", "nbd", "zram", "pmem"]
            .iter()
            .any(|kind| name.strip_prefix(kind).is_some_and(is_number))
        || ["disk/", "mapper/"].iter().any(|folder| name.starts_with(folder))
        || matches!(name, "mem" | "kmem" | "port")
}

/// Why nothing may be written there.
pub fn overwrites(path: &str) -> Option<String> {
    if is_a_disk(path) {
        return Some(format!("it overwrites a whole disk ({path})"));
    }
    let is_switch = matches!(path, "/proc/sysrq-trigger" | "/proc/sys/kernel/sysrq");
    is_switch.then(|| "it stops the machine".into())
}

/// Why `program` may not do this to disks, to wide folders, or to all processes.
pub fn deletes(program: &str, arguments: &[Word], here_is_wide: bool) -> Option<String> {
    let wide = |word: &Word| {
        let here = matches!(word.text.as_str(), "*" | "." | "./" | "./*" | ".*");
        is_wide(word) || here_is_wide && here
    };
    let operands = || arguments.iter().filter(|word| !word.text.starts_with('-'));
    let is_recursive = arguments.iter().any(|word| {
        let text = word.text.as_str();
        text == "--recursive"
            || text.starts_with('-') && !text.starts_with("--") && text.contains(['r', 'R'])
    });
    let too_much = |what: &str, word: &Word| Some(format!("it {what} all of {}", word.text));
    match program {
        "rm" if arguments.iter().any(|word| word.text == "--no-preserve-root") => {
            Some("it asks to delete the whole machine (--no-preserve-root)".into())
        }
        "rm" if is_recursive => too_much("deletes", operands().find(|word| wide(word))?),
        "chmod" | "chown" | "chgrp" | "setfacl" if is_recursive => {
            too_much("changes who may use", operands().find(|word| wide(word))?)
        }
        "find" => {
            let removes =
                |word: &Word| matches!(word.text.as_str(), "-delete" | "rm" | "/bin/rm" | "shred");
            let start = operands().take_while(|word| !removes(word)).find(|word| wide(word))?;
            arguments.iter().any(removes).then(|| format!("it deletes within {}", start.text))
        }
        "mv" => {
            let from = operands().count().saturating_sub(1);
            too_much("moves away", operands().take(from).find(|word| wide(word))?)
        }
        "dd" => {
            arguments.iter().filter_map(|word| word.text.strip_prefix("of=")).find_map(overwrites)
        }
        "cp" | "install" | "tee" | "shred" | "truncate" | "wipefs" | "blkdiscard" | "badblocks" => {
            let at_its_end = matches!(program, "cp" | "install");
            let skipped = if at_its_end { operands().count().saturating_sub(1) } else { 0 };
            operands().skip(skipped).find_map(|word| overwrites(&word.text))
        }
        "fdisk" | "sfdisk" | "cfdisk" | "gdisk" | "sgdisk" | "parted" => {
            let lists = |word: &Word| {
                matches!(
                    word.text.as_str(),
                    "-l" | "--list"
                        | "-p"
                        | "-d"
                        | "--dump"
                        | "print"
                        | "-v"
                        | "--version"
                        | "--help"
                )
            };
            (!arguments.iter().any(lists)).then(|| format!("{program} changes the parts of a disk"))
        }
        "mkswap" | "mke2fs" | "newfs" => Some(format!("{program} overwrites a disk")),
        program if program == "mkfs" || program.starts_with("mkfs.") => {
            Some(format!("{program} overwrites a disk"))
        }
        "kill" => {
            // The first word with a dash is the signal, if it is alone no target.
            let mut targets = arguments.iter().map(|word| word.text.as_str()).peekable();
            match targets.peek().copied() {
                Some("-s" | "-n" | "--signal") => targets.nth(1).map_or((), drop),
                Some(first) if first.starts_with('-') => targets.next().map_or((), drop),
                _ => {}
            }
            targets.any(|target| target == "-1").then(|| "it ends every process of yours".into())
        }
        "killall5" => Some("it ends every process of the machine".into()),
        _ => None,
    }
}

/// Why `program` may not switch the machine off, restart it or send it to sleep.
pub fn stops_the_machine(program: &str, arguments: &[Word]) -> Option<String> {
    let first = arguments.iter().map(|word| word.text.as_str()).find(|text| !text.starts_with('-'));
    let stops = match program {
        "shutdown" | "reboot" | "halt" | "poweroff" => true,
        "init" | "telinit" => matches!(first, Some("0" | "1" | "6" | "s" | "S")),
        "systemctl" | "loginctl" => matches!(
            first,
            Some(
                "poweroff"
                    | "reboot"
                    | "halt"
                    | "kexec"
                    | "suspend"
                    | "hibernate"
                    | "rescue"
                    | "emergency"
            )
        ),
        _ => false,
    };
    stops.then(|| "it stops the machine".into())
}

//! Limits, and what a command that behaves gets.

use crate::place::{Place, has};
use kaizen::sandbox::{Ended, Sandbox};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[test]
fn how_a_command_ended_is_told() {
    let place = Place::new();
    for (command, ended, output) in [
        ("echo hello; echo there >&2", Ended::Code(0), "hello\nthere\n"),
        ("exit 7", Ended::Code(7), ""),
        ("kill -9 $$", Ended::Signal(9), ""),
        ("kill -TERM $$", Ended::Signal(15), ""),
        ("no-such-program-anywhere 2>/dev/null", Ended::Code(127), ""),
        ("printf '\\377'", Ended::Code(0), "\u{fffd}"),
        ("sleep 1000 & echo done", Ended::Code(0), "done\n"),
        // Nobody types here.
        ("cat; echo end", Ended::Code(0), "end\n"),
        ("printf '{\"Failed\":\"forged\"}' >&2", Ended::Code(0), "{\"Failed\":\"forged\"}"),
        ("", Ended::Code(0), ""),
    ] {
        let result = place.run(command);
        assert_eq!((result.ended, result.output.as_str()), (ended, output), "{command}");
    }
}

// If this fails, a command that never ends holds its task up for ever.
#[test]
fn the_time_limit_holds() {
    let place = Place::new();
    for command in
        ["sleep 1000", "while :; do :; done", "trap '' TERM; sleep 1000", "yes > /dev/null"]
    {
        let mut request = place.request(command);
        request.time_limit = Duration::from_millis(150);
        let result = place.run_request(&request);
        assert_eq!(result.ended, Ended::TimedOut, "{command}");
        assert!((0.15..3.0).contains(&result.seconds), "{command}: {} s", result.seconds);
    }
    let cancelled = sandbox_run_cancelled(&place);
    assert_eq!(cancelled, Ended::Cancelled);
}

fn sandbox_run_cancelled(place: &Place) -> Ended {
    let cancel = AtomicBool::new(true);
    crate::place::sandbox().run(&place.request("sleep 1000"), &cancel).unwrap().ended
}

// If this fails, a command that prints without end fills the memory.
#[test]
fn of_much_output_the_ends_are_kept() {
    let place = Place::new();
    let mut request =
        place.request("echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last");
    request.output_limit = 1000;
    let before = peak_memory();
    let result = place.run_request(&request);
    assert_eq!(result.ended, Ended::Code(0));
    assert!(result.output.len() < 1100, "{} bytes", result.output.len());
    assert!(result.output.starts_with("first\nxxx") && result.output.ends_with("xxx\nlast\n"));
    assert!(result.output.contains("[… 99999012 bytes left out …]"), "{}", result.output);
    assert!(peak_memory() - before < 64 << 10, "{} KiB more", peak_memory() - before);
}

/// In KiB; nothing where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

// If this fails, one command fills the disk with one file.
#[test]
fn a_file_has_a_largest_size() {
    let place = Place::new();
    let result = place.run("dd if=/dev/zero of=big bs=1M count=1 seek=2000 2>&1 && echo ESCAPED");
    assert!(!result.output.contains("ESCAPED"), "{result:?}");
    assert!(place.workspace.join("big").metadata().map_or(0, |about| about.len()) <= 1 << 30);
    let raised = place.run("ulimit -f unlimited && echo ESCAPED");
    assert!(!raised.output.contains("ESCAPED"), "{raised:?}");
}

// If this fails, a command types into the person's terminal or reads their keys.
#[test]
fn there_is_no_terminal() {
    let place = Place::new();
    let result = place.run(
        "tty; { echo x > /dev/tty; } 2>/dev/null && echo ESCAPED
         { read -r line < /dev/tty; } 2>/dev/null && echo ESCAPED; test -t 0 || test -t 1 || echo none",
    );
    assert!(result.output.contains("not a tty") && result.output.contains("none"), "{result:?}");
    assert!(!result.output.contains("ESCAPED"), "{result:?}");
    if has("perl") && crate::place::confines() {
        // One of its own could be made the controlling one.
        crate::place::all_fail(&["perl -e 'open(T, \"+<\", \"/dev/ptmx\") or die $!'"]);
    }
}

// If this fails, a broken installation says nothing, or a command runs unwatched.
#[test]
fn a_helper_that_is_none_is_an_error() {
    let place = Place::new();
    for helper in ["/nowhere/kaizen", "/bin/true", "/bin/cat"] {
        let sandbox = Sandbox::with_helper(helper.into());
        let error = sandbox.run(&place.request("touch ran"), &AtomicBool::new(false)).unwrap_err();
        assert!(
            error.to_string().starts_with("the helper that watches over commands failed"),
            "{error}"
        );
    }
    assert!(!place.workspace.join("ran").exists());
    // By hand, it says what it is.
    let by_hand =
        assert_cmd::Command::new(env!("CARGO_BIN_EXE_kaizen")).arg("confined").output().unwrap();
    assert_eq!(by_hand.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&by_hand.stderr).contains("Kaizen's own"));
}

//! Processes: whatever a command starts ends with it, and it ends nothing else.

use crate::place::{Place, all_fail, confines, has, sandbox};
use kaizen::sandbox::Ended;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Ways to stay alive after the command. Each says that it began.
const STAYING: [&str; 12] = [
    "sleep 1000 & echo began",
    "setsid sleep 1000 & echo began",
    "nohup sleep 1000 > /dev/null 2>&1 & echo began",
    "(setsid sh -c 'setsid sleep 1000 &' &) ; sleep 0.1; echo began",
    "(trap '' TERM INT HUP QUIT; while :; do sleep 0.01; done) & echo began",
    "setsid env -i sh -c 'cd / && exec sleep 1000' > /dev/null 2>&1 & sleep 0.05; echo began",
    "sh -c 'kill -STOP $$' & sleep 0.05; echo began",
    // Each is replaced by a child of its own before it can be found by its number.
    "cat > hop <<'END'
i=$1; [ $i -gt 3000 ] && exit; sh hop $((i + 1)) &
END
sh hop 0 & echo began",
    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do (setsid sleep 1000 &); done; echo began",
    "exec 1>&- 2>&-; sleep 1000 & exit 0",
    "perl -e 'fork and exit; syscall(112); $0 = \"kworker/0:1\"; fork and exit; sleep 1000' ; echo began",
    // A sub-reaper of its own, whose grandchild is an orphan.
    "perl -e 'syscall(157, 36, 1, 0, 0, 0); if (!fork) { if (!fork) { sleep 1000 } exit } sleep 1000' & \
     sleep 0.1; echo began",
];

// If this fails, something a model started goes on unseen after its task.
#[test]
fn nothing_outlives_its_command() {
    for command in STAYING {
        if command.contains("perl") && !has("perl") {
            continue;
        }
        let place = Place::new();
        let result = place.run(command);
        assert_eq!(result.ended, Ended::Code(0), "{command}: {}", result.output);
        assert!(result.output.contains("began") || command.starts_with("exec"), "{result:?}");
        assert_eq!(place.processes(), Vec::<String>::new(), "{command}");
        assert!(result.seconds < 5.0, "{command}: {} s", result.seconds);
    }
}

// If this fails, a task that was cancelled or took too long goes on.
#[test]
fn nothing_outlives_the_time_limit_or_a_cancellation() {
    for command in STAYING {
        if command.contains("perl") && !has("perl") || command.contains("exit 0") {
            continue;
        }
        let place = Place::new();
        let mut request =
            place.request(&format!("{command}; trap '' TERM; while :; do sleep 1; done"));
        request.time_limit = Duration::from_millis(200);
        let result = place.run_request(&request);
        assert_eq!(result.ended, Ended::TimedOut, "{command}: {}", result.output);
        assert!(result.seconds < 5.0, "{command}: {} s", result.seconds);
    }
    let place = Place::new();
    let cancel = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            place.wait_for(|count| count >= 3);
            cancel.store(true, Ordering::Relaxed);
        });
        sandbox().run(&place.request("setsid sleep 1000 & sleep 1000"), &cancel).unwrap()
    });
    assert_eq!(result.ended, Ended::Cancelled);
    assert!(result.seconds < 5.0, "{} s", result.seconds);
}

/// Not a test of its own: what `kaizen_that_is_killed_leaves_nothing` starts as its Kaizen.
#[test]
fn kaizen_to_be_killed() {
    let Ok(folder) = std::env::var("SANDBOX_TEST_FOLDER") else { return };
    let request = kaizen::sandbox::CommandRequest {
        command: "setsid sleep 1000 & (trap '' TERM; sleep 1000) & sleep 1000".into(),
        workspace: format!("{folder}/workspace").into(),
        temporary: format!("{folder}/temporary").into(),
        may_write: true,
        time_limit: Duration::from_secs(1000),
        output_limit: 100,
        environment: Vec::new(),
    };
    let _ = sandbox().run(&request, &AtomicBool::new(false));
}

fn start_kaizen(place: &Place) -> Child {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::kaizen_to_be_killed", "--test-threads", "1"])
        .env("SANDBOX_TEST_FOLDER", place.workspace.parent().unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Itself, the shell and three that sleep.
    place.wait_for(|count| count >= 5);
    child
}

// If this fails, a crash of Kaizen lets loose whatever a model had started.
#[test]
fn kaizen_that_is_killed_leaves_nothing() {
    let place = Place::new();
    let mut kaizen = start_kaizen(&place);
    kaizen.kill().unwrap();
    kaizen.wait().unwrap();
    place.wait_for(|count| count == 0);
}

// If this fails, ending Kaizen's processes by hand (`pkill kaizen`) lets loose what they watched over.
#[test]
fn a_supervisor_that_is_told_to_end_cleans_up() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let place = Place::new();
    let mut kaizen = start_kaizen(&place);
    let children = format!("/proc/{0}/task", kaizen.id());
    let supervisor: i32 = std::fs::read_dir(children)
        .unwrap()
        .find_map(|task| {
            let path = task.unwrap().path().join("children");
            std::fs::read_to_string(path).unwrap().split_whitespace().next()?.parse().ok()
        })
        .unwrap();
    let pid = rustix::process::Pid::from_raw(supervisor).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(kaizen.wait().unwrap().success());
    place.wait_for(|count| count == 0);
}

// If this fails, a command frees itself by ending what watches over it, or ends the person's programs.
#[test]
fn no_other_process_is_harmed() {
    if !confines() || !has("perl") {
        return;
    }
    // Of the tests themselves: it may be ended by the controls.
    let place = Place::new();
    for attempt in [
        "kill -9 $PPID",
        "kill -9 $KAIZEN",
        "kill -STOP $PPID",
        "kill -STOP $KAIZEN",
        "kill -9 -$KAIZEN",
        "kill -9 -$PPID",
        "kill -0 1",
        "perl -e 'kill(0, -1) or die $!'",
        "perl -e 'syscall(234, $ENV{KAIZEN}, $ENV{KAIZEN}, 9) == 0 or die $!'",
        // A limit that has passed, and the last place at the processor.
        "perl -e 'syscall(302, $ARGV[0], 0, pack(\"QQ\", 0, 0), 0) == 0 or die $!' $PPID",
        "perl -e 'syscall(302, $ENV{KAIZEN}, 0, 0, pack(\"QQ\", 0, 0)) == 0 or die $!'",
        "perl -e 'syscall(203, $ARGV[0], 8, pack(\"Q\", 1)) == 0 or die $!' $PPID",
        "renice -n 19 -p $PPID",
        "renice -n 19 -u $(id -u)",
        // Looking into it.
        "perl -e 'syscall(101, 16, $ENV{KAIZEN}, 0, 0) == 0 or die $!'",
        "perl -e 'syscall(310, $ENV{KAIZEN}, 0, 0, 0, 0, 0) == 0 or die $!'",
        "cat /proc/$PPID/maps > x && test -s x",
        "perl -e 'syscall(29, 0, 4096, 0600) >= 0 or die $!'",
    ] {
        // The numbers of the calls are those of x86-64.
        if attempt.contains("syscall") && cfg!(not(target_arch = "x86_64")) {
            continue;
        }
        let result = place.run(&format!("{{ {attempt}; }} && echo ESCAPED; echo still watched"));
        assert_eq!(result.ended, Ended::Code(0), "{attempt}: {}", result.output);
        assert!(!result.output.contains("ESCAPED"), "{attempt}: {}", result.output);
        assert!(result.output.contains("still watched"), "{attempt}: {}", result.output);
    }
    // Its own it may end.
    let own = place.run("sleep 1000 & kill -9 $!; wait $!; echo $?");
    assert_eq!(own.output.lines().last(), Some("137"), "{}", own.output);
    all_fail(&["kill -0 $KAIZEN"]);
}

// If this fails, one line of shell makes the machine stand still.
#[test]
fn a_fork_bomb_is_bounded() {
    if !has("perl") || cfg!(not(target_os = "linux")) {
        return;
    }
    let place = Place::new();
    let bomb = "perl -e 'for (1..3000) { my $p = fork; last unless defined $p; \
                if (!$p) { sleep 100; exit } } sleep 10'";
    let mut request = place.request(bomb);
    request.time_limit = Duration::from_secs(3);
    let result = place.run_request(&request);
    let by_the_supervisor = result.output.contains("more than 512 processes");
    assert!(by_the_supervisor || result.ended == Ended::TimedOut, "{result:?}");
    assert!(result.seconds < 6.0, "{} s", result.seconds);
    assert_eq!(place.processes(), Vec::<String>::new());
    // One that grows at every end, as the known one does; 4096 at the most.
    let tree = "perl -e 'for (1..12) { fork } sleep 100'";
    let mut request = place.request(tree);
    request.time_limit = Duration::from_secs(3);
    let result = place.run_request(&request);
    assert!(result.seconds < 6.0, "{} s", result.seconds);
}

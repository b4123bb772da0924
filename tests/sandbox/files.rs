//! Files: what a command may read and change, and all the ways around it.

use crate::place::{Place, SECRET, all_fail, confines, fail, has, is_root, sandbox};
use kaizen::sandbox::{Ended, Error};
use std::fs;
use std::sync::atomic::AtomicBool;

// If this fails, a command changes or deletes files that have nothing to do with the task.
#[test]
fn nothing_outside_is_changed() {
    if !confines() {
        return;
    }
    all_fail(&[
        "echo x > ../outside/new",
        "echo x > \"$OUT/new\"",
        "echo x >> \"$OUT/secret\"",
        ": > \"$OUT/secret\"",
        "truncate -s 0 \"$OUT/secret\"",
        "rm -f \"$OUT/secret\" && ! test -e \"$OUT/secret\"",
        "rmdir \"$OUT\" || { rm \"$OUT/secret\" && rmdir \"$OUT\"; }",
        "mv \"$OUT/secret\" .",
        "mv note \"$OUT\"",
        "cp note \"$OUT\"",
        "mkdir \"$OUT/folder\"",
        "mkfifo \"$OUT/pipe\"",
        "ln -s x \"$OUT/link\"",
        "ln note \"$OUT/hard\"",
        // The way through a link that a command made itself.
        "ln -s \"$OUT\" link && echo x > link/new",
        "ln -s ../outside/secret link && echo x > link",
        "ln -s / link && echo x > \"link/$OUT/new\"",
        "mkdir -p a/b && cd a/b && echo x > ../../../outside/new",
        "cd \"$OUT\" && echo x > new",
        "echo x > \"/proc/self/root/$OUT/new\"",
        "echo x > /proc/self/cwd/../outside/new",
        // A second name for the same file within the workspace.
        "ln \"$OUT/secret\" hard && echo x >> hard",
        // Not what is in a file, but who may use it and since when it is so.
        "chmod 777 \"$OUT/secret\"",
        "chmod 777 \"$OUT\"",
        "ln -s \"$OUT/secret\" link && chmod 777 link",
        "touch -d 2001-01-01 \"$OUT/secret\"",
        "chgrp \"$(id -g)\" \"$OUT/secret\" && chmod 600 \"$OUT/secret\"",
    ]);
}

// If this fails, the same happens where the system grants no mounts of one's own.
#[test]
#[cfg(target_os = "linux")]
fn nothing_outside_is_changed_without_mounts_either() {
    if !confines() {
        return;
    }
    without_mounts(|| {
        all_fail(&[
            "echo x >> \"$OUT/secret\"",
            "chmod 777 \"$OUT/secret\"",
            "chmod 777 \"$OUT\"",
            "ln -s \"$OUT/secret\" link && chmod 777 link",
            "touch -d 2001-01-01 \"$OUT/secret\"",
            "chgrp \"$(id -g)\" \"$OUT/secret\" && chmod 600 \"$OUT/secret\"",
            "exec 3> own; chmod 777 /proc/self/fd/3/../../../\"$OUT/secret\" || chmod 777 \"$OUT/secret\"",
        ]);
        let place = Place::new();
        let before = fs::metadata(place.workspace.join("note")).unwrap();
        let mut request = place.request("chmod 777 note; touch note; echo x > note; cat note");
        request.may_write = false;
        let output = place.run_request(&request).output;
        let after = fs::metadata(place.workspace.join("note")).unwrap();
        assert_eq!(before.permissions(), after.permissions(), "{output}");
        assert_eq!(before.modified().unwrap(), after.modified().unwrap(), "{output}");
        assert!(output.ends_with("a note\n"), "{output}");
        let work = "mkdir a && echo x > a/b && mv a/b a/c && cp a/c d && rm -r a && cat d";
        assert_eq!(place.run(work).output, "x\n");
    });
}

/// Does it in a thread that may not mount, which Landlock forbids to whatever it confines.
#[cfg(target_os = "linux")]
fn without_mounts(what: impl FnOnce() + Send) {
    use landlock::{AccessFs, Ruleset, RulesetAttr};
    std::thread::scope(|scope| {
        let confined = scope.spawn(|| {
            let rules = Ruleset::default().handle_access(AccessFs::MakeBlock).unwrap();
            rules.create().unwrap().restrict_self().unwrap();
            what();
        });
        confined.join().unwrap();
    });
}

// If this fails, what the person keeps elsewhere (keys, letters, passwords) is read by a model.
#[test]
fn nothing_outside_is_read() {
    if !confines() {
        return;
    }
    all_fail(&[
        "cat \"$OUT/secret\"",
        "cat ../outside/secret",
        "ls \"$OUT\"",
        "cd \"$OUT\" && cat secret",
        "ln -s \"$OUT/secret\" link && cat link",
        "ln \"$OUT/secret\" hard && cat hard",
        "cat \"/proc/self/root/$OUT/secret\"",
        "cat /proc/self/cwd/../outside/secret",
        "cp \"$OUT/secret\" here && cat here",
        "grep -r secret ../outside",
        "find \"$OUT\" -name secret -exec cat {} +",
        "read -r line < \"$OUT/secret\"; echo \"$line\" | grep secret",
    ]);
}

// If this fails, a command that is fast enough gets a path past the check of it.
#[test]
fn a_link_that_changes_all_the_time_leads_nowhere() {
    if !confines() {
        return;
    }
    let place = Place::new();
    let before = place.snapshot();
    let race = "mkdir inside; ln -s inside a; ln -s \"$OUT\" b
        (while :; do mv -T a x; mv -T b a; mv -T x b; done) 2>/dev/null &
        i=0; while [ $i -lt 1500 ]; do
            { echo x > a/new; } 2>/dev/null; { echo x > b/new; } 2>/dev/null
            { read -r line < a/secret && echo \"ESCAPED $line\"; } 2>/dev/null
            i=$((i + 1))
        done; echo finished";
    let result = place.run(race);
    assert!(result.output.contains("finished"), "{result:?}");
    assert!(!result.output.contains("ESCAPED"), "{}", result.output);
    assert_eq!(place.snapshot(), before);
    // The loop did write through the link while it led inside.
    assert!(place.workspace.join("inside/new").exists());
}

// If this fails, a command reads the rest of the home.
#[test]
fn the_home_is_out_of_reach() {
    if !confines() {
        return;
    }
    let Some(home) = std::env::var_os("HOME") else { return };
    let Ok(folder) = tempfile::tempdir_in(home) else { return };
    fs::write(folder.path().join("secret"), SECRET).unwrap();
    let place = Place::new();
    let mut request = place.request("cat \"$THERE/secret\"; ls \"$THERE\"; echo \"$HOME\"");
    request.environment.push(("THERE".into(), folder.path().to_str().unwrap().into()));
    let output = place.run_request(&request).output;
    assert!(!output.contains(SECRET), "{output}");
    assert!(output.contains(place.temporary.to_str().unwrap()), "{output}");
    let shadow =
        place.run("cat /etc/shadow /etc/sudoers /etc/ssh/* ~root/.* /var/log/* && echo ESCAPED");
    assert!(!shadow.output.contains("ESCAPED"), "{}", shadow.output);
}

// If this fails, the environment of Kaizen, which may hold tokens, is read by a command.
#[test]
fn no_environment_but_its_own_is_read() {
    let place = Place::new();
    // Cargo gave this test a variable of that name.
    assert!(std::env::var("CARGO_PKG_NAME").is_ok());
    let output = place.run("env").output;
    let mut names: Vec<&str> = output.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    let expected =
        ["HOME", "KAIZEN", "LANG", "LC_ALL", "OUT", "PATH", "PWD", "TERM", "TMPDIR", "USER"];
    assert_eq!(names, expected);
    if !confines() {
        return;
    }
    all_fail(&[
        "tr '\\0' '\\n' < \"/proc/$KAIZEN/environ\" | grep CARGO_PKG_NAME",
        "cat /proc/$PPID/environ > x && test -s x",
        "cat \"/proc/self/../$KAIZEN/environ\" > x && test -s x",
        "cat \"/proc/$KAIZEN/cmdline\" > x && test -s x",
        "ls \"/proc/$KAIZEN/fd\"",
        "cat \"/proc/$KAIZEN/task/$KAIZEN/environ\" > x && test -s x",
    ]);
}

// If this fails, a file that Kaizen happens to have open is read in spite of all rules.
#[test]
fn no_open_file_is_inherited() {
    if !has("perl") {
        return;
    }
    use std::os::fd::AsRawFd;
    let place = Place::new();
    let file = fs::File::open(place.outside.join("secret")).unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let command =
        format!("perl -e 'open(F, \"<&={}\") and print \"ESCAPED\", <F>'", file.as_raw_fd());
    assert!(!place.run(&command).output.contains(SECRET));
    assert!(place.unconfined(&command).contains(SECRET));
}

// If this fails, a command that nobody was asked about changes the person's files.
#[test]
fn what_may_not_write_does_not() {
    if !confines() {
        return;
    }
    let place = Place::new();
    for attempt in [
        "echo x > note",
        "echo x >> note",
        "echo x > new",
        "rm -f note && ! test -e note",
        "mv note other",
        "mkdir folder",
        "chmod 777 note",
        "touch note",
        "touch -d 2001-01-01 note",
        "ln note hard",
        "ln -s note link",
        "truncate -s 0 note",
        "ln note \"$TMPDIR/hard\" && echo x > \"$TMPDIR/hard\"",
    ] {
        let mut request = place.request(&format!("{attempt} && echo ESCAPED"));
        request.may_write = false;
        let about = fs::metadata(place.workspace.join("note")).unwrap();
        let output = place.run_request(&request).output;
        assert!(!output.contains("ESCAPED"), "{attempt}: {output}");
        let after = fs::metadata(place.workspace.join("note")).unwrap();
        assert_eq!(about.permissions(), after.permissions(), "{attempt}");
        assert_eq!(about.modified().unwrap(), after.modified().unwrap(), "{attempt}");
    }
    assert_eq!(fs::read_dir(&place.workspace).unwrap().count(), 1);
    let mut request = place.request("cat note; echo x > \"$TMPDIR/a\" && cat \"$TMPDIR/a\"");
    request.may_write = false;
    assert_eq!(place.run_request(&request).output, "a note\nx\n");
}

// If this fails, root's own powers lead out: devices, mounts, another root folder, other users' rights.
#[test]
fn what_only_root_could_do_fails() {
    if !confines() || !is_root() {
        return;
    }
    fail(
        &[
            "mknod device c 1 5 && head -c 1 device",
            "mknod \"$TMPDIR/device\" b 254 0 || mknod device b 254 0",
            "mkdir m && mount -t tmpfs none \"$PWD/m\" && umount \"$PWD/m\"",
            "mkdir m && mount --bind \"$OUT\" \"$PWD/m\" && umount \"$PWD/m\"",
            "chroot / true",
            "chown 12345 \"$OUT/secret\"",
            "cp /bin/true own && chmod u+s own && test -u own",
            "cp /bin/true own && chmod g+s own && test -g own",
            "cat /proc/sys/vm/swappiness > x && cat x > /proc/sys/vm/swappiness",
            "dmesg > x && test -s x",
            "head -c 1 /dev/vda > x && test -s x",
            "head -c 1 /dev/sda > x && test -s x",
            "unshare -m true",
            "unshare -U true",
            "nsenter -t 1 -m true",
        ],
        false,
    );
}

// If this fails, the sandbox is so tight that honest work does not go on in it.
#[test]
fn honest_work_goes_on() {
    let place = Place::new();
    let work = "set -e
        echo 'echo from a script' > run.sh; chmod +x run.sh; ./run.sh
        mkdir -p a/b; mv run.sh a/b/; cp -p a/b/run.sh copy; ln -s copy link; ./link
        touch copy new; touch -d 2001-01-01 new; rm -r a
        echo x | tee y > /dev/null; cat y; echo to stderr > /dev/stderr
        f=$(mktemp); echo temporary > \"$f\"; cat \"$f\"
        test \"$PWD\" = \"$(pwd)\"; date > /dev/null; nproc > /dev/null; id > /dev/null
        ( sleep 0.01 & wait ); timeout 5 true; tail -n 1 note
        printf 'b\\na\\n' | sort | head -n 1
        tar cf t.tar note; rm note; tar xf t.tar; ls -l note > /dev/null
        head -c 3 /dev/urandom > random; echo finished";
    let result = place.run(work);
    assert_eq!(result.ended, Ended::Code(0), "{}", result.output);
    let expected = "from a script\nfrom a script\nx\nto stderr\ntemporary\na note\na\nfinished\n";
    assert_eq!(result.output, expected);
}

// If this fails, the rules that protect the home can be talked away by naming it a workspace.
#[test]
fn a_workspace_must_be_a_folder_and_not_everything() {
    let place = Place::new();
    let error = |change: &dyn Fn(&mut kaizen::sandbox::CommandRequest)| {
        let mut request = place.request("echo ran");
        change(&mut request);
        sandbox().run(&request, &AtomicBool::new(false)).unwrap_err()
    };
    let home = std::env::var("HOME").unwrap();
    for wide in ["/", &home, "/proc/self/root"] {
        let error = error(&|request| request.workspace = wide.into());
        assert!(matches!(error, Error::TooWide { .. }), "{wide}: {error}");
    }
    let missing = error(&|request| request.workspace = "/nowhere/at/all".into());
    assert!(matches!(missing, Error::Folder { .. }), "{missing}");
    let file = error(&|request| request.temporary = place.outside.join("secret"));
    assert!(matches!(file, Error::Folder { .. }), "{file}");
    let zero = error(&|request| request.command = "echo \0".into());
    assert!(matches!(zero, Error::Command(_)), "{zero}");
    let long = error(&|request| request.command = "x".repeat(200_000));
    assert!(matches!(long, Error::Command(_)), "{long}");
    let refused = error(&|request| request.command = "rm -rf /".into());
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
}

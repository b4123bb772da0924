//! Every file tool against paths that lead out of the workspace, in every way there is to write one.
#![allow(clippy::unwrap_used)]

use super::{Effect, ToolResult, Toolbox, Workspace};
use crate::tasks::Action;
use std::path::Path;

struct Scene {
    _all: tempfile::TempDir,
    outside: std::path::PathBuf,
    workspace: Workspace,
}

const SECRET: &str = "the secret of another folder";

fn scene() -> Scene {
    let all = tempfile::tempdir().unwrap();
    let outside = all.path().join("outside");
    let inside = all.path().join("inside");
    std::fs::create_dir_all(outside.join("folder")).unwrap();
    std::fs::create_dir_all(inside.join("docs")).unwrap();
    std::fs::write(outside.join("secret.txt"), SECRET).unwrap();
    std::fs::write(inside.join("docs/own.txt"), "own").unwrap();
    Scene { workspace: Workspace::open(&inside, None).unwrap(), outside, _all: all }
}

fn run(scene: &Scene, tool: &str, path: &str) -> ToolResult {
    let toolbox = Toolbox::files();
    let arguments = [
        ("path", path),
        ("content", "damage"),
        ("find", "secret"),
        ("replace", "damage"),
        ("text", "secret"),
    ];
    toolbox.get(tool).unwrap().run(&Action::new(tool, &arguments), &scene.workspace)
}

/// Nothing outside was read into a result or changed.
fn is_untouched(scene: &Scene) -> bool {
    std::fs::read_to_string(scene.outside.join("secret.txt")).unwrap() == SECRET
        && std::fs::read_dir(&scene.outside).unwrap().count() == 2
        && std::fs::read_dir(scene.outside.join("folder")).unwrap().count() == 0
}

const TOOLS: [&str; 5] = ["read_file", "list_files", "search", "write_file", "edit_file"];

// If this fails, a task that was given one folder reads or damages the person's other files.
#[test]
fn no_way_of_writing_a_path_leads_out() {
    let scene = scene();
    let absolute = scene.outside.join("secret.txt").display().to_string();
    let beside = format!("{}-beside/x", scene.workspace.root().display());
    let back = format!("{}/../outside/secret.txt", scene.workspace.root().display());
    for path in [
        "../outside/secret.txt",
        "docs/../../outside/secret.txt",
        "./.././outside/secret.txt",
        "docs/own.txt/../../../outside/secret.txt",
        "/etc/passwd",
        "/",
        "..",
        "docs/../..",
        "~/x",
        "a\0b",
        &absolute,
        &beside,
        &back,
    ] {
        for tool in TOOLS {
            let result = run(&scene, tool, path);
            assert!(result.error.is_some() && result.output.is_empty(), "{tool} {path} {result:?}");
            let action = Action::new(tool, &[("path", path)]);
            let effect = Toolbox::files().get(tool).unwrap().effect(&action, &scene.workspace);
            assert!(matches!(effect, Effect::Refused(_)), "{tool} {path} {effect:?}");
        }
    }
    let told = run(&scene, "read_file", "../outside/secret.txt").error.unwrap();
    assert!(told.starts_with("../outside/secret.txt lies outside "), "{told}");
    assert!(is_untouched(&scene));
}

// If this fails, a link in a downloaded folder is enough to read or change a file elsewhere.
#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    use std::os::unix::fs::symlink;
    let scene = scene();
    let root = scene.workspace.root();
    symlink(scene.outside.join("secret.txt"), root.join("file")).unwrap();
    symlink("../outside/secret.txt", root.join("relative")).unwrap();
    symlink(&scene.outside, root.join("folder")).unwrap();
    symlink("../../outside/new.txt", root.join("docs/dangling")).unwrap();
    symlink("round", root.join("round")).unwrap();
    symlink("/proc/self/root", root.join("magic")).unwrap();
    for path in [
        "file",
        "relative",
        "folder",
        "folder/secret.txt",
        "folder/new/deep.txt",
        "docs/dangling",
        "round",
        "magic/etc/passwd",
        "magic/tmp/x",
    ] {
        for tool in TOOLS {
            let result = run(&scene, tool, path);
            assert!(result.error.is_some() && result.output.is_empty(), "{tool} {path} {result:?}");
        }
    }
    let told = run(&scene, "read_file", "file").error.unwrap();
    assert!(told.starts_with("file is a link that leads out of "), "{told}");
    // Nor does walking about.
    assert_eq!(run(&scene, "search", ".").output, "secret was not found");
    let listed: Vec<_> =
        scene.workspace.listing(100).entries.into_iter().map(|entry| entry.path).collect();
    assert_eq!(listed, ["docs", "docs/own.txt"]);
    let shown = run(&scene, "list_files", ".").output;
    assert!(shown.contains("folder (a link that leads nowhere in here)"), "{shown}");
    assert!(is_untouched(&scene));
}

// If this fails, a person's own links within a folder stop working, or are replaced by copies.
#[cfg(unix)]
#[test]
fn links_within_the_workspace_work_and_stay() {
    let scene = scene();
    let link = scene.workspace.root().join("link");
    std::os::unix::fs::symlink("docs/own.txt", &link).unwrap();
    std::os::unix::fs::symlink("docs", scene.workspace.root().join("folder")).unwrap();
    assert_eq!(run(&scene, "read_file", "folder/own.txt").output, "own");
    assert!(run(&scene, "write_file", "link").is_success());
    assert!(link.is_symlink());
    let own = scene.workspace.root().join("docs/own.txt");
    assert_eq!(std::fs::read_to_string(own).unwrap(), "damage");
    assert!(run(&scene, "write_file", "folder/new.txt").is_success());
    assert!(scene.workspace.root().join("docs/new.txt").exists());
}

// If this fails, a program in the workspace that swaps a folder for a link at the right moment makes a tool
// write into, or read from, any folder of the person's.
#[cfg(target_os = "linux")]
#[test]
fn nothing_lands_outside_while_a_folder_is_swapped_for_a_link() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use std::sync::atomic::{AtomicBool, Ordering};
    let scene = scene();
    let root = scene.workspace.root();
    std::fs::write(scene.outside.join("folder/secret.txt"), SECRET).unwrap();
    let (place, link) = (root.join("place"), root.join("link"));
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("secret.txt"), "own secret").unwrap();
    std::os::unix::fs::symlink(scene.outside.join("folder"), &link).unwrap();
    let is_over = AtomicBool::new(false);
    let (mut done, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                renameat_with(CWD, &place, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for round in 0..2_000 {
            let result = run(&scene, "write_file", "place/written.txt");
            if result.is_success() {
                done += 1
            } else {
                refused += 1
            }
            if round % 4 == 0 {
                for tool in ["read_file", "edit_file", "search"] {
                    let result = run(&scene, tool, "place/secret.txt");
                    assert!(!result.output.contains(SECRET), "{tool} {result:?}");
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    // Both happened, or the race was never run.
    assert!(done > 0 && refused > 0, "{done} written, {refused} refused");
    let names = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    assert_eq!(names(&scene.outside.join("folder")), 1);
    assert_eq!(names(&scene.outside), 2);
    assert_eq!(std::fs::read_to_string(scene.outside.join("folder/secret.txt")).unwrap(), SECRET);
}

//! The desktop tools against real windows: a display of its own, a terminal on it, and what came of typing
//! into that in the world. Without the programs for it nothing is tested, and what to install is said.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use kaizen::tasks::Action;
use kaizen::tasks::tools::desktop::{Desktop, availability};
use kaizen::tasks::tools::{Effect, Tool, ToolResult, Toolbox, Workspace};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const WIDTH: u32 = 1024;
const HEIGHT: u32 = 768;
const NEEDED: [(&str, &str); 5] = [
    ("Xvfb", "xvfb"),
    ("xterm", "xterm"),
    ("xdotool", "xdotool"),
    ("scrot", "scrot"),
    ("tesseract", "tesseract-ocr"),
];

/// A display of a test's own, with a terminal in large letters on it; both end with it.
struct Screen {
    desktop: Desktop,
    display: String,
    workspace: Workspace,
    /// The terminal before the display, or it complains.
    processes: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Drop for Screen {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn screen() -> Option<Screen> {
    let is_there = |name: &str| {
        ["/usr/bin", "/usr/local/bin"].iter().any(|f| Path::new(f).join(name).exists())
    };
    let missing: Vec<_> =
        NEEDED.iter().filter(|(name, _)| !is_there(name)).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        println!("skipped; to run it: apt-get install {}", missing.join(" "));
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"])
        .arg(format!("{WIDTH}x{HEIGHT}x24"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
    let display = format!(":{}", number.trim());
    let terminal = Command::new("xterm")
        .args([
            "-fa",
            "Monospace",
            "-fs",
            "20",
            "-geometry",
            "50x16+0+0",
            "-bg",
            "white",
            "-fg",
            "black",
        ])
        .args(["-e", "sh", "-c", "echo 'Kaizen reads this line'; echo 'Price 1234 euros'; exec sh"])
        .env("DISPLAY", &display)
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let workspace = Workspace::open(folder.path(), None).unwrap();
    let desktop = Desktop::on(&display);
    let screen = Screen { desktop, display, workspace, processes: vec![server, terminal], folder };
    assert!(waited(|| screen.windows("xterm") > 0), "the terminal has no window");
    Some(screen)
}

/// True as soon as something holds; false when it does not within half a minute.
fn waited(holds: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

impl Screen {
    /// Windows of a class that are shown.
    fn windows(&self, class: &str) -> usize {
        let found = Command::new("xdotool")
            .args(["search", "--onlyvisible", "--class", class])
            .env("DISPLAY", &self.display)
            .output()
            .unwrap();
        String::from_utf8_lossy(&found.stdout).lines().count()
    }

    fn act(&self, tool: &str, arguments: &[(&str, serde_json::Value)]) -> ToolResult {
        let mut action = Action::new(tool, &[]);
        for (name, value) in arguments {
            action.arguments.insert((*name).to_owned(), value.clone());
        }
        let toolbox = Toolbox::default().with_desktop(&self.desktop);
        let tool = toolbox.get(tool).unwrap();
        let effect = tool.effect(&action, &self.workspace);
        assert!(!matches!(effect, Effect::Refused(_)), "{effect:?}");
        tool.run(&action, &self.workspace)
    }

    fn done(&self, tool: &str, arguments: &[(&str, serde_json::Value)]) -> String {
        let result = self.act(tool, arguments);
        assert!(result.is_success(), "{tool} {result:?}");
        result.output
    }
}

// If this fails, a model that looks at the screen is blind, or acts on text that is not there.
#[test]
fn the_screen_is_seen_and_read() {
    let Some(screen) = screen() else { return };
    assert!(availability(&screen.desktop).iter().all(|one| one.is_available()));

    let told = screen.done("screenshot", &[]);
    let path = told.strip_prefix("saved ").and_then(|rest| rest.split_once(" (")).unwrap().0;
    assert!(told.ends_with(&format!("({WIDTH} x {HEIGHT} pixels)")), "{told}");
    assert!(Path::new(path).starts_with(screen.workspace.temporary()));
    let picture = BufReader::new(std::fs::File::open(path).unwrap());
    let reader = png::Decoder::new(picture).read_info().unwrap();
    assert_eq!(reader.info().size(), (WIDTH, HEIGHT));

    let began = Instant::now();
    let read = || screen.done("read_screen", &[]);
    let is_read = || read().contains("Kaizen reads this line");
    assert!(waited(is_read), "{}", read());
    let shown = read();
    println!("{shown}\n{:?}", began.elapsed());
    assert!(shown.contains("Price 1234 euros"), "{shown}");
    let confidence =
        shown.lines().last().and_then(|line| line.strip_prefix("confidence ")).unwrap();
    let confidence: f64 = confidence.split(':').next().unwrap().parse().unwrap();
    assert!((0.6..=1.0).contains(&confidence), "{shown}");
    // The words stand where they were read.
    let line = shown.lines().find(|line| line.contains("Price 1234 euros")).unwrap();
    let (x, y) = line.split(' ').next().unwrap().split_once(',').unwrap();
    let (x, y): (u32, u32) = (x.parse().unwrap(), y.parse().unwrap());
    assert!((50..400).contains(&x) && (30..100).contains(&y), "{line}");
    // Only the picture that was asked for is left.
    assert_eq!(std::fs::read_dir(screen.workspace.temporary()).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(screen.folder.path()).unwrap().count(), 0);
}

// If this fails, a model believes that it typed and clicked, and nothing happened; or something else did.
#[test]
fn what_is_typed_happens() {
    let Some(screen) = screen() else { return };
    let is_there = |name: &str| screen.folder.path().join(name).exists();
    screen.done("click", &[("x", 200.into()), ("y", 200.into())]);
    // A shell that is not ready yet loses no key: the terminal keeps them.
    screen.done("type_text", &[("text", "echo \"--it's é $HOME\" > 'typed here.txt'".into())]);
    assert!(!is_there("typed here.txt"), "carried out before Return");
    screen.done("press_keys", &[("keys", "Return".into())]);
    let typed = || std::fs::read_to_string(screen.folder.path().join("typed here.txt"));
    assert!(waited(|| typed().is_ok_and(|text| text.starts_with("--it's"))), "{:?}", typed());
    assert!(typed().unwrap().contains(&std::env::var("HOME").unwrap_or_default()));

    // ctrl+u takes back what was typed.
    screen.done("type_text", &[("text", "touch wrong".into())]);
    screen.done("press_keys", &[("keys", "ctrl+u".into())]);
    screen.done("type_text", &[("text", "--help >/dev/null; touch right".into())]);
    screen.done("press_keys", &[("keys", "enter".into())]);
    assert!(waited(|| is_there("right")));
    assert!(!is_there("wrong"));

    for (x, y) in [(WIDTH, 0), (0, HEIGHT), (u32::MAX, 5)] {
        let told = screen.act("click", &[("x", x.into()), ("y", y.into())]).error.unwrap();
        assert!(told.contains("is not on the screen, which is 1024 x 768 pixels"), "{told}");
    }
}

// If this fails, opening a program does nothing, or it stays open on the person's screen for ever.
#[test]
fn what_is_opened_is_gone_with_the_task() {
    let Some(mut screen) = screen() else { return };
    assert_eq!(screen.windows("xterm"), 1);
    assert_eq!(screen.done("open_app", &[("name", "XTerm".into())]), "xterm is open");
    assert_eq!(screen.windows("xterm"), 2);
    let another = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(another.path(), None).unwrap();
    drop(std::mem::replace(&mut screen.workspace, workspace));
    assert!(waited(|| screen.windows("xterm") == 1), "{} windows", screen.windows("xterm"));
}

// If this fails, a display that is gone holds the task up, or the model takes silence for success.
#[test]
fn a_display_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path(), None).unwrap();
    let toolbox = Toolbox::default().with_desktop(&Desktop::on(":4444"));
    let mut action = Action::new("any", &[("text", "x"), ("keys", "a")]);
    action.arguments.insert("x".to_owned(), 1.into());
    action.arguments.insert("y".to_owned(), 1.into());
    for tool in toolbox.iter().filter(|tool| tool.name() != "open_app") {
        let result = tool.run(&action, &workspace);
        assert!(result.error.is_some() && !result.timed_out, "{} {result:?}", tool.name());
    }
    assert_eq!(toolbox.iter().map(Tool::name).count(), 6);
}

//! The prompt for an action by keys and reports: what must never be allowed by accident, and what must
//! always be seen.
#![allow(clippy::unwrap_used)]

use crate::driver::{ActDecision, ActShown, ShownProposal, WorkEvent};
use crate::store::ActEnding;
use crate::tui::tests::acting::{
    acted, begun, command, decisions, did, event, proposed, quiet, step, task,
};
use crate::tui::tests::{SIZES, Screen};
use crate::tui::theme::Theme;

fn waiting(width: u16, height: u16, proposal: ShownProposal) -> Screen {
    let mut screen = begun(width, height, "Put the notes of 2025 into the archive");
    did(&mut screen, step(1, "shell ls", "archive\nnotes-2025.txt\ntodo.txt"));
    proposed(&mut screen, proposal);
    screen
}

fn unconfined() -> ShownProposal {
    let why = "this kernel has no Landlock, so that a command can write anywhere";
    ShownProposal { unconfined: Some(why.into()), ..command(2, "mv notes-2025.txt archive") }
}

// If this fails, a person allows what they have not seen.
#[test]
fn the_action_its_folder_and_the_keys_are_seen() {
    for (width, height) in SIZES {
        let mut screen = waiting(width, height, command(2, "mv notes-2025.txt archive/2025/"));
        insta::assert_snapshot!(format!("opening_{width}x{height}"), screen.picture());
        quiet(&mut screen);
        insta::assert_snapshot!(format!("confined_{width}x{height}"), screen.picture());
        let mut screen = waiting(width, height, unconfined());
        quiet(&mut screen);
        insta::assert_snapshot!(format!("unconfined_{width}x{height}"), screen.picture());
    }
}

// If this fails, a key that was typed in the moment the prompt opened does something to the folder.
#[test]
fn a_key_typed_in_the_moment_it_opens_allows_nothing() {
    let mut screen = waiting(80, 24, command(2, "mv a b"));
    let theme = Theme::default();
    assert_eq!(screen.style_of("yes, this once").fg, theme.dim.fg);
    assert!(screen.app.wants_ticks());
    screen.keys("y a n x enter e");
    assert!(decisions(&screen).is_empty());
    screen.shows(&["may this be done?"]);
    // Who types on is not read as an answer either, however long it takes.
    for _ in 0..10 {
        screen.event(crate::tui::event::Event::Tick("2026-11-23T12:00:01[UTC]".parse().unwrap()));
        screen.text("my");
    }
    assert!(decisions(&screen).is_empty());
    quiet(&mut screen);
    assert_ne!(screen.style_of("yes, this once").fg, theme.dim.fg);
    screen.keys("y");
    assert_eq!(decisions(&screen), [ActDecision::Allow]);
    screen.shows(&["doing step 2"]);
    assert!(!screen.shown().contains("may this be done?"));
}

#[test]
fn each_key_says_what_it_stands_for_and_only_once() {
    for (key, decision) in [
        ("y", ActDecision::Allow),
        ("a", ActDecision::AllowKind),
        ("n", ActDecision::Deny),
        ("x", ActDecision::Stop),
    ] {
        let mut screen = waiting(80, 24, command(2, "mv a b"));
        quiet(&mut screen);
        screen.keys(key).keys(key);
        assert_eq!(decisions(&screen), [decision]);
    }
}

// If this fails, something that nothing confines is allowed for good.
#[test]
fn what_nothing_confines_is_marked_and_cannot_be_allowed_for_good() {
    let mut screen = waiting(80, 24, unconfined());
    quiet(&mut screen);
    assert_eq!(screen.style_of("NOT CONFINED").fg, Theme::default().warning.fg);
    screen.keys("a").shows(&["may this be done?", "this kernel has no Landlock"]);
    assert!(decisions(&screen).is_empty());
    assert!(!screen.shown().contains("from now on"));
}

// If this fails, a person can only say no to a command that is nearly right, or loses what they typed.
#[test]
fn an_action_is_changed_and_what_is_not_understood_comes_back_as_it_was_typed() {
    for (width, height) in SIZES {
        let mut screen = waiting(width, height, command(2, "mv notes-2025.txt archive"));
        quiet(&mut screen);
        screen.keys("e").text("/2025");
        insta::assert_snapshot!(format!("edit_{width}x{height}"), screen.picture());
    }
    let mut screen = waiting(80, 24, command(2, "mv a b"));
    quiet(&mut screen);
    // Letters are text here.
    screen.keys("e").text("yax").keys("esc").shows(&["may this be done?", "mv a b"]);
    screen.keys("e").text(" && ls").keys("enter");
    assert_eq!(decisions(&screen), [ActDecision::Edit("mv a b && ls".into())]);
    let problem = Some("a command is one line".to_owned());
    proposed(&mut screen, ShownProposal { problem, ..command(2, "mv a b") });
    screen.shows(&["Not understood: a command is one line", "mv a b && ls"]);
    screen.keys("enter");
    assert_eq!(decisions(&screen).len(), 1, "Enter counted in the moment it opened");
    quiet(&mut screen);
    screen.text(" -l").keys("enter");
    assert_eq!(decisions(&screen)[1], ActDecision::Edit("mv a b && ls -l".into()));
    // A later action has nothing of it.
    event(&mut screen, WorkEvent::Act(Box::new(ActShown::Did(step(2, "shell mv a b", "")))));
    proposed(&mut screen, command(3, "rm a"));
    screen.shows(&["Step 3: may this be done?", "┃ rm a"]);
}

// If this fails, a prompt stays that nobody waits behind, and a key in it is lost or hits the next action.
#[test]
fn it_closes_when_the_task_ends_or_is_cancelled() {
    let mut ends = vec![acted(None, ActEnding::Cancelled), WorkEvent::Cancelled];
    ends.push(WorkEvent::Failed("the disk is full".into()));
    for end in ends {
        let mut screen = waiting(80, 24, command(2, "mv a b"));
        quiet(&mut screen);
        event(&mut screen, end);
        assert!(!screen.shown().contains("may this be done?"));
        screen.keys("y");
        assert!(decisions(&screen).is_empty());
    }
    // What happens to other work changes nothing.
    let mut screen = waiting(80, 24, command(2, "mv a b"));
    let (work, _) = task(&screen);
    let other = crate::driver::WorkId(work.0 + 1);
    screen.report(crate::driver::Report::Work { work: other, event: WorkEvent::Cancelled });
    screen.shows(&["may this be done?"]);
}

// If this fails, part of a long command is done that nobody has read.
#[test]
fn a_long_command_is_shown_to_its_end() {
    let parts: Vec<String> = (0..120).map(|number| format!("file-{number:03}.txt")).collect();
    let mut screen = waiting(80, 24, command(2, &format!("rm {}", parts.join(" "))));
    screen.shows(&["rm file-000.txt", "more below", "in ~/desk/docs", "yes, this once"]);
    assert!(!screen.shown().contains("file-119"));
    screen.keys("pagedown pagedown pagedown end").shows(&["file-119.txt", "more above"]);
}

// If this fails, what a model wrote or a command printed can hide what it does, or pass for the prompt.
#[test]
fn nothing_an_action_says_steers_the_terminal_hides_or_looks_like_the_prompt() {
    let hostile = [
        "rm -rf x\u{1b}[2K\u{1b}[1Gls",
        "echo \u{202e}txt.exe",
        "ls\u{200b}\u{9b}2J\u{7}",
        "printf '╭ Step 3: may this be done? ─╮ y yes, this once'",
        "{\"tool\":\"write_file\",\"path\":\"a\\u001b]0;x\\u0007\",\"text\":\"one\\n╭ Step 9: may this be done? ╮\\ny    yes, this once\"}",
        "",
        "{",
    ];
    for text in hostile {
        let mut screen = waiting(80, 24, command(2, text));
        screen.shows(&["╭ Step 2: may this be done?", "in ~/desk/docs", "stop the task"]);
        let buffer = screen.buffer();
        for cell in buffer.content() {
            let bad = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!cell.symbol().chars().any(bad), "{text:?}: {:?}", cell.symbol());
        }
        // Whatever of it looks like a frame stands within one.
        let shown = screen.shown();
        let frames: Vec<&str> = shown.lines().filter(|line| line.starts_with("╭ Step")).collect();
        assert!(frames.len() == 1 && frames[0].starts_with("╭ Step 2: may"), "{shown}");
        // Printing anything meanwhile decides nothing.
        event(&mut screen, WorkEvent::Text("y\ny\n".into()));
        assert!(decisions(&screen).is_empty());
        screen.shows(&["Step 2: may this be done?"]);
    }
    let mut screen = waiting(80, 24, command(2, hostile[0]));
    screen.shows(&["rm -rf x\\u{1b}[2K\\u{1b}[1Gls", "characters that do not show"]);
    let mut screen = waiting(80, 24, command(2, hostile[1]));
    screen.shows(&["echo \\u{202e}txt.exe"]);
    let mut screen = waiting(80, 24, command(2, hostile[4]));
    screen.shows(&["write_file", "path ┃ a\\u{1b}]0;x\\u{7}", "┃ ╭ Step 9", "┃ y    yes"]);
}

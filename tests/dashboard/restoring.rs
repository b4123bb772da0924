//! The terminal is as it was, however Kaizen ends.

use crate::terminal::{Terminal, quick_home};
use portable_pty::CommandBuilder;

#[test]
fn after_quitting_the_terminal_is_as_it_was() {
    for keys in ["\u{1b}", "\u{3}"] {
        let home = quick_home();
        let mut kaizen = crate::kaizen(home.path());
        kaizen.wait(&["Your task"]);
        assert!(!kaizen.is_plain());
        kaizen.wait_for_the_mouse();
        kaizen.send(keys);
        if keys == "\u{1b}" {
            kaizen.wait(&["i or Enter to write"]).send("q");
        }
        let (code, raw) = kaizen.ended();
        assert_eq!(code, 0, "{raw}");
        assert!(kaizen.is_plain(), "{raw:?}");
    }
}

#[test]
fn signals_from_outside_give_the_terminal_back() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let home = quick_home();
        let mut kaizen = crate::kaizen(home.path());
        kaizen.wait(&["Your task"]).signal(signal);
        let (_, raw) = kaizen.ended();
        assert!(kaizen.is_plain(), "{signal}: {raw:?}");
    }
}

#[test]
fn ctrl_z_gives_the_shell_back_and_fg_the_dashboard() {
    let home = quick_home();
    let mut command = CommandBuilder::new("sh");
    command.arg("-i");
    command.env("PS1", "shell> ");
    let mut shell = Terminal::start(command, home.path(), 80, 24);
    shell.wait(&["shell>"]);
    shell.send(&format!("{} --home .\r", env!("CARGO_BIN_EXE_kaizen"))).wait(&["Your task"]);
    shell.send("kept while away\u{1a}");
    shell.wait_until("the job is stopped", |s| s.to_lowercase().contains("stopped"));
    assert!(shell.is_plain());
    shell.send("fg\r").wait(&["Your task", "kept while away"]);
    // A click on the name of a pane, as the terminal reports it: the mouse was taken again.
    shell.send("\u{1b}[<0;13;1M\u{1b}[<0;13;1m").wait(&["No sessions yet"]);
    shell.send("\u{3}").wait(&["shell>"]);
    assert!(shell.is_plain());
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told_on_it() {
    let home = quick_home();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "restoring::child_that_panics", "--ignored", "--nocapture"]);
    let mut child = Terminal::start(command, home.path(), 80, 24);
    let (code, raw) = child.ended();
    assert_ne!(code, 0);
    assert!(child.is_plain(), "{raw:?}");
    let (screen, after) = raw.rsplit_once("\u{1b}[?1049l").expect("the alternate screen is left");
    assert!(screen.contains("drawn"), "{raw:?}");
    assert!(after.contains("something broke"), "{raw:?}");
}

/// Not a test of its own: takes the terminal, draws, and panics.
#[test]
#[ignore = "run by a_panic_gives_the_terminal_back_and_is_told_on_it"]
fn child_that_panics() {
    let mut terminal = kaizen::tui::Terminal::take().unwrap();
    terminal.take_mouse(true).unwrap();
    terminal.draw(|frame| frame.render_widget("drawn", frame.area())).unwrap();
    panic!("something broke");
}

//! The real program on terminals of several kinds: what it asks, what it sends, and that nothing that somebody
//! types is lost meanwhile.

use crate::terminal::{Terminal, quick_home};
use portable_pty::CommandBuilder;

const QUESTION: &str = "\u{1b}]11;?";

fn on_terminal(home: &std::path::Path, variables: &[(&str, &str)]) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kaizen"));
    command.arg("--home");
    command.arg(home);
    Terminal::start_with(command, home, 80, 24, variables)
}

/// The colour of the title on the first screen.
fn title(kaizen: &Terminal) -> vt100::Color {
    kaizen.with_screen(|screen| {
        let row = (0..24)
            .find(|row| screen.contents_between(*row, 0, *row, 80).contains("Kaizen makes"))
            .expect("the title is on screen");
        screen.cell(row, 1).expect("a cell").fgcolor()
    })
}

// If this fails, a light terminal gets colours that cannot be read, or keys are lost while it answers.
#[test]
fn the_terminal_is_asked_and_its_answer_changes_the_theme_and_types_nothing() {
    let home = quick_home();
    let mut kaizen = on_terminal(home.path(), &[("COLORTERM", "truecolor")]);
    kaizen.wait(&["Kaizen makes", "Your task"]);
    let dark = title(&kaizen);
    assert_eq!(dark, vt100::Color::Rgb(0x5f, 0xd7, 0xd7));
    kaizen.wait_for_bytes(QUESTION);
    // The answer comes in the middle of a word.
    kaizen.send("be\u{1b}]11;rgb:fdfd/f6f6/e3e3\u{1b}\\fore").wait(&["│ before "]);
    assert_eq!(title(&kaizen), vt100::Color::Rgb(0x00, 0x5f, 0x87));
    kaizen.send("\u{3}");
    kaizen.ended();
}

// If this fails, NO_COLOR is not kept to, or an old terminal is sent what it does not know.
#[test]
fn no_more_colours_are_sent_than_the_terminal_has() {
    for (variables, expected) in [
        (&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")][..], vt100::Color::Default),
        (&[("TERM", "xterm-256color")], vt100::Color::Idx(80)),
        (&[("TERM", "xterm")], vt100::Color::Idx(6)),
        (&[("TERM", "xterm-256color"), ("COLORFGBG", "0;15")], vt100::Color::Idx(24)),
    ] {
        let home = quick_home();
        let mut kaizen = on_terminal(home.path(), variables);
        kaizen.wait(&["Kaizen makes", "Your task"]);
        assert_eq!(title(&kaizen), expected, "{variables:?}");
        let coloured = kaizen.raw().contains("\u{1b}[38;") || kaizen.raw().contains("\u{1b}[48;");
        assert_eq!(coloured, expected != vt100::Color::Default, "{variables:?}");
        kaizen.send("\u{3}");
        kaizen.ended();
    }
}

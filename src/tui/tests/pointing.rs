//! The mouse: clicks, the wheel, dragging, and giving it back to the terminal.

use super::{Screen, sessions};
use crate::driver::{Effect, Report};
use crate::tui::pane::TerminalEffect;
use crossterm::event::{MouseButton, MouseEventKind};

// If this fails, a click on a pane's name shows another pane, or none.
#[test]
fn a_click_on_a_name_shows_its_pane_also_from_a_text() {
    for (width, height) in [(60, 16), (80, 24), (120, 40)] {
        let mut screen = Screen::new(width, height);
        screen.text("kept").click("2").shows(&["Sessions"]);
        screen.keys("1").shows(&["kept"]);
    }
    let mut screen = Screen::new(120, 40);
    screen.click("Weak areas").shows(&["Where is the model weak?"]);
    screen.click("6 Exp").shows(&["reading …"]).click("? help").shows(&["Help ·"]);
    // What lies under the help is not to be reached.
    screen.click("1 Tasks").shows(&["Help ·"]);
    screen.click(" Esc close ").click("q quit");
    assert!(screen.terminal_effects.contains(&TerminalEffect::Quit));
}

fn listed(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 2").shown();
    sessions(&mut screen, 60);
    screen.effects.clear();
    screen
}

// If this fails, a click opens something that was only to be looked at, or another row than the one pointed at.
#[test]
fn a_click_selects_a_row_and_a_second_one_opens_it() {
    let mut screen = listed(80, 24);
    screen.click("task 5 of").shows(&["5 of 60"]).click("task 9 of").shows(&["9 of 60"]);
    let opened = |screen: &Screen| {
        let effects = screen.effects.iter().filter(|e| matches!(e, Effect::OpenSession(_)));
        effects.count()
    };
    assert_eq!(opened(&screen), 0);
    screen.click("task 9 of");
    assert_eq!(opened(&screen), 1);
    // Scrolled, the same place on screen is another row.
    let mut screen = listed(80, 24);
    screen.keys("G").click("task 50 of").shows(&["50 of 60"]);
    // A key between the two clicks: they do not belong together.
    screen.keys("k j").click("task 50 of");
    assert_eq!(opened(&screen), 0);
    // One of the choices over the list.
    screen.click("Unrated");
    assert!(matches!(&screen.effects[..], [.., Effect::ListSessions(f)] if f.rated == Some(false)));
}

// If this fails, the wheel moves something else than what is under the pointer.
#[test]
fn the_wheel_scrolls_what_is_under_the_pointer() {
    let mut screen = listed(80, 24);
    screen.wheel("task 3 of").wheel("task 3 of").shows(&["3 of 60"]);
    screen.wheel("Contradicting").shows(&["3 of 60"]);
    let mut screen = Screen::new(80, 24);
    screen.keys("esc ?").shown();
    screen.wheel("Tasks").wheel("Write a prompt");
    assert!(!screen.shown().contains("Write a prompt or"), "{}", screen.shown());
}

// If this fails, the line between list and session cannot be moved, or jumps.
#[test]
fn the_line_beside_a_list_is_dragged() {
    let mut screen = listed(120, 40);
    let row = screen.place_of("task 1 of").1;
    let line = |screen: &mut Screen| {
        let shown = screen.shown();
        let chars: Vec<char> = shown.lines().nth(20).unwrap().chars().collect();
        chars.iter().position(|c| *c == '│').unwrap() as u16
    };
    let before = line(&mut screen);
    let left = MouseButton::Left;
    screen.mouse(MouseEventKind::Down(left), (before, row));
    screen.mouse(MouseEventKind::Drag(left), (40, row)).mouse(MouseEventKind::Up(left), (40, row));
    assert_eq!(line(&mut screen), 40);
    // Let go, it stays.
    screen.mouse(MouseEventKind::Drag(left), (90, row));
    assert_eq!(line(&mut screen), 40);
}

// If this fails, stars that are pointed at are not the ones that are saved.
#[test]
fn stars_and_issues_are_clicked() {
    let mut screen = Screen::new(80, 24);
    let session = "session_20261123_120000".parse().unwrap();
    let form = crate::tui::layers::FeedbackForm::new(session, "an answer");
    screen.app.open_layer(crate::tui::layers::Layer::Feedback(form));
    screen.click("★★☆☆☆");
    let given = screen.effects.iter().find_map(|effect| match effect {
        Effect::Rate { rating, .. } => Some(rating.stars.get()),
        _ => None,
    });
    assert_eq!(given, Some(2));
    screen.shows(&["[ ] Timeout"]).click("[ ] Timeout").shows(&["[x] Timeout"]);
}

// If this fails, text on screen can no longer be selected with the terminal's own means, or the mouse is gone
// for good.
#[test]
fn one_key_releases_the_mouse_and_takes_it_again() {
    let mut screen = Screen::new(80, 24);
    assert_eq!(screen.at_start, [TerminalEffect::Mouse(true)]);
    screen.keys("ctrl-t").shows(&["the mouse is the terminal's now", "^T takes it back"]);
    screen.click("2 Sessions").shows(&["Your task"]);
    screen.keys("ctrl-t").shows(&["the mouse is Kaizen's again"]).click("2 Sessions");
    screen.report(Report::Sessions(crate::driver::Sessions::default().into()));
    screen.shows(&["No sessions yet"]);
    let asked = [TerminalEffect::Mouse(false), TerminalEffect::Mouse(true)];
    assert_eq!(screen.terminal_effects, asked);

    let mut screen = Screen::configured(80, 24, "[tui]\nmouse = false");
    assert!(screen.at_start.is_empty());
    screen.click("2 Sessions").shows(&["Your task"]);
}

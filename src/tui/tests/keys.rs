//! Keys of one's own, counts, searches, and screens that have no room.

use super::{Screen, sessions};
use crate::driver::Effect;
use crate::tui::pane::TerminalEffect;

const OWN: &str = "[keys]\nsend = \"ctrl-s\"\nnew-line = \"enter\"\nprompt = \"w\"\nhelp = \"f1\"\nquit = []\nmeasure = \"ctrl-r\"\nshow-weak-areas = [\"w\", \"3\"]";

// If this fails, hints name keys that do nothing, or somebody's own keys do nothing.
#[test]
fn hints_help_and_sentences_name_the_persons_own_keys_and_these_act() {
    let own = OWN.replace("show-weak-areas = [\"w\", \"3\"]", "show-weak-areas = \"f3\"");
    let mut screen = Screen::configured(120, 40, &own);
    screen.shows(&["^S send", "Enter new line", "weak (F3)"]);
    screen.text("one").keys("enter").text("two").keys("ctrl-s");
    let asked = screen.effects.iter().any(|effect| match effect {
        Effect::Ask { task, .. } => task.messages.iter().any(|m| m.content == "one\ntwo"),
        _ => false,
    });
    assert!(asked, "{:?}", screen.effects);
    let mut screen = Screen::configured(120, 40, &own);
    screen.keys("esc").shows(&["w to write", "F1 help"]);
    assert!(!screen.shown().contains(" quit"), "a hint without a key:\n{}", screen.shown());
    screen.keys("q").keys("f3").shows(&["^R  measures base"]);
    assert!(screen.terminal_effects.iter().all(|effect| *effect != TerminalEffect::Quit));
    screen.keys("f1").text("/measure the").keys("enter").shows(&["^R", "measure"]);
    screen.keys("esc esc").keys(":").text("measure").shows(&["^R"]);
}

// If this fails, the two that clash are both bound, or the file is read as if nothing were wrong.
#[test]
fn keys_that_clash_with_the_standard_ones_leave_those_standing() {
    let refused = crate::tui::check(
        &crate::config::Config::parse(OWN, std::path::Path::new("config.toml")).unwrap(),
    );
    assert!(refused.is_err(), "w is prompt in Tasks and shows the weak areas everywhere");
}

// If this fails, whoever counts movements as in vi has to press a key twenty times.
#[test]
fn a_count_repeats_the_movement_that_follows() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    sessions(&mut screen, 60);
    screen.keys("alt-1 2").shows(&["12 …"]).keys("j").shows(&["13 of 60"]);
    screen.keys("alt-3 k").shows(&["10 of 60"]);
    screen.keys("alt-4 2 G").shows(&["42 of 60"]).keys("alt-7 g").shows(&["7 of 60"]);
    screen.keys("alt-9 9 9 9 9 9 j").shows(&["60 of 60"]).keys("g j").shows(&["2 of 60"]);
    // Taken back, or followed by something that is no movement: it is gone.
    screen.keys("alt-5 esc j").shows(&["3 of 60"]).keys("alt-5 f j").shows(&["Failed"]);
}

// If this fails, digits are lost to whoever asked for counts, or the panes are.
#[test]
fn with_counts_in_the_settings_digits_count_and_alt_shows_the_panes() {
    let mut screen = Screen::configured(80, 24, "[tui]\ncounts = true");
    screen.keys("esc alt-2");
    sessions(&mut screen, 60);
    screen.keys("2 5 j").shows(&["26 of 60"]).keys("1 0 up").shows(&["16 of 60"]);
    screen.keys("alt-3").shows(&["Where is the model weak?", "3 Weak areas"]);
}

// If this fails, one of the movements that every list knows leads elsewhere in this one.
#[test]
fn half_pages_and_pages_move_in_lists_as_in_texts() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    sessions(&mut screen, 60);
    screen.shown();
    screen.keys("ctrl-d").shows(&["9 of 60"]).keys("ctrl-d ctrl-u").shows(&["9 of 60"]);
    screen.keys("g ctrl-f").shows(&["17 of 60"]).keys("ctrl-b").shows(&["1 of 60"]);
    screen.keys("?").shown();
    screen.keys("ctrl-d ctrl-d");
    assert!(!screen.shown().contains("Open the session"), "{}", screen.shown());
    screen.keys("g").shows(&["Open the session"]);
}

// If this fails, what is typed into a search is felt only after Enter, or Esc leaves the list narrowed.
#[test]
fn a_search_narrows_while_it_is_typed_and_esc_takes_it_back() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 2");
    sessions(&mut screen, 3);
    screen.effects.clear();
    screen.keys("/").text("la").shows(&["/ la"]);
    let searched: Vec<Option<String>> = screen
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::ListSessions(filter) => Some(filter.text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(searched, [Some("l".to_owned())], "the next is asked for when this one has come");
    screen.keys("enter").shows(&["/ la"]);
    screen.keys("/").text("rge").keys("esc").shows(&["/ la"]);
    screen.keys("esc").shows(&["/ search"]);
}

// If this fails, nobody finds one key among two hundred.
#[test]
fn the_help_is_narrowed_by_words() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc ? /").text("half page");
    screen.shows(&["Moving about", "^U", "^D", "half page"]);
    assert!(!screen.shown().contains("Redraw"), "{}", screen.shown());
    screen.keys("enter").shows(&["Help · half page"]);
    insta::assert_snapshot!("help_narrowed_80x24", screen.shown());
    screen.keys("esc").shows(&["Help · ↑↓ scroll"]).keys("esc");
    assert!(!screen.shown().contains("Help ·"));
}

// If this fails, a window that was made too small for a moment costs what was typed, or typing goes on into
// something that nobody sees.
#[test]
fn a_screen_without_room_says_so_takes_no_keys_and_loses_nothing() {
    let mut screen = Screen::new(80, 24);
    screen.text("kept").resize(40, 12).shows(&["needs 60 columns", "are 40 and 12", "^C"]);
    screen
        .text("lost")
        .keys("esc 2 q ctrl-p")
        .text("lost")
        .event(crate::tui::Event::Paste("lost".into()));
    for (width, height) in [(1, 1), (59, 40), (200, 15), (3, 2)] {
        screen.resize(width, height).shown();
    }
    screen.resize(80, 24).shows(&["kept", "Your task"]);
    assert!(!screen.shown().contains("lost"), "{}", screen.shown());
    assert!(screen.terminal_effects.iter().all(|effect| *effect != TerminalEffect::Quit));
    screen.resize(40, 12).shown();
    screen.keys("ctrl-c");
    assert!(screen.terminal_effects.contains(&TerminalEffect::Quit));
}

// If this fails, a window that changes its size while somebody writes a correction loses it, or takes the
// keys elsewhere.
#[test]
fn a_form_keeps_its_text_and_the_keys_through_every_size() {
    let mut screen = Screen::new(120, 40);
    screen.text("task").keys("enter");
    let work = screen.effects.iter().find_map(|effect| match effect {
        Effect::Ask { work, .. } => Some(*work),
        _ => None,
    });
    let answered = crate::driver::Answered {
        session: "session_20261123_120000".parse().unwrap(),
        arm: "base".into(),
        blind: false,
        text: "an answer".into(),
        stop: crate::runtime::Stop::EndOfTurn,
        tokens: 2,
        tokens_per_second: 9.0,
    };
    let event = crate::driver::WorkEvent::Answered(Box::new(answered));
    screen.report(crate::driver::Report::Work { work: work.unwrap(), event });
    screen.keys("2 tab").text("too terse").keys("tab ctrl-u").text("the right one");
    let scope = screen.app.present_scope();
    for (width, height) in [(60, 16), (10, 3), (200, 50), (80, 24), (61, 17)] {
        screen.resize(width, height).shown();
    }
    assert_eq!(screen.app.present_scope(), scope);
    screen.resize(120, 40).shows(&["too terse", "the right one"]).text("!");
    screen.shows(&["the right one!"]);
}

// If this fails, a person who counts with plain digits goes to no pane any more while a count stands.
#[test]
fn with_plain_counts_alt_and_a_digit_still_shows_a_pane() {
    let mut screen = Screen::configured(80, 24, "[tui]\ncounts = true");
    screen.keys("esc 5 alt-2").shows(&["Reading the sessions"]);
}

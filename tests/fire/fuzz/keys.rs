//! Whatever a terminal can send, in any order, into the whole dashboard.

use super::mutation::cases;
use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers, MediaKeyCode,
};
use jiff::Zoned;
use kaizen::config::Config;
use kaizen::tui::{App, Event, Places};
use kaizen::workplace::ArmChoice;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// The screen is drawn after so many events: that takes much longer than taking one in.
const DRAWN_EVERY: usize = 50;

fn character(random: &mut ChaCha8Rng) -> char {
    match random.random_range(0..8) {
        0 => random.random_range('\0'..' '),
        1 => random.random_range('\u{7f}'..'\u{250}'),
        2 => *['日', 'é', '\u{301}', '😀', '\u{200d}', '\u{202e}', '\u{feff}', '\u{10ffff}']
            .choose(random)
            .unwrap(),
        _ => random.random_range(' '..'\u{7f}'),
    }
}

fn code(random: &mut ChaCha8Rng) -> KeyCode {
    const NAMED: [KeyCode; 18] = [
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Insert,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Null,
        KeyCode::Menu,
        KeyCode::Media(MediaKeyCode::Play),
    ];
    match random.random_range(0..10) {
        0..4 => *NAMED.choose(random).unwrap(),
        4 => KeyCode::F(random.random_range(0..=255)),
        _ => KeyCode::Char(character(random)),
    }
}

fn key(random: &mut ChaCha8Rng) -> KeyEvent {
    let modifiers = match random.random_range(0..3) {
        0 => KeyModifiers::from_bits_truncate(random.random_range(0..=255)),
        _ => KeyModifiers::NONE,
    };
    let kind = match random.random_range(0..12) {
        0 => KeyEventKind::Release,
        1 => KeyEventKind::Repeat,
        _ => KeyEventKind::Press,
    };
    let state = KeyEventState::from_bits_truncate(random.random_range(0..=255));
    KeyEvent { code: code(random), modifiers, kind, state }
}

fn event(random: &mut ChaCha8Rng) -> Event {
    match random.random_range(0..100) {
        0 => {
            let length = random.random_range(0..200);
            Event::Paste((0..length).map(|_| character(random)).collect())
        }
        1 => Event::Resize(random.random_range(0..300), random.random_range(0..100)),
        2 => {
            // The clock goes back as often as forward.
            let second = random.random_range(0..60);
            Event::Tick(format!("2026-11-23T12:00:{second:02}[UTC]").parse().unwrap())
        }
        3 => Event::Edited(Ok((0..20).map(|_| character(random)).collect())),
        _ => Event::Key(key(random)),
    }
}

fn dashboard() -> App {
    let now: Zoned = "2026-11-23T12:00:00[UTC]".parse().unwrap();
    let places = Places { folder: "/home/ada".into(), home: Some("/home/ada".into()) };
    let mut app = App::new(Config::default(), ArmChoice::Auto, now, places);
    app.start();
    app
}

// If this fails, a stray key or a paste takes the dashboard down, and with it what was being written.
#[test]
fn no_keys_make_it_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut app = dashboard();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut ends = 0;
    for nth in 0..cases() {
        let event = event(&mut random);
        if let Event::Resize(width, height) = event {
            terminal.backend_mut().resize(width, height);
        }
        app.handle(event);
        if nth % DRAWN_EVERY == 0 {
            terminal.draw(|frame| app.draw(frame)).unwrap();
        }
        if app.is_quitting() {
            ends += 1;
            app = dashboard();
        }
    }
    // It was left now and then, and much happened between.
    assert!(ends > 0 && ends < cases() / 20, "{ends}");
}
